"""A load's three write modes, on rows that the table takes."""

from collections.abc import Callable
from typing import Any

import pytest

from octo_resources.destinations.postgres import PostgresDestination
from tests.destination.support import load_rows

Execute = Callable[..., list[tuple[Any, ...]]]
COLUMNS = ("id", "name", "amount")


@pytest.fixture
def orders(execute: Execute) -> None:
    execute(
        "create table public.orders (id bigint primary key, name text, amount numeric(10,2), note text default 'new')"
    )


def rows(*triples: tuple[int, str | None, str | None]) -> list[dict[str, Any]]:
    from decimal import Decimal

    return [{"id": n, "name": name, "amount": Decimal(amount) if amount else None} for n, name, amount in triples]


def test_append_into_an_empty_table(destination: PostgresDestination, execute: Execute, orders: None) -> None:
    done = load_rows(destination, "public.orders", COLUMNS, rows((1, "a", "1.10"), (2, None, None)), "append")
    assert done.counts == {"read": 2, "inserted": 2}
    assert execute("select id, name, amount::text, note from orders order by id") == [
        (1, "a", "1.10", "new"),
        (2, None, None, "new"),
    ]


def test_merge_twice_changes_nothing(destination: PostgresDestination, execute: Execute, orders: None) -> None:
    batch = rows((1, "a", "1.10"), (2, None, None), (3, "c", "3"))
    assert load_rows(destination, "orders", COLUMNS, batch).counts == {"read": 3, "inserted": 3}
    before = execute("select xmin::text, * from orders order by id")
    assert load_rows(destination, "orders", COLUMNS, batch).counts == {"read": 3, "unchanged": 3}
    assert execute("select xmin::text, * from orders order by id") == before


def test_merge_counts_what_it_does(destination: PostgresDestination, execute: Execute, orders: None) -> None:
    execute("insert into orders values (1, 'a', 1, 'kept'), (2, 'b', 2, 'kept')")
    batch = rows((1, "a", "1"), (2, "B", "2"), (3, "c", "3"), (3, "C", "3"))
    done = load_rows(destination, "orders", COLUMNS, batch)
    assert done.counts == {"read": 4, "inserted": 1, "updated": 1, "unchanged": 1, "deduplicated": 1}
    assert execute("select id, name, note from orders order by id") == [
        (1, "a", "kept"),
        (2, "B", "kept"),
        (3, "C", "new"),
    ]


def test_append_sets_keys_aside_that_are_there(
    destination: PostgresDestination, execute: Execute, orders: None
) -> None:
    execute("insert into orders values (1, 'a', 1)")
    done = load_rows(destination, "orders", COLUMNS, rows((1, "x", "9"), (2, "b", "2")), "append")
    assert done.counts == {"read": 2, "inserted": 1, "rejected": 1}
    assert (done.rejected[0].row, done.rejected[0].value) == (1, "id = 1")
    assert "there already in public.orders" in done.rejected[0].reason
    assert execute("select id, name from orders order by id") == [(1, "a"), (2, "b")]


def test_replace_is_a_keyed_difference(destination: PostgresDestination, execute: Execute, orders: None) -> None:
    execute("insert into orders values (1, 'a', 1, 'kept'), (2, 'b', 2, 'kept'), (3, 'c', 3, 'kept')")
    done = load_rows(destination, "orders", COLUMNS, rows((1, "a", "1"), (2, "B", "2"), (4, "d", "4")), "replace")
    assert done.counts == {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1, "removed": 1}
    assert execute("select id, name, note from orders order by id") == [
        (1, "a", "kept"),
        (2, "B", "kept"),
        (4, "d", "new"),
    ]


def test_replace_without_a_key_takes_everything_anew(destination: PostgresDestination, execute: Execute) -> None:
    execute("create table public.log (line text); insert into log values ('x'), ('y')")
    done = load_rows(destination, "log", ("line",), [{"line": "x"}], "replace")
    assert done.counts == {"read": 1, "inserted": 1, "removed": 2}
    assert execute("select * from log") == [("x",)]


@pytest.mark.parametrize("direct", [True, False])
def test_a_key_twice_in_the_first_batch(
    destination: PostgresDestination, execute: Execute, orders: None, direct: bool
) -> None:
    batch = rows((1, "a", "1"), (2, "b", "2"), (1, "A", "1"))
    done = load_rows(destination, "orders", COLUMNS, batch, "append", direct=direct)
    assert done.counts == {"read": 3, "inserted": 2, "deduplicated": 1}
    assert execute("select id, name from orders order by id") == [(1, "A"), (2, "b")]


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("write", ["append", "merge"])
def test_a_null_key_of_a_unique_is_set_aside_from_the_first_load_on(
    destination: PostgresDestination, execute: Execute, direct: bool, write: Any
) -> None:
    execute("create table public.tags (code text unique, name text)")
    batch = [{"code": None, "name": "none"}, {"code": "a", "name": "A"}]
    for known in (False, True):
        batch = batch if write == "merge" or not known else batch[:1]
        done = load_rows(destination, "tags", ("code", "name"), batch, write, key=("code",), direct=direct)
        assert [one.reason for one in done.rejected] == ["key column code is null"]
    assert execute("select * from tags") == [("a", "A")]


def test_direct_copies_straight(destination: PostgresDestination, execute: Execute, orders: None) -> None:
    done = load_rows(destination, "orders", COLUMNS, rows((1, "a", "1"), (2, "b", "2")), "append", direct=True)
    assert done.outcome.direct
    assert execute("select count(*) from orders") == [(2,)]


def test_the_newer_version_wins(destination: PostgresDestination, execute: Execute) -> None:
    execute(
        "create table public.v (id int primary key, at int, x text); insert into v values (1, 5, 'old'), (2, 5, 'old')"
    )
    batch: list[dict[str, Any]] = [
        {"id": 1, "at": 4, "x": "older"},
        {"id": 2, "at": 7, "x": "newest"},
        {"id": 2, "at": 6, "x": "newer"},
        {"id": 3, "at": None, "x": "none"},
        {"id": 3, "at": 1, "x": "one"},
    ]
    done = load_rows(destination, "v", ("id", "at", "x"), batch, version="at")
    assert done.counts == {"read": 5, "inserted": 1, "updated": 1, "deduplicated": 3}
    assert execute("select * from v order by id") == [(1, 5, "old"), (2, 7, "newest"), (3, 1, "one")]
