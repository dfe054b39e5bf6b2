"""Orders with a list of items in each: files, a warehouse with a parent and a child table, and their pipeline."""

from collections.abc import Mapping
from typing import Any

from tests.flow.shop import Shop

TABLES = """
CREATE SCHEMA IF NOT EXISTS sales;
CREATE TABLE sales.purchase (id bigint PRIMARY KEY, buyer text NOT NULL, placed_on date NOT NULL);
CREATE TABLE sales.purchase_item (
    purchase_id bigint NOT NULL REFERENCES sales.purchase,
    line integer NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price numeric(10, 2),
    PRIMARY KEY (purchase_id, line)
);
CREATE TABLE sales.tag (
    purchase_id bigint NOT NULL, place integer NOT NULL, tag text, PRIMARY KEY (purchase_id, place)
);
"""
PURCHASE = {"id": "id", "buyer": "buyer", "placed_on": "placed"}
ITEM = {"purchase_id": "parent.id", "line": "_index", "sku": "sku", "quantity": "qty", "price": "price"}
TAG = {"purchase_id": "parent.id", "place": "_index", "tag": "value"}


def order(number: int, *items: Any, **changed: Any) -> dict[str, Any]:
    """One record of the source `orders`."""
    return {"id": number, "buyer": f"buyer {number}", "placed": "2026-03-01", "items": list(items)} | changed


def item(sku: str, qty: Any = 1, price: Any = "9.90") -> dict[str, Any]:
    return {"sku": sku, "qty": qty, "price": price}


MAPPINGS = {"sales.purchase": PURCHASE, "sales.purchase_item": ITEM, "sales.tag": TAG}
BOTH = {"sales.purchase_item": {"from": {"source": "orders", "each": "items"}}, "sales.purchase": {"from": "orders"}}


def orders_pipeline(
    shop: Shop,
    tables: Mapping[str, Any] = BOTH,
    mapping: Mapping[str, Any] | None = None,
    **more: Any,
) -> None:
    """The pipeline `orders`: by default a table of orders and one of their items, from one source."""
    shop.sql(TABLES)
    shop.pipeline_file(
        "orders",
        {
            "sources": {"orders": {"kind": "file", "path": "in/orders/*", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": dict(tables),
        }
        | more,
        mapping or {name: MAPPINGS[name] for name in tables},
    )
