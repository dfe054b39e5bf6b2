"""What every attack starts from, and what has to be true after it: nothing of it is in the warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from octo_core.errors import NotApproved, OctopipeError
from tests.flow.shop import Shop, sale, sales


def approved(shop: Shop, name: str = "sales") -> str:
    """A pipeline that was approved and has loaded, and whose source has something new; the approved fingerprint."""
    shop.sales_pipeline(name)
    shop.drop("sales", "a", sales(range(1, 31)))
    fingerprint = shop.start(name).fingerprint
    shop.drop("sales", "b", [sale(100), sale(101)])
    shop.land(name)
    return fingerprint


@contextmanager
def nothing_loads(shop: Shop, error: type[OctopipeError] = NotApproved, match: str | None = None) -> Iterator[None]:
    """What is inside is refused with this error, and the warehouse is as it was."""
    before = shop.state()
    with pytest.raises(error, match=match):
        yield
    assert shop.state() == before
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))
