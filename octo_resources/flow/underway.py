"""One load under way: all tables of a pipeline written, judged, recorded and committed in one transaction."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from octo_core.batch import Batch
from octo_core.catalog import Table
from octo_core.errors import DriftStop, UsageError
from octo_core.ledger import LoadResult, LoadStatus, Phases, SourceCount, TableLedger
from octo_resources.destinations.postgres.order import order_by_foreign_keys
from octo_resources.destinations.writing import LoadedBatch, LoadRecord, Move, QuarantineFile, WriteOutcome
from octo_resources.engines.duckdb import Input, LoadVariables, Scan
from octo_resources.flow.drifting import DriftFound, drift_of, evolve
from octo_resources.flow.planning import Prepared
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.setting_aside import rejected_rows, within_limits
from octo_resources.flow.watching import Watch
from octo_resources.flow.workspace import Workspace
from octo_resources.flow.write_job import kept_keys, write_job
from octo_resources.project import Pipeline
from octo_resources.quarantine import Quarantine

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.load import Load
    from octo_resources.destinations.postgres.state import Position

Stage = Callable[[str], None]
"""Told as the load reaches a point: `copied`, `before_commit`, `after_commit`."""


@dataclass(frozen=True)
class LoadOutcome:
    """A load's result, and what the UI shows beside it."""

    result: LoadResult
    prepared: Prepared | None = None
    drift: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → what changed at its source, in plain words."""
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    """Table → reason → rows set aside."""


@dataclass
class Work:
    """One table of a load: the batches that it has not got yet, and what becomes of their rows."""

    table: str
    source: str
    batches: list[Batch]
    inputs: list[Input]
    scan: Scan
    started: float
    skipped: list[str] = field(default_factory=list)
    """Older whole reads that a `replace` passes over: recorded, so that no later load takes them for new."""
    seconds: float = 0.0
    outcome: WriteOutcome | None = None

    def recorded(self) -> list[str]:
        return [*self.skipped, *(batch.id for batch in self.batches)]

    def ledger(self) -> TableLedger:
        """The account of the table: what the engine refused, and what the destination did and refused."""
        done = self.outcome
        if done is None:
            return TableLedger()
        return TableLedger(
            read=self.scan.rows_read,
            inserted=done.inserted,
            updated=done.updated,
            unchanged=done.unchanged,
            deduplicated=done.deduplicated,
            quarantined=len(self.scan.refused) + len(done.rejected),
            removed=done.removed,
            seconds=round(self.seconds, 3),
        )

    def reasons(self) -> dict[str, int]:
        """Reason → rows, of what the engine refused."""
        found: dict[str, int] = {}
        for (_, reason), rows in self.scan.refused.reasons.most_common(20):
            found[reason] = found.get(reason, 0) + rows
        return found


def unwatched(_point: str) -> None:
    """Nobody follows the load."""


class Underway:
    """One load under way; made for one use."""

    def __init__(
        self,
        space: Workspace,
        pipeline: Pipeline,
        prepared: Prepared,
        load_id: str,
        print_: str,
        dry_run: bool,
        stage: Stage,
    ) -> None:
        self.space, self.pipeline, self.prepared = space, pipeline, prepared
        self.load_id, self.fingerprint, self.dry_run, self.stage = load_id, print_, dry_run, stage
        self.engine = space.engine(pipeline)
        self.temp = space.project.state / "tmp"
        self.variables = LoadVariables(load_time=datetime.now(UTC), load_id=load_id, pseudonym_key=pseudonym_key(space))
        self.watch = Watch(space, pipeline, load_id, self.variables.load_time)
        self.began = time.monotonic()
        self.committing = False
        self.commit_seconds = 0.0

    def run(self, pending: dict[str, list[Batch]]) -> LoadOutcome:
        """Write all tables, judge, record and commit."""
        for batch in {batch.id: batch for batches in pending.values() for batch in batches}.values():
            self.space.landing.verify(batch)
        destination = self.space.destination(self.pipeline)
        tables = order_by_foreign_keys([self.prepared.catalog.tables[name] for name in pending])
        with (
            destination.load(
                load_id=self.load_id,
                pipeline=self.pipeline.name,
                fingerprint=self.fingerprint,
                tables=tables,
                expected_signature=self._signature(list(pending)),
            ) as transaction,
            self.watch.over(transaction),
        ):
            works = [work for table in tables if (work := self._write(transaction, table, pending[table.name]))]
            if not works:
                return self._answer("already_loaded", [], {})
            self.stage("copied")
            drift = drift_of(self.pipeline, self.prepared, {work.table: work.scan for work in works})
            if drift.waits or drift.stops:
                transaction.close()
                return self._drifted(drift, works)
            ledgers = self._record(transaction, works)
            if not self.dry_run:
                self.watch.last_look()
                self.space.registry.decisions.require_approved(self.pipeline.name, self.fingerprint)
                self.stage("before_commit")
                started = time.monotonic()
                self.committing = True
                transaction.commit()
                self.commit_seconds = time.monotonic() - started
                self.stage("after_commit")
        return self._answer("loaded", works, ledgers, drift)

    def _signature(self, wanted: Sequence[str]) -> str:
        """The approved catalog's signature over the tables of this load."""
        catalog = self.prepared.catalog
        if set(wanted) == set(catalog.tables):
            return catalog.signature
        destination = self.space.destination(self.pipeline)
        part = destination.signature(wanted)  # taken first: if the whole is unchanged after it, so was the part
        return part if destination.signature(catalog.tables) == catalog.signature else ""

    def _write(self, transaction: "Load", table: Table, pending: list[Batch]) -> "Work | None":
        """Stage and move one table's rows; None where another load brought all of them meanwhile."""
        recipe = self.prepared.recipe.tables[table.name]
        known = transaction.known_batches(recipe.source, table.name)
        batches = [batch for batch in pending if batch.id not in known]
        if not batches:
            return None
        skipped: list[str] = []
        if recipe.write == "replace":  # the newest is the whole source; what was read before it is gone from there
            *older, newest = batches
            skipped, batches = [batch.id for batch in older], [newest]
        nodes = self.prepared.nodes(table.name)
        inputs = [one for batch in batches for one in self.space.inputs(batch)]
        work = Work(table.name, recipe.source, batches, inputs, self.engine.scan(), time.monotonic(), skipped)

        def rows() -> pa.RecordBatchReader:
            work.scan = self.engine.scan(keys=kept_keys(recipe, nodes))
            schema = self.prepared.schemas[recipe.source]
            return self.engine.evaluate(inputs, schema, nodes, self.variables, work.scan)

        job = write_job(table, recipe, nodes, lambda: work.scan, direct=True)
        work.outcome = transaction.write(job, rows)
        work.seconds = time.monotonic() - work.started
        return work

    def _record(self, transaction: "Load", works: Sequence["Work"]) -> dict[str, TableLedger]:
        """Set rows aside durably, then write ledgers, batch ids and positions. QuarantineLimit past the limits."""
        ledgers = {work.table: work.ledger() for work in works}
        within_limits(self.pipeline, ledgers)
        files: dict[str, QuarantineFile] = {}
        if not self.dry_run:
            kept = Quarantine(self.space.project.state / "quarantine").write(
                self.pipeline.name,
                self.load_id,
                (row for work in works for row in rejected_rows(self.engine, work)),
            )
            if kept is not None:
                named = QuarantineFile(path=kept.path.name, sha256=kept.sha256)
                files = {name: named for name, ledger in ledgers.items() if ledger.quarantined}
        positions = transaction.positions()
        transaction.record(
            LoadRecord(
                started=self.variables.load_time,
                ledgers=ledgers,
                batches=[LoadedBatch(work.source, work.table, one) for work in works for one in work.recorded()],
                moves=[self._move(work, positions) for work in works],
                quarantine=files if not self.dry_run else _nowhere(ledgers),
            )
        )
        return ledgers

    def _move(self, work: "Work", positions: "Mapping[tuple[str, str], Position]") -> Move:
        seen = positions.get((work.source, work.table))
        newest = work.batches[-1]
        to = {"batch": newest.id, "cursor": newest.cursor_to or (seen.value.get("cursor") if seen else None)}
        return Move(source=work.source, table=work.table, to=to, seen_epoch=seen.epoch if seen else 0)

    def _drifted(self, drift: DriftFound, works: Sequence["Work"]) -> LoadOutcome:
        """The source changed: nothing was loaded; what comes next is for the pipeline's policy to say."""
        if drift.stops:
            raise DriftStop(
                "; ".join(drift.stops),
                where=self.pipeline.name,
                hint=f"the data landed and nothing was loaded. See it: octopipe schema {self.pipeline.name} --refresh",
            )
        try:
            prepared = self.prepared if self.dry_run else evolve(self.space, self.pipeline, drift)
        except UsageError as error:  # mapping.yaml or a correction names what is not there any more
            said = (
                *drift.waits,
                f"the mapping does not fit the source any more; mend it, then read the new plan: {error}",
            )
            return LoadOutcome(self._result("waiting_for_approval", works, {}, said), None, drift.by_table)
        result = self._result("waiting_for_approval", works, {}, drift.warnings)
        result = result.model_copy(update={"fingerprint": prepared.plan.fingerprint})
        return LoadOutcome(result, prepared, drift.by_table)

    def _answer(
        self,
        status: LoadStatus,
        works: Sequence["Work"],
        ledgers: dict[str, TableLedger],
        drift: DriftFound | None = None,
    ) -> LoadOutcome:
        result = self._result(status, works, ledgers, drift.warnings if drift else ())
        reasons = {work.table: work.reasons() for work in works}
        return LoadOutcome(result, self.prepared, {}, reasons)

    def _result(
        self, status: LoadStatus, works: Sequence["Work"], ledgers: dict[str, TableLedger], warnings: Sequence[str]
    ) -> LoadResult:
        batches = {one.id: one for work in works for one in work.batches}
        outcomes = [work.outcome for work in works if work.outcome is not None]
        return LoadResult(
            pipeline=self.pipeline.name,
            load_id=self.load_id,
            batches=tuple(sorted(batches)),
            fingerprint=self.fingerprint,
            engine="duckdb",
            engine_why=_why(self.pipeline, batches.values()),
            status=status,
            sources={source: _count(works, source) for source in {work.source: None for work in works}},
            tables=ledgers,
            phases=Phases(
                extract=0.0,
                copy_=round(sum(one.copy_seconds for one in outcomes), 3),
                merge=round(sum(one.merge_seconds for one in outcomes), 3),
                commit=round(self.commit_seconds, 3),
            ),
            seconds=round(time.monotonic() - self.began, 3),
            warnings=tuple(warnings),
        )


def _count(works: Sequence[Work], source: str) -> SourceCount:
    batches = {one.id: one for work in works if work.source == source for one in work.batches}
    ordered = [batches[key] for key in sorted(batches)]
    read = max((work.scan.rows_read for work in works if work.source == source), default=0)
    return SourceCount(
        extracted=sum(one.rows for one in ordered if one.rows is not None) or read,
        bytes=sum(one.bytes for one in ordered),
        from_=ordered[0].cursor_from,
        to=ordered[-1].cursor_to,
    )


def _why(pipeline: Pipeline, batches: Iterable[Batch]) -> str:
    """Which engine runs, and why."""
    size = sum(batch.bytes for batch in batches) / 1e9
    asked = pipeline.engine.kind
    return "the pipeline asks for it" if asked == "duckdb" else f"{size:.1f} GB fits this machine"


def _nowhere(ledgers: Mapping[str, TableLedger]) -> dict[str, QuarantineFile]:
    """A dry run's rows are set aside nowhere, and its record is rolled back."""
    return {name: QuarantineFile(path="dry run", sha256="") for name, ledger in ledgers.items() if ledger.quarantined}
