"""What a load would do to a table, told beforehand: rows are staged and asked about; nothing is locked or written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from octo_resources.destinations.postgres import move
from octo_resources.destinations.postgres.connection import statement_error
from octo_resources.destinations.postgres.load import bases_of
from octo_resources.destinations.postgres.move import Moved
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.table_write import TableWrite
from octo_resources.destinations.writing import WriteJob, WriteOutcome

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.destination import PostgresDestination

_STATEMENT: Final = "600s"


@contextmanager
def examined(
    destination: "PostgresDestination", job: WriteJob, rows: Callable[[], pa.RecordBatchReader], later: frozenset[str]
) -> Iterator[WriteOutcome]:
    """The outcome that a load of these rows would have now; it can be read while the context is open.

    `later`: tables that the same load would write, so that a foreign key to them says nothing yet. Triggers, exclusion
    constraints and what a role may not do show only in a load. Needs TEMP and SELECT. Raises DestinationError.
    """
    session = Session(destination.address)
    try:
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.run(f"SET LOCAL statement_timeout = '{_STATEMENT}'")
        server = int(session.value("SELECT current_setting('server_version_num')::int"))
        examining = _Examining(session, server, job, 0, later)
        yield examining.examine(rows, bases_of(session, job.table))
    except Refused as error:
        said = "the destination's own rules cannot be tried"
        raise statement_error(destination.address, said, error.state, error.message) from error
    finally:
        session.close()


class _Examining(TableWrite):
    """A write that stops before the table: what would be inserted and updated is counted, not done."""

    def examine(self, rows: Callable[[], pa.RecordBatchReader], bases: dict[str, str]) -> WriteOutcome:
        started = perf_counter()
        read, empty = self.stage_rows(rows(), bases)
        self._remember_keys(empty)
        copied = perf_counter()
        deduplicated = self.set_aside(empty)
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
