"""Tables that tasks of a cluster COPY into, each attempt into its own, and what the driver makes of them.

A task may run twice, at the same time even, may die after its COMMIT, and one that was killed may commit a stream that
was cut short. So a table that is there proves nothing: only what the driver got back from a task counts. The tables
are UNLOGGED and stand in a schema of the load's own, which goes when the load ends, or, where its process died, when
the next load of anybody begins: the load's transaction holds a lock that tells whether it lives.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, NamedTuple

import pyarrow as pa

from octo_core.deletes import TOMBSTONE
from octo_core.errors import DestinationError
from octo_resources.destinations.names import literal, quoted
from octo_resources.destinations.postgres.connection import Address
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.staging import ROW, Renamed, pieces
from octo_resources.engines.duckdb.scan import REFUSED
from octo_resources.engines.protocol import Brought

PREFIX: Final = "octo_ld_"
_REFUSED_COLUMNS: Final = '"row" bigint, "column" bytea, reason bytea, kind bytea, value bytea'
_REFUSED_BYTES: Final = pa.schema([one if one.name == "row" else one.with_type(pa.binary()) for one in REFUSED])
"""Bytes, for what was refused may hold what PostgreSQL's text does not: a NUL character, above all."""
_PAGE: Final = 10_000
_OURS: Final = re.compile(rf"{PREFIX}[a-z0-9_]+")
KEPT: Final = "kept"
"""The table in which attempts say what they committed."""
_KEPT_COLUMNS: Final = "number integer, place text, rows bigint, xid xid"


class Kept(NamedTuple):
    """What one attempt committed, and in which transaction."""

    rows: int
    xid: str


def schema_of(load_id: str) -> str:
    """The name of a load's own schema."""
    return PREFIX + re.sub("[^a-z0-9]", "_", load_id.lower())


@dataclass(frozen=True)
class PostgresDepot:
    """What a task needs to bring rows; the address holds the password, and goes to the executors only."""

    address: Address
    schema: str
    number: int
    """Of the table within its load."""
    names: tuple[str, ...]
    """The target columns in the staging table's order."""
    columns: tuple[str, ...]
    """Their staging types."""
    arrow: pa.Schema = field(repr=False)
    """What the types stand for: batches of any other are refused, as COPY would write wrong values in silence."""

    def delivery(self, part: int, attempt: int) -> "PostgresDelivery":
        return PostgresDelivery(self, f"s{self.number}_{part}_{attempt}")


class PostgresDelivery:
    """One attempt's table, made and filled in one transaction."""

    def __init__(self, depot: PostgresDepot, table: str) -> None:
        self._depot, self._table = depot, table
        self._session: Session | None = None
        self._rows = 0

    def __enter__(self) -> "PostgresDelivery":
        depot = self._depot
        self._session = session = Session(depot.address)
        try:
            with _explaining(session, "the task cannot make its table"):
                session.run("BEGIN")
                self.make(session)
        except BaseException:
            session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def rows(self, rows: pa.RecordBatchReader) -> int:
        if not rows.schema.equals(self._depot.arrow):
            raise DestinationError(f"the rows came as {rows.schema}, not as {self._depot.arrow}", where=self._table)
        session = self._open
        with _explaining(session, "the rows cannot be staged"):
            self._rows = self.copy(session, rows)
        return self._rows

    def make(self, session: Session) -> None:
        """Make the table that the attempt's rows go into."""
        depot = self._depot
        columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(depot.columns))
        marker = f", {TOMBSTONE} boolean" if TOMBSTONE in depot.arrow.names else ""
        session.run(f"CREATE UNLOGGED TABLE {self._place(self._table)} ({ROW} bigint, {columns}{marker})")

    def copy(self, session: Session, rows: pa.RecordBatchReader) -> int:
        """COPY the rows to where they are to go; gives how many."""
        own = [name for name in (ROW, TOMBSTONE) if name in rows.schema.names]
        names = self._depot.names
        renamed = Renamed(rows, [*names, *own], [*(f"c{n}" for n in range(len(names))), *own])
        return self.copied(session, renamed, self._table)

    def copied(self, session: Session, rows: Renamed, table: str) -> int:
        """COPY all rows into a table of the load's schema; gives how many."""
        try:
            for part in rows.parts():
                session.copy(table, pieces(part), schema=self._depot.schema)
        finally:
            rows.close()
        return rows.count

    def refused(self, rows: pa.RecordBatchReader) -> int:
        name = f"x{self._table}"
        session = self._open
        with _explaining(session, "the refused rows cannot be staged"):
            session.run(f"CREATE UNLOGGED TABLE {self._place(name)} ({_REFUSED_COLUMNS})")
            return session.copy(name, rows.cast(_REFUSED_BYTES), schema=self._depot.schema)

    def keep(self) -> str:
        session = self._open
        with _explaining(session, "the task's rows cannot be kept"):
            session.run(_kept(self._depot.schema, self._depot.number, self._table, self._rows))
            session.run("COMMIT")
        session.close()
        self._session = None
        return self._table

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise DestinationError("the delivery has ended", where=self._table)
        return self._session

    def _place(self, table: str) -> str:
        return f"{quoted(self._depot.schema)}.{quoted(table)}"


def _kept(schema: str, number: int, place: str, rows: int) -> str:
    """What an attempt writes down in the transaction that brings its rows: both are there, or neither is."""
    return (
        f"INSERT INTO {quoted(schema)}.{KEPT} (number, place, rows, xid) "
        f"VALUES ({number}, {literal(place)}, {rows}, pg_current_xact_id()::xid)"
    )


class PostgresLedge:
    """The load's schema, seen from the driver: made at first use, dropped at the end."""

    def __init__(self, address: Address, load_id: str) -> None:
        self.schema = schema_of(load_id)
        parameters = {**address.parameters, "application_name": self.schema}
        self._address = replace(address, parameters=parameters)
        self._beside: Session | None = None

    def begin(self, transaction: Session) -> None:
        """Take the lock that says that this load lives, sweep what dead ones left, and make the schema."""
        if self._beside is not None:
            return
        transaction.run(f"SELECT pg_advisory_xact_lock({_key(self.schema)})")
        parameters = {**self._address.parameters, "application_name": "octopipe"}
        self._beside = Session(replace(self._address, parameters=parameters))
        with _explaining(self._beside, "the load's schema for the tasks' tables cannot be made"):
            sweep(self._beside)
            self._beside.run(f"CREATE SCHEMA {quoted(self.schema)}")
            self._beside.run(f"CREATE UNLOGGED TABLE {quoted(self.schema)}.{KEPT} ({_KEPT_COLUMNS})")

    def run(self, statement: str) -> None:
        """Do something in the load's schema that tasks see at once."""
        session = self._open
        with _explaining(session, "the tables for the tasks' rows cannot be made"):
            session.run(statement)

    def kept(self, transaction: Session, number: int) -> dict[str, Kept]:
        """Place → what was committed for a table so far, by winners and losers."""
        query = f"SELECT place, rows, xid::text FROM {quoted(self.schema)}.{KEPT} WHERE number = {number}"
        return {place: Kept(rows, xid) for place, rows, xid in transaction.rows(query)}

    @property
    def address(self) -> Address:
        """Where tasks connect to: by its application name they are found."""
        return self._address

    def depot(self, number: int, names: Sequence[str], columns: Sequence[str], arrow: pa.Schema) -> PostgresDepot:
        return PostgresDepot(self._address, self.schema, number, tuple(names), tuple(columns), arrow)

    def end_losers(self) -> None:
        """End every attempt that still runs: what it would commit is not wanted any more."""
        session = self._open
        with _explaining(session, "the tasks that were left over cannot be ended"):
            _terminate(session, self.schema)

    def refused(self, brought: Sequence[Brought]) -> Iterator[pa.RecordBatch]:
        """The rows that the tasks refused, page by page."""
        session = self._open
        for one in brought:
            place = f"{quoted(self.schema)}.{quoted('x' + one.place)}"
            if session.value(f"SELECT to_regclass({literal(place)}) IS NOT NULL"):
                found = session.stream(f'SELECT "row", "column", reason, kind, value FROM {place}', _PAGE)
                while page := list(islice(found, _PAGE)):
                    columns = [
                        pa.array(values, kind)
                        for values, kind in zip(zip(*page, strict=True), _REFUSED_BYTES.types, strict=True)
                    ]
                    yield pa.record_batch(columns, schema=_REFUSED_BYTES).cast(REFUSED)

    def close(self) -> None:
        """Take the schema away, and who still writes to it."""
        session, self._beside = self._beside, None
        if session is None:
            return
        try:
            with suppress(Refused):  # the next load's sweep takes it then
                _terminate(session, self.schema)
                session.run(f"DROP SCHEMA IF EXISTS {quoted(self.schema)} CASCADE")
        finally:
            session.close()

    @property
    def _open(self) -> Session:
        if self._beside is None:
            raise DestinationError("the load has ended")
        return self._beside


def sweep(session: Session) -> list[str]:
    """Drop the schemas of loads whose process died, and end what their tasks still do; gives their names."""
    left = session.rows(f"SELECT nspname FROM pg_namespace WHERE starts_with(nspname, {literal(PREFIX)})")
    swept = []
    for (name,) in left:
        if not _OURS.fullmatch(name):
            continue
        session.run("BEGIN")
        try:
            if session.value(f"SELECT pg_try_advisory_xact_lock({_key(name)})"):
                _terminate(session, name)
                session.run(f"DROP SCHEMA IF EXISTS {quoted(name)} CASCADE")
                swept.append(name)
            session.run("COMMIT")
        except Refused:  # another role's, or swept by another load meanwhile
            session.run("ROLLBACK")
    return swept


def _terminate(session: Session, schema: str) -> None:
    session.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE application_name = {literal(schema)} AND pid <> pg_backend_pid()"
    )


def _key(schema: str) -> str:
    return f"hashtextextended({literal(schema)}, 0)"


class _explaining:  # noqa: N801 - a context manager, read as a verb
    """What PostgreSQL refuses, as a user reads it."""

    def __init__(self, session: Session, doing: str) -> None:
        self._session, self._doing = session, doing

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Refused):
            raise self._session.explain(self._doing, error) from error
