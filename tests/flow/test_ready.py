"""`octopipe plan` shows a plan that stands without making it again, and never one that does not stand any more."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from octo_core.plan.model import Plan
from octo_resources.flow import correct, plan_to_read
from octo_resources.flow.unchanged import unchanged
from tests.flow.shop import SALE, Shop, sales


@pytest.fixture
def planned(shop: Shop) -> Shop:
    """A plan of 20 rows that was shown once."""
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 21)))
    read(shop)
    return shop


def read(shop: Shop) -> Plan:
    return plan_to_read(shop.space, shop.space.pipeline("sales"))[0]


def glanced(shop: Shop) -> bool:
    """Whether the plan is shown without a look into the registry; it is the true one then."""
    found = unchanged(shop.space, shop.space.pipeline("sales"))
    assert found is None or found[0].model_dump_json() == shop.plan().plan.model_dump_json()
    return found is not None


def seal(shop: Shop) -> Path:
    return shop.root / ".octopipe" / "plans" / "sales.json"


def ready(shop: Shop) -> bool:
    """Whether the plan is shown without being made from its parts, which writes a seal; it is the true one anyhow."""
    before = seal(shop).stat().st_mtime_ns if seal(shop).exists() else None
    shown = read(shop)
    assert shown.model_dump_json() == shop.plan().plan.model_dump_json()
    return seal(shop).stat().st_mtime_ns == before


def test_it_is_shown_as_it_would_be_made(planned: Shop) -> None:
    assert glanced(planned)
    assert ready(planned)
    planned.approve()
    assert not glanced(planned)
    assert read(planned).state == "approved"
    assert glanced(planned)
    assert ready(planned)


def _file(shop: Shop) -> None:
    document = {"shop.sale": SALE | {"amount": "total * 2"}}
    (shop.root / "pipelines" / "sales" / "mapping.yaml").write_text(yaml.safe_dump(document))


def _rows(shop: Shop) -> None:
    shop.drop("sales", "b", sales(range(21, 31)))
    shop.land()


CHANGES: dict[str, Any] = {
    "the file": _file,
    "the pipeline": lambda shop: shop.sales_pipeline(table={"write": "append"}),
    "a correction": lambda shop: correct(
        shop.space, shop.pipeline(), {"shop.sale.amount": "total * 3"}, reviewer="x@x"
    ),
    "the table": lambda shop: shop.sql("ALTER TABLE shop.sale ADD CHECK (amount < 1000000)"),
    "what landed": _rows,
    "the seal": lambda shop: seal(shop).unlink(),
    "a seal of another version": lambda shop: seal(shop).write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_it_is_made_from_makes_it_anew(planned: Shop, change: Any) -> None:
    assert glanced(planned)
    change(planned)
    if seal(planned).exists() and seal(planned).read_text() != "{}":
        assert not glanced(planned)
    assert not ready(planned)
    assert ready(planned)
    assert glanced(planned)


def test_a_page_that_somebody_edited_is_not_shown(planned: Shop) -> None:
    print_ = read(planned).fingerprint
    body = json.loads(planned.registry_sql("SELECT body FROM plan WHERE fingerprint = ?", print_)[0][0])
    for column in body["tables"]["shop.sale"]["columns"]:
        if column["target"] == "amount":
            column["expr"] = "total * 100"
    planned.registry_sql("UPDATE plan SET body = ? WHERE fingerprint = ?", json.dumps(body), print_)
    shown = {column.target: column.expr for column in read(planned).tables["shop.sale"].columns}
    assert shown["amount"] == SALE["amount"]


def test_nor_where_the_registry_looks_untouched(planned: Shop) -> None:
    print_ = read(planned).fingerprint
    assert glanced(planned)
    file = planned.root / ".octopipe" / "registry.db"
    before = file.stat()
    text = planned.registry_sql("SELECT body FROM plan WHERE fingerprint = ?", print_)[0][0]
    altered = text.replace('"rows_read":20', '"rows_read":99')
    assert len(altered) == len(text)
    assert altered != text
    planned.registry_sql("UPDATE plan SET body = ? WHERE fingerprint = ?", altered, print_)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert unchanged(planned.space, planned.space.pipeline("sales")) is None
