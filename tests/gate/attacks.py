"""What every attack starts from, and what has to be true after it: nothing of it is in the warehouse."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from octo_core.errors import NotApproved, OctopipeError
from octo_resources.registry import Registry
from tests.flow.shop import Shop, sale, sales

_SAVED: dict[str, tuple[str, str]] = {}
"""Project folder → the fingerprint approved in the state that was saved of it, and that state's database."""


def approved(shop: Shop) -> str:
    """A pipeline that was approved and has loaded, and whose source has something new; the approved fingerprint.

    Of a fresh shop in the folder of an earlier one it is a copy of that one's state, which takes a tenth of the time.
    """
    fresh = not shop.changed
    if fresh and str(shop.root) in _SAVED:
        return _restore(shop)
    fingerprint = _made(shop)
    if fresh:
        _save(shop, fingerprint)
    return fingerprint


def _made(shop: Shop) -> str:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    fingerprint = shop.start().fingerprint
    shop.drop("sales", "b", [sale(100), sale(101)])
    shop.land()
    return fingerprint


def _save(shop: Shop, fingerprint: str) -> None:
    server, _, database = shop.url.rpartition("/")
    shop.registry.close()
    shutil.copytree(shop.root, shop.root.with_name("saved"))
    shop.registry = Registry.open("sqlite", shop.root / ".octopipe")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}_saved TEMPLATE {database} STRATEGY file_copy".encode())
    _SAVED[str(shop.root)] = fingerprint, f"{database}_saved"


def _restore(shop: Shop) -> str:
    fingerprint, saved = _SAVED[str(shop.root)]
    server, _, database = shop.url.rpartition("/")
    shop.registry.close()
    shutil.rmtree(shop.root)
    shutil.copytree(shop.root.with_name("saved"), shop.root)
    shop.registry = Registry.open("sqlite", shop.root / ".octopipe")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database}".encode())
        connection.execute(f"CREATE DATABASE {database} TEMPLATE {saved} STRATEGY file_copy".encode())
    shop.changed = True
    return fingerprint


@contextmanager
def nothing_loads(shop: Shop, error: type[OctopipeError] = NotApproved, match: str | None = None) -> Iterator[None]:
    """What is inside is refused with this error, and the warehouse is as it was."""
    before = shop.state()
    with pytest.raises(error, match=match):
        yield
    assert shop.state() == before
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))
