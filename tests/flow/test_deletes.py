"""`deletes`: what a pipeline does with rows that its source took away, from the file to the ledger."""

from typing import Any

import pytest

from octo_core.errors import SpecError, UsageError
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.show import plan_text
from tests.flow.shop import SALE, Shop, sale, sales

TOMBSTONES = {"mark": "gone", "found_by": "tombstone"}
ABSENCE = {"mark": "gone", "found_by": "absence"}


@pytest.fixture
def marked(shop: Shop) -> Shop:
    shop.sql("ALTER TABLE shop.sale ADD COLUMN gone timestamptz")
    return shop


def _pipeline(shop: Shop, deletes: Any, **more: Any) -> None:
    shop.sales_pipeline(table={"deletes": deletes} | more)


def _gone(shop: Shop) -> list[int]:
    return [number for (number,) in shop.sql("SELECT sale_id FROM shop.sale WHERE gone IS NOT NULL ORDER BY 1")]


def test_tombstones_mark_rows_and_are_no_drift(marked: Shop) -> None:
    shop = marked
    _pipeline(shop, TOMBSTONES)
    shop.drop("sales", "1", [*sales(range(1, 121)), {"id": 5, "_deleted": True}])
    first = shop.start().tables["shop.sale"]
    assert (first.read, first.inserted, first.deduplicated, first.tombstoned) == (121, 119, 1, 1)
    # Most of a batch may be tombstones, which miss every other field; what breaks a rule in one matters to nobody.
    gone = [{"id": number, "_deleted": True, "total": "no number"} for number in range(10, 100)]
    shop.drop("sales", "2", [*gone, *sales([5, 200]), sale(6, total="6.51", _deleted=False), {"_deleted": True}])
    result = shop.run()
    ledger = result.tables["shop.sale"]
    assert result.status == "loaded"
    assert not result.warnings
    assert (ledger.read, ledger.tombstoned, ledger.soft_deleted, ledger.quarantined) == (94, 90, 90, 1)
    assert (ledger.inserted, ledger.updated) == (2, 1)
    assert _gone(shop) == list(range(10, 100))
    (kept,) = shop.quarantined(result.load_id)
    assert (kept.reason, kept.payload) == ("key column sale_id is null", '{"_deleted": true}')
    shop.drop("sales", "3", sales([10]))
    assert shop.run().tables["shop.sale"].updated == 1
    assert _gone(shop) == list(range(11, 100))


def test_a_field_that_is_new_in_tombstones_alone_is_no_drift(marked: Shop) -> None:
    shop = marked
    _pipeline(shop, TOMBSTONES)
    shop.drop("sales", "1", sales(range(1, 121)))
    shop.start()
    gone = [{"id": number, "_deleted": True, "colour": "red"} for number in range(1, 111)]
    shop.drop("sales", "2", [*gone, *sales(range(121, 131))])
    result = shop.run()
    assert (result.status, result.warnings) == ("loaded", ())
    gone = [{"id": number, "_deleted": True, "colour": "red"} for number in range(111, 121)]
    shop.drop("sales", "3", [*gone, *(sale(number, colour="red") for number in range(131, 151))])
    shop.land()
    drifted = shop.load()
    assert drifted.result.status == "waiting_for_approval"
    (said,) = drifted.drift["shop.sale"]
    assert "colour is new" in said
    assert "all 20 rows" in said


def test_what_is_absent_from_the_whole_source_is_marked(marked: Shop) -> None:
    shop = marked
    _pipeline(shop, ABSENCE)
    shop.drop("sales", "all", sales(range(1, 11)))
    shop.start()
    shop.drop("sales", "all", [*sales(range(1, 8)), sale(8, total="much")])
    ledger = shop.run().tables["shop.sale"]
    assert (ledger.read, ledger.unchanged, ledger.quarantined, ledger.soft_deleted) == (8, 7, 1, 2)
    assert _gone(shop) == [9, 10], "8 is at the source still"
    shop.drop_text("sales", "all.jsonl", '{"id": 1, "customer"\n')
    result = shop.run()
    assert "1 of the source's rows" in result.warnings[0]
    assert _gone(shop) == [9, 10]


def test_the_plan_says_it_and_the_fingerprint_covers_it(marked: Shop) -> None:
    shop = marked
    shop.sales_pipeline()
    shop.drop("sales", "1", [*sales(range(1, 6)), {"id": 3, "_deleted": True}])
    shop.land()
    plain = shop.plan().plan
    assert plain.tables["shop.sale"].rows_quarantined == 1, "without deletes it is a record as any other"
    _pipeline(shop, TOMBSTONES)
    prepared = shop.plan()
    plan = prepared.plan.tables["shop.sale"]
    assert plan.would is not None
    assert (plan.would["tombstoned"], plan.would["inserted"]) == (1, 4)
    assert "_deleted" not in plan.unmapped_source
    assert "what is gone (by tombstones) is marked in gone" in plan_text(prepared.plan, prepared.recipe)
    _pipeline(shop, ABSENCE)
    assert len({fingerprint(shop.plan().recipe), fingerprint(prepared.recipe), plain.fingerprint}) == 3
    left = next(one for one in plan.unmapped_target if one.target == "gone")
    assert left.why == "set where a row is gone from the source (deletes, found by tombstone)"


@pytest.mark.parametrize(
    ("deletes", "more", "said"),
    [
        ({"mark": "gon"}, {}, "has no column 'gon'. Did you mean 'gone'?"),
        ({"mark": "note"}, {}, "a timestamp (set to the load's time) or a boolean"),
        ({"mark": "placed_at"}, {}, "takes no null"),
        (TOMBSTONES, {"write": "append"}, "rows are marked with write: merge, and this is append"),
    ],
)
def test_what_cannot_mark_a_row_is_refused(marked: Shop, deletes: Any, more: dict[str, Any], said: str) -> None:
    marked.drop("sales", "1", sales(range(1, 6)))
    _pipeline(marked, deletes, **more)
    with pytest.raises((SpecError, UsageError)) as refused:
        marked.plan()
    assert said in str(refused.value)


def test_a_marking_column_is_not_mapped_as_well(marked: Shop) -> None:
    marked.drop("sales", "1", sales(range(1, 6)))
    marked.sales_pipeline(table={"deletes": TOMBSTONES})
    mapping = marked.root / "pipelines" / "sales" / "mapping.yaml"
    mapping.write_text(mapping.read_text() + "  gone: at\n")
    with pytest.raises(UsageError, match="is mapped, and marks what is gone"):
        marked.plan()
    assert "gone" not in SALE
