"""Databases as sources, end to end: nothing kept, kept, appended, set aside; and what two runs do to each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from octo_core.errors import DestinationError, SourceError, UsageError
from octo_core.ledger import LoadResult
from octo_resources.flow import land, load, prepare
from tests.conftest import PostgresServer, drop_database, fresh_database
from tests.flow.shop import Shop

ORDERS = """
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer bigint NOT NULL, total numeric(12, 2) NOT NULL, state text NOT NULL,
    at timestamptz NOT NULL, email text, changed timestamp NOT NULL DEFAULT '2026-01-01'
);
COMMENT ON COLUMN orders.total IS 'what the customer pays, in EUR';
INSERT INTO orders
SELECT g, 1 + g % 3, g * 1.5, 'paid', '2026-03-01'::timestamptz + g * interval '1 s', 'b' || g || '@shop.example'
FROM generate_series(1, 500) g;
"""


@pytest.fixture
def orders(shop: Shop, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a database with 500 orders, which the shop's pipeline `sales` reads."""
    url = fresh_database(postgres_server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ORDERS)
    monkeypatch.setenv("SHOP_ORDERS", url)
    yield url
    drop_database(postgres_server, url)


def pipeline(shop: Shop, table: dict[str, Any] | None = None, **source: Any) -> None:
    said = {"kind": "sql", "url": "${secret:env/SHOP_ORDERS}", "table": "orders", **source}
    shop.sales_pipeline(sources={"sales": said}, table=table)


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def ledger(result: LoadResult, table: str = "shop.sale") -> dict[str, int]:
    counts = result.tables[table].model_dump(exclude={"seconds"})
    return {name: rows for name, rows in counts.items() if rows}


def kept(shop: Shop) -> list[Path]:
    return list((shop.root / ".octopipe" / "landing").rglob("*.parquet"))


def test_a_table_is_read_again_for_each_load_and_nothing_of_it_is_kept(shop: Shop, orders: str) -> None:
    pipeline(shop)
    assert ledger(shop.start()) == {"read": 500, "inserted": 500}
    assert kept(shop) == []
    field = shop.plan().schemas["sales"].field("total")
    assert field is not None
    assert (str(field.type), field.nullable, field.description) == (
        "decimal(12,2)", False, "what the customer pays, in EUR",
    )  # fmt: skip
    change(
        orders, "UPDATE orders SET state = 'sent' WHERE id <= 10; INSERT INTO orders VALUES (501, 1, 2, 'paid', now())"
    )
    assert ledger(shop.run()) == {"read": 501, "inserted": 1, "updated": 10, "unchanged": 490}
    assert kept(shop) == []


def test_what_nobody_approved_is_read_again_and_does_not_pile_up(shop: Shop, orders: str) -> None:
    pipeline(shop)
    shop.land()
    shop.land()
    assert len(kept(shop)) == 1
    change(orders, "DELETE FROM orders WHERE id > 400")
    shop.approve()
    shop.land()
    assert ledger(shop.load().result) == {"read": 400, "inserted": 400}


def test_a_cursor_goes_on_from_the_destination(shop: Shop, orders: str) -> None:
    pipeline(shop, cursor={"field": "changed", "lag": "1 h"})
    first = shop.start()
    assert first.sources["sales"].to == "2026-01-01 00:00:00"
    change(
        orders,
        "INSERT INTO orders VALUES (900, 1, 1, 'paid', now(), NULL, '2026-01-02 03:00:00.5');"
        "UPDATE orders SET changed = '2025-12-01' WHERE id <= 490",
    )
    second = shop.run()
    assert ledger(second) == {"read": 11, "inserted": 1, "unchanged": 10}
    assert second.sources["sales"].from_ == "2026-01-01 00:00:00"
    shop.sql('UPDATE _octopipe.positions SET position = position || \'{"cursor": "2025-11-30"}\'')
    assert ledger(shop.run())["read"] == 501  # the destination says where it is, and nothing else does


def test_rows_that_are_appended_come_once(shop: Shop, orders: str) -> None:
    change(orders, "CREATE TABLE alike (id bigint, page text, seconds int, changed timestamptz)")
    shop.pipeline_file(
        "visits",
        {
            "sources": {
                "visits": {
                    "kind": "sql", "url": "${secret:env/SHOP_ORDERS}", "cursor": {"field": "changed"},
                    "query": "SELECT id, state AS page, 5 AS seconds, changed FROM orders UNION ALL TABLE alike",
                }
            },
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.visit": {"write": "append"}},
        },
        {"shop.visit": {"visit_id": "id", "page": "page", "seconds": "seconds"}},
    )  # fmt: skip
    assert ledger(shop.start("visits"), "shop.visit") == {"read": 500, "inserted": 500}
    assert shop.run("visits").status == "nothing_new"
    change(orders, "INSERT INTO orders VALUES (501, 1, 1, 'at the same moment', now(), NULL)")
    assert ledger(shop.run("visits"), "shop.visit") == {"read": 1, "inserted": 1}
    assert shop.run("visits").status == "nothing_new"
    one_more = "INSERT INTO alike VALUES (7, 'alike', 1, '2030-01-01')"
    for more in (1, 2):  # so many rows that are the same in every column as those that are there
        change(orders, "; ".join([one_more] * more))
        assert ledger(shop.run("visits"), "shop.visit") == {"read": more, "inserted": more}
    change(orders, "INSERT INTO alike VALUES (7, 'not in any calendar', 1, 'infinity')")
    with pytest.raises(SourceError, match="after which nothing comes"):
        shop.run("visits")
    assert shop.count("shop.visit") == 504
    with pytest.raises(UsageError, match="have no key"):
        shop.land("visits", full=True)


def test_a_batch_that_another_load_overtook_is_not_loaded(shop: Shop, orders: str) -> None:
    pipeline(shop, cursor={"field": "id"})
    shop.start()
    change(orders, "INSERT INTO orders SELECT g, 1, 1, 'paid', now() FROM generate_series(501, 510) g")
    space = shop.space
    land(space, space.pipeline("sales"))
    prepared = prepare(space, space.pipeline("sales"))
    shop.sql("UPDATE _octopipe.positions SET epoch = epoch + 1")  # what a load elsewhere does
    assert load(space, space.pipeline("sales"), prepared=prepared).result.status == "nothing_new"
    assert ledger(shop.run()) == {"read": 11, "inserted": 10, "unchanged": 1}


def test_a_load_that_moves_the_position_meanwhile_wins(shop: Shop, orders: str) -> None:
    pipeline(shop, cursor={"field": "id"})
    shop.start()
    change(orders, "INSERT INTO orders VALUES (501, 1, 1, 'paid', now())")
    shop.land()

    def elsewhere(point: str) -> None:
        if point == "copied":
            shop.sql("UPDATE _octopipe.positions SET epoch = epoch + 1")

    with pytest.raises(DestinationError, match="moved by another load") as refused:
        shop.load(stage=elsewhere)
    assert refused.value.retryable
    assert shop.count() == 500


def test_what_is_kept_goes_on_from_what_landed(shop: Shop, orders: str) -> None:
    pipeline(shop, landing="copy", cursor={"field": "id"})
    shop.start()
    assert len(kept(shop)) == 1
    change(orders, "INSERT INTO orders VALUES (501, 1, 1, 'paid', now())")
    shop.land()
    change(orders, "INSERT INTO orders VALUES (502, 1, 1, 'paid', now())")
    assert ledger(shop.run()) == {"read": 4, "inserted": 2, "unchanged": 1, "deduplicated": 1}
    assert len(kept(shop)) == 3


def test_a_source_that_is_kept_from_now_on_goes_on_from_the_destination(shop: Shop, orders: str) -> None:
    pipeline(shop, cursor={"field": "id"})
    shop.start()
    change(orders, "INSERT INTO orders VALUES (501, 1, 1, 'paid', now())")
    shop.land()  # spooled and never loaded
    pipeline(shop, cursor={"field": "id"}, landing="copy")
    assert ledger(shop.run()) == {"read": 2, "inserted": 1, "unchanged": 1}
    change(orders, "INSERT INTO orders VALUES (502, 1, 1, 'paid', now())")
    assert ledger(shop.run()) == {"read": 2, "inserted": 1, "unchanged": 1}


def test_values_without_a_place_in_our_types_are_set_aside(shop: Shop, orders: str) -> None:
    change(orders, "UPDATE orders SET total = 'NaN' WHERE id = 7; UPDATE orders SET at = 'infinity' WHERE id = 8")
    pipeline(shop)
    result = shop.start()
    assert ledger(result) == {"read": 500, "inserted": 498, "quarantined": 2}
    rows = shop.quarantined(result.load_id)
    assert {row.reason for row in rows} == {
        "total holds a value that is no decimal(12,2)", "at holds a value that is no timestamptz",
    }  # fmt: skip
    assert any('"infinity"' in row.payload for row in rows)


def test_key_ranges_bring_each_row_once(shop: Shop, orders: str) -> None:
    pipeline(shop, split={"by": "id", "parts": 3}, landing="copy")
    assert ledger(shop.start()) == {"read": 500, "inserted": 500}
    assert len(kept(shop)) == 3


def test_the_command_line_adds_samples_and_types_a_table(shop: Shop, orders: str) -> None:
    pipeline(shop)
    made = shop.octopipe("source", "add", "sales", "again", "--kind", "sql", "--option", f"url={orders}",
                         "--option", "table=orders", "--json")  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert '"decimal(12,2)"' in made.stdout
    init = shop.octopipe("init", "orders", "--source", orders, "--destination", shop.url, "--table", "shop.sale")
    assert init.returncode == 0, init.stderr
    assert "table: orders" in (shop.root / "pipelines" / "orders" / "pipeline.yaml").read_text()
    assert shop.octopipe("source", "test", "orders").returncode == 0
    wrong = shop.octopipe("source", "add", "sales", "third", "--kind", "sql", "--option", f"url={orders}",
                          "--option", "table=order")  # fmt: skip
    assert wrong.returncode == 1
    assert "Did you mean orders?" in wrong.stderr


@pytest.mark.parametrize("landing", ["off", "copy"])
@pytest.mark.parametrize(("field", "of"), [("id", "text USING id::text"), ("at", "int USING extract(epoch FROM at)")])
def test_a_cursor_whose_type_changed_is_not_gone_on_from(
    shop: Shop, orders: str, landing: str, field: str, of: str
) -> None:
    pipeline(shop, cursor={"field": field}, landing=landing)
    assert ledger(shop.start())["inserted"] == 500
    change(orders, f"ALTER TABLE orders ALTER {field} TYPE {of}")
    change(orders, "INSERT INTO orders SELECT '1000', 1, 2, 'paid', at FROM orders ORDER BY total DESC LIMIT 1")
    with pytest.raises(SourceError, match=rf"the column '{field}' was .* now: reading cannot go on") as caught:
        shop.land()  # as text '1000' is before '500': the row would be left out without a word
    assert not caught.value.retryable
    assert "octopipe run sales --full" in str(caught.value.hint)
    shop.land(full=True)
    assert shop.space.landing.history("sales", "sales")[-1].rows == 501


def test_a_start_that_is_no_value_of_the_column_is_not_tried_again(shop: Shop, orders: str) -> None:
    pipeline(shop, cursor={"field": "at", "start": "soon"})
    with pytest.raises(SourceError, match="invalid input syntax for type timestamp") as caught:
        shop.land()
    assert not caught.value.retryable
