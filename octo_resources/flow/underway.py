"""One load under way: all tables of a pipeline written, judged, recorded and committed in one transaction."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from octo_core.batch import Batch
from octo_core.catalog import Table
from octo_core.errors import DriftStop, MappingOutgrown, UsageError
from octo_core.ledger import LoadResult, LoadStatus, Phases, QuarantinedRow, TableLedger
from octo_core.plan.model import TableRecipe
from octo_core.spec.shapes import every_source, looked_up
from octo_core.streaming import DRIFT_FROM
from octo_resources.destinations.postgres.order import order_by_foreign_keys
from octo_resources.destinations.writing import LoadedBatch, LoadRecord, Move, QuarantineFile
from octo_resources.engines.choice import Choice, attaches, choose
from octo_resources.engines.duckdb import LoadVariables, Tally, Tombstones
from octo_resources.engines.protocol import Bringing, Engine
from octo_resources.flow.afar import Afar, reading
from octo_resources.flow.drifting import DriftFound, drift_of, evolve
from octo_resources.flow.planning import Prepared
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.setting_aside import rejected_rows, within_limits
from octo_resources.flow.shaping import Shaper, shaping
from octo_resources.flow.states import state_of
from octo_resources.flow.watching import Watch
from octo_resources.flow.work import Work, counted
from octo_resources.flow.workspace import Workspace
from octo_resources.flow.write_job import counting, deletes_of, kept_keys, tombstones_of, write_job
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_core.expressions import Node
    from octo_resources.destinations.postgres.load import Load
    from octo_resources.destinations.postgres.state import Position

DRY: Final = "this was a dry run: nothing was committed"
Stage = Callable[[str], None]
"""Told as the load reaches a point: `began`, `copied`, `before_commit`, `after_commit`, `told` (the registry knows)."""
Say = Callable[[str], None]
"""Told how far the engine is, in words."""


@dataclass(frozen=True)
class LoadOutcome:
    """A load's result, and what the UI shows beside it."""

    result: LoadResult
    prepared: Prepared | None = None
    drift: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → what changed at its source, in plain words."""
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    """Table → reason → rows set aside."""
    links: dict[str, str] = field(default_factory=dict)
    """Pages that show what the engine did."""


def unsaid(_text: str) -> None:
    """Nobody follows the engine."""


def unwatched(_point: str) -> None:
    """Nobody follows the load."""


class Judging:
    """What of a load is judged otherwise in a stream, whose micro-batches are small."""

    signature: str | None = None
    """The approved catalog's signature over the load's tables, where it is known; the transaction compares it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def within(self, ledgers: Mapping[str, TableLedger]) -> None:
        """Raises QuarantineLimit where too many rows are set aside."""
        within_limits(self._pipeline, ledgers)

    def wide(self, table: str, source: str, tally: Tally) -> tuple[Tally, int]:
        """See `drifting.Wide`. One odd message among the few of a range is no drift."""
        del table
        return tally, DRIFT_FROM if self._pipeline.spec.sources[source].kind == "kafka" else 0

    def aside(self, engine: Engine, works: Sequence[Work]) -> None:
        """Told of the load once what it sets aside is durable, right before its commit."""


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
        judging: "Judging | None" = None,
        say: Say = unsaid,
        stopping: Callable[[], bool] | None = None,
    ) -> None:
        self.space, self.pipeline, self.prepared = space, pipeline, prepared
        self.judging = judging or Judging(pipeline)
        self.load_id, self.fingerprint, self.dry_run, self.stage = load_id, print_, dry_run, stage
        self.say = say
        self.temp = space.project.state / "tmp"
        self.variables = LoadVariables(load_time=datetime.now(UTC), load_id=load_id, pseudonym_key=pseudonym_key(space))
        self.watch = Watch(space, pipeline, load_id, self.variables.load_time, stopping)
        self.began = time.monotonic()
        self.committing = False
        self.commit_seconds = 0.0

    def run(self, pending: dict[str, list[Batch]]) -> LoadOutcome:
        """Write all tables, judge, record and commit."""
        self.stage("began")
        read = list(self._read(pending))
        self.choice = self._choice(read)
        self.engine = self.space.load_engine(self.pipeline, self.choice, self.load_id, self.say)
        with reading(self.space, self.pipeline, tasks=self.engine.name != "duckdb") as afar:
            afar.verify(read)
            return self._run(pending, afar)

    def _run(self, pending: dict[str, list[Batch]], afar: Afar) -> LoadOutcome:
        destination = self.space.destination(self.pipeline)
        tables = order_by_foreign_keys([self.prepared.catalog.tables[name] for name in pending])
        loading = destination.load(
            load_id=self.load_id,
            pipeline=self.pipeline.name,
            fingerprint=self.fingerprint,
            tables=tables,
            expected_signature=self._signature(list(pending)),
        )
        with (
            self.watch.over(loading, self.engine),  # first: a load can wait long for its locks
            loading as transaction,
            shaping(self.space, self.pipeline, self.prepared.schemas, afar, self.engine) as shaper,
        ):
            works = [work for table in tables if (work := self._write(transaction, shaper, table, pending[table.name]))]
            if not works:
                return self._answer("already_loaded", [], {})
            self.stage("copied")
            drift = self._drift(works)
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
        if self.judging.signature is not None:
            return self.judging.signature
        catalog = self.prepared.catalog
        if set(wanted) == set(catalog.tables):
            return catalog.signature
        destination = self.space.destination(self.pipeline)
        part = destination.signature(wanted)  # taken first: if the whole is unchanged after it, so was the part
        return part if destination.signature(catalog.tables) == catalog.signature else ""

    def _read(self, pending: Mapping[str, list[Batch]]) -> Iterable[Batch]:
        """Every batch that this load reads, those of sources that rows are joined with included."""
        found = {batch.id: batch for batches in pending.values() for batch in batches}
        for name, batches in pending.items():
            if batches:
                found |= {batch.id: batch for beside in self._beside(name).values() for batch in beside}
        return found.values()

    def _beside(self, table: str) -> dict[str, list[Batch]]:
        """What each source holds now that the table's rows are joined with."""
        names = looked_up(self.prepared.recipe.tables[table].origin)
        return {name: state_of(self.space.landing.batches(self.pipeline.name, name)) for name in names}

    def _write(self, transaction: "Load", shaper: Shaper, table: Table, pending: list[Batch]) -> "Work | None":
        """Stage and move one table's rows; None where another load brought all of them meanwhile."""
        recipe = self.prepared.recipe.tables[table.name]
        beside = self._beside(table.name)
        ids = {batch.id for batch in (*pending, *(one for found in beside.values() for one in found))}
        known = {
            batch
            for source in every_source(recipe.origin)
            for batch in transaction.known_batches(source, table.name, ids)
        }
        batches = [batch for batch in pending if batch.id not in known]
        if not batches:
            return None
        waiting, batches = batches, counting(recipe, batches)
        skipped = [batch for batch in waiting if batch not in batches]
        started, nodes = time.monotonic(), self.prepared.nodes(table.name)
        tombstones = tombstones_of(self.pipeline, recipe)
        shaped = shaper.shaped(recipe.origin, batches, nodes, beside=beside, tasks=True)
        inputs = shaped.inputs
        work = Work(table.name, batches, shaped, self.engine.scan(), started, skipped=skipped)
        work.beside = [batch for found in beside.values() for batch in found if batch.id not in known]

        def rows() -> pa.RecordBatchReader:
            work.scan = self.engine.scan(keys=kept_keys(recipe, nodes))
            schema = self.prepared.schemas[recipe.source]
            return self.engine.evaluate(inputs, schema, nodes, self.variables, work.scan, tombstones)

        marking = deletes_of(
            self.pipeline,
            table,
            recipe,
            lambda: work.scan,
            whole=all(batch.full for batch in batches),
            at=self.variables.load_time,
        )
        work.passes_over = tombstones is not None and tombstones.passed_over
        attach = attaches(self.pipeline.engine)
        job = write_job(table, recipe, nodes, lambda: work.scan, direct=True, deletes=marking, attach=attach)
        bringing = self._bringing(transaction, work, recipe, nodes, tombstones)
        work.outcome = transaction.write(job, bringing or rows)
        work.seconds = time.monotonic() - work.started
        return work

    def _bringing(
        self,
        transaction: "Load",
        work: Work,
        recipe: TableRecipe,
        nodes: "Mapping[str, Node]",
        tombstones: Tombstones | None,
    ) -> Bringing | None:
        """The table's rows brought by the engine's tasks, where it has some and the destination takes them."""
        if self.engine.name == "duckdb" or not transaction.tasks_may_write():
            return None
        work.scan = self.engine.scan(keys=kept_keys(recipe, nodes))
        schema = self.prepared.schemas[recipe.source]
        return self.engine.bringing(work.inputs, schema, nodes, self.variables, work.scan, tombstones)

    def _record(self, transaction: "Load", works: Sequence["Work"]) -> dict[str, TableLedger]:
        """Set rows aside durably, then write ledgers, batch ids and positions. QuarantineLimit past the limits."""
        ledgers = {work.table: work.ledger() for work in works}
        self.judging.within(ledgers)
        files: dict[str, QuarantineFile] = {}
        if not self.dry_run:
            kept = self.space.quarantine.write(
                self.pipeline.name,
                self.load_id,
                (row for work in works for row in self._set_aside(work)),
            )
            self.judging.aside(self.engine, works)
            if kept is not None:
                named = QuarantineFile(path=kept.path.name, sha256=kept.sha256)
                files = {name: named for name, ledger in ledgers.items() if ledger.quarantined}
        positions = transaction.positions()
        transaction.record(
            LoadRecord(
                started=self.variables.load_time,
                ledgers=ledgers,
                batches=[LoadedBatch(one.source, work.table, one.id) for work in works for one in work.recorded()],
                moves=[
                    self._move(work.table, newest, positions) for work in works for newest in work.newest().values()
                ],
                quarantine=files if not self.dry_run else _nowhere(ledgers),
                passed_over={work.table: work.passed_over for work in works},
                replayed=self._replayed(works),
            )
        )
        return ledgers

    def _choice(self, read: Sequence[Batch]) -> Choice:
        """The engine, by what is read."""
        return choose(self.pipeline.engine, sum(batch.bytes for batch in read))

    def _drift(self, works: Sequence[Work]) -> DriftFound:
        return drift_of(self.pipeline, self.prepared, works, self.judging.wide)

    def _set_aside(self, work: Work) -> Iterator[QuarantinedRow]:
        return rejected_rows(self.engine, work)

    def _replayed(self, works: Sequence[Work]) -> Sequence[tuple[str, str]]:
        """(table, id) of rows set aside by earlier loads that this one brought in."""
        del works
        return ()

    @staticmethod
    def _move(table: str, newest: Batch, positions: "Mapping[tuple[str, str], Position]") -> Move:
        seen = positions.get((newest.source, table))
        cursor = newest.cursor_to or (seen.value.get("cursor") if seen else None)
        epoch = newest.epochs.get(table, seen.epoch if seen else 0)  # what was read from there, not from here and now
        return Move(
            source=newest.source,
            table=table,
            to={**newest.position, "batch": newest.id, "cursor": cursor},
            seen_epoch=epoch,
        )

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
        except (UsageError, MappingOutgrown) as error:  # the mapping names what is not there any more
            said = (*drift.waits, str(error))
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
        return LoadOutcome(result, self.prepared, {}, reasons, self.engine.links())

    def _result(
        self, status: LoadStatus, works: Sequence["Work"], ledgers: dict[str, TableLedger], warnings: Sequence[str]
    ) -> LoadResult:
        batches = {one.id: one for work in works for one in work.batches}
        sources = dict.fromkeys(one.source for work in works for one in (*work.batches, *work.beside))
        outcomes = [work.outcome for work in works if work.outcome is not None]
        extracted = round(sum(one.seconds for one in batches.values()), 3)
        of_works = [one for work in works for one in work.shaped.warnings]
        noted = [f"{one.source}: {note}" for one in batches.values() for note in one.notes]
        noted += [note for work in works for note in _told_by_tasks(work)]
        noted += [DRY] if self.dry_run and status == "loaded" else []
        said = dict.fromkeys([*warnings, *noted, *of_works, *(one for outcome in outcomes for one in outcome.warnings)])
        return LoadResult(
            pipeline=self.pipeline.name,
            load_id=self.load_id,
            batches=tuple(sorted(batches)),
            fingerprint=self.fingerprint,
            engine=self.choice.engine,
            engine_why=self.choice.why,
            status=status,
            sources={source: counted(works, source) for source in sources},
            tables=ledgers,
            shapes={work.table: work.shaped.counts for work in works if work.shaped.counts is not None},
            phases=Phases(
                extract=extracted,
                copy_=round(sum(one.copy_seconds for one in outcomes), 3),
                merge=round(sum(one.merge_seconds for one in outcomes), 3),
                commit=round(self.commit_seconds, 3),
            ),
            seconds=round(time.monotonic() - self.began + extracted, 3),
            warnings=tuple(said),
        )


def _nowhere(ledgers: Mapping[str, TableLedger]) -> dict[str, QuarantineFile]:
    """A dry run's rows are set aside nowhere, and its record is rolled back."""
    return {name: QuarantineFile(path="dry run", sha256="") for name, ledger in ledgers.items() if ledger.quarantined}


def _told_by_tasks(work: "Work") -> list[str]:
    """What the tasks of a load say that read its source by themselves."""
    sources = {batch.id: batch.source for batch in work.batches}
    return [
        f"{sources.get(batch, work.table)}: {note}"
        for batch, tally in work.scan.batches.items()
        for told in tally.told.values()
        for note in told.notes
    ]
