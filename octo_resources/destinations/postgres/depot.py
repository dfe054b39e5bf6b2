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
from typing import Final

import pyarrow as pa

from octo_core.errors import DestinationError
from octo_resources.destinations.names import literal, quoted
from octo_resources.destinations.postgres.connection import Address
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.staging import ROW, Renamed
from octo_resources.engines.duckdb.scan import REFUSED
from octo_resources.engines.protocol import Brought

PREFIX: Final = "octo_ld_"
_REFUSED_COLUMNS: Final = '"row" bigint, "column" text, reason text, kind text, value text'
_OURS: Final = re.compile(rf"{PREFIX}[a-z0-9_]+")


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

    def __enter__(self) -> "PostgresDelivery":
        depot = self._depot
        self._session = session = Session(depot.address)
        try:
            with _explaining(session, "the task cannot make its table"):
                session.run("BEGIN")
                columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(depot.columns))
                session.run(f"CREATE UNLOGGED TABLE {self._place(self._table)} ({ROW} bigint, {columns})")
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
        order = [*self._depot.names, ROW]
        renamed = Renamed(rows, order, [*(f"c{n}" for n in range(len(order) - 1)), ROW])
        session = self._open
        try:
            with _explaining(session, "the rows cannot be staged"):
                for part in renamed.parts():
                    session.copy(self._table, part, schema=self._depot.schema)
        finally:
            renamed.close()
        return renamed.count

    def refused(self, rows: pa.RecordBatchReader) -> int:
        name = f"x{self._table}"
        session = self._open
        with _explaining(session, "the refused rows cannot be staged"):
            session.run(f"CREATE UNLOGGED TABLE {self._place(name)} ({_REFUSED_COLUMNS})")
            return session.copy(name, rows, schema=self._depot.schema)

    def keep(self) -> str:
        session = self._open
        with _explaining(session, "the task's rows cannot be kept"):
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
                for batch in session.batches(f'SELECT "row", "column", reason, kind, value FROM {place}'):
                    yield batch.cast(REFUSED)

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
