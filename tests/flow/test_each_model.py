"""Random nested orders through `each` and merge give what a plain flattening in Python gives."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from tests.flow.nested import item, order, orders_pipeline
from tests.flow.shop import Shop

Key = tuple[int, int]


def random_item(chance: random.Random) -> Any:
    price = f"{chance.randrange(10_000)}.{chance.randrange(100):02d}"
    kinds = [
        item(chance.choice('ABCÄ"\\'), chance.randrange(1, 9), price),
        item("A", chance.choice([0, -1, "x", None, 1.5]), "1.00"),
        {"sku": "only"},
        chance.choice([None, 5, "text", [1]]),
        item("Z", "7", None) | {"nested": {"a": [1, {"b": 2}]}},
    ]
    return chance.choices(kinds, weights=[12, 1, 1, 1, 2])[0]


def random_order(chance: random.Random, number: int) -> dict[str, Any]:
    """An order with none to five items, some of them spoilt; sometimes no list at all."""
    made = order(number, *(random_item(chance) for _ in range(chance.randrange(6))))
    if chance.random() < 0.1:
        made["items"] = None
    return made


def flattened(records: list[dict[str, Any]]) -> tuple[dict[Key, tuple[Any, ...]], int, int]:
    """(key → row of the good elements, rows read, rows set aside) by plain Python."""
    found: dict[Key, tuple[Any, ...]] = {}
    read = spoilt = 0
    for record in records:
        for place, element in enumerate(record.get("items") or [], 1):
            read += 1
            try:
                quantity = int(str(element["qty"]))
                if quantity <= 0:
                    raise ValueError(quantity)
                price = Decimal(element["price"]) if element["price"] is not None else None
                found[record["id"], place] = (element["sku"], quantity, price)
            except (KeyError, TypeError, ValueError):
                spoilt += 1
    return found, read, spoilt


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (2, 3))])
def test_each_and_merge_are_a_flattening(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    orders_pipeline(shop, drift={"new_field": "ignore", "missing_field": "ignore", "type_change": "ignore"})
    expected: dict[Key, tuple[Any, ...]] = {}
    clean = [order(number, item("A", 2, "1.50"), item("B", 1, None)) for number in range(1, 30)]
    batches = [clean, *([random_order(chance, chance.randrange(1, 60)) for _ in range(60)] for _ in range(3))]
    for place, batch in enumerate(batches):
        records = list({record["id"]: record for record in batch}.values())
        shop.drop("orders", f"{place}", records)
        result = shop.run("orders") if place else shop.start("orders")
        rows, read, spoilt = flattened(records)
        ledger = result.tables["sales.purchase_item"]
        new = {key for key in rows if key not in expected}
        changed = {key for key, row in rows.items() if key in expected and expected[key] != row}
        assert (ledger.read, ledger.quarantined) == (read, spoilt)
        assert (ledger.inserted, ledger.updated) == (len(new), len(changed))
        assert ledger.unchanged == len(rows) - len(new) - len(changed)
        set_aside = shop.quarantined(result.load_id, "orders") if spoilt else []
        assert len({row.id for row in set_aside}) == len(set_aside) == spoilt
        assert all(json.loads(row.payload)["parent"]["id"] == records[row.row - 1]["id"] for row in set_aside)
        expected |= rows
    there = shop.sql("SELECT purchase_id, line, sku, quantity, price FROM sales.purchase_item")
    assert {(one, line): (sku, quantity, price) for one, line, sku, quantity, price in there} == expected
