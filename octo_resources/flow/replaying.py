"""Rows that were set aside, loaded once more by the plan that is approved now: a load whose batch is their ids.

The destination remembers, in the same transaction, which rows came in; what is refused again is set aside again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.batch import Batch
from octo_core.catalog import Table
from octo_core.errors import LandingError, UsageError
from octo_core.ledger import QuarantinedRow, TableLedger
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import TableRecipe
from octo_core.spec.sources import KafkaSource
from octo_resources.engines.choice import Choice
from octo_resources.engines.duckdb.shapes.returned import Returned, returned
from octo_resources.flow.drifting import DriftFound
from octo_resources.flow.living import alive
from octo_resources.flow.loading import as_it_is, nothing_new, recorded
from octo_resources.flow.logs import step
from octo_resources.flow.origins import settled
from octo_resources.flow.planning import Prepared, prepare
from octo_resources.flow.recovering import recover
from octo_resources.flow.rows_aside import Wanted, set_aside
from octo_resources.flow.shaping import Shaped, Shaper
from octo_resources.flow.underway import Judging, LoadOutcome, Stage, Underway, unwatched
from octo_resources.flow.work import Work
from octo_resources.flow.workspace import Workspace
from octo_resources.flow.write_job import deletes_of, tombstones_of, write_job
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Pipeline
from octo_resources.quarantine import Place

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.load import Load

_NOT_TEXT: Final = "not UTF-8"
"""The reason of rows whose payload cannot be what they held."""


def replay(
    space: Workspace,
    pipeline: Pipeline,
    wanted: Wanted | None = None,
    *,
    dry_run: bool = False,
    stage: Stage | None = None,
) -> LoadOutcome:
    """Load rows that were set aside by the plan that is approved now, in one transaction.

    Raises NotApproved, UsageError where a table is replaced whole or its rows come back by their topic, LandingError
    where payloads were altered or their batch is not known any more, and what a load raises.
    """
    pipeline = settled(space, pipeline)
    with step(space, pipeline.name, "load") as log:
        prepared = as_it_is(space, pipeline, prepare(space, pipeline))
        print_ = fingerprint(prepared.recipe)
        if not dry_run:
            space.registry.decisions.require_approved(pipeline.name, print_)
            recover(space, pipeline)
        rows = _rows(space, pipeline, prepared, wanted or Wanted())
        if not rows:
            return nothing_new(pipeline, print_, prepared, prepared.recipe.tables)
        load_id = new_ulid(None)
        with _scratch(space) as folder:
            under_way = Replaying(space, pipeline, prepared, load_id, print_, dry_run, stage or unwatched, rows, folder)
            pending: dict[str, list[Batch]] = {name: [] for name in rows}
            if dry_run:
                return under_way.run(pending)
            with alive(space.project.state, load_id):
                outcome = recorded(space, pipeline, under_way, pending, None)
        log.load = load_id
        space.quarantine.settle(pipeline.name, "replayed", under_way.brought)
        log.line(f"replayed {len(under_way.brought):,} of {sum(map(len, rows.values())):,} rows that were set aside")
        return outcome


def _scratch(space: Workspace) -> "TemporaryDirectory[str]":
    parent = space.project.state / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    return TemporaryDirectory(prefix="replay-", dir=parent)


def _rows(space: Workspace, pipeline: Pipeline, prepared: Prepared, wanted: Wanted) -> dict[str, list[QuarantinedRow]]:
    """Table → its rows that are wanted and that no other replay brought in."""
    destination, store = space.destination(pipeline), space.quarantine
    if not destination.prepared():
        return {}
    done = destination.replayed(pipeline.name)
    found: dict[str, list[QuarantinedRow]] = {}
    loads: set[str] = set()
    late: list[Place] = []
    for load_id, row in set_aside(space, pipeline.name, wanted):
        if (row.table, row.id) in done:  # its process ended before it could say so here
            late.append((row.table, row.id))
        elif row.table in prepared.recipe.tables and not row.reason.startswith(_NOT_TEXT):
            _may_be_replayed(pipeline, prepared, row)
            found.setdefault(row.table, []).append(row)
            loads.add(load_id)
    if late:
        store.settle(pipeline.name, "replayed", late)
    sums = destination.quarantine_sums(pipeline.name)
    for load_id in sorted(loads):
        store.check(pipeline.name, load_id, sums.get(load_id))
    return found


def _may_be_replayed(pipeline: Pipeline, prepared: Prepared, row: QuarantinedRow) -> None:
    name = pipeline.name
    if prepared.recipe.tables[row.table].write == "replace":
        hint = f"mend the source or the mapping, then: octopipe run {name} --full"
        raise UsageError(f"{row.table} is replaced whole by each load: single rows are not replayed", hint=hint)
    letters = pipeline.spec.stream.dead_letters if pipeline.spec.stream is not None else None
    if letters and isinstance(pipeline.spec.sources.get(row.source), KafkaSource):
        hint = f"octopipe quarantine replay {name} --from-topic"
        raise UsageError(f"rows of {row.source} are in the topic {letters} too, and come back from there", hint=hint)


class _Unlimited(Judging):
    def within(self, ledgers: Mapping[str, TableLedger]) -> None:
        """Rows that were set aside before may be set aside again, however many."""


class Replaying(Underway):
    """A load of rows that were set aside; made for one use."""

    def __init__(
        self,
        space: Workspace,
        pipeline: Pipeline,
        prepared: Prepared,
        load_id: str,
        print_: str,
        dry_run: bool,
        stage: Stage,
        rows: Mapping[str, Sequence[QuarantinedRow]],
        folder: str,
    ) -> None:
        super().__init__(space, pipeline, prepared, load_id, print_, dry_run, stage, _Unlimited(pipeline))
        self._rows, self._folder = rows, Path(folder)
        self._made: dict[str, Returned] = {}
        self._stale: set[str] = set()
        self.brought: list[Place] = []
        """The rows that came in; complete once the load is recorded."""

    def _choice(self, read: Sequence[Batch]) -> Choice:
        del read
        return Choice("duckdb", "rows that were set aside are read on one machine")

    def _drift(self, works: Sequence[Work]) -> DriftFound:
        """Rows are set aside because they are odd: nothing is drift in them."""
        warnings = tuple(
            f"{work.table}: rows whose key is there already stay set aside, for newer batches were loaded since, and no"
            " `version` says which row is newer"
            for work in works
            if work.table in self._stale
        )
        return DriftFound(warnings=warnings)

    def _write(self, transaction: "Load", shaper: Shaper, table: Table, pending: list[Batch]) -> Work:
        del shaper, pending
        rows = self._rows[table.name]
        recipe = self._careful(transaction, rows, self.prepared.recipe.tables[table.name])
        folder = self._folder / str(len(self._made))
        folder.mkdir()
        schema, nodes = self.prepared.schemas[recipe.source], self.prepared.nodes(table.name)
        made = self._made[table.name] = returned(rows, self._batches(rows), schema, folder)
        work = Work(table.name, [], Shaped(made.inputs), self.engine.scan(), time.monotonic())
        tombstones = tombstones_of(self.pipeline, recipe)
        work.passes_over = tombstones is not None and tombstones.passed_over
        engine = self.space.engine(self.pipeline)

        def read() -> pa.RecordBatchReader:
            work.scan = engine.scan()
            return engine.evaluate(made.inputs, schema, nodes, self.variables, work.scan, tombstones)

        at = self.variables.load_time
        marking = deletes_of(self.pipeline, table, recipe, lambda: work.scan, whole=False, at=at)
        job = write_job(table, recipe, nodes, lambda: work.scan, deletes=marking if recipe.write == "merge" else None)
        work.outcome = transaction.write(job, read)
        work.seconds = time.monotonic() - work.started
        return work

    def _careful(self, transaction: "Load", rows: Sequence[QuarantinedRow], recipe: TableRecipe) -> TableRecipe:
        """Rows older than what was loaded since may not go over it, where nothing says which is newer."""
        if recipe.write != "merge" or recipe.version is not None:
            return recipe
        for source in {row.source for row in rows}:
            oldest = min(row.batch for row in rows if row.source == source)
            if any(batch > oldest for batch in transaction.known_batches(source, recipe.table)):
                self._stale.add(recipe.table)
                return recipe.model_copy(update={"write": "append"})
        return recipe

    def _batches(self, rows: Sequence[QuarantinedRow]) -> dict[str, Batch]:
        """The batches that the rows came in, as far as anything is known of them."""
        sources = dict.fromkeys(row.source for row in rows)
        known = {
            batch.id: batch for source in sources for batch in self.space.landing.history(self.pipeline.name, source)
        }
        for row in rows:
            if row.batch not in known:
                hint = f"load it from the source again: octopipe run {self.pipeline.name} --full"
                raise LandingError(f"batch {row.batch} of {row.source} is not known any more", hint=hint)
        return known

    def _set_aside(self, work: Work) -> Iterator[QuarantinedRow]:
        """What is refused again, by its own name, with today's reason."""
        made = self._made[work.table].rows
        for number, one in sorted({one.row: one for one in self._refused(work)}.items()):
            yield made[number].model_copy(update={"reason": one.reason, "column": one.column, "value": one.value})

    @staticmethod
    def _refused(work: Work) -> list[Any]:
        """What engine and destination refused: each has row, reason, column and value; the first word on a row last."""
        return [*work.scan.refused, *(work.outcome.rejected if work.outcome else ())][::-1]

    def _replayed(self, works: Sequence[Work]) -> Sequence[Place]:
        self.brought = []
        for work in works:
            refused = {one.row for one in self._refused(work)}
            made = self._made[work.table].rows
            self.brought += [(work.table, row.id) for number, row in made.items() if number not in refused]
        return self.brought
