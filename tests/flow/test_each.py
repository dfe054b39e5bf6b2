"""Lists inside records become rows of a child table: what is read, what is set aside, and what is counted."""

import json

import pytest

from octo_core.errors import DriftStop
from octo_core.ledger import LoadResult
from tests.flow.nested import ITEM, PURCHASE, item, order, orders_pipeline
from tests.flow.shop import Shop

ITEMS = "sales.purchase_item"


def ledger(result: LoadResult, table: str = ITEMS) -> dict[str, int]:
    counts = result.tables[table].model_dump(exclude={"seconds"})
    return {name: count for name, count in counts.items() if count}


def test_each_element_of_a_list_becomes_a_row_of_the_child_table(shop: Shop) -> None:
    orders_pipeline(shop)
    records = [
        order(1, item("A", 2), item("B", 1, "0.10")),
        order(2),
        order(3, item("C", 3, None)),
        order(4, items=None),
        {"id": 5, "buyer": "no list", "placed": "2026-03-02"},
    ]
    shop.drop("orders", "a", records)
    result = shop.start("orders")
    assert ledger(result, "sales.purchase") == {"read": 5, "inserted": 5}
    assert ledger(result) == {"read": 3, "inserted": 3}
    assert shop.sql("SELECT purchase_id, line, sku, quantity, price::text FROM sales.purchase_item ORDER BY 1, 2") == [
        (1, 1, "A", 2, "9.90"),
        (1, 2, "B", 1, "0.10"),
        (3, 1, "C", 3, None),
    ]
    shape = json.loads(result.model_dump_json(by_alias=True))["shapes"][ITEMS]
    assert shape == {"relation": "orders.items", "rows_in": 5, "rows_out": 3, "unmatched": {}}
    assert result.sources["orders"].extracted == 5
    assert shop.sql("SELECT count(*) FROM _octopipe.batches") == [(2,)]


def test_what_is_spoilt_is_set_aside_with_its_payload_and_its_siblings_load(shop: Shop) -> None:
    orders_pipeline(shop)
    shop.drop("orders", "a", [order(number, item("A"), item("B", 2)) for number in range(1, 41)])
    shop.start("orders")
    spoilt = [
        order(50, item("A"), "no record", item("C", "many"), item("D", 0)),
        order(51, item("E"), placed="someday"),
        order(52, items="none"),
    ]
    text = "".join(json.dumps(record) + "\n" for record in spoilt) + '{"id": 53, "items": [\n'
    shop.drop_text("orders", "b.jsonl", text)
    result = shop.run("orders")
    assert ledger(result, "sales.purchase") == {"read": 4, "inserted": 2, "quarantined": 2}
    assert ledger(result) == {"read": 7, "inserted": 1, "quarantined": 6}
    assert shop.sql("SELECT purchase_id, line, sku FROM sales.purchase_item WHERE purchase_id >= 50") == [(50, 1, "A")]
    rows = {row.id.split(":", 2)[2]: row for row in shop.quarantined(result.load_id, "orders") if row.table == ITEMS}
    assert {place: (row.column, row.reason) for place, row in rows.items()} == {
        "1:2": (None, "an element that is no record"),
        "1:3": ("quantity", '"many" is no number'),
        "1:4": ("quantity", "breaks the check purchase_item_quantity_check: (quantity > 0)"),
        "2:1": ("purchase_id", "no such purchase_id in sales.purchase"),
        "3:1": (None, "items is no list"),
        "4:1": (None, "malformed JSON: expecting value"),
    }
    assert json.loads(rows["1:2"].payload) == {"value": "no record", "_index": 2, "parent": {"id": 50}}
    assert json.loads(rows["1:3"].payload) == item("C", "many") | {"_index": 3, "parent": {"id": 50}}
    assert rows["4:1"].payload == '{"id": 53, "items": ['
    assert {row.row for row in rows.values()} == {1, 2, 3, 4}
    assert {row.source for row in rows.values()} == {"orders"}


def test_a_list_of_values_and_a_list_within_a_list(shop: Shop) -> None:
    tables = {
        "sales.tag": {"from": {"source": "orders", "each": "tags"}},
        "sales.purchase_item": {"from": {"source": "orders", "each": "parcels.lines"}},
        "sales.purchase": {"from": "orders"},
    }
    items = {
        "purchase_id": "parent.parent.id",
        "line": "parent._index * 100 + _index",
        "sku": "_parent",
        "quantity": "qty",
        "price": "price",
    }
    tag = {"purchase_id": "parent.id", "place": "_index", "tag": "value"}
    orders_pipeline(
        shop,
        tables,
        {
            "sales.purchase_item": items,
            "sales.tag": tag,
            "sales.purchase": {"id": "id", "buyer": "buyer", "placed_on": "placed"},
        },
    )
    lines = [{"parent": "A", "qty": 1, "price": "1.00"}, {"parent": "B", "qty": 2, "price": "2.00"}]
    shop.drop(
        "orders",
        "a",
        [
            order(1, tags=["red", None, "blue"], parcels=[{"weight": 1, "lines": lines}, {"weight": 2, "lines": []}]),
            order(2, tags=[], parcels=[{"weight": 3}, {"weight": 4, "lines": lines[:1]}]),
        ],
    )
    result = shop.start("orders")
    assert ledger(result, "sales.tag") == {"read": 3, "inserted": 3}
    assert shop.sql("SELECT * FROM sales.tag ORDER BY 1, 2") == [(1, 1, "red"), (1, 2, None), (1, 3, "blue")]
    assert ledger(result) == {"read": 3, "inserted": 3}
    assert shop.sql("SELECT purchase_id, line, sku FROM sales.purchase_item ORDER BY 1, 2") == [
        (1, 101, "A"),
        (1, 102, "B"),
        (2, 201, "A"),
    ]


def test_later_batches_merge_element_by_element(shop: Shop) -> None:
    orders_pipeline(shop)
    shop.drop("orders", "a", [order(1, item("A"), item("B")), order(2, item("C"))])
    shop.start("orders")
    shop.drop("orders", "b", [order(1, item("A", 5), item("B"), item("D"))])
    result = shop.run("orders")
    assert ledger(result) == {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1}
    assert shop.run("orders").status == "nothing_new"


def test_a_list_that_is_gone_is_drift_and_loads_nothing(shop: Shop) -> None:
    orders_pipeline(shop)
    shop.drop("orders", "a", [order(number, item("A")) for number in range(1, 41)])
    shop.start("orders")
    gone = [order(number) for number in range(41, 81)]
    for record in gone:
        del record["items"]
    shop.drop("orders", "b", gone)
    with pytest.raises(DriftStop, match="source field items is missing in all 40 rows"):
        shop.run("orders")
    assert shop.count("sales.purchase") == 40


def test_a_new_field_of_the_elements_waits_for_approval(shop: Shop) -> None:
    orders_pipeline(shop)
    shop.drop("orders", "a", [order(number, item("A")) for number in range(1, 41)])
    first = shop.start("orders")
    shop.drop("orders", "b", [order(number, item("B") | {"colour": "red"}) for number in range(41, 81)])
    waiting = shop.run("orders")
    assert waiting.status == "waiting_for_approval"
    assert shop.count(ITEMS) == 40
    schema = shop.registry.schemas.newest("orders", "orders.items")
    assert schema is not None
    assert {field.name for field in schema.fields} == {"sku", "qty", "price", "_index", "parent", "colour"}
    shop.approve("orders")
    assert ledger(shop.load("orders").result) == {"read": 40, "inserted": 40}
    assert first.fingerprint == waiting.fingerprint


def test_columns_of_json_text_in_a_delimited_file_have_elements_too(shop: Shop) -> None:
    orders_pipeline(shop)
    quoted = json.dumps([item("A"), item("B", 2)]).replace('"', '""')
    shop.drop_text("orders", "a.csv", f'id,buyer,placed,items\n1,Ana,2026-03-01,"{quoted}"\n2,Bo,2026-03-01,\n')
    result = shop.start("orders")
    assert ledger(result) == {"read": 2, "inserted": 2}


def test_the_plan_of_a_child_table_shows_what_it_is_made_from(shop: Shop) -> None:
    orders_pipeline(shop)
    shop.drop("orders", "a", [order(1, item("A"), item("B")), order(2, item("C"))])
    plan = shop.octopipe("plan", "orders")
    assert plan.returncode == 0, plan.stderr
    assert "orders.items → sales.purchase_item" in plan.stdout
    fingerprint = json.loads(shop.octopipe("plan", "orders", "--json").stdout)["fingerprint"]
    approved = shop.octopipe("approve", "orders", "--fingerprint", fingerprint[:8], "--reviewer", "ana@shop.example")
    assert approved.returncode == 0, approved.stderr
    ran = shop.octopipe("run", "orders", "--json")
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["shapes"] == {ITEMS: {"relation": "orders.items", "rows_in": 2, "rows_out": 3, "unmatched": {}}}
    assert answer["tables"][ITEMS]["inserted"] == 3


def test_words_that_mean_null_mean_it_in_the_parent_too(shop: Shop) -> None:
    mapping = {"sales.purchase": PURCHASE, "sales.purchase_item": ITEM | {"price": "parent.rate"}}
    orders_pipeline(shop, mapping=mapping)
    shop.drop("orders", "a", [order(n, item("A"), rate="NA" if n % 4 == 0 else f"{n}.5") for n in range(1, 41)])
    result = shop.start("orders")
    assert ledger(result) == {"read": 40, "inserted": 40}
    assert shop.sql("SELECT count(*), count(price) FROM sales.purchase_item") == [(40, 30)]


def test_a_list_where_the_mapping_reads_a_value_of_the_parent_is_set_aside(shop: Shop) -> None:
    mapping = {"sales.purchase": PURCHASE, "sales.purchase_item": ITEM | {"price": "parent.rate"}}
    orders_pipeline(shop, mapping=mapping)
    shop.drop("orders", "a", [order(n, item("A"), rate=n + 0.5, codes=["x"]) for n in range(1, 41)])
    shop.start("orders")
    shop.drop("orders", "b", [order(50, item("A"), item("B"), rate=[7.5]), order(51, item("C"), rate=1.5, codes="y")])
    result = shop.run("orders")
    assert ledger(result) == {"read": 3, "inserted": 1, "quarantined": 2}
    found = [row for row in shop.quarantined(result.load_id, "orders") if row.table == ITEMS]
    assert {(row.column, row.reason) for row in found} == {("price", '"[7.5]" is no number')}
