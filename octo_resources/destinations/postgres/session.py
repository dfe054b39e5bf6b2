"""SQL over the connection that holds a load's transaction: statements, rows, savepoints and binary COPY."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.errors import DestinationError
from octo_resources.destinations.names import quoted
from octo_resources.destinations.postgres.binary import encoded
from octo_resources.destinations.postgres.connection import Address, open_writer, statement_error

if TYPE_CHECKING:
    import psycopg

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
    """Keeps the connection of a load for the load after it: the server's new process has to learn its catalogs anew.
    For loads that follow one another, not for several at once."""

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
        self._connection = open_writer(address)
        self._savepoints = 0
        self._open = True
        self._ending = threading.Lock()

    @property
    def recodes(self) -> bool:
        """Whether the database is written in another encoding than what is sent."""
        return self._connection.info.parameter_status("server_encoding") != "UTF8"

    def run(self, sql: str, *values: Any) -> int:
        """Execute, `values` for its %s; gives how many rows it wrote (-1 where it does not say). Raises Refused."""
        with self._answering() as cursor:
            return cursor.execute(sql.encode(), values or None).rowcount

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query. Raises Refused."""
        with self._answering() as cursor:
            return cursor.execute(sql.encode()).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[tuple[Any, ...]]:
        """The rows of a query as they come, `size` of them held at a time. Raises Refused."""
        with self._answering() as cursor:
            yield from cursor.stream(sql.encode(), size=size)

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        return self.rows(sql)[0][0]

    def copy(self, table: str, rows: pa.RecordBatchReader, *, schema: str | None) -> int:
        """Binary COPY into a table of `schema`, or of pg_temp where that is None; gives the rows. Raises Refused.

        Columns are matched by name and nothing is cast: the caller has compared the types.
        """
        columns = ", ".join(quoted(name) for name in rows.schema.names)
        into = f"COPY {quoted(schema or 'pg_temp')}.{quoted(table)} ({columns}) FROM STDIN WITH (FORMAT binary)"
        with self._answering() as cursor:
            with cursor.copy(into.encode()) as sending:
                for data in encoded(rows):
                    sending.write(data)
            return cursor.rowcount

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
        import psycopg

        self._cancelled = True
        with self._ending, suppress(psycopg.Error):  # where nothing runs, or the connection has gone, none is left
            if self._open:
                self._connection.cancel_safe()

    def close(self) -> None:
        """Close the connection, which rolls back what was not committed."""
        with self._ending:
            if self._open:
                self._open = False
                self._connection.close()

    def explain(self, doing: str, error: Refused) -> DestinationError:
        """A failed statement as a user reads it."""
        text = f"{error.message} ({error.detail})" if error.detail else error.message
        return statement_error(self.address, doing, error.state, text)

    @contextmanager
    def _answering(self) -> "Iterator[psycopg.Cursor[tuple[Any, ...]]]":
        import psycopg

        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except psycopg.Error as error:
            raise _refused(error) from error
        except BaseException:
            if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.cancel()  # a signal came in mid-statement: nothing more can be said here
                self.close()
            raise


def _refused(error: "psycopg.Error") -> Refused:
    """The error in PostgreSQL's own words; a lost connection has libpq's."""
    said = error.diag
    message = said.message_primary or str(error).partition("\n")[0].strip()
    return Refused(error.sqlstate or "", message, said.message_detail, said.constraint_name)
