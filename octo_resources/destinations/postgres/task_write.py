"""Writes one table's part of a load whose rows an engine's tasks bring by themselves, each into a table of its own."""

from time import perf_counter

from octo_core.errors import DestinationError
from octo_resources.destinations.names import quoted
from octo_resources.destinations.postgres import move
from octo_resources.destinations.postgres.counters import Witness
from octo_resources.destinations.postgres.depot import PostgresLedge
from octo_resources.destinations.postgres.early import Early
from octo_resources.destinations.postgres.move import Moved
from octo_resources.destinations.postgres.partitions import NOT_NOW, Attaching
from octo_resources.destinations.postgres.session import Refused
from octo_resources.destinations.postgres.table_write import TableWrite, sensible
from octo_resources.destinations.writing import WriteOutcome
from octo_resources.engines.protocol import Bringing


class TaskWrite(TableWrite):
    """See TableWrite."""

    _ledge: PostgresLedge
    _all_moved = False
    """Whether the rows went into the table while tasks brought them, with nothing left to be asked."""
    _refused_early = False
    """Whether the table refused one of them then."""

    def bring(self, rows: Bringing, bases: dict[str, str], ledge: PostgresLedge) -> WriteOutcome:
        """Have the tasks bring the rows to `ledge`, and move what they brought."""
        sensible(self.job)
        started = perf_counter()
        empty = self._prepare(rows.schema, bases)
        self.witness = Witness(self.session, self.table)
        self._ledge = ledge
        ledge.begin(self.session)
        return self._attached(rows, empty, started) or self._moved(self._brought(rows, empty), empty, started)

    def _brought(self, rows: Bringing, empty: bool) -> int:
        """Have the tasks bring the rows; gives how many they say that they brought. Nothing else is believed."""
        ledge, stage = self._ledge, self.stage
        names = [staged.column.name for staged in stage.columns]
        depot = ledge.depot(self.number, names, [staged.stage for staged in stage.columns], rows.schema)
        straight = self._unasked(empty) and self._fits()

        def moving(place: str) -> str:
            return move.inserting(stage, place) if straight else stage.gathering(place)

        with Early(self.session, ledge, self.number, moving) as early:
            brought = rows.bring(depot)
        ledge.end_losers()
        rows.refuse(ledge.refused(brought))
        read = stage.expect(sum(one.rows for one in brought))
        moved = early.finish(brought)
        if moved is None:
            self.witness.forget()
            self._refused_early = straight
            stage.take([f"{quoted(ledge.schema)}.{quoted(one.place)}" for one in brought if one.rows])
            if self.job.deletes is not None:  # what marks rows looks at the staged ones after they were moved
                stage.gather()
        else:
            stage.check(moved)
            if straight:
                self.done, self._all_moved = Moved(inserted=moved), True
                self.witness.believe()
        self._look_for_tombstones()
        return read

    def _attached(self, rows: Bringing, empty: bool, started: float) -> WriteOutcome | None:
        """The tasks' rows as new partitions; None, with nothing done, where that is not wanted or cannot be."""
        if not (self.job.attach and self.table.kind == "partitioned" and self._unasked(empty)):
            return None
        if not (self._fits() and all(staged.same for staged in self.stage.columns)):
            return None
        attaching = Attaching.of(self.session, self.job, self._ledge, self.number)
        if attaching is None:
            return None
        try:
            brought = rows.bring(attaching.depot(rows.schema))
        except DestinationError as error:
            if error.retryable:
                raise
            return None  # a row that the table refuses: by way of staging it is known which
        attaching.ledge.end_losers()
        try:
            with self.session.savepoint():
                attached, inserted = attaching.attach(brought, self.witness)
        except Refused as error:
            if not error.rows_fault and error.state not in NOT_NOW:
                raise
            self.witness.forget()
            return None
        rows.refuse(attaching.ledge.refused(brought))
        self.done = Moved(inserted=attached + inserted)
        read = sum(one.rows for one in brought)
        self.stage.expect(read)
        self.stage.check(attached + inserted)
        seconds = perf_counter() - started
        return WriteOutcome(read, read, 0, 0, 0, 0, self.stage, seconds, 0.0, direct=True)

    def _insert_at_once(self) -> bool:
        return self._all_moved or (not self._refused_early and super()._insert_at_once())
