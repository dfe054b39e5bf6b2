"""One load: ONE transaction that locks the tables, looks at their definitions again, writes, accounts and commits."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from octo_core.catalog import Table
from octo_core.errors import DestinationError, TablesChanged
from octo_resources.destinations.names import canonical, literal, quoted_table
from octo_resources.destinations.postgres import catalog_sql
from octo_resources.destinations.postgres.changes import definition_changes
from octo_resources.destinations.postgres.connection import statement_error
from octo_resources.destinations.postgres.counters import require_counting
from octo_resources.destinations.postgres.depot import PostgresLedge
from octo_resources.destinations.postgres.record import Recorder
from octo_resources.destinations.postgres.session import Refused, Session, Sessions
from octo_resources.destinations.postgres.state import Position
from octo_resources.destinations.postgres.table_write import Rows, TableWrite
from octo_resources.destinations.postgres.task_write import TaskWrite
from octo_resources.destinations.writing import LoadRecord, WriteJob, WriteOutcome
from octo_resources.engines.protocol import Bringing

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.destination import PostgresDestination

LOCK_WAIT: Final = timedelta(seconds=60)
_LOCK_NOT_AVAILABLE: Final = "55P03"
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_MEMORY: Final = (
    "CASE WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') "
    "THEN set_config('work_mem', '64MB', true) END"
)


class Load:
    """Use it as a context manager: leaving it without `commit` rolls everything back."""

    def __init__(
        self,
        destination: "PostgresDestination",
        *,
        load_id: str,
        pipeline: str,
        fingerprint: str,
        tables: Sequence[Table],
        expected_signature: str | None,
        lock_timeout: timedelta = LOCK_WAIT,
        statement_timeout: timedelta | None = None,
    ) -> None:
        self._destination = destination
        self._tables = {table.name: table for table in tables}
        self._signature = expected_signature
        self._timeouts = (lock_timeout, statement_timeout)
        self._fingerprint = fingerprint
        self._recorder = Recorder(destination.state_schema, load_id, pipeline, fingerprint)
        self._writes: dict[str, TableWrite] = {}
        self._outcomes: dict[str, WriteOutcome] = {}
        self._bases: dict[str, dict[str, str]] = {}
        self._session: Session | None = None
        self._server = 0
        self._recorded = self._committed = False
        self._sessions = destination.sessions or Sessions(destination.address)
        self._ledge = PostgresLedge(destination.direct or destination.address, load_id)

    def __enter__(self) -> "Load":
        try:
            self._session = self._sessions.begin(_BEGIN)
            self._begin(self._session)
        except Refused as error:
            self.close()
            raise statement_error(
                self._destination.address, "the load cannot begin", error.state, error.message
            ) from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, Refused):  # while something was read, such as the rows to set aside
            said = f"{error.message} ({error.detail})" if error.detail else error.message
            raise statement_error(self._destination.address, "the load failed", error.state, said) from error

    def close(self) -> None:
        """End the transaction; what was not committed is rolled back."""
        session, self._session = self._session, None
        if session is not None and self._sessions is self._destination.sessions:
            self._sessions.give_back(session, ended=self._committed)
        elif session is not None:
            session.close()
        self._ledge.close()

    def tasks_may_write(self) -> bool:
        """Whether tasks of a cluster may bring rows here by themselves: the role can make a schema for them, and no
        text can lack a letter here, for which its row has to be set aside before it is staged."""
        may = self._open.value("SELECT has_database_privilege(current_database(), 'CREATE')")
        return bool(may) and not self._open.recodes

    def cancel(self) -> None:
        """Cancel the statement that runs, from another thread; without effect where none does."""
        session = self._session
        if session is not None:
            session.cancel()

    def known_batches(self, source: str, table: str, among: Collection[str] | None = None) -> frozenset[str]:
        """The ids of the batches of `source` (`among` these) that are in `table` already: not to be loaded again."""
        return self._recorder.known_batches(self._open, source, canonical(table), among)

    def positions(self) -> dict[tuple[str, str], Position]:
        """(source, table) → where the pipeline is; nobody else moves it while this load holds its tables."""
        return self._recorder.positions(self._open)

    def write(self, job: WriteJob, rows: Rows | Bringing) -> WriteOutcome:
        """Write one table. `rows` come with the job's columns and `_row` int64; a function may make them again.

        Where tasks bring them, each does so into a table of its own; what they brought is moved by this transaction. A
        reader without function is read once, so that `job.direct` then has no second try. What the rows' producer
        raises comes out as it is. Raises DestinationError and LedgerMismatch; the load is to be left then.
        """
        session, table = self._open, job.table
        if self._tables.get(table.name) != table or table.name in self._outcomes:
            raise DestinationError("it is not one of this load's tables, or was written already", where=table.name)
        later = frozenset(self._tables) - set(self._outcomes) - {table.name}
        of_load = (session, self._server, job, len(self._outcomes), later)
        bases = self._bases[table.name]
        writing: TableWrite
        try:
            if isinstance(rows, Bringing):
                writing = by_tasks = TaskWrite(*of_load)
                outcome = by_tasks.bring(rows, bases, self._ledge)
            else:
                writing = TableWrite(*of_load)
                outcome = writing.write(rows, bases)
        except Refused as error:
            raise session.explain("the rows cannot be written", error) from error
        self._writes[table.name], self._outcomes[table.name] = writing, outcome
        return outcome

    def record(self, record: LoadRecord) -> None:
        """Judge what could not be judged before, check the ledgers against PostgreSQL's own count, and write them down.

        Raises LedgerMismatch, TablesChanged, and DestinationError where a deferred constraint fails, a batch is there
        already or a position was moved by another.
        """
        session = self._open
        try:
            for writing in reversed(list(self._writes.values())):
                writing.remove_deferred()
            session.run("SET CONSTRAINTS ALL IMMEDIATE")
            for writing in self._writes.values():
                writing.witness.check(writing.said())
            self._compare(session)  # no lock of a table keeps anybody from replacing a function that its triggers call
            self._recorder.write(session, record, self._outcomes)
        except Refused as error:
            raise session.explain("the load cannot be recorded; it was rolled back", error) from error
        self._recorded = True

    def commit(self) -> None:
        """Make it all visible at once. Raises DestinationError; whether a load is there, its batch ids tell."""
        if not self._recorded:
            raise DestinationError("a load is recorded before it is committed")
        session = self._open
        try:
            session.run("COMMIT")
            self._committed = True
        except Refused as error:
            raise session.explain("the load could not be committed", error) from error
        finally:
            self.close()

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise DestinationError("the load has ended")
        return self._session

    def _begin(self, session: Session) -> None:
        lock, statement = self._timeouts
        settings = {
            "lock_timeout": str(_milliseconds(lock)),
            "row_security": "off",  # an error instead of rows that are silently not seen
            "idle_in_transaction_session_timeout": "0",
        }
        if statement is not None:
            settings["statement_timeout"] = str(_milliseconds(statement))
        said = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
        # One statement for all: each is three ways to the server and back.
        self._server = session.rows(f"SELECT current_setting('server_version_num')::int, {said}, {_MEMORY}")[0][0]
        session.run("SET CONSTRAINTS ALL DEFERRED")  # each is judged when the tables that it speaks of are written
        self._recorder.require(session)
        require_counting(session)
        _require_triggers(session)
        self._lock(session)
        self._compare(session)
        for table in self._tables.values():
            self._bases[table.name] = bases_of(session, table)

    def _lock(self, session: Session) -> None:
        """Lock out other writers and DDL, in one order for all loads; readers go on."""
        for name in sorted(self._tables):
            table = self._tables[name]
            try:
                session.run(f"LOCK TABLE {_place(table)} IN SHARE ROW EXCLUSIVE MODE")
            except Refused as error:
                if error.state == _LOCK_NOT_AVAILABLE:
                    hint = "another load, writer or DDL holds it; try again when that has ended"
                    said = "it is locked by another transaction"
                    raise DestinationError(said, where=name, hint=hint, retryable=True) from error
                raise session.explain(f"{name} cannot be locked", error) from error

    def _compare(self, session: Session) -> None:
        """What was approved is what is there: nothing can change it any more. Raises TablesChanged."""
        if self._signature is None:
            return
        parameters = {
            "%(schemas)s": _array(table.schema_name for table in self._tables.values()),
            "%(tables)s": _array(table.table_name for table in self._tables.values()),
        }
        if _cataloguing(session, catalog_sql.SIGNATURE, parameters)[0][0] == self._signature:
            return
        now = self._destination.pull(list(self._tables)).tables
        changes = [text for name, table in self._tables.items() for text in definition_changes(table, now[name])]
        said = "; ".join(changes) or "something that is not part of a plan: a policy, an index, a trigger's function"
        raise TablesChanged(
            f"the destination's tables are not what they were when the plan was made: {said}",
            fingerprint=self._fingerprint,
            where=", ".join(self._tables),
            hint="make the plan again and have it approved: octopipe plan, octopipe approve",
        )


def _require_triggers(session: Session) -> None:
    """In a replica's session no ordinary trigger fires, and foreign keys, which are triggers, hold nothing."""
    if session.value("SELECT current_setting('session_replication_role')") == "replica":
        raise DestinationError(
            "the session is a replica's (session_replication_role): triggers would not fire and foreign keys not hold",
            hint="take the setting away from the role or the database: ALTER … RESET session_replication_role",
        )


def bases_of(session: Session, table: Table) -> dict[str, str]:
    """column → its type below any domain, as format_type prints it."""
    oid = f"ARRAY[{literal(_place(table))}::regclass]::oid[]"
    query = f"SELECT attname, base FROM ({catalog_sql.COLUMNS}) c"
    return dict(_cataloguing(session, query, {"%(oids)s": oid}))


def _cataloguing(session: Session, query: str, parameters: dict[str, str]) -> list[tuple[Any, ...]]:
    """Run a query of catalog_sql with its names written out in full, whatever the role's search_path is."""
    for name, sql in parameters.items():
        query = query.replace(name, sql)
    path = session.value("SELECT current_setting('search_path')")
    session.run(catalog_sql.CATALOG_SETTINGS)
    found = session.rows(query)
    session.run(f"SELECT set_config('search_path', {literal(path)}, true)")
    return found


def _array(values: Any) -> str:
    return f"ARRAY[{', '.join(map(literal, values))}]"


def _place(table: Table) -> str:
    return quoted_table(table.schema_name, table.table_name)


def _milliseconds(duration: timedelta) -> int:
    return max(1, int(duration.total_seconds() * 1000))
