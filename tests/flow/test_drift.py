"""A source that changes: what was approved does not load it, its data waits, and nothing is lost meanwhile."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from octo_core.errors import DriftStop, NotApproved
from octo_resources.flow import correct
from tests.flow.shop import CUSTOMER, SALE, Shop, sale, sales


def started(shop: Shop, **drift: str) -> str:
    """A pipeline that has loaded 200 rows, under a policy; the fingerprint of its plan."""
    shop.sales_pipeline(drift=drift)
    shop.drop("sales", "a", sales(range(1, 201)))
    return shop.start().fingerprint


def quantities(numbers: range) -> list[dict[str, Any]]:
    """From now on the total says its currency."""
    return [sale(number, total=f"{number}.50 EUR") for number in numbers]


def test_a_changed_type_waits_and_loads_after_approval_with_nothing_lost(shop: Shop) -> None:
    old = started(shop)
    shop.drop("sales", "b", quantities(range(201, 401)))
    before = shop.state()
    waits = shop.run()
    assert waits.status == "waiting_for_approval"
    assert waits.fingerprint != old
    assert shop.state() == before
    assert len(shop.space.landing.batches("sales", "sales")) == 2
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))

    shop.drop("sales", "c", quantities(range(401, 421)))
    shop.land()
    with pytest.raises(NotApproved):
        shop.load()
    assert shop.state() == before

    plan = shop.plan().plan
    assert plan.state == "pending"
    assert plan.approved_fingerprint == old
    assert plan.diff is not None
    assert [change.what for change in plan.diff.changes if "total" in change.what]
    amount = "cast(split_part(total, ' ', 1) as decimal(10, 2))"
    document = {"shop.sale": SALE | {"amount": amount}}
    (shop.root / "pipelines" / "sales" / "mapping.yaml").write_text(yaml.safe_dump(document))
    shop.approve()
    loaded = shop.load().result
    assert loaded.status == "loaded"
    assert loaded.tables["shop.sale"].inserted == 220
    assert loaded.tables["shop.sale"].quarantined == 0
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(420, 420)]


def test_one_bad_value_is_not_drift(shop: Shop) -> None:
    started(shop)
    shop.drop("sales", "b", [*sales(range(201, 401)), *quantities(range(401, 406))])
    result = shop.run()
    assert result.status == "loaded"
    assert result.tables["shop.sale"].quarantined == 5
    assert any("total" in warning for warning in result.warnings)


def test_a_changed_type_that_is_ignored_sets_the_rows_aside(shop: Shop) -> None:
    started(shop, type_change="ignore")
    shop.drop("sales", "b", [*sales(range(201, 301)), *quantities(range(301, 401))])
    result = shop.run()
    assert result.status == "loaded"
    assert result.tables["shop.sale"].inserted == 100
    assert result.tables["shop.sale"].quarantined == 100


def test_a_changed_type_that_stops_fails_and_keeps_the_data(shop: Shop) -> None:
    started(shop, type_change="stop")
    shop.drop("sales", "b", quantities(range(201, 401)))
    before = shop.state()
    with pytest.raises(DriftStop, match="total"):
        shop.run()
    assert shop.state() == before
    assert len(shop.space.landing.batches("sales", "sales")) == 2
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))


def test_a_new_field_asks_by_taking_the_approval_back(shop: Shop) -> None:
    old = started(shop)
    shop.drop("sales", "b", sales(range(201, 301), channel="web"))
    before = shop.state()
    waits = shop.run()
    assert waits.status == "waiting_for_approval"
    assert waits.fingerprint == old  # nothing uses the field
    assert shop.state() == before
    decision = shop.registry.decisions.holding("sales", old)
    assert decision is not None
    assert (decision.decision, decision.via) == ("reject", "drift")
    assert "channel" in (decision.reason or "")
    with pytest.raises(NotApproved, match="channel"):
        shop.load()
    assert "channel" in shop.plan().plan.tables["shop.sale"].unmapped_source
    shop.approve()
    assert shop.load().result.tables["shop.sale"].inserted == 100
    shop.drop("sales", "c", sales(range(301, 311), channel="web"))
    assert shop.run().status == "loaded"  # asked once


@pytest.mark.parametrize("drift", ["ask", "ignore"])
def test_a_source_that_was_empty_when_its_plan_was_approved_gets_a_plan_with_its_first_rows(
    shop: Shop, drift: str
) -> None:
    shop.pipeline_file(
        "sales",
        {
            "sources": {"sales": {"kind": "file", "path": "in/sales/*.json"}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.visit": {"key": ["visit_id"], "write": "append"}},
            "drift": {"new_field": drift},
        },
    )
    shop.drop_text("sales", "a.json", "[]")
    shop.land()
    empty = shop.approve()
    rows = [{"visit_id": number, "page": f"/{number}", "seconds": number} for number in range(20)]
    shop.drop_text("sales", "b.json", json.dumps(rows))
    shop.land()
    with pytest.raises(NotApproved):
        shop.load()
    assert shop.approve() != empty
    assert shop.load().result.tables["shop.visit"].inserted == 20


def test_a_new_field_that_is_ignored_loads_with_a_word(shop: Shop) -> None:
    started(shop, new_field="ignore")
    shop.drop("sales", "b", sales(range(201, 301), channel="web"))
    result = shop.run()
    assert result.status == "loaded"
    assert result.tables["shop.sale"].inserted == 100
    assert any("channel" in warning for warning in result.warnings)


def test_a_new_field_that_stops_fails(shop: Shop) -> None:
    started(shop, new_field="stop")
    shop.drop("sales", "b", sales(range(201, 301), channel="web"))
    before = shop.state()
    with pytest.raises(DriftStop, match="channel"):
        shop.run()
    assert shop.state() == before


def without_email(numbers: range) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != "email"} for one in sales(numbers)]


def test_a_missing_field_stops(shop: Shop) -> None:
    started(shop)
    shop.drop("sales", "b", without_email(range(201, 301)))
    before = shop.state()
    with pytest.raises(DriftStop, match="email is missing"):
        shop.run()
    assert shop.state() == before


def test_a_missing_field_that_is_ignored_is_null(shop: Shop) -> None:
    started(shop, missing_field="ignore")
    shop.drop("sales", "b", without_email(range(201, 301)))
    assert shop.run().tables["shop.sale"].inserted == 100
    assert shop.sql("SELECT count(*) FROM shop.sale WHERE email IS NULL") == [(100,)]


def test_a_missing_field_that_asks_waits_and_then_loads(shop: Shop) -> None:
    """The mapping is the matcher's own, so that it can be made again."""
    shop.sales_pipeline(
        drift={"missing_field": "ask"}, table={"labels": {"amount": "total", "customer_id": "customer"}}
    )
    (shop.root / "pipelines" / "sales" / "mapping.yaml").unlink()
    shop.drop("sales", "a", sales(range(1, 201)))
    shop.start()
    assert shop.count() == 200
    shop.drop("sales", "b", without_email(range(201, 301)))
    before = shop.state()
    assert shop.run().status == "waiting_for_approval"
    assert shop.state() == before
    with pytest.raises(NotApproved, match="email"):
        shop.load()
    shop.approve()
    assert shop.load().result.tables["shop.sale"].inserted == 100
    assert shop.sql("SELECT count(*) FROM shop.sale WHERE email IS NULL") == [(100,)]


def test_a_missing_field_that_the_file_still_maps_says_so(shop: Shop) -> None:
    started(shop, missing_field="ask")
    shop.drop("sales", "b", without_email(range(201, 301)))
    before = shop.state()
    said = shop.octopipe("run", "sales")
    assert (said.returncode, said.stderr) == (3, "")
    for words in ("no new plan can be made", "email is missing", "mapping.yaml", "it loads after approval"):
        assert words in said.stdout
    assert shop.state() == before
    document = {"shop.sale": SALE | {"email": {"unmapped": "the source does not say it any more"}}}
    (shop.root / "pipelines" / "sales" / "mapping.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(NotApproved):
        shop.load()
    shop.approve()
    assert shop.load().result.tables["shop.sale"].inserted == 100


def test_a_correction_that_the_source_has_outgrown_waits_however_often_it_runs(shop: Shop) -> None:
    shop.sales_pipeline()
    document = {"shop.sale": {column: said for column, said in SALE.items() if column != "amount"}}
    (shop.root / "pipelines" / "sales" / "mapping.yaml").write_text(yaml.safe_dump(document))
    shop.drop("sales", "a", sales(range(1, 201)))
    correct(shop.space, shop.pipeline(), {"shop.sale.amount": "total + 0.25"}, reviewer="ana@shop.example")
    shop.start()
    shop.drop("sales", "b", [sale(number, total=f"about {number}") for number in range(201, 401)])
    before = shop.state()
    for _ in range(2):
        said = shop.octopipe("run", "sales")
        assert (said.returncode, said.stderr) == (3, "")
        assert "no new plan can be made" in said.stdout
        assert "octopipe map sales --set shop.sale.amount=" in said.stdout
    answer = shop.octopipe("run", "sales", "--json")
    assert answer.returncode == 3
    assert json.loads(answer.stdout)["status"] == "waiting_for_approval"
    assert shop.octopipe("plan", "sales").returncode == 3
    assert shop.state() == before
    with pytest.raises(NotApproved, match="does not fit it any more"):
        shop.load()

    mended = shop.octopipe("map", "sales", "--set", "shop.sale.amount=cast(split_part(total, ' ', 2) as decimal(10,2))")
    assert mended.returncode == 0
    shop.approve()
    assert shop.load().result.tables["shop.sale"].inserted == 200


def test_a_wrong_correction_without_drift_is_a_mistake(shop: Shop) -> None:
    started(shop)
    document = {"shop.sale": SALE | {"amount": "totl"}}
    (shop.root / "pipelines" / "sales" / "mapping.yaml").write_text(yaml.safe_dump(document))
    assert shop.octopipe("run", "sales").returncode == 2


def test_drift_in_one_source_keeps_the_whole_pipeline_out(shop: Shop) -> None:
    shop.shop_pipeline()
    shop.drop_text("customers", "a.csv", "id,name,level\n1,Ana,gold\n2,Bo,basic\n3,Cy,basic\n")
    shop.drop("sales", "a", sales(range(1, 201)))
    shop.start("shop")
    assert set(CUSTOMER) <= {row[0] for row in shop.sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'shop.customer'::regclass")}  # fmt: skip
    shop.drop_text("customers", "b.csv", "id,name,level\n4,Di,gold\n")
    shop.drop("sales", "b", quantities(range(201, 401)))
    before = shop.state()
    assert shop.run("shop").status == "waiting_for_approval"
    assert shop.state() == before


def test_a_dry_run_over_drift_changes_no_schema_and_no_approval(shop: Shop) -> None:
    old = started(shop)
    shop.drop("sales", "b", sales(range(201, 301), channel="web"))
    shop.land()
    assert shop.load(dry_run=True).result.status == "waiting_for_approval"
    assert shop.registry.plan_state("sales", old) == "approved"


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [(pa.int32(), pa.int64(), 2**40), (pa.decimal128(12, 2), pa.decimal128(14, 4), Decimal("0.1234"))],
)
def test_a_later_parquet_file_of_another_type_waits_and_loads_once_approved(
    shop: Shop, before: pa.DataType, after: pa.DataType, value: int | Decimal
) -> None:
    shop.sql("CREATE TABLE shop.wide (id bigint PRIMARY KEY, v numeric(30, 4))")
    destination = {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"}
    source = {"kind": "file", "path": "in/wide/*.parquet", "key": ["id"]}
    tables = {"shop.wide": {"write": "merge"}}
    shop.pipeline_file("wide", {"sources": {"wide": source}, "destination": destination, "tables": tables})

    def drop(name: str, first: int, values: list[int | Decimal], kind: pa.DataType) -> None:
        ids = pa.array(range(first, first + len(values)), pa.int64())
        path = shop.drop_text("wide", f"{name}.parquet", "")
        parquet.write_table(pa.table({"id": ids, "v": pa.array(values, kind)}), path)

    drop("a", 1, [1] * 120, before)
    assert shop.start("wide").tables["shop.wide"].inserted == 120
    drop("b", 1000, [value] * 120, after)
    assert shop.run("wide").status == "waiting_for_approval"
    assert shop.count("shop.wide") == 120
    shop.approve("wide")
    assert shop.load("wide").result.tables["shop.wide"].inserted == 120
    assert shop.sql("SELECT DISTINCT v FROM shop.wide WHERE id >= 1000") == [(value,)]
