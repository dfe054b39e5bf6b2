"""Rows that were set aside are loaded once more after a fix, each once, and given up where nobody wants them."""

from decimal import Decimal

import pytest

from octo_core.errors import LandingError, NotApproved, UsageError
from octo_core.ledger import LoadResult
from octo_resources.flow.replaying import replay
from octo_resources.flow.rows_aside import Wanted, discard, set_aside
from tests.flow.shop import CUSTOMER, SALE, Shop, sale, sales
from tests.flow.test_loads import ledger, the_books


def aside(shop: Shop, name: str = "sales") -> list[tuple[str, str | None]]:
    """(id without its batch, column) of what is set aside now."""
    return sorted((row.id.partition(":")[2], row.column) for _, row in set_aside(shop.space, name))


def replayed(shop: Shop, name: str = "sales", wanted: Wanted | None = None) -> LoadResult:
    space = shop.space
    return replay(space, space.pipeline(name), wanted).result


@pytest.fixture
def spoilt(shop: Shop) -> Shop:
    """A shop with one row set aside by the engine, two by the destination, and a broken line."""
    shop.sales_pipeline()
    rows = [*sales(range(1, 101)), sale(101, total="1.234,50"), sale(102, customer=9), sale(103, state="lost")]
    path = shop.drop("sales", "a", rows)
    path.write_text(path.read_text() + '{"id": 104\n')
    shop.start()
    assert aside(shop) == [("0:101", "amount"), ("0:102", "customer_id"), ("0:103", "status"), ("0:104", None)]
    return shop


def test_what_fits_after_a_fix_comes_in_once_and_the_rest_stays_set_aside(spoilt: Shop) -> None:
    spoilt.sql("INSERT INTO shop.customer VALUES (9, 'Nora', 'gold')")
    first = replayed(spoilt)
    assert ledger(first) == {"read": 4, "inserted": 1, "quarantined": 3}
    the_books(spoilt, first)
    assert first.engine == "duckdb"
    assert spoilt.sql("SELECT amount::text, email FROM shop.sale WHERE sale_id = 102") == [
        ("102.50", "buyer102@shop.example")
    ]
    assert aside(spoilt) == [("0:101", "amount"), ("0:103", "status"), ("0:104", None)]
    assert spoilt.sql("SELECT table_name, split_part(row_id, ':', 3) FROM _octopipe.replays") == [("shop.sale", "102")]
    again = replayed(spoilt)
    assert ledger(again) == {"read": 3, "quarantined": 3}
    assert spoilt.count() == 101
    assert len(spoilt.space.quarantine.loads("sales")) == 3
    assert spoilt.run().status == "nothing_new"


def test_a_new_mapping_has_to_be_approved_before_rows_are_loaded_by_it(spoilt: Shop) -> None:
    spoilt.pipeline_file(
        "sales",
        {
            "sources": {"sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.sale": {"write": "merge"}},
        },
        {"shop.sale": SALE | {"status": {"values": {"source": "state", "map": {"lost": "void"}, "else": "paid"}}}},
    )
    with pytest.raises(NotApproved):
        replayed(spoilt)
    spoilt.approve()
    result = replayed(spoilt, wanted=Wanted(column="status"))
    assert ledger(result) == {"read": 1, "inserted": 1}
    assert spoilt.sql("SELECT status FROM shop.sale WHERE sale_id = 103") == [("void",)]


def test_an_old_row_does_not_go_over_a_newer_one(spoilt: Shop) -> None:
    spoilt.sql("INSERT INTO shop.customer VALUES (9, 'Nora', 'gold')")
    spoilt.drop("sales", "b", [sale(102, total="7.00")])
    assert spoilt.run().status == "loaded"
    result = replayed(spoilt, wanted=Wanted(column="customer_id"))
    assert ledger(result) == {"read": 1, "quarantined": 1}
    assert "no `version` says which row is newer" in "".join(result.warnings)
    assert spoilt.sql("SELECT amount::text FROM shop.sale WHERE sale_id = 102") == [("7.00",)]
    assert ("0:102", "sale_id") in aside(spoilt)


def test_a_replay_that_was_killed_after_its_commit_repeats_nothing(spoilt: Shop) -> None:
    spoilt.sql("INSERT INTO shop.customer VALUES (9, 'Nora', 'gold')")
    wanted = Wanted(column="customer_id")
    assert ledger(replayed(spoilt, wanted=wanted)) == {"read": 1, "inserted": 1}
    for path in (spoilt.root / ".octopipe" / "quarantine" / "sales").glob("settled-*"):
        path.unlink()  # what it could not write any more
    assert replayed(spoilt, wanted=wanted).status == "nothing_new"
    assert ("0:102", "customer_id") not in aside(spoilt)


def test_altered_payloads_are_not_loaded(spoilt: Shop) -> None:
    store = spoilt.space.quarantine
    (load_id,) = store.loads("sales")
    rows = list(store.read("sales", load_id))
    store.write("sales", load_id, [row.model_copy(update={"payload": row.payload.replace("9", "1")}) for row in rows])
    with pytest.raises(LandingError, match="altered"):
        replayed(spoilt)


def test_rows_given_up_are_gone_with_the_last_of_their_load(spoilt: Shop) -> None:
    space = spoilt.space
    assert discard(space, "sales", Wanted(column="status"), by="ana", reason="tests") == 1
    assert ("0:103", "status") not in aside(spoilt)
    (load_id,) = space.quarantine.loads("sales")
    assert discard(space, "sales", Wanted(load=load_id), by="ana", reason=None) == 3
    assert aside(spoilt) == []
    assert space.quarantine.loads("sales") == []
    assert replayed(spoilt).status == "nothing_new"


def test_a_table_that_is_replaced_whole_takes_no_single_rows(shop: Shop) -> None:
    shop.sales_pipeline(table={"write": "replace"})
    shop.drop("sales", "a", [*sales(range(1, 11)), sale(11, customer=9)])
    shop.start()
    with pytest.raises(UsageError, match="replaced whole"):
        replayed(shop)


def test_records_of_csv_with_line_breaks_come_back_as_they_were(shop: Shop) -> None:
    document = {
        "sources": {"customers": {"kind": "file", "path": "in/customers/*.csv", "options": {"encoding": "cp1252"}}},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.customer": {"write": "append"}},
    }
    shop.pipeline_file("people", document, {"shop.customer": CUSTOMER})
    text = "id,name,level\r\n" + "".join(f"{i},Ana {i},gold\r\n" for i in range(10, 40))
    text += '40,"Zoë ""Z""\r\nof, Ulm",silver\r\n41,"Jürg\n",silver\r\n42,x,lead\r\n'
    path = shop.drop_text("customers", "a.csv", "")
    path.write_bytes(text.encode("cp1252"))
    shop.start("people")
    assert [column for _, column in aside(shop, "people")] == ["tier", "tier", "tier"]
    levels = {"values": {"source": "level", "map": {"silver": "basic"}, "else": "gold"}}
    shop.pipeline_file("people", document, {"shop.customer": CUSTOMER | {"tier": levels}})
    shop.approve("people")
    assert ledger(replayed(shop, "people"), "shop.customer") == {"read": 3, "inserted": 3}
    assert shop.sql("SELECT full_name FROM shop.customer WHERE customer_id IN (40, 41) ORDER BY 1") == [
        ("Jürg\n",), ('Zoë "Z"\r\nof, Ulm',)
    ]  # fmt: skip


def test_typed_rows_and_elements_of_lists_come_back(shop: Shop) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    folder = shop.root / "in" / "sales"
    folder.mkdir(parents=True)
    rows = sales(range(1, 31), customer=1)
    rows[6]["customer"] = 7
    at = pa.timestamp("us", "UTC")
    typed = [row | {"at": pa.scalar(row["at"]).cast(at).as_py(), "total": Decimal(row["total"])} for row in rows]
    parquet.write_table(pa.Table.from_pylist(typed), folder / "a.parquet")
    shop.pipeline_file(
        "typed",
        {
            "sources": {"sales": {"kind": "file", "path": "in/sales/*.parquet"}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.sale": {"write": "merge"}},
        },
        {"shop.sale": SALE},
    )
    shop.start("typed")
    assert aside(shop, "typed") == [("0:7", "customer_id")]
    shop.sql("INSERT INTO shop.customer VALUES (7, 'Max', 'gold')")
    assert ledger(replayed(shop, "typed")) == {"read": 1, "inserted": 1}
    assert shop.sql("SELECT placed_at::text FROM shop.sale WHERE sale_id = 7") == [("2026-03-08 10:00:07+00",)]

    shop.sql("CREATE TABLE shop.line (sale_id bigint, sku text, quantity int CHECK (quantity > 0))")
    shop.pipeline_file(
        "lines",
        {
            "sources": {"orders": {"kind": "file", "path": "in/orders/*.jsonl", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.line": {"from": {"source": "orders", "each": "lines"}, "write": "append"}},
        },
        {"shop.line": {"sale_id": "parent.id", "sku": "sku", "quantity": "quantity"}},
    )
    orders = [{"id": i, "lines": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": i - 5}]} for i in range(1, 31)]
    shop.drop("orders", "a", orders)
    shop.start("lines")
    assert aside(shop, "lines") == [(f"0:{i}:2", "quantity") for i in range(1, 6)]
    shop.sql("ALTER TABLE shop.line DROP CONSTRAINT line_quantity_check")
    shop.approve("lines")
    assert ledger(replayed(shop, "lines"), "shop.line") == {"read": 5, "inserted": 5}
    assert shop.sql("SELECT count(*), sum(quantity) FROM shop.line WHERE sku = 'b'") == [(30, sum(range(-4, 26)))]
