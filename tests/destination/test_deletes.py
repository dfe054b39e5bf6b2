"""Rows that the source took away: marked by tombstones or as absent, un-marked when they come again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from octo_core.catalog import Table
from octo_core.types import arrow_type
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.writing import Deletes, WriteJob, WriteOutcome
from tests.destination.support import FINGERPRINT, job, record

Execute = Callable[..., list[tuple[Any, ...]]]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("id", "x", "v")


class Marking:
    """Loads rows `(id, x, version, gone)` into public.t."""

    def __init__(self, destination: PostgresDestination, mark: str, **settings: Any) -> None:
        self.destination, self.mark, self.settings, self.loads = destination, mark, settings, 0

    def load(self, *rows: Sequence[Any], absence: bool = False, unread: int = 0) -> dict[str, int]:
        destination = self.destination
        destination.prepare()
        catalog = destination.pull(["t"])
        table = next(iter(catalog.tables.values()))
        deletes = Deletes(not absence, absence, table.column(self.mark), AT, lambda: unread)
        write = job(table, COLUMNS, deletes=deletes, **self.settings)
        reader = _reader(table, rows, tombstones=not absence)
        with destination.examination() as examination:
            wanted = _counts(examination.examine(write, reader))
        self.loads += 1
        with destination.load(
            load_id=f"l{self.loads}",
            pipeline="p",
            fingerprint=FINGERPRINT,
            tables=[table],
            expected_signature=catalog.signature,
        ) as load:
            outcome = self._written(load, write, reader)
            load.record(_record(outcome))
            load.commit()
        found = _counts(outcome)
        assert wanted == found, "a plan says beforehand what the load does"
        assert outcome.read == sum(found.values()) - found.get("soft_deleted", 0), "every row is accounted for"
        return found

    def _written(self, load: Any, write: WriteJob, reader: Callable[[], pa.RecordBatchReader]) -> WriteOutcome:
        found: WriteOutcome = load.write(write, reader)
        self.warnings = found.warnings
        self.rejected = [(one.column, one.reason) for one in found.rejected]
        return found


def _record(outcome: WriteOutcome) -> Any:
    made = record({"public.t": outcome})
    said = made.ledgers["public.t"].model_copy(
        update={"tombstoned": outcome.tombstoned, "soft_deleted": outcome.soft_deleted}
    )
    return type(made)(started=made.started, ledgers={"public.t": said}, quarantine=made.quarantine)


def _counts(outcome: WriteOutcome) -> dict[str, int]:
    names = ("inserted", "updated", "unchanged", "deduplicated", "tombstoned", "soft_deleted")
    found = {name: getattr(outcome, name) for name in names} | {"rejected": len(outcome.rejected)}
    return {name: value for name, value in found.items() if value}


def _reader(table: Table, rows: Sequence[Sequence[Any]], *, tombstones: bool) -> Callable[[], pa.RecordBatchReader]:
    columns = [table.column(name) for name in COLUMNS]
    schema = [(one.name, arrow_type(one.type)) for one in columns if one is not None]
    schema += [("_row", pa.int64()), *([("_deleted", pa.bool_())] if tombstones else [])]
    kinds = pa.schema(schema)

    def made() -> pa.RecordBatchReader:
        values = [dict(zip(("id", "x", "v", "_deleted"), row, strict=False)) for row in rows]
        full = [{"_deleted": False, **one, "_row": place} for place, one in enumerate(values, start=1)]
        return pa.Table.from_pylist(full, schema=kinds).to_reader()

    return made


@pytest.fixture(params=["timestamptz", "timestamp", "boolean"])
def marking(request: pytest.FixtureRequest, destination: PostgresDestination, execute: Execute) -> Marking:
    execute(f"create table t (id int primary key, x text not null, v int, gone {request.param})")
    return Marking(destination, "gone", version="v")


def _gone(execute: Execute) -> dict[int, bool]:
    return dict(execute("select id, coalesce(gone::text not in ('false'), false) from t order by id"))


def test_a_tombstone_marks_its_row_and_a_later_insert_brings_it_back(marking: Marking, execute: Execute) -> None:
    assert marking.load((1, "a", 1), (2, "b", 1)) == {"inserted": 2}
    # Of a tombstone nothing but the key has to hold; one without a row of its own marks nothing.
    assert marking.load((1, None, None, True), (9, None, None, True)) == {"tombstoned": 2, "soft_deleted": 1}
    assert _gone(execute) == {1: True, 2: False}
    assert execute("select x, v from t where id = 1") == [("a", 1)]
    assert marking.load((1, None, None, True)) == {"tombstoned": 1}, "it is marked already"
    assert marking.load((1, "a", 2)) == {"updated": 1}
    assert _gone(execute) == {1: False, 2: False}


def test_a_timestamp_says_when_the_load_was(destination: PostgresDestination, execute: Execute) -> None:
    execute("create table t (id int primary key, x text, v int, gone timestamptz)")
    marking = Marking(destination, "gone")
    marking.load((1, "a", 1))
    marking.load((1, None, None, True))
    assert execute("select gone from t") == [(AT,)]


def test_version_decides_what_is_late(marking: Marking, execute: Execute) -> None:
    marking.load((1, "a", 5), (2, "b", 5))
    assert marking.load((1, None, 4, True)) == {"tombstoned": 1}, "the row is newer than its tombstone"
    assert marking.load((1, None, 7, True), (2, None, 5, True)) == {"tombstoned": 2, "soft_deleted": 2}
    assert marking.load((1, "late", 6), (2, "again", 5)) == {"deduplicated": 2}
    assert _gone(execute) == {1: True, 2: True}
    assert marking.load((1, "new", 8)) == {"updated": 1}
    assert _gone(execute) == {1: False, 2: True}


def test_within_a_batch_the_newest_of_a_key_decides(marking: Marking, execute: Execute) -> None:
    rows = [
        (1, "a", 1), (1, None, None, True),                      # inserted and gone: nothing is there to mark
        (2, "b", 1), (2, None, None, True), (2, "b2", 2),        # there again
        (3, "c", 9), (3, None, 8, True),                         # a late tombstone
        (4, "d", 1), (4, None, 1, True),                         # of equal versions the last read decides
    ]  # fmt: skip
    assert marking.load(*rows) == {"inserted": 2, "deduplicated": 5, "tombstoned": 2}
    assert execute("select id, x from t order by id") == [(2, "b2"), (3, "c")]


def test_a_tombstone_without_a_key_is_set_aside(marking: Marking) -> None:
    marking.load((1, "a", 1))
    assert marking.load((None, None, None, True), (2, None, 1)) == {"rejected": 2}
    assert marking.rejected == [("id", "key column id is null"), ("x", "null in a column that takes none")]


def test_what_is_absent_from_a_full_read_is_marked(marking: Marking, execute: Execute) -> None:
    assert marking.load((1, "a", 1), (2, "b", 1), (3, "c", 1), absence=True) == {"inserted": 3}
    assert marking.load((1, "a", 1), (3, None, 2), absence=True) == {"unchanged": 1, "rejected": 1, "soft_deleted": 1}
    assert _gone(execute) == {1: False, 2: True, 3: False}, "what was set aside is at the source all the same"
    assert marking.load((1, "a", 1), (2, "b", 1), (3, "c", 1), absence=True) == {"updated": 1, "unchanged": 2}
    assert _gone(execute) == {1: False, 2: False, 3: False}


def test_nothing_is_absent_while_a_key_is_unknown(marking: Marking, execute: Execute) -> None:
    marking.load((1, "a", 1), (2, "b", 1), absence=True)
    assert marking.load((1, "a", 1), absence=True, unread=3) == {"unchanged": 1}
    assert "the keys of 3 of the source's rows are unknown" in marking.warnings[0]
    assert _gone(execute) == {1: False, 2: False}


def test_tombstones_that_mark_nothing_are_no_rows(destination: PostgresDestination, execute: Execute) -> None:
    execute("create table t (id int primary key, x text not null, v int)")
    marking = Marking(destination, "gone")
    assert marking.load((1, "a", 1), (2, None, None, True)) == {"inserted": 1, "tombstoned": 1}
    assert marking.load((1, None, None, True)) == {"tombstoned": 1}
