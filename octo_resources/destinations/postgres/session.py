"""SQL over the ADBC connection that holds a load's transaction: statements, rows, savepoints and binary COPY."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.errors import DestinationError
from octo_resources.destinations.postgres.connection import Address, open_writer, statement_error

if TYPE_CHECKING:
    import adbc_driver_postgresql.dbapi

_ENVIRONMENT: Final = frozenset({"08", "0A", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58", "F0", "XX"})
"""Classes of SQLSTATE that no row is to blame for: connection, permission, syntax, resources, locks, the server itself.
A trigger may raise whatever it likes outside of them."""
_IDLE: Final = 120.0
"""Seconds after which a connection that nobody used is not tried any more: routers forget it without a word, and who
asks then waits for minutes."""


class Refused(Exception):  # noqa: N818 - what PostgreSQL said of a statement; never leaves this folder
    """A statement failed. `rows_fault` says whether other rows might have passed."""

    def __init__(self, state: str, message: str, detail: str | None, constraint: str | None) -> None:
        super().__init__(message)
        self.state = state
        self.message = message
        self.detail = detail
        self.constraint = constraint

    @property
    def rows_fault(self) -> bool:
        return bool(self.state) and self.state[:2] not in _ENVIRONMENT


class Sessions:
    """Keeps the connection of a load for the load after it: opening one costs 70 ms of CPU, and the server as much,
    whose new process has to learn its catalogs. For loads that follow one another, not for several at once."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._kept: Session | None = None
        self._since = 0.0

    def begin(self, statement: str) -> "Session":
        """A session in a transaction. What was kept and has been lost meanwhile is made anew. Raises Refused."""
        session, self._kept = self._kept, None
        if session is not None and time.monotonic() - self._since > _IDLE:
            session.close()
        elif session is not None:
            try:
                session.run(statement)
            except Refused:  # the server, or something between, has ended it; nothing was under way
                session.close()
            else:
                return session
        session = Session(self._address)
        try:
            session.run(statement)
        except BaseException:
            session.close()
            raise
        return session

    def give_back(self, session: "Session", *, ended: bool) -> None:
        """For the next load. `ended`: its transaction is over; else it is rolled back here."""
        if not ended:
            try:
                session.run("ROLLBACK")
            except Refused:
                session.close()
        if session.fresh and self._kept is None:
            self._kept, self._since = session, time.monotonic()
        else:
            session.close()

    def close(self) -> None:
        session, self._kept = self._kept, None
        if session is not None:
            session.close()


class Session:
    """One connection, one transaction at a time. Not for several threads, but for `cancel`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._cancelled = False
        self._connection: adbc_driver_postgresql.dbapi.Connection = open_writer(address)
        self._cursor: adbc_driver_postgresql.dbapi.Cursor = self._connection.cursor()
        self._savepoints = 0
        self._open = True
        self._ending = threading.Lock()

    def run(self, sql: str) -> int:
        """Execute; gives the number of rows it wrote (-1 where PostgreSQL does not say). Raises Refused."""
        with self._answering():
            self._cursor.execute(sql)
            return int(self._cursor.rowcount)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query. Numerics have to be cast in it: ADBC gives them as opaque text. Raises Refused."""
        with self._answering():
            self._cursor.execute(sql)
            return [tuple(row) for row in self._cursor.fetchall()]

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query as Arrow, as they come. Raises Refused."""
        with self._answering():
            self._cursor.execute(sql)
            with self._cursor.fetch_record_batch() as reader:
                yield from reader

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        return self.rows(sql)[0][0]

    def copy(self, table: str, rows: pa.RecordBatchReader, *, schema: str | None) -> int:
        """Binary COPY into a table of `schema`, or of pg_temp where that is None; gives the rows. Raises Refused.

        Columns are matched by name and nothing is cast: the caller has compared the types.
        """
        with self._answering():
            return int(
                self._cursor.adbc_ingest(
                    table,
                    rows,
                    mode="append",
                    temporary=schema is None,
                    **({"db_schema_name": schema} if schema else {}),
                )
            )

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is undone where it raises, whatever it raises."""
        self._savepoints += 1
        name = f"octo_{self._savepoints}"
        self.run(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if self._open:
                self.run(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        else:
            self.run(f"RELEASE SAVEPOINT {name}")
        finally:
            self._savepoints -= 1

    @property
    def fresh(self) -> bool:
        """Whether another transaction may follow: a cancellation may still be on its way, and hit that one."""
        return self._open and not self._cancelled

    def cancel(self) -> None:
        """Cancel the statement that runs; the one method that another thread may call."""
        from adbc_driver_manager import Error

        self._cancelled = True
        with self._ending, suppress(Error):  # where nothing runs, or the connection has gone, nothing is left to cancel
            if self._open:
                self._connection.adbc_cancel()

    def close(self) -> None:
        """Close the connection, which rolls back what was not committed."""
        with self._ending:
            if self._open:
                self._open = False
                self._cursor.close()
                self._connection.close()

    def explain(self, doing: str, error: Refused) -> DestinationError:
        """A failed statement as a user reads it."""
        text = f"{error.message} ({error.detail})" if error.detail else error.message
        return statement_error(self.address, doing, error.state, text)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from adbc_driver_manager import Error

        try:
            yield
        except Error as error:
            raise _refused(error) from error


def _refused(error: Any) -> Refused:
    """ADBC's error in PostgreSQL's own words: the diagnostic fields it carries, else the text after `ERROR:`."""
    said = {key: value.decode(errors="replace") for key, value in (error.details or []) if isinstance(value, bytes)}
    said = {key.decode() if isinstance(key, bytes) else key: value for key, value in said.items()}
    text = str(error)
    lines = text.partition("ERROR:")[2].strip().splitlines() or text.splitlines() or [""]
    message = said.get("PG_DIAG_MESSAGE_PRIMARY", lines[0].strip())
    detail = said.get("PG_DIAG_MESSAGE_DETAIL") or next(
        (line.removeprefix("DETAIL:").strip() for line in lines if line.startswith("DETAIL:")), None
    )
    state = error.sqlstate or said.get("PG_DIAG_SQLSTATE") or ""
    return Refused(state, message, detail, said.get("PG_DIAG_CONSTRAINT_NAME"))
