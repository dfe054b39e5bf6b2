"""One transaction, or nothing: locks, the definitions read again, positions, batch ids, rights, a killed load."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from octo_core.catalog import Catalog
from octo_core.errors import DestinationError, LedgerMismatch, NotApproved
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.postgres.connection import Address, open_writer
from octo_resources.destinations.postgres.load import Load
from octo_resources.destinations.writing import Move
from tests.conftest import PostgresServer
from tests.destination.support import FINGERPRINT, job, ledger, load_rows, reader, record

Execute = Callable[..., list[tuple[Any, ...]]]
ROWS = [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}]


@pytest.fixture
def catalog(destination: PostgresDestination, execute: Execute) -> Catalog:
    execute("create table public.t (id int primary key, x text)")
    destination.prepare()
    return destination.pull(["t"])


def begun(destination: PostgresDestination, catalog: Catalog, load_id: str = "l1", **settings: Any) -> Load:
    tables, signature = list(catalog.tables.values()), catalog.signature
    return destination.load(
        load_id=load_id, pipeline="p", fingerprint=FINGERPRINT, tables=tables, expected_signature=signature, **settings
    )


def write(load: Load, catalog: Catalog, name: str = "public.t") -> Any:
    table = catalog.tables[name]
    return load.write(job(table, ("id", "x")), reader(table, ("id", "x"), ROWS))


def test_nothing_is_seen_before_the_commit(
    destination: PostgresDestination, execute: Execute, catalog: Catalog
) -> None:
    with begun(destination, catalog) as load:
        load.record(record({"public.t": write(load, catalog)}))
        assert execute("select count(*) from t") == [(0,)]
        load.commit()
    assert execute("select count(*) from t") == [(2,)]
    assert execute("select count(*) from pg_class where relname like 'octo_stage%'") == [(0,)]


def test_leaving_without_commit_undoes_all(
    destination: PostgresDestination, execute: Execute, catalog: Catalog
) -> None:
    with begun(destination, catalog) as load:
        load.record(record({"public.t": write(load, catalog)}, batches=["b1"]))
    assert execute("select count(*) from t") == [(0,)]
    assert destination.known_batches("p") == {}


def test_a_load_leaves_its_account(destination: PostgresDestination, catalog: Catalog) -> None:
    with begun(destination, catalog) as load:
        outcome = write(load, catalog)
        load.record(record({"public.t": outcome}, batches=["b1"], moves=[Move("source", "public.t", {"at": 7})]))
        load.commit()
    (done,) = destination.loads("p")
    assert (done["load_id"], done["fingerprint"], done["batches"], done["status"]) == (
        "l1",
        FINGERPRINT,
        ["b1"],
        "loaded",
    )
    assert done["tables"]["public.t"]["inserted"] == done["tables"]["public.t"]["read"] == 2
    assert destination.known_batches("p") == {("source", "public.t"): frozenset({"b1"})}
    position = destination.positions("p")["source", "public.t"]
    assert (position.value, position.epoch) == ({"at": 7}, 1)
    with begun(destination, catalog, "l2") as load:
        assert load.known_batches("source", "t") == frozenset({"b1"})
        assert load.positions() == {("source", "public.t"): position}
        load.record(record({}, moves=[Move("source", "public.t", {"at": 9}, seen_epoch=1)]))
        load.commit()
    assert destination.positions("p")["source", "public.t"].epoch == 2


@pytest.mark.parametrize("epoch", [0, 5])
def test_a_position_moved_by_another_rolls_back(
    destination: PostgresDestination, execute: Execute, catalog: Catalog, epoch: int
) -> None:
    with begun(destination, catalog) as load:
        load.record(record({}, moves=[Move("source", "public.t", {"at": 7})]))
        load.commit()
    with begun(destination, catalog, "l2") as load:
        outcome = write(load, catalog)
        with pytest.raises(DestinationError, match="moved by another load"):
            load.record(record({"public.t": outcome}, moves=[Move("source", "public.t", {"at": 8}, seen_epoch=epoch)]))
        with pytest.raises(DestinationError, match="recorded before"):
            load.commit()
    assert execute("select count(*) from t") == [(0,)]
    assert destination.positions("p")["source", "public.t"].value == {"at": 7}


def test_a_batch_is_recorded_once(destination: PostgresDestination, execute: Execute, catalog: Catalog) -> None:
    for load_id in ("l1", "l2"):
        with begun(destination, catalog, load_id) as load:
            outcome = write(load, catalog)
            if load_id == "l2":
                with pytest.raises(DestinationError, match="batch b1 of source is loaded already"):
                    load.record(record({"public.t": outcome}, batches=["b1"]))
                break
            load.record(record({"public.t": outcome}, batches=["b1"]))
            load.commit()
    assert [load["load_id"] for load in destination.loads("p")] == ["l1"]


def test_a_ledger_that_says_otherwise_is_refused(
    destination: PostgresDestination, execute: Execute, catalog: Catalog
) -> None:
    with begun(destination, catalog) as load:
        outcome = write(load, catalog)
        wrong = record({"public.t": outcome})
        wrong.ledgers["public.t"] = ledger(outcome).model_copy(update={"inserted": 1, "unchanged": 1})  # type: ignore[index]  # a dict in the test
        with pytest.raises(LedgerMismatch, match="the ledger says 1 inserted, the destination 2"):
            load.record(wrong)
    assert execute("select count(*) from t") == [(0,)]


ALTERATIONS = {
    "alter table t alter column x type varchar(9)": "public.t.x: native was text, is character varying(9)",
    "alter table t add column y int": "public.t.y is new",
    "alter table t add check (id > 0)": "check t_id_check is new",
    "create unique index one on t (x)": "unique one is new",
    "alter table t alter column x set default 'd'": "default was None",
    "create trigger tr before update on t for each row execute function suppress_redundant_updates_trigger()": "tr",
    "create policy p on t": "a policy",
}


@pytest.mark.parametrize("statement", list(ALTERATIONS))
def test_a_table_altered_since_is_refused_with_what_changed(
    destination: PostgresDestination, execute: Execute, catalog: Catalog, statement: str
) -> None:
    execute(statement)
    assert destination.signature(["t"]) != catalog.signature
    with pytest.raises(NotApproved) as refused, begun(destination, catalog):
        pass
    assert ALTERATIONS[statement] in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    ["comment on table t is 'x'", "comment on column t.x is 'y'", "analyze t", "create index on t (x)",
     "create table other (id int)", "alter table t set (fillfactor = 70)", "insert into t values (5)"],
)  # fmt: skip
def test_what_changes_no_row_changes_no_signature(
    destination: PostgresDestination, execute: Execute, catalog: Catalog, statement: str
) -> None:
    execute(statement)
    assert destination.signature(["t"]) == destination.pull(["t"]).signature == catalog.signature


def test_a_label_of_an_enum_or_a_check_of_a_domain_changes_the_signature(
    destination: PostgresDestination, execute: Execute
) -> None:
    execute("create type mood as enum ('a'); create domain few as int check (value < 9)")
    execute("create table public.d (m mood[], f few)")
    seen = {destination.signature(["d"])}
    for statement in ("alter type mood add value 'b'", "alter domain few add check (value > 1)",
                      "alter domain few set not null"):  # fmt: skip
        execute(statement)
        seen.add(destination.signature(["d"]))
    assert len(seen) == 4


def test_two_loads_of_one_table_wait_for_one_another(destination: PostgresDestination, catalog: Catalog) -> None:
    wait = timedelta(milliseconds=50)
    with begun(destination, catalog) as first:
        with (
            pytest.raises(DestinationError, match="locked by another transaction"),
            begun(destination, catalog, "l2", lock_timeout=wait),
        ):
            pass
        write(first, catalog)
    with begun(destination, catalog, "l3", lock_timeout=wait):
        pass


def test_readers_go_on_and_definitions_stand_still(
    destination: PostgresDestination, url: str, catalog: Catalog
) -> None:
    with begun(destination, catalog) as load, psycopg.connect(url, autocommit=True) as other:
        write(load, catalog)
        other.execute("set lock_timeout = '50ms'")
        assert other.execute("select count(*) from t").fetchone() == (0,)
        for statement in ("alter table t add column y int", "insert into t values (7)", "drop table t"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(statement.encode())


def test_without_prepare_there_is_no_load(destination: PostgresDestination, execute: Execute) -> None:
    execute("create table public.t (id int primary key, x text)")
    catalog = destination.pull(["t"])
    with pytest.raises(DestinationError, match="destination prepare"), begun(destination, catalog):
        pass


class SpoiledError(Exception):
    pass


def test_what_the_rows_producer_raises_comes_out(destination: PostgresDestination, catalog: Catalog) -> None:
    table = catalog.tables["public.t"]

    def batches() -> Iterator[pa.RecordBatch]:
        yield from reader(table, ("id", "x"), ROWS)
        raise SpoiledError("the source ended early")

    schema = reader(table, ("id", "x"), ROWS).schema
    for direct in (True, False):
        with begun(destination, catalog) as load, pytest.raises(SpoiledError):
            load.write(job(table, ("id", "x"), direct=direct), pa.RecordBatchReader.from_batches(schema, batches()))


def test_arrow_types_that_do_not_fit_are_refused_before_any_copy(
    destination: PostgresDestination, execute: Execute, catalog: Catalog
) -> None:
    execute("create table public.w (id bigint primary key, at timestamptz, d double precision)")
    table = destination.pull(["w"]).tables["public.w"]
    wrong = pa.table(
        {"id": pa.array([1]), "at": pa.array([5], pa.int64()), "d": pa.array([1.5]), "_row": pa.array([1])}
    )
    with (
        destination.load(
            load_id="l", pipeline="p", fingerprint=FINGERPRINT, tables=[table], expected_signature=None
        ) as load,
        pytest.raises(DestinationError, match=r"public\.w\.at: rows of Arrow type int64 cannot go into timestamp"),
    ):
        load.write(job(table, ("id", "at", "d")), wrong.to_reader())


def test_the_rights_that_the_docs_list_are_enough(
    server: PostgresServer, destination: PostgresDestination, url: str, execute: Execute
) -> None:
    execute("""create schema wh; create table wh.parent (id int primary key); insert into wh.parent values (1);
    create table wh.child (id int primary key, up int references wh.parent, x text);
    insert into wh.child values (9, 1, 'gone')""")
    destination.prepare()
    role = url.rpartition("/")[2]
    grants = [line.removeprefix("-- ") for line in destination.state_ddl().splitlines() if line.startswith("-- GRANT")]
    execute(
        f"create role {role} login; revoke all on schema public from public; "
        + " ".join(grants).replace("LOADER", role)
    )
    execute(f"grant usage on schema wh to {role}; grant select, insert, update, delete on wh.child to {role}")
    as_role = PostgresDestination.from_url(url.replace("postgres@", f"{role}@"))
    as_role_prepared(as_role)
    rows = [{"id": 1, "up": 1, "x": "a"}, {"id": 2, "up": 7, "x": "b"}]
    catalog = as_role.pull(["wh.child"])
    table = catalog.tables["wh.child"]
    for load_id, mode in (("l1", "merge"), ("l2", "replace")):
        with begun(as_role, catalog, load_id) as load:
            outcome = load.write(job(table, ("id", "up", "x"), write=mode), reader(table, ("id", "up", "x"), rows))
            assert [one.reason for one in outcome.rejected] == ["no such up in wh.parent"]
            move = Move("s", "wh.child", {"at": load_id}, seen_epoch=0 if load_id == "l1" else 1)
            load.record(record({"wh.child": outcome}, batches=[load_id], moves=[move]))
            load.commit()
    assert execute("select id, x from wh.child") == [(1, "a")]
    with pytest.raises(DestinationError, match=r"docs/destinations\.md"):
        as_role.pull(["wh.parent"])


def as_role_prepared(destination: PostgresDestination) -> None:
    destination.prepare()
    assert destination.prepared()


KILLED = """
import os, signal, sys
from octo_core.catalog import Table
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.writing import Move
from tests.destination.support import job, reader, record
url, when, definition, signature = sys.argv[1:]
destination, table = PostgresDestination.from_url(url), Table.model_validate_json(definition)
with destination.load(load_id=when, pipeline="p", fingerprint="f", tables=[table],
                      expected_signature=signature) as load:
    rows = [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}]
    outcome = load.write(job(table, ("id", "x")), reader(table, ("id", "x"), rows))
    moves = [Move("source", "public.t", {"at": 2})]
    load.record(record({"public.t": outcome}, batches=["b1"], moves=moves))
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    load.commit()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 2)])
def test_a_killed_load_is_there_wholly_or_not_at_all(
    destination: PostgresDestination, execute: Execute, url: str, catalog: Catalog, when: str, rows: int
) -> None:
    given = [url, when, catalog.tables["public.t"].model_dump_json(), catalog.signature]
    done = subprocess.run([sys.executable, "-c", KILLED, *given], cwd=Path(__file__).parents[2], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    with begun(destination, catalog, "next") as load:  # waits for the dead load's backend to let go
        there = load.known_batches("source", "t")
    assert execute("select count(*) from t") == [(rows,)]
    assert len(there) == (1 if rows else 0)
    assert len(destination.positions("p")) == len(destination.loads("p")) == len(there)


def test_parents_and_children_in_one_load(destination: PostgresDestination, execute: Execute) -> None:
    execute("""create table public.a (id int primary key, x text);
    create table public.b (id int primary key, a int references a);
    insert into a values (1, 'x'), (2, 'y'); insert into b values (1, 1), (2, 2)""")
    destination.prepare()
    catalog = destination.pull(["b", "a"])
    from octo_resources.destinations.postgres.order import order_by_foreign_keys

    tables = order_by_foreign_keys(list(catalog.tables.values()))
    assert [table.name for table in tables] == ["public.a", "public.b"]
    with begun(destination, catalog) as load:
        first = load.write(
            job(tables[0], ("id", "x"), write="replace"), reader(tables[0], ("id", "x"), [{"id": 2}, {"id": 3}])
        )
        rows = [{"id": 2, "a": 3}, {"id": 3, "a": 8}]
        second = load.write(job(tables[1], ("id", "a"), write="replace"), reader(tables[1], ("id", "a"), rows))
        assert (first.removed, second.removed, len(second.rejected)) == (1, 1, 1)
        load.record(record({"public.a": first, "public.b": second}))
        load.commit()
    assert execute("select id from a order by id") == [(2,), (3,)]
    assert execute("select id, a from b") == [(2, 3)]


def test_a_circle_of_deferrable_foreign_keys(destination: PostgresDestination, execute: Execute) -> None:
    execute("""create table public.a (id int primary key, b int);
    create table public.b (id int primary key, a int references a deferrable);
    alter table a add foreign key (b) references b deferrable""")
    destination.prepare()
    catalog = destination.pull(["a", "b"])
    for load_id, other, count in (("bad", 2, 0), ("good", 1, 1)):
        with begun(destination, catalog, load_id) as load:
            outcomes = {
                name: load.write(job(catalog.tables[name], columns), reader(catalog.tables[name], columns, [row]))
                for name, columns, row in (
                    ("public.a", ("id", "b"), {"id": 1, "b": other}),
                    ("public.b", ("id", "a"), {"id": 1, "a": 1}),
                )
            }
            if not count:
                with pytest.raises(DestinationError, match="violates foreign key constraint"):
                    load.record(record(outcomes))
                continue
            load.record(record(outcomes))
            load.commit()
        assert execute("select count(*) from a") == [(count,)]


def test_merging_a_table_that_load_rows_made(
    destination: PostgresDestination, execute: Execute, catalog: Catalog
) -> None:
    assert load_rows(destination, "t", ("id", "x"), []).counts == {}
    assert load_rows(destination, "t", ("id", "x"), ROWS).counts == {"read": 2, "inserted": 2}


def test_a_connection_on_which_a_long_statement_is_waited_for_is_kept_alive(url: str) -> None:
    with open_writer(Address.from_url(url)) as connection, socket.socket(fileno=os.dup(connection.fileno())) as wire:
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    assert "keepalives_idle=5 " in Address.from_url(f"{url}?keepalives_idle=5").conninfo + " "
