"""Writes one table's part of a load: stage, set aside what the table would refuse, move, account for every row."""

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Final

import pyarrow as pa

from octo_core.catalog import ForeignKey, Table
from octo_core.deletes import TOMBSTONE
from octo_core.errors import DestinationError, LedgerMismatch
from octo_resources.destinations.names import literal, quoted, quoted_table
from octo_resources.destinations.postgres import move, relations, rules
from octo_resources.destinations.postgres.counters import Counts, Witness
from octo_resources.destinations.postgres.move import Moved
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.stage import Stage
from octo_resources.destinations.postgres.staging import ROW, Renamed, pieces, stage_columns
from octo_resources.destinations.writing import Deletes, WriteJob, WriteOutcome

Rows = pa.RecordBatchReader | Callable[[], pa.RecordBatchReader]
_FOREIGN_KEY: Final = "23503"


class TableWrite:
    """One job. `later` names the tables of this load that are written after this one."""

    def __init__(
        self,
        session: Session,
        server: int,
        job: WriteJob,
        number: int,
        later: frozenset[str],
    ) -> None:
        self.session = session
        self.server = server
        self.job = job
        self.number = number
        self.later = later
        self.table = job.table
        self.target = quoted_table(job.table.schema_name, job.table.table_name)
        self.removed = 0
        self.done = Moved()
        self.tombstoned = 0
        self.soft_deleted = 0
        self.touched = 0
        """Rows that were updated for a deletion: those marked, and those marked before whose version rose."""
        self.warnings: list[str] = []
        self.parents: Mapping[str, Stage] = {}
        """Other tables' staged rows that children may refer to, where those are not written."""
        self.deferred_removal: str | None = None
        """Set where rows of tables written later still refer to the rows to remove."""
        self.witness: Witness
        self.stage: Stage

    def write(self, rows: Rows, bases: dict[str, str]) -> WriteOutcome:
        sensible(self.job)
        started = perf_counter()
        reader = rows() if callable(rows) else rows
        empty = self._prepare(reader.schema, bases)
        stage = self.stage
        self.witness = Witness(self.session, self.table)
        if (
            self.job.direct
            and not stage.tombstones
            and self._unasked(empty)
            and all(staged.same for staged in stage.columns)
        ):
            outcome = self._direct(reader, started)
            if outcome is not None:
                return outcome
            reader = self._again(rows)
        return self._moved(self._fill(reader), empty, started)

    def _moved(self, read: int, empty: bool, started: float) -> WriteOutcome:
        """What became of the staged rows, once they are where they belong."""
        stage, copied = self.stage, perf_counter()
        self._remember_keys(empty)
        deduplicated = self._move(empty)
        unchanged = read - stage.rejected - deduplicated - self.tombstoned - self.done.inserted - self.done.updated
        return WriteOutcome(
            read=read,
            inserted=self.done.inserted,
            updated=self.done.updated,
            unchanged=unchanged,
            deduplicated=deduplicated,
            removed=self.removed,
            rejected=stage,
            copy_seconds=copied - started,
            merge_seconds=perf_counter() - copied,
            tombstoned=self.tombstoned,
            soft_deleted=self.soft_deleted,
            warnings=tuple(self.warnings),
        )

    def stage_rows(self, reader: pa.RecordBatchReader, bases: dict[str, str]) -> tuple[int, bool]:
        """Copy the rows into the staging table; gives how many, and whether the table itself is empty."""
        empty = self._prepare(reader.schema, bases)
        return self._fill(reader), empty

    def set_aside(self, empty: bool) -> int:
        """Set aside what the table would refuse, and drop duplicates; gives the number of those."""
        stage, job = self.stage, self.job
        stage.gather()
        stage.analyze()
        self._look(empty)
        merges = not empty and job.write == "merge"
        deduplicated = relations.drop_older(stage, job) if merges and not stage.tombstones else 0
        # A row without its parent is in no older one's way.
        own, others = self._judged_now()
        relations.reject_orphans(stage, others, self.parents)
        deduplicated += relations.deduplicate(stage, job)
        if stage.tombstones:
            self.tombstoned = stage.part_tombstones()
            deduplicated += relations.drop_older(stage, job) if merges else 0
        for unique in relations.other_uniques(stage, job):
            relations.reject_not_unique(stage, job, unique, empty=empty)
        relations.reject_orphans(stage, own, self.parents)
        return deduplicated

    def _prepare(self, schema: pa.Schema, bases: dict[str, str]) -> bool:
        columns = stage_columns(self.job.columns, bases, schema, self.table.name)
        tombstones = self.job.deletes is not None and self.job.deletes.tombstones
        self.stage = Stage(self.session, self.table, columns, self.number, tombstones=tombstones)
        self.stage.create()
        return not self.session.value(f"SELECT EXISTS (SELECT FROM {self.target})")

    def _fill(self, reader: pa.RecordBatchReader) -> int:
        names = [staged.column.name for staged in self.stage.columns]
        read = self._copy(self.stage.copy, reader, names, renamed=True)
        self._look_for_tombstones()
        return read

    def _look_for_tombstones(self) -> None:
        stage = self.stage
        if stage.tombstones:  # most batches of a stream have none
            stage.tombstones = bool(stage.session.value(f"SELECT EXISTS (SELECT FROM {stage.name} WHERE {TOMBSTONE})"))

    def said(self) -> Counts:
        return Counts(self.done.inserted, self.done.updated + self.touched, self.removed)

    def remove_deferred(self) -> None:
        """Delete what was counted in `removed` before, now that the tables written later are written."""
        if self.deferred_removal is not None:
            try:
                found = self.session.run(self.deferred_removal)
            except Refused as error:
                raise self._removal_refused(error) from error
            if found != self.removed:
                message = f"{found} rows were removed where {self.removed} were to be"
                raise DestinationError(message, where=self.table.name, hint="a cascade of another table removed others")

    def _copy(
        self, into: Callable[[pa.RecordBatchReader], int], reader: pa.RecordBatchReader, names: list[str], renamed: bool
    ) -> int:
        """COPY the rows, some MB by one statement; gives how many. What their producer raises comes out as itself."""
        own = [ROW, *([TOMBSTONE] if self.stage.tombstones else [])]
        order = [*names, *own] if renamed else names
        new = [*(f"c{n}" for n in range(len(names))), *own] if renamed else names
        rows = Renamed(reader, order, new)
        try:
            for part in rows.parts():
                if renamed and self._may_lack_letters():
                    self.stage.copy_what_fits(part)
                else:
                    into(pieces(part))
        except Refused as error:
            if renamed:
                raise self.session.explain("the rows cannot be staged", error) from error
            raise
        finally:
            rows.close()
        return rows.count

    def _may_lack_letters(self) -> bool:
        """Whether the database's encoding may have no letter for one of a text, and its row can be set aside unstaged:
        `replace` and absence ask for the key of each row that came."""
        by_absence = self.job.deletes is not None and self.job.deletes.absence
        return self.session.recodes and self.job.write != "replace" and not by_absence

    # --- straight into the table -------------------------------------------------------------------------------

    def _unasked(self, empty: bool) -> bool:
        """Whether no loaded row matters, and the table asks nothing of a row but its types, NOT NULLs and key."""
        table = self.table
        if not empty and (self.job.key or self.job.write != "append"):
            return False
        others = [unique for unique in table.uniques if set(unique.columns) != set(self.job.key) or unique.where]
        asks = (table.foreign_keys, table.checks, table.triggers, table.exclusions, others)
        own_key = not table.primary_key or set(table.primary_key) == set(self.job.key)
        key = [table.column(name) for name in self.job.key]
        takes_null = any(column is None or column.nullable for column in key)  # as a UNIQUE does, and no key may be
        return not any(asks) and own_key and (not key or (self._key_is_the_tables() and not takes_null))

    def _direct(self, reader: pa.RecordBatchReader, started: float) -> WriteOutcome | None:
        """COPY into the table itself; None, with nothing done, where PostgreSQL refuses a row."""
        names = [staged.column.name for staged in self.stage.columns]
        schema, table = self.table.schema_name, self.table.table_name
        try:
            with self.session.savepoint():
                read = self._copy(lambda part: self.session.copy(table, part, schema=schema), reader, names, False)
        except Refused as error:
            if not error.rows_fault:
                raise self.session.explain("the rows cannot be copied", error) from error
            self.witness.forget()
            return None
        self.done = Moved(inserted=read)
        self.witness.believe()
        seconds = perf_counter() - started
        return WriteOutcome(read, read, 0, 0, 0, 0, self.stage, seconds, 0.0, direct=True)

    def _again(self, rows: Rows) -> pa.RecordBatchReader:
        if callable(rows):
            return rows()
        hint = "hand over a function that makes the rows' reader, or leave `direct` out"
        raise DestinationError(
            "the table refuses a row, and the rows can be read once only", where=self.table.name, hint=hint
        )

    # --- by way of the staging table ---------------------------------------------------------------------------

    def _remember_keys(self, empty: bool) -> None:
        """For `replace` and absence: what was set aside is at the source all the same, so its row has to stay."""
        job = self.job
        absence = job.deletes is not None and job.deletes.absence
        if (job.write == "replace" or absence) and job.key and not empty:
            self.stage.gather()
            self.stage.remember_keys(job.key, job.refused_keys() if job.refused_keys is not None else None)

    def _move(self, empty: bool) -> int:
        """Gives the number of rows dropped as duplicates."""
        job = self.job
        if self._unasked(empty) and self._fits() and self._insert_at_once():
            return 0
        deduplicated = self.set_aside(empty)
        if job.write == "replace" and not empty:
            self._remove()
        self._insert_or_merge(empty or (job.write == "replace" and not job.key))
        if not empty and job.deletes is not None:
            self._mark(job.deletes)
        return deduplicated

    def _fits(self) -> bool:
        """Whether staged rows go into the table as they are, if its key lets them."""
        own_key = not self.job.key or self._key_is_the_tables()
        return own_key and not self.stage.tombstones and not rules.lossy(self.stage.columns)

    def _mark(self, deletes: Deletes) -> None:
        """Mark the loaded rows that the source took away."""
        for statement, count in self._markings(deletes):
            marked, touched = self.session.rows(count)[0]
            try:
                done = self.session.run(statement)
            except Refused as error:
                raise self.session.explain("rows that are gone from the source cannot be marked", error) from error
            if done != touched:
                hint = "a trigger swallows updates, so that they cannot be accounted for"
                message = f"{touched} rows were to be marked as gone, {done} were; it was rolled back"
                raise LedgerMismatch(message, where=self.table.name, hint=hint)
            self.soft_deleted += marked
            self.touched += touched

    def _markings(self, deletes: Deletes) -> Iterator[tuple[str, str]]:
        """The statements that mark rows, each with the one that counts (newly marked, touched) beforehand."""
        if deletes.mark is None:
            return
        if deletes.tombstones and self.tombstoned:
            yield move.mark_gone(self.stage, self.job, deletes, deletes.mark)
        if not deletes.absence:
            return
        if unread := deletes.unread():
            said = (
                f"{self.table.name}: no row is marked as gone: the keys of {unread:,} of the source's rows are unknown"
            )
            self.warnings.append(said)
        else:
            yield move.mark_absent(self.stage, self.job, deletes, deletes.mark)

    def _insert_at_once(self) -> bool:
        """The whole batch by one INSERT, where only the key or a NOT NULL could refuse it; False where one did."""
        try:
            with self.session.savepoint():
                self.done = move.insert_all(self.stage)
                self.stage.check(self.done.inserted)
        except Refused as error:
            if not error.rows_fault:
                raise self.session.explain("the rows cannot be inserted", error) from error
            self.done = Moved()
            self.witness.forget()
            return False
        self.witness.believe()
        return True

    def _key_is_the_tables(self) -> bool:
        return bool(self.job.key) and relations.key_is_unique(self.table, self.job.key)

    def _look(self, empty: bool) -> None:
        """Set aside what breaks a rule of the table that can be asked in one statement for all rows."""
        stage, job = self.stage, self.job
        stage.reject(rules.raw_rules(stage.columns, job.key, job.version))
        rules.reject_uncastable(stage, self.server, {*job.key, job.version or ""})
        rules.reject_breaking_checks(stage, self.table.checks)
        if empty or not job.key:
            return
        if not self._key_is_the_tables() and (count := relations.ambiguous_keys(stage, job.key)):
            message = (
                f"the key {', '.join(job.key)} does not tell its rows apart: {count} of the batch's are there twice"
            )
            raise DestinationError(message, where=self.table.name, hint="give `key:` the columns that do")
        if job.write == "append":
            relations.reject_known_keys(stage, job.key)

    def _judged_now(self) -> tuple[list[ForeignKey], list[ForeignKey]]:
        """The foreign keys to the table itself, and to others, whose parents are written by now.

        Those of a deferrable cycle are judged at the end.
        """
        now = [key for key in self.table.foreign_keys if key.ref_table not in self.later]
        own = [key for key in now if key.ref_table == self.table.name]
        return own, [key for key in now if key not in own]

    def _remove(self) -> None:
        """`replace`: take away what the batch does not have, at the load's end where other tables may refer to it."""
        statement = move.absent(self.stage, self.job)
        if self.job.key and self.later:
            self.removed = move.count_absent(self.stage, self.job)
            self.deferred_removal = statement
            return
        try:
            self.removed = self.session.run(statement)
        except Refused as error:
            raise self._removal_refused(error) from error
        self.witness.believe()

    def _removal_refused(self, error: Refused) -> DestinationError:
        if error.state == _FOREIGN_KEY:
            hint = "other tables refer to rows that the batch does not have; nothing was loaded"
            return DestinationError(f"replace cannot remove them: {error.message}", where=self.table.name, hint=hint)
        return self.session.explain("replace cannot remove rows", error)

    def _insert_or_merge(self, inserting: bool) -> None:
        inserting = inserting or self.job.write == "append" or not self.job.key
        constraints = self._constraints()

        def attempt(where: str = "true") -> None:
            watched = bool(self.table.triggers)
            wanted = self._expected(inserting, where) if watched else None
            moved = (
                move.insert_all(self.stage, where)
                if inserting
                else move.upsert(self.stage, self.job, self.server, where)
            )
            if constraints:
                self.session.run(f"SET CONSTRAINTS {constraints} IMMEDIATE")
            if wanted is not None and wanted != moved:
                raise _Swallowed(wanted, moved)
            self.done += moved

        self._attempt(attempt)

    def _attempt(self, attempt: Callable[..., None]) -> None:
        """All rows at once; where a row is refused, by halves, and once more while rows that waited for others pass."""
        try:
            with self.session.savepoint():
                attempt()
            self.witness.believe()
            return
        except Refused as error:
            if not error.rows_fault:
                raise self.session.explain("the rows cannot be written", error) from error
            self.witness.forget()
        except _Swallowed as error:
            raise error.mismatch(self.table) from None
        try:
            self._one_by_one(attempt)
        except Refused as error:
            raise self.session.explain("the rows cannot be written", error) from error
        except _Swallowed as error:
            raise error.mismatch(self.table) from None

    def _one_by_one(self, attempt: Callable[..., None]) -> None:
        def watched(where: str) -> None:
            self.witness.forget()
            attempt(where)
            self.witness.believe()

        refused = dict(self.stage.isolate(watched))
        progress = True
        while refused and progress:  # a row may have waited for one that came after it
            progress = False
            for number in list(refused):
                try:
                    with self.session.savepoint():
                        watched(f"s.n = {number}")
                except Refused as error:
                    refused[number] = error
                else:
                    progress = True
                    del refused[number]
        self.witness.forget()
        for number, why in refused.items():
            self.set_refused_aside(number, why)

    def set_refused_aside(self, number: int, why: Refused) -> None:
        """Set aside a row that PostgreSQL refused by itself."""
        key = next((key for key in self.table.foreign_keys if key.name == why.constraint), None)
        if key is None:  # not its DETAIL, which repeats the whole row
            self.stage.reject_numbered(number, None, why.message, quotes=True)
            return
        column = key.columns[0] if len(key.columns) == 1 else None
        value = f"{self.stage.by_name[column].raw}::text" if column else "NULL"
        self.stage.reject_numbered(number, column, f"no such {', '.join(key.columns)} in {key.ref_table}", value)

    def _expected(self, inserting: bool, where: str) -> Moved:
        if inserting:
            return Moved(int(self.session.value(f"SELECT count(*) FROM {self.stage.name} s WHERE {where}")))
        return move.expected(self.stage, self.job, where)

    def _constraints(self) -> str:
        """The table's deferrable constraints that can be judged now, for SET CONSTRAINTS."""
        waiting = [key.name for key in self.table.foreign_keys if key.ref_table in self.later]
        found = self.session.rows(
            f"SELECT conname FROM pg_constraint WHERE conrelid = {literal(self.target)}::regclass AND condeferrable"
        )
        names = [name for (name,) in found if name not in waiting]
        return ", ".join(f"{quoted(self.table.schema_name)}.{quoted(name)}" for name in names)


class _Swallowed(Exception):  # noqa: N818 - never leaves this file
    """A trigger took a row away or made another of it."""

    def __init__(self, wanted: Moved, moved: Moved) -> None:
        super().__init__()
        self.wanted = wanted
        self.moved = moved

    def mismatch(self, table: Table) -> LedgerMismatch:
        names = ", ".join(trigger.name for trigger in table.triggers)
        message = (
            f"{self.wanted.inserted} rows were to be inserted and {self.wanted.updated} updated, "
            f"{self.moved.inserted} and {self.moved.updated} were; it was rolled back"
        )
        hint = f"a trigger swallows rows, so they cannot be accounted for: look at {names}"
        return LedgerMismatch(message, where=table.name, hint=hint)


def sensible(job: WriteJob) -> None:
    """Raises DestinationError for a job that no row could be written by."""
    written = {column.name for column in job.columns}
    where = job.table.name
    if missing := [name for name in (*job.key, *([job.version] if job.version else [])) if name not in written]:
        message = f"nothing feeds {', '.join(missing)}, of the key or version"
        raise DestinationError(message, where=where, hint="map the column: octopipe map NAME --set TABLE.COLUMN=EXPR")
    unfed = [column.name for column in job.table.columns if column.required and column.name not in written]
    if unfed:
        message = f"{', '.join(unfed)}: no null is taken there, there is no default and nothing feeds it"
        raise DestinationError(message, where=where, hint="map the column, or give it a default")
    if job.write == "merge" and not job.key:
        hint = "give `key:` in the pipeline, or write: append"
        raise DestinationError("merge needs a key and the table has none that is fed", where=where, hint=hint)
