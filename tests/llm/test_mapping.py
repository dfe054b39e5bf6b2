"""What a model proposes for a table's columns, and what the language, the rows and the reviewer make of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from octo_core.asking.replies import MappingReply
from octo_core.mapping.model import ColumnMapping
from octo_resources.flow import Prepared, prepare
from octo_resources.flow.consulting import mappings
from tests.flow.nested import order, orders_pipeline
from tests.flow.shop import Shop, sale, sales
from tests.servers.api import Reply
from tests.servers.model import ModelServer, Says, answering, asked_of

AskingShop = Callable[..., Shop]
GOOD = {
    "sale_id": "id", "customer_id": "customer", "amount": "total", "status": "state", "placed_at": "at",
    "email": "lower(email)", "note": None,
}  # fmt: skip


def column(prepared: Prepared, name: str, table: str = "shop.sale") -> ColumnMapping:
    found = prepared.mapping.tables[table].column(name)
    assert found is not None
    return found


def planned(shop: Shop, **options: Any) -> Prepared:
    space = shop.space
    return prepare(space, space.pipeline("sales"), **options)


def mapping_questions(server: ModelServer) -> list[dict[str, Any]]:
    return [body for body in server.bodies if "columns" in asked_of(body)]


def in_turn(*mappings: dict[str, Any]) -> Says:
    """Another mapping each time one is asked for; the last again and again."""
    left = list(mappings)

    def says(body: dict[str, Any]) -> Any:
        if "columns" not in asked_of(body):
            return {"fields": []}
        return answering(mapping=left.pop(0) if len(left) > 1 else left[0])(body)

    return says


def test_its_choices_are_a_layer_of_the_plan(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        prepared = planned(shop)
        assert planned(shop).plan.fingerprint == prepared.plan.fingerprint
    assert prepared.mapping.proposer == "llm"
    assert {one.layer for one in prepared.mapping.tables["shop.sale"].columns} == {"llm"}
    email = column(prepared, "email")
    assert email.expr == "lower(email)"
    assert email.why == "it says so (openai/test-1)."
    assert [one.expr for one in email.alternatives] == ["email"]
    assert "The embedded matcher says the same." in column(prepared, "sale_id").why
    assert column(prepared, "note").expr is None
    assert len(mapping_questions(server)) == 1
    assert "proposed by the LLM" in shop.octopipe("plan", "sales").stdout


def test_what_the_language_refuses_goes_back_with_the_error(asking_shop: AskingShop) -> None:
    wrong = GOOD | {"amount": "totall", "status": "exec('rm -rf /')", "email": "(SELECT 1)"}
    with ModelServer(in_turn(wrong, GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        prepared = planned(shop)
    complaint = mapping_questions(server)[1]["messages"][-1]["content"]
    assert set(json.loads(complaint.split("\n", 1)[1])) == {"amount", "status", "email"}
    assert "Did you mean total?" in complaint
    assert column(prepared, "amount").expr == "total"
    assert not [warning for warning in prepared.plan.warnings if "refused" in warning]


def test_what_fails_on_the_rows_goes_back_and_at_last_the_embedded_word_holds(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD | {"customer_id": "cast(email as bigint)"})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        prepared = planned(shop)
    assert len(mapping_questions(server)) == 3
    assert "it fails for 50 of 50 rows" in mapping_questions(server)[1]["messages"][-1]["content"]
    assert "buyer" not in server.heard
    assert column(prepared, "customer_id").layer == "embedded"
    assert column(prepared, "customer_id").expr == "customer"
    assert [
        one
        for one in prepared.plan.warnings
        if one.startswith("shop.sale.customer_id: the expression of openai/test-1")
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {"columns": [{"column": "no_such", "expression": "id"}, {"column": "sale_id", "expression": "id"}]},
        {"columns": [{"column": "sale_id", "expression": "id"}] * 900},
        {"columns": [{"column": "sale_id", "expression": "id", "confidence": 90, "tool": {"rm": "-rf"}}]},
        {"columns": [{"column": "sale_id", "expression": "id", "confidence": "0.9", "why": "x" * 100_000}]},
        {"columns": [{"column": "sale_id", "expression": "(" * 500 + "id" + ")" * 500}]},
        {"columns": [{"column": "sale_id", "expression": "id" + " + 1" * 900}]},
        {"columns": []},
    ],
)
def test_a_reply_with_too_much_or_too_little_is_still_a_mapping(asking_shop: AskingShop, reply: dict[str, Any]) -> None:
    with ModelServer(lambda body: reply if "columns" in asked_of(body) else {"fields": []}) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    assert {one.target for one in prepared.mapping.tables["shop.sale"].columns} == set(GOOD)
    assert column(prepared, "sale_id").expr is not None
    assert all(len(one.why) < 500 for one in prepared.mapping.tables["shop.sale"].columns)


@pytest.mark.parametrize(
    "reply",
    [
        {"columns": [{"column": "sale_id", "expression": "id"}] * 2000},
        {"columns": [{"column": "sale_id", "expression": "x" * 5000}]},
        {"columns": "all of them"},
        Reply({"error": {"message": "no"}}, 500, {"Retry-After": "0"}),
    ],
)
def test_a_reply_past_every_limit_leaves_the_embedded_proposal(asking_shop: AskingShop, reply: Any) -> None:
    with ModelServer(lambda body: reply if "columns" in asked_of(body) else {"fields": []}) as server:
        shop = asking_shop(server, retries=1)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    assert column(prepared, "sale_id").layer == "embedded"
    assert column(prepared, "sale_id").expr == "id"
    warned = [one for one in prepared.plan.warnings if "proposed by the embedded matcher, as openai/test-1" in one]
    assert len(warned) == 1


@pytest.mark.parametrize("sure", [float("nan"), float("inf"), -3, 10**400, 900, "nan", "very", True, None, [0.9], {}])
def test_how_sure_a_model_says_it_is_costs_no_answer(sure: Any) -> None:
    choices = [{"column": "a", "expression": "x", "confidence": sure}, {"column": "b", "expression": "y"}]
    found = MappingReply.model_validate_json(json.dumps({"columns": [*choices, choices[1] | {"confidence": "90 %"}]}))
    assert [one.confidence for one in found.columns] == [0.5, 0.5, 0.9]


def test_a_reply_whose_one_confidence_is_no_number_is_taken(asking_shop: AskingShop) -> None:
    choices = [{"column": "sale_id", "expression": "id", "confidence": float("nan")},
               {"column": "email", "expression": "upper(email)", "confidence": 0.9}]  # fmt: skip
    with ModelServer(lambda body: {"columns": choices} if "columns" in asked_of(body) else {"fields": []}) as server:
        shop = asking_shop(server, retries=0)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    assert column(prepared, "email").expr == "upper(email)"
    assert column(prepared, "email").layer == "llm"
    assert column(prepared, "sale_id").expr == "id"


def test_expressions_that_take_too_long_to_try_are_refused(
    asking_shop: AskingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "AT_ONCE", 0.0)
    slow = GOOD | dict.fromkeys(GOOD, None) | {"email": "regexp_replace(repeat(email, 400), '(a+)+b', '')"}
    with ModelServer(in_turn(slow)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(2000)))
        prepared = planned(shop)
    assert column(prepared, "email").layer == "embedded"
    [warned] = [one for one in prepared.plan.warnings if "shop.sale.email: the expression of" in one]
    assert "was refused: it takes too" in warned


def test_the_reviewer_s_words_go_with_the_question_and_stay(asking_shop: AskingShop) -> None:
    def says(body: dict[str, Any]) -> Any:
        if "columns" not in asked_of(body):
            return {"fields": []}
        wanted = "upper(email)" if "in capitals" in str(asked_of(body).get("reviewer")) else "email"
        return answering(mapping=GOOD | {"email": wanted})(body)

    with ModelServer(says) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        first = planned(shop)
        done = shop.octopipe("map", "sales", "--feedback", "the address in capitals, please", "--json")
        assert done.returncode == 0, done.stderr
        second = json.loads(done.stdout)
        assert second["fingerprint"] != first.plan.fingerprint
        assert column(planned(shop), "email").expr == "upper(email)"
        assert column(planned(shop, again=True), "email").expr == "upper(email)"


def test_feedback_without_a_model_says_so(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server, share="none")
        shop.drop("sales", "a", sales(range(20)))
        done = shop.octopipe("map", "sales", "--feedback", "other")
    assert done.returncode == 2
    assert "feedback in words needs a language model, and none is asked: llm.share is none" in done.stderr


def test_feedback_with_the_embedded_proposer_is_followed_or_refused(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        said = shop.octopipe("map", "sales", "--feedback", "note comes from state", "--proposer", "embedded")
        refused = shop.octopipe("map", "sales", "--feedback", "make it nicer", "--proposer", "embedded")
        assert not mapping_questions(server)
        found = column(planned(shop), "note")
    assert (said.returncode, found.layer, found.expr) == (0, "correction", "state")
    assert refused.returncode == 2
    assert "needs a language model, and none is asked: the proposer is to be the embedded one" in refused.stderr


def test_the_embedded_proposer_can_be_asked_for(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        assert column(planned(shop, proposer="embedded"), "email").layer == "embedded"
        assert not mapping_questions(server)
        assert column(planned(shop, again=True), "email").layer == "llm"


def test_after_drift_only_what_is_affected_is_asked(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(200)))
        shop.start()
        before = len(server.asked)
        shop.drop("sales", "b", [sale(number, at=f"{13 + number % 9}.03.2026 10:00") for number in range(300, 500)])
        assert shop.run().status == "waiting_for_approval"
        asked = [asked_of(body) for body in server.bodies[before:]]
    assert [field["field"] for field in asked[0]["fields"]] == ["at"]
    assert [one["column"] for one in asked[1]["columns"]] == ["placed_at"]
    diff = planned(shop).plan.diff
    assert diff is not None
    assert "placed_at" in str(diff)
    assert "email" not in str(diff)


def test_a_wide_destination_does_not_go_whole_into_a_prompt(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping={})) as server:
        shop = asking_shop(server)
        columns = ", ".join(f"col_{number} text" for number in range(100))
        shop.sql(f"CREATE TABLE shop.wide (id bigint PRIMARY KEY, {columns})")
        shop.sales_pipeline(tables={"shop.wide": {"write": "merge"}})
        (shop.root / "pipelines" / "sales" / "mapping.yaml").unlink()
        record = {"id": 1} | {f"field_{number}": f"text {number}" for number in range(200)}
        shop.drop("sales", "a", [record | {"id": number} for number in range(20)])
        planned(shop)
    asked = [asked_of(body) for body in mapping_questions(server)]
    assert [len(one["columns"]) for one in asked] == [40, 40, 21]
    assert all(len(one["fields"]) < 200 for one in asked)


def test_what_was_approved_goes_along_as_an_example(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        shop.start()
        shop.sales_pipeline("again")
        (shop.root / "pipelines" / "again" / "mapping.yaml").unlink()
        shop.land("again")
        shop.plan("again")
        asked = asked_of(mapping_questions(server)[-1])["mappings_approved_before"]
    assert {"table": "shop.sale", "column": "email", "expression": "lower(email)"} in asked


def test_a_child_table_is_mapped_from_the_elements_of_a_list(asking_shop: AskingShop) -> None:
    item = {"purchase_id": "parent.id", "line": "_index", "sku": "upper(sku)", "quantity": "no_such"}
    with ModelServer(answering(mapping=item)) as server:
        shop = asking_shop(server)
        orders_pipeline(shop)
        (shop.root / "pipelines" / "orders" / "mapping.yaml").unlink()
        shop.drop("orders", "a", [order(number, {"sku": "a", "qty": 1, "price": "9.90"}) for number in range(20)])
        shop.land("orders")
        prepared = shop.plan("orders")
    table = "sales.purchase_item"
    assert column(prepared, "sku", table).expr == "upper(sku)"
    assert column(prepared, "sku", table).layer == "llm"
    assert column(prepared, "purchase_id", table).expr == "parent.id"
    assert column(prepared, "quantity", table).layer == "embedded"


@pytest.mark.parametrize(
    ("name", "expr", "said"),
    [
        ("status", "upper(state)", "it breaks the column's check for 50 of 50 rows"),
        ("amount", "total * -1", "it breaks the column's check for 50 of 50 rows"),
        ("customer_id", "nullif(customer, customer)", "it is null for 50 of 50 rows, and the column takes no null"),
    ],
)
def test_what_the_column_would_refuse_of_most_rows_goes_back(
    asking_shop: AskingShop, name: str, expr: str, said: str
) -> None:
    with ModelServer(answering(mapping=GOOD | {name: expr})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(1, 51)))
        prepared = planned(shop)
    assert said in mapping_questions(server)[1]["messages"][-1]["content"]
    assert column(prepared, name).layer == "embedded"
    assert {column(prepared, other).layer for other in GOOD if other != name} == {"llm"}


def test_null_for_a_column_that_takes_none_and_that_a_field_fits_goes_back(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD | {"sale_id": None, "customer_id": None})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(1, 51)))
        prepared = planned(shop)
    assert "so that no row would load" in mapping_questions(server)[1]["messages"][-1]["content"]
    assert (column(prepared, "sale_id").layer, column(prepared, "sale_id").expr) == ("embedded", "id")
    assert any("sale_id" in one and "no row would load" in one for one in prepared.plan.warnings)


def test_what_decides_nothing_does_not_refuse_a_reply(asking_shop: AskingShop) -> None:
    many = {"expression": "lower(email)", "alternatives": ["email"] * 5000, "why": None, "confidence": None}
    with ModelServer(answering(mapping=GOOD | {"email": many})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    assert column(prepared, "email").expr == "lower(email)"
    assert column(prepared, "email").confidence == 0.5
    assert len(column(prepared, "email").alternatives) <= 3


def test_columns_are_known_by_other_spellings_and_those_left_out_are_named(asking_shop: AskingShop) -> None:
    spelled = {"SALE_ID": "id", "shop.sale.amount": "total", '"email"': "lower(email)"}
    with ModelServer(answering(mapping=spelled)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    layers = {one.target for one in prepared.mapping.tables["shop.sale"].columns if one.layer == "llm"}
    assert layers == {"sale_id", "amount", "email"}
    [warned] = [one for one in prepared.plan.warnings if "did not say" in one]
    assert "what feeds customer_id, status, placed_at, note: the embedded matcher's word holds" in warned


def test_a_key_that_most_rows_share_is_warned_of(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD | {"sale_id": "customer"})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(20)))
        prepared = planned(shop)
    assert "shop.sale: 17 of 20 rows repeat an earlier one's sale_id: is it a key?" in prepared.plan.warnings


def test_a_field_that_is_mostly_empty_is_the_rows_fault(asking_shop: AskingShop) -> None:
    with ModelServer(answering(mapping=GOOD | {"customer_id": "buyer"})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", [sale(number, buyer=None if number % 10 else 1) for number in range(1, 51)])
        prepared = planned(shop)
    assert column(prepared, "customer_id").expr == "buyer"


@pytest.mark.parametrize("status", [401, 404])
def test_who_refuses_the_key_or_has_no_such_model_is_asked_once_in_a_command(
    asking_shop: AskingShop, status: int
) -> None:
    with ModelServer([Reply({"error": {"message": "no"}}, status)]) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        said = planned(shop).plan.warnings
        assert len(server.asked) == 1
        planned(shop, again=True)
        assert len(server.asked) == 2  # another command: the key may be another one by now
    assert len([one for one in said if f"({status})" in one]) == 1
