"""Joins and unions: which rows meet, what is set aside, and what is loaded when one of the sources changes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octo_core.errors import DriftStop, SpecError
from octo_core.ledger import LoadResult
from octo_resources.flow.cleaning import clean_history
from tests.flow.shop import SALE, Shop, sale, sales

MAPPING = SALE | {"customer_id": "customer", "note": "customers.name"}
JOIN = {"left": "sales", "with": [{"source": "customers", "on": {"customer": "id"}}]}
UNION_SALE = SALE | {"note": "note"}


def ledger(result: LoadResult, table: str = "shop.sale") -> dict[str, int]:
    counts = result.tables[table].model_dump(exclude={"seconds"})
    return {name: count for name, count in counts.items() if count}


def joined_pipeline(shop: Shop, join: Mapping[str, Any] = JOIN, mapping: Mapping[str, Any] = MAPPING) -> None:
    """Sales as JSON lines with customers as CSV files beside them, into shop.sale."""
    shop.pipeline_file(
        "sales",
        {
            "sources": {
                "sales": {"kind": "file", "path": "in/sales/*", "key": ["id"]},
                "customers": {"kind": "file", "path": "in/customers/*", "key": ["id"]},
            },
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.sale": {"from": {"join": dict(join)}}},
        },
        {"shop.sale": mapping},
    )


def customers(shop: Shop, name: str, *rows: str) -> None:
    shop.drop_text("customers", f"{name}.csv", "\n".join(["id,name,level", *rows]) + "\n")


def notes(shop: Shop) -> dict[int, str | None]:
    return dict(shop.sql("SELECT sale_id, note FROM shop.sale ORDER BY 1"))


def test_rows_get_the_fields_of_the_row_that_matches(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", "1,Ana,gold", '2,"Bo, the ""second""",basic')
    shop.drop("sales", "a", sales(range(1, 7)))
    result = shop.start()
    assert ledger(result) == {"read": 6, "inserted": 6}
    bo = 'Bo, the "second"'
    assert notes(shop) == {1: bo, 2: None, 3: "Ana", 4: bo, 5: None, 6: "Ana"}
    shape = result.shapes["shop.sale"]
    assert (shape.rows_in, shape.rows_out, shape.unmatched) == (6, 6, {"customers": 2})
    assert {name: source.extracted for name, source in result.sources.items()} == {"sales": 6, "customers": 2}
    recorded = shop.sql("SELECT source, table_name FROM _octopipe.positions ORDER BY 1")
    assert recorded == [("customers", "shop.sale"), ("sales", "shop.sale")]


def test_an_inner_join_leaves_out_what_matches_nothing(shop: Shop) -> None:
    joined_pipeline(shop, {"left": "sales", "with": [JOIN["with"][0] | {"kind": "inner"}]})
    customers(shop, "a", "1,Ana,gold")
    shop.drop("sales", "a", sales(range(1, 7)))
    plan = shop.plan().plan
    assert any("4 rows of sales match none of customers and are left out" in said for said in plan.warnings)
    result = shop.start()
    assert ledger(result) == {"read": 2, "inserted": 2}
    assert result.shapes["shop.sale"].model_dump() == {
        "relation": "sales inner join customers on customer = customers.id",
        "rows_in": 6,
        "rows_out": 2,
        "unmatched": {"customers": 4},
    }


def test_several_matches_are_set_aside_unless_many_are_wanted(shop: Shop) -> None:
    twice = {"left": "sales", "with": [{"source": "customers", "on": {"customer": "level"}}]}
    joined_pipeline(shop, twice)
    customers(shop, "a", "1,Ana,1", "2,Bo,1", "3,Cy,2")
    shop.drop("sales", "a", [sale(1, customer=1), sale(2, customer=2), sale(3, customer=3)])
    first = shop.start()
    assert ledger(first) == {"read": 3, "inserted": 2, "quarantined": 1}
    [row] = shop.quarantined(first.load_id)
    assert row.reason == "several rows of customers match (customer = customers.level)"
    assert (row.source, row.row) == ("sales", 1)
    assert '"id": 1' in row.payload

    many = {"left": "sales", "with": [twice["with"][0] | {"many": True}]}
    joined_pipeline(shop, many, MAPPING | {"sale_id": "id * 10 + customers.id"})
    shop.approve()
    shop.drop("sales", "b", [sale(4, customer=1), sale(5, customer=2)])
    second = shop.run()
    assert ledger(second) == {"read": 3, "inserted": 3}
    assert {key: note for key, note in notes(shop).items() if key > 10} == {41: "Ana", 42: "Bo", 53: "Cy"}


def test_new_rows_are_joined_with_what_the_other_source_holds_by_then(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", "1,Ana,gold", "2,Bo,basic")
    shop.drop("sales", "a", [sale(1, customer=1), sale(2, customer=2)])
    shop.start()
    customers(shop, "b", "1,Anna,gold", "3,Cy,basic")  # the newest of a key counts, what is older stays
    assert shop.run().status == "nothing_new"  # a customer alone loads no sale again
    assert notes(shop) == {1: "Ana", 2: "Bo"}
    shop.drop("sales", "b", [sale(3, customer=1), sale(4, customer=2), sale(5, customer=3)])
    result = shop.run()
    assert ledger(result) == {"read": 3, "inserted": 3}
    assert notes(shop) == {1: "Ana", 2: "Bo", 3: "Anna", 4: "Bo", 5: "Cy"}
    assert shop.sql("SELECT count(*) FROM _octopipe.batches WHERE source = 'customers'") == [(2,)]
    assert any(
        "a later change of customers alone does not load rows of sales again" in one
        for one in shop.plan().plan.warnings
    )


def test_rows_wait_until_what_they_are_joined_with_has_landed(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", "1,Ana,gold")
    shop.drop("sales", "a", [sale(1, customer=1)])
    file = shop.root / "pipelines/sales/pipeline.yaml"
    file.write_text(file.read_text().replace("path: in/customers/*", "path: in/customers/*\n    sample: {rows: 10}"))
    shop.land(sources=["sales"])
    shop.approve()  # on a sample of the customers, which no load ever takes
    assert shop.load().result.status == "nothing_new"
    shop.land()
    assert ledger(shop.load().result) == {"read": 1, "inserted": 1}
    assert notes(shop) == {1: "Ana"}


def test_what_cannot_be_joined_is_set_aside_and_its_neighbours_load(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", "1,Ana,gold", "x,Bad,basic", "2,Bo", *(f"{number},N,basic" for number in range(10, 130)))
    text = '{"id": 7, "customer": \n{"id": 8, "customer": "none", "total": "1", "state": "x", "at": "-"}\n'
    shop.drop("sales", "a", [sale(number, customer=1) for number in range(10, 200)])
    shop.start()
    shop.drop_text("sales", "b.jsonl", text)
    shop.drop("sales", "c", [sale(9, customer=1)])
    result = shop.run()
    assert ledger(result) == {"read": 3, "inserted": 1, "quarantined": 2}
    reasons = {row.payload.strip(): row.reason for row in shop.quarantined(result.load_id)}
    assert reasons == {
        '{"id": 7, "customer":': "malformed JSON: expecting value",
        text.splitlines()[1]: 'join: "none" is no number',
    }
    assert any("2 rows are malformed in customers" in warning for warning in result.warnings)


def test_two_joins_with_one_source_by_two_names(shop: Shop) -> None:
    join = {
        "left": "sales",
        "with": [
            {"source": "customers", "on": {"customer": "id"}},
            {"source": "customers", "as": "seller", "on": {"coalesce(by, 1)": "id"}},
        ],
    }
    joined_pipeline(shop, join, MAPPING | {"note": "customers.name || ' from ' || seller.name"})
    customers(shop, "a", "1,Ana,gold", "2,Bo,basic", "3,Cy,basic")
    shop.drop("sales", "a", [sale(1, customer=2, by=3), sale(2, customer=3, by=None)])
    shop.start()
    assert notes(shop) == {1: "Bo from Cy", 2: "Cy from Ana"}


def test_conditions_that_cannot_hold_are_told_with_their_place(shop: Shop) -> None:
    joined_pipeline(shop, {"left": "sales", "with": [{"source": "customers", "on": {"custmer": "id"}}]})
    customers(shop, "a", "1,Ana,gold")
    shop.drop("sales", "a", sales(range(1, 7)))
    with pytest.raises(SpecError, match=r"pipeline\.yaml:17:5  join: on: custmer: .*Did you mean customer"):
        shop.plan()
    checked = shop.octopipe("check", "sales")
    assert checked.returncode == 2
    assert "no field custmer" in checked.stdout + checked.stderr
    joined_pipeline(shop, {"left": "sales", "with": [{"source": "customers", "on": {"id": "name"}}]})
    with pytest.raises(SpecError, match=r"id is int\w+ and customers\.name is text: they are never equal"):
        shop.plan()


def test_a_field_that_left_the_other_source_is_drift(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", *(f"{number},Ana,gold" for number in range(1, 30)))
    shop.drop("sales", "a", sales(range(1, 7)))
    shop.start()
    shop.drop_text("customers", "b.csv", "id,level\n" + "".join(f"{number},gold\n" for number in range(1, 30)))
    shop.drop("sales", "b", sales(range(10, 20)))
    with pytest.raises(DriftStop, match="source field name is missing in all 29 rows"):
        shop.run()


def union_pipeline(shop: Shop, mapping: Mapping[str, Any] = UNION_SALE, **table: Any) -> None:
    """Two files of sales, whose fields are not quite the same, into shop.sale."""
    shop.pipeline_file(
        "sales",
        {
            "sources": {
                "web": {"kind": "file", "path": "in/web/*", "key": ["id"]},
                "desk": {"kind": "file", "path": "in/desk/*", "key": ["id"]},
            },
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.sale": {"from": {"union": ["web", "desk"]}} | table},
        },
        {"shop.sale": mapping},
    )


def test_a_union_has_the_rows_of_both_and_nulls_for_what_one_lacks(shop: Shop) -> None:
    union_pipeline(shop)
    shop.drop("web", "a", sales(range(1, 31)))
    rows = "".join(f"{n},2,{n}.25,paid,2026-03-01T10:00:00Z,by hand\n" for n in range(101, 131))
    shop.drop_text("desk", "a.csv", "id,customer,total,state,at,note\n" + rows)
    first = shop.start()
    assert ledger(first) == {"read": 60, "inserted": 60}
    assert set(first.sources) == {"web", "desk"}
    assert shop.sql("SELECT note, email IS NULL, count(*) FROM shop.sale GROUP BY 1, 2 ORDER BY 3, 1") == [
        ("by hand", True, 30),
        (None, False, 30),
    ]
    shop.drop_text(
        "desk", "b.csv", "id,customer,total,state,at,note\n5,2,9.99,paid,2026-03-01T10:00:00Z,mended\nx,,,,,\n"
    )
    second = shop.run()
    assert ledger(second) == {"read": 2, "updated": 1, "quarantined": 1}
    [row] = shop.quarantined(second.load_id)
    assert (row.source, row.row, row.payload) == ("desk", 3, "x,,,,,")
    assert shop.sql("SELECT source FROM _octopipe.positions ORDER BY 1") == [("desk",), ("web",)]
    assert shop.run().status == "nothing_new"


def test_types_that_differ_are_read_as_what_holds_both(shop: Shop) -> None:
    union_pipeline(shop, UNION_SALE | {"note": "extra"})
    shop.drop("web", "a", [sale(number, total=number, extra="soon") for number in range(1, 5)])
    shop.drop("desk", "a", [sale(number, total=f"{number}.75", extra=12) for number in range(5, 9)])
    fields = {field.name: str(field.type) for field in shop.plan().schemas["web + desk"].fields}
    assert fields["total"].startswith("decimal")
    assert fields["extra"] == "text"
    shop.start()
    found = shop.sql("SELECT amount::text, note FROM shop.sale ORDER BY sale_id")
    assert found == [*((f"{n}.00", "soon") for n in range(1, 5)), *((f"{n}.75", "12") for n in range(5, 9))]


def parquet(shop: Shop, source: str, name: str, **columns: Any) -> None:
    path = shop.root / "in" / source / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_typed_files_are_joined_united_and_taken_apart(shop: Shop) -> None:
    day = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)
    joined_pipeline(shop)
    columns = "id bigint, place integer, name text, cents numeric(30, 20), PRIMARY KEY (id, place)"
    shop.sql(f"CREATE TABLE shop.part ({columns})")
    customers(shop, "a", "1,Ana,gold", "2,Bo,basic")
    sold = {
        "id": [1, 2],
        "customer": [2, 1],
        "total": [Decimal("1.10"), Decimal("2.20")],
        "state": ["paid", "sent"],
        "at": [day, day],
        "email": ["a", None],
    }
    parts = [[{"name": "x", "cents": Decimal("0.12345678901234567890")}], []]
    parquet(shop, "sales", "a", **sold, parts=parts)
    shop.start()
    expected = [(1, Decimal("1.10"), day, "Bo"), (2, Decimal("2.20"), day, "Ana")]
    assert shop.sql("SELECT sale_id, amount, placed_at, note FROM shop.sale ORDER BY 1") == expected

    union_pipeline(shop, {name: expr for name, expr in UNION_SALE.items() if name != "email"} | {"email": "note"})
    parquet(shop, "web", "a", **{name: values for name, values in sold.items() if name != "email"})
    shop.drop_text("desk", "a.csv", "id,customer,total,state,at,note\n3,2,9.99,paid,2026-03-01T10:00:00Z,by hand\n")
    shop.land()
    shop.approve()
    result = shop.load().result
    assert ledger(result) == {"read": 3, "inserted": 1, "updated": 2}
    assert shop.sql("SELECT sale_id, amount, note FROM shop.sale ORDER BY 1") == [
        (1, Decimal("1.10"), None),
        (2, Decimal("2.20"), None),
        (3, Decimal("9.99"), "by hand"),
    ]

    shop.pipeline_file(
        "parts",
        {
            "sources": {"sales": {"kind": "file", "path": "in/sales/*", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.part": {"from": {"source": "sales", "each": "parts"}}},
        },
        {"shop.part": {"id": "parent.id", "place": "_index", "name": "name", "cents": "cents"}},
    )
    shop.start("parts")
    assert shop.sql("SELECT * FROM shop.part") == [(1, 1, "x", Decimal("0.12345678901234567890"))]


def test_what_rows_are_joined_with_is_kept_as_long_as_it_is_needed(shop: Shop) -> None:
    joined_pipeline(shop)
    customers(shop, "a", "1,Ana,gold")
    shop.drop("sales", "a", [sale(1, customer=1)])
    shop.start()
    customers(shop, "b", "2,Bo,basic")
    shop.drop("sales", "b", [sale(2, customer=2)])
    shop.run()
    clean_history(shop.space, None, timedelta(0), dry_run=False)
    landing = shop.space.landing
    assert len(landing.batches("sales", "customers")) == 2
    assert len(landing.batches("sales", "sales")) == 1
    shop.drop("sales", "c", [sale(3, customer=1)])
    shop.run()
    assert notes(shop) == {1: "Ana", 2: "Bo", 3: "Ana"}
