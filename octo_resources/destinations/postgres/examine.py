"""What a load would do to a table, told beforehand: rows are staged and asked about; nothing is locked or written."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from octo_core.catalog import Column
from octo_resources.destinations.names import literal, quoted, quoted_table
from octo_resources.destinations.postgres import move, rules
from octo_resources.destinations.postgres.connection import statement_error
from octo_resources.destinations.postgres.load import bases_of
from octo_resources.destinations.postgres.move import Moved
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.stage import Stage
from octo_resources.destinations.postgres.table_write import TableWrite
from octo_resources.destinations.writing import WriteJob, WriteOutcome

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.destination import PostgresDestination

_STATEMENT: Final = "600s"


class Examination:
    """Asks of one table after the other what a load would do to it; a context manager. Needs TEMP and SELECT.

    Parents first: rows that would come into a table examined before are parents too. What triggers, exclusion
    constraints and partitions say, and what a role may not do, shows only in a load.
    """

    def __init__(self, destination: "PostgresDestination") -> None:
        self._destination = destination
        self._session: Session | None = None
        self._server = 0
        self._stages: dict[str, Stage] = {}
        self._asked = 0

    def __enter__(self) -> "Examination":
        return self

    def __exit__(self, *error: object) -> None:
        if self._session is not None:
            self._session.close()

    def examine(
        self,
        job: WriteJob,
        rows: Callable[[], pa.RecordBatchReader],
        others: frozenset[str] = frozenset(),
        *,
        all_rows: bool = True,
    ) -> WriteOutcome:
        """The outcome that a load of these rows would have now; it can be read until the examination ends.

        `others`: tables that the same load writes. A foreign key to one that was not examined, or not with `all_rows`
        that wait for it, says nothing. Raises DestinationError; other tables may be asked all the same.
        """
        try:
            session = self._begun()
            self._asked += 1
            examining = _Examining(session, self._server, job, self._asked, others - self._stages.keys())
            examining.parents = self._stages
            with session.savepoint():
                outcome = examining.examine(rows, bases_of(session, job.table))
        except Refused as error:
            said = "the destination's own rules cannot be tried"
            raise statement_error(self._destination.address, said, error.state, error.message) from error
        if all_rows:
            self._stages[job.table.name] = examining.stage
        return outcome

    def _begun(self) -> Session:
        if self._session is None:
            self._session = Session(self._destination.address)
            self._session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
            self._session.run(f"SET LOCAL statement_timeout = '{_STATEMENT}'")
            self._server = int(self._session.value("SELECT current_setting('server_version_num')::int"))
        return self._session


class _Examining(TableWrite):
    """A write that stops before the table: what would be inserted and updated is counted, not done."""

    def examine(self, rows: Callable[[], pa.RecordBatchReader], bases: dict[str, str]) -> WriteOutcome:
        started = perf_counter()
        read, empty = self.stage_rows(rows(), bases)
        self._remember_keys(empty)
        copied = perf_counter()
        deduplicated = self.set_aside(empty)
        self._look_further(empty)
        moved = self._would(empty)
        unchanged = read - self.stage.rejected - deduplicated - self.tombstoned - moved.inserted - moved.updated
        if not empty and self.job.deletes is not None:
            self.soft_deleted = sum(self.session.rows(count)[0][0] for _, count in self._markings(self.job.deletes))
        removing = self.job.write == "replace" and not empty
        return WriteOutcome(
            read=read,
            inserted=moved.inserted,
            updated=moved.updated,
            unchanged=unchanged,
            deduplicated=deduplicated,
            removed=move.count_absent(self.stage, self.job) if removing else 0,
            rejected=self.stage,
            copy_seconds=copied - started,
            merge_seconds=perf_counter() - copied,
            tombstoned=self.tombstoned,
            soft_deleted=self.soft_deleted,
            warnings=tuple(self.warnings),
        )

    def _would(self, empty: bool) -> Moved:
        if empty or self.job.write == "append" or not self.job.key:
            return Moved(int(self.session.value(f"SELECT count(*) FROM {self.stage.name} s")))
        return move.expected(self.stage, self.job)

    def _look_further(self, empty: bool) -> None:
        """What only the table itself can say of a row: tried on a copy of it where that says the same, else named."""
        untried = [
            *_named("trigger", [one.name for one in self.table.triggers]),
            *_named("exclusion constraint", self.table.exclusions),
            *(["its partitions"] if self.table.kind == "partitioned" else []),
            *([] if empty or self.job.write == "append" else self._referring()),
        ]
        judging = self._judged_by_itself()
        fresh = empty or self.job.write == "append" or not self.job.key
        unwritten = [one for one in self.table.columns if one.name not in self.stage.by_name and not one.generated]
        if judging and (fresh or not any(rules.mentions(sql, one) for sql in judging.values() for one in unwritten)):
            self._try_on_a_copy(unwritten)
        else:
            untried += judging
        if untried:
            said = ", ".join(untried)
            self.warnings.append(f"{self.table.name}: what {said} would refuse shows only in a load")

    def _referring(self) -> list[str]:
        """Foreign keys of other tables to values that rows of the batch change: no row may lose what refers to it."""
        found = self.session.rows(
            "SELECT c.conrelid::regclass::text, c.conname, (SELECT array_agg(a.attname::text) FROM unnest(c.confkey) k "
            "JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k) FROM pg_constraint c "
            f"WHERE c.contype = 'f' AND c.confrelid = {literal(self.target)}::regclass AND c.conparentid = 0 "
            "AND c.confupdtype IN ('a', 'r') ORDER BY 1, 2"
        )
        return [
            f"foreign key {name} of {table}"
            for table, name, columns in found
            if any(self._changes(column) for column in columns)
        ]

    def _changes(self, column: str) -> bool:
        stage, key = self.stage, self.job.key
        if not key or column in key or column not in stage.by_name:
            return False
        theirs, ours = stage.compared(column)
        there = f"{stage.target} t JOIN {stage.name} s ON {stage.key_equal(key)}"
        return bool(self.session.value(f"SELECT EXISTS (SELECT FROM {there} WHERE {theirs} IS DISTINCT FROM {ours})"))

    def _judged_by_itself(self) -> dict[str, str]:
        """Generated columns, and the checks that speak of what no row brings: what each is called → its SQL."""
        found = {f"generated column {one.name}": one.generated for one in self.table.columns if one.generated}
        return found | {
            f"check {one.name}": one.sql
            for one in self.table.checks
            if not (one.columns and all(name in self.stage.by_name for name in one.columns))
        }

    def _try_on_a_copy(self, unwritten: Sequence[Column]) -> None:
        """Insert the rows into a temporary table with the same generated columns and checks, by halves.

        It has the table's own name, which errors tell. A default that draws from a sequence, or calls a function that
        may, is left out: a plan takes no number.
        """
        stage, copy = self.stage, quoted_table("pg_temp", self.table.table_name)
        kinds = "DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS"
        self.session.run(f"CREATE TEMP TABLE {copy} (LIKE {stage.target} INCLUDING {kinds}) ON COMMIT DROP")
        called = {one.column for one in self.table.functions if one.used_by == "default"}
        for column in unwritten:
            if column.identity or column.name in called or "nextval(" in (column.default or ""):
                name = quoted(column.name)
                self.session.run(f"ALTER TABLE {copy} ALTER {name} DROP DEFAULT, ALTER {name} DROP NOT NULL")

        def attempt(where: str) -> None:
            with self.session.savepoint():
                move.insert_into(stage, copy, where)

        try:
            attempt("true")
        except Refused as error:
            if not error.rows_fault:
                raise
            for number, why in list(stage.isolate(attempt)):
                self.set_refused_aside(number, why)
        self.session.run(f"DROP TABLE {copy}")


def _named(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {name}" for name in names]
