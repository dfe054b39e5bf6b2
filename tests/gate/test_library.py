"""Round the gate by the library: with no approval or another's, with hand-made plans, with edited files."""

from dataclasses import replace

import pytest

from octo_core.errors import UsageError
from octo_core.mapping.model import Mapping
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.recipe import build_recipe
from octo_resources.flow import Prepared, approve, correct, load, reject
from tests.flow.shop import REVIEWER, SALE, Shop, sale, sales
from tests.gate.attacks import approved, nothing_loads


def with_expression(prepared: Prepared, column: str, text: str) -> Mapping:
    """The mapping with one expression changed."""
    table = prepared.mapping.tables["shop.sale"]
    columns = tuple(one.model_copy(update={"expr": text}) if one.target == column else one for one in table.columns)
    changed = table.model_copy(update={"columns": columns})
    return prepared.mapping.model_copy(update={"tables": {"shop.sale": changed}})


def test_what_nobody_approved_does_not_load(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    with pytest.raises(Exception, match="not approved") as refused:
        shop.load()
    assert shop.count() == 0
    assert f"octopipe approve sales --fingerprint {shop.plan().plan.fingerprint[:8]}" in str(refused.value)


def test_a_rejected_plan_does_not_load(shop: Shop) -> None:
    fingerprint_ = approved(shop)
    reject(shop.space, shop.pipeline(), fingerprint_[:8], reviewer=REVIEWER, reason="no", via="cli")
    with nothing_loads(shop, match="rejected it"):
        shop.load()


def test_the_plan_object_may_lie_about_its_fingerprint(shop: Shop) -> None:
    honest = approved(shop)
    prepared = shop.plan()
    mapping = with_expression(prepared, "amount", "total * 100")
    lie = replace(prepared, mapping=mapping)
    assert lie.plan.fingerprint == honest
    assert lie.plan.state == "approved"
    with nothing_loads(shop):
        load(shop.space, shop.pipeline(), prepared=lie)


def test_the_recipe_may_lie_about_what_would_run(shop: Shop) -> None:
    approved(shop)
    prepared = shop.plan()
    columns = {**prepared.recipe.tables["shop.sale"].columns, "amount": "total * 100"}
    table = prepared.recipe.tables["shop.sale"].model_copy(update={"columns": columns})
    lie = replace(prepared, recipe=prepared.recipe.model_copy(update={"tables": {"shop.sale": table}}))
    load(shop.space, shop.pipeline(), prepared=lie)  # the approved mapping is what runs, whatever the recipe says
    assert shop.sql("SELECT amount::text FROM shop.sale WHERE sale_id = 100") == [("100.50",)]


def test_a_plan_that_evaluates_otherwise_than_it_says_is_not_asked(shop: Shop) -> None:
    approved(shop)

    class Sly(Prepared):
        def nodes(self, table: str):  # type: ignore[no-untyped-def]  # an attacker's
            raise AssertionError(f"the load asked a plan of its caller's for the expressions of {table}")

    prepared = shop.plan()
    sly = Sly(prepared.plan, prepared.recipe, prepared.schemas, prepared.catalog, prepared.mapping, prepared.decision)
    assert load(shop.space, shop.pipeline(), prepared=sly).result.status == "loaded"


def test_a_catalog_of_the_callers_own_is_not_believed(shop: Shop) -> None:
    """The check is gone from the table; the hand-made catalog still has it, with today's signature."""
    approved(shop)
    prepared = shop.plan()
    shop.sql("ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check")
    signature = shop.space.destination(shop.pipeline()).signature(["shop.sale"])
    lie = replace(prepared, catalog=prepared.catalog.model_copy(update={"signature": signature}))
    with nothing_loads(shop):
        load(shop.space, shop.pipeline(), prepared=lie)


def test_a_plan_of_another_pipeline_cannot_be_handed_in(shop: Shop) -> None:
    approved(shop)
    shop.sales_pipeline("other")
    shop.land("other")
    with nothing_loads(shop):
        load(shop.space, shop.pipeline("other"), prepared=shop.plan("sales"))


def test_another_pipelines_approval_is_none(shop: Shop) -> None:
    """The same source, tables and mapping under another name."""
    first = approved(shop)
    shop.sales_pipeline("other")
    shop.land("other")
    assert shop.plan("other").plan.fingerprint != first
    with nothing_loads(shop):
        shop.load("other")
    with pytest.raises(UsageError):
        approve(shop.space, shop.pipeline("other"), first, reviewer=REVIEWER, via="cli")
    with nothing_loads(shop):
        shop.load("other")


def test_an_edited_mapping_file_needs_approval(shop: Shop) -> None:
    approved(shop)
    folder = shop.root / "pipelines" / "sales" / "mapping.yaml"
    folder.write_text(folder.read_text().replace("amount: total", "amount: total * 100"))
    with nothing_loads(shop, match="amount"):
        shop.load()


@pytest.mark.parametrize(
    "changed",
    [
        {"write": "append"},
        {"key": ["sale_id", "customer_id"]},
        {"labels": {"amount": {"label": "the total", "unit": "cents"}}},
        {"labels": {"email": {"label": "who to write to", "pii": True}}},
        {"version": "placed_at"},
    ],
)
def test_an_edited_pipeline_file_needs_approval(shop: Shop, changed: dict[str, object]) -> None:
    approved(shop)
    shop.sales_pipeline(table=changed)
    with nothing_loads(shop):
        shop.load()


def test_another_drift_policy_needs_approval(shop: Shop) -> None:
    approved(shop)
    shop.sales_pipeline(drift={"type_change": "ignore"})
    with nothing_loads(shop, match="type_change"):
        shop.load()


def test_what_is_not_covered_needs_none(shop: Shop) -> None:
    approved(shop)
    shop.sales_pipeline(owner="bo@shop.example", schedule="0 6 * * *", quarantine={"max_rows": 5}, engine="duckdb")
    assert shop.load().result.status == "loaded"


def test_a_correction_makes_a_plan_that_needs_approval(shop: Shop) -> None:
    approved(shop)
    correct(shop.space, shop.pipeline(), {"shop.sale.note": "upper(email)"}, reviewer="eve@shop.example")
    with nothing_loads(shop, match="note"):
        shop.load()
    shop.approve()
    assert shop.load().result.status == "loaded"


def test_an_edit_between_plan_and_approval_is_noticed(shop: Shop) -> None:
    """The reviewer read one plan; the file was edited before they approved."""
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    read = shop.plan().plan.fingerprint
    folder = shop.root / "pipelines" / "sales" / "mapping.yaml"
    folder.write_text(folder.read_text().replace("amount: total", "amount: total * 100"))
    with pytest.raises(UsageError, match=r"not the current one.*\n.*amount"):
        approve(shop.space, shop.pipeline(), read, reviewer=REVIEWER, via="cli")
    with pytest.raises(Exception, match="not approved"):
        shop.load()
    assert shop.count() == 0


def test_an_edit_right_after_the_look_that_an_approval_takes_is_noticed_by_the_load(shop: Shop) -> None:
    """The race that no lock can close: the approval is of what was read, so what was edited is not approved."""
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    space, before = shop.space, shop.pipeline()
    read = shop.plan().plan.fingerprint
    folder = shop.root / "pipelines" / "sales" / "mapping.yaml"
    folder.write_text(folder.read_text().replace("amount: total", "amount: total * 100"))
    approve(space, before, read, reviewer=REVIEWER, via="cli")  # has the file as it was before the edit
    with pytest.raises(Exception, match="not approved"):
        shop.load()
    assert shop.count() == 0


def test_an_edit_while_a_load_runs_changes_nothing_of_it(shop: Shop) -> None:
    approved(shop)

    def edit(point: str) -> None:
        if point == "copied":
            shop.pipeline_file("sales", {}, {"shop.sale": SALE | {"amount": "total * 100"}})

    assert shop.load(stage=edit).result.status == "loaded"
    assert shop.sql("SELECT amount::text FROM shop.sale WHERE sale_id = 100") == [("100.50",)]


def test_an_approval_revoked_while_the_rows_are_copied_stops_the_load(shop: Shop) -> None:
    fingerprint_ = approved(shop)

    def revoke(point: str) -> None:
        if point == "copied":
            reject(shop.space, shop.pipeline(), fingerprint_[:8], reviewer=REVIEWER, reason="stop", via="cli")

    with nothing_loads(shop, match="rejected it"):
        shop.load(stage=revoke)
    failed = shop.registry.executions.newest("sales")
    assert failed is not None
    assert failed.status == "failed"


def test_a_dry_run_of_what_nobody_approved_commits_nothing(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.start()
    shop.drop("sales", "b", [sale(100)])
    shop.land()
    before = shop.state()
    folder = shop.root / "pipelines" / "sales" / "mapping.yaml"
    folder.write_text(folder.read_text().replace("amount: total", "amount: total * 100"))
    assert shop.load(dry_run=True).result.tables["shop.sale"].inserted == 1
    assert shop.state() == before


@pytest.mark.parametrize(
    ("given", "says"),
    [("12345678", "never had a plan"), ("abc", "8 to 64"), ("", "8 to 64"), ("zzzzzzzz", "8 to 64")],
)
def test_a_wrong_or_short_fingerprint_is_refused(shop: Shop, given: str, says: str) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    with pytest.raises(UsageError, match=says):
        approve(shop.space, shop.pipeline(), given, reviewer=REVIEWER, via="cli")
    assert shop.registry.decisions.all() == ()


def test_a_stale_fingerprint_is_refused_with_what_changed_since(shop: Shop) -> None:
    first = approved(shop)
    shop.sales_pipeline(table={"labels": {"amount": {"label": "the total", "unit": "EUR"}}})
    shop.plan()
    with pytest.raises(UsageError, match=f"Plan {first[:8]} of sales is not the current one") as refused:
        approve(shop.space, shop.pipeline(), first[:8], reviewer=REVIEWER, via="cli")
    assert "amount" in str(refused.value)
    assert "octopipe plan sales --diff" in str(refused.value)


def test_the_fingerprint_of_a_plan_is_of_what_its_parts_say(shop: Shop) -> None:
    print_ = approved(shop)
    prepared = shop.plan()
    made = build_recipe(shop.pipeline().spec, prepared.schemas, prepared.catalog, prepared.mapping, {})
    assert fingerprint(made) == prepared.plan.fingerprint == print_
