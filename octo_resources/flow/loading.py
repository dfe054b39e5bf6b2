"""The load: what landed and is not loaded yet, by the approved plan, in one transaction, every row accounted for.

The gate stands here. However a load was started, it pulls the tables' catalog, takes the fingerprint of what it is
about to run on them, asks the registry for an approval of exactly that, locks the tables, and makes sure that they are
still what was pulled; just before the commit it asks once more.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import LoadAborted, UsageError
from octo_core.ledger import LoadResult, TableLedger
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.recipe import build_recipe
from octo_core.spec.shapes import driving, looked_up
from octo_resources.engines.choice import choose
from octo_resources.flow.cleaning import keep_landing
from octo_resources.flow.living import alive, over
from octo_resources.flow.logs import step, why
from octo_resources.flow.origins import settled
from octo_resources.flow.planning import Prepared, prepare, texts
from octo_resources.flow.pulling import pull, pull_now
from octo_resources.flow.recovering import recover, settle
from octo_resources.flow.spooling import drop_loaded, loadable
from octo_resources.flow.underway import LoadOutcome, Say, Stage, Underway, unwatched
from octo_resources.flow.workspace import Workspace
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Pipeline
from octo_resources.registry.model import ExecutionStatus

if TYPE_CHECKING:
    pass


def load(
    space: Workspace,
    pipeline: Pipeline,
    *,
    tables: Sequence[str] | None = None,
    dry_run: bool = False,
    dagster_run: str | None = None,
    prepared: Prepared | None = None,
    stage: Stage | None = None,
    say: Say | None = None,
    stopping: Callable[[], bool] | None = None,
) -> LoadOutcome:
    """Load every landed batch that the pipeline's tables (or `tables` of them) have not got yet.

    Raises NotApproved where nobody approved exactly this plan, DriftStop, QuarantineLimit, LedgerMismatch and
    DestinationError; nothing is committed then. With `dry_run` all is done but the commit. `stopping` says whether
    what runs the load is being cancelled: LoadAborted then.
    """
    pipeline = settled(space, pipeline)
    with step(space, pipeline.name, "load") as log:

        def told(text: str) -> None:
            log.line(text)
            if say is not None:
                say(text)

        outcome = _gated(space, pipeline, tables, dry_run, dagster_run, prepared, stage, told, stopping)
        log.load = outcome.result.load_id or None
        log.line(_summary(outcome.result))
    if not dry_run:
        drop_loaded(space, pipeline)
        keep_landing(space, pipeline)
    return outcome


def _summary(result: LoadResult) -> str:
    """A load in one line of the log."""
    parts = [f"{result.status}, plan {result.fingerprint[:8]}, {result.seconds:.1f} s"]
    for name, ledger in result.tables.items():
        counts = ("read", "inserted", "updated", "unchanged", "deduplicated", "quarantined", "removed")
        parts.append(f"{name}: " + " ".join(f"{count} {getattr(ledger, count):,}" for count in counts))
    return "; ".join([*parts, *result.warnings])


def _gated(
    space: Workspace,
    pipeline: Pipeline,
    tables: Sequence[str] | None,
    dry_run: bool,
    dagster_run: str | None,
    prepared: Prepared | None,
    stage: Stage | None,
    say: Say,
    stopping: Callable[[], bool] | None,
) -> LoadOutcome:
    """The load behind its gate."""
    given, prepared = prepared, as_it_is(space, pipeline, prepared or prepare(space, pipeline))
    print_ = fingerprint(prepared.recipe)
    if given is None and print_ != prepared.plan.fingerprint:
        pull(space, pipeline, refresh=True)  # what is stored of the tables was not true: the plan that waits is another
        prepared = as_it_is(space, pipeline, prepare(space, pipeline))
        print_ = fingerprint(prepared.recipe)
    if not dry_run:
        space.registry.decisions.require_approved(pipeline.name, print_)
    wanted = _wanted(pipeline, prepared, tables)
    started = time.monotonic()
    if not dry_run and not space.destination(pipeline).prepared():
        space.destination(pipeline).prepare()  # the first load; a role that may not is told what a DBA has to do
    if not dry_run:
        recover(space, pipeline)
    pending = _pending(space, pipeline, prepared, wanted)
    if not any(pending.values()):
        return nothing_new(pipeline, print_, prepared, wanted, time.monotonic() - started)
    load_id = new_ulid(None)
    under_way = Underway(
        space, pipeline, prepared, load_id, print_, dry_run, stage or unwatched, say=say, stopping=stopping
    )
    if dry_run:
        return under_way.run(pending)
    with alive(space.project.state, load_id):
        return recorded(space, pipeline, under_way, pending, dagster_run)


def as_it_is(space: Workspace, pipeline: Pipeline, said: Prepared) -> Prepared:
    """What will run, made anew from its parts.

    Whatever a plan object says of itself is not believed, nor what the registry says of the tables: a stored catalog
    that somebody gave today's signature would pass yesterday's checks off as today's. 60 ms.
    """
    catalog = pull_now(space, pipeline)
    recipe = build_recipe(pipeline.spec, said.schemas, catalog, said.mapping, texts(pipeline))
    return Prepared(said.plan, recipe, said.schemas, catalog, said.mapping, said.decision)


def recorded(
    space: Workspace, pipeline: Pipeline, under_way: Underway, pending: dict[str, list[Batch]], dagster_run: str | None
) -> LoadOutcome:
    """The load with its beginning and its end in the registry; an error is kept redacted, and raised again."""
    executions, load_id = space.registry.executions, under_way.load_id
    executions.start(
        pipeline.name,
        load_id,
        pipeline_type=pipeline.spec.type,
        fingerprint=under_way.fingerprint,
        batches=sorted({batch.id for batches in pending.values() for batch in batches}),
        dagster_run_id=dagster_run,
    )
    try:
        outcome = under_way.run(pending)
    except BaseException as error:
        aborted = isinstance(error, LoadAborted) or not isinstance(error, Exception)
        end: tuple[ExecutionStatus, str] = (
            "aborted" if aborted else "failed",
            why(error),
        )
        if under_way.committing:  # sent and not answered: whether it is there, the destination says
            settled = settle(space, pipeline, load_id, end)
            if settled is not None and settled.result is not None and isinstance(error, Exception):
                return LoadOutcome(settled.result, under_way.prepared)
            raise
        space.quarantine.remove(pipeline.name, load_id)
        executions.end(load_id, end[0], error=end[1])
        over(space.project.state, load_id)
        raise
    newest = max((source.to or "" for source in outcome.result.sources.values()), default="")
    executions.end(load_id, outcome.result.status, result=outcome.result, next_watermark=newest or None)
    under_way.stage("told")
    return outcome


def _wanted(pipeline: Pipeline, prepared: Prepared, tables: Sequence[str] | None) -> list[str]:
    if tables is None:
        return list(prepared.recipe.tables)
    from octo_core.spec.nearest import did_you_mean

    for name in tables:
        if name not in prepared.recipe.tables:
            raise UsageError(f"{pipeline.name} writes no table '{name}'.{did_you_mean(name, prepared.recipe.tables)}")
    return list(tables)


def _pending(space: Workspace, pipeline: Pipeline, prepared: Prepared, wanted: Sequence[str]) -> dict[str, list[Batch]]:
    """Table → batches of the sources that drive it which it has not got, source by source, oldest first.

    A table that is joined with a source of which nothing landed yet waits: its rows would be joined with nothing.
    """
    destination = space.destination(pipeline)
    known, positions = destination.known_batches(pipeline.name), destination.positions(pipeline.name)
    origins = {name: prepared.recipe.tables[name].origin for name in wanted}
    there = {
        name: all(space.landing.batches(pipeline.name, one) for one in looked_up(origins[name])) for name in wanted
    }
    return {
        name: [
            batch
            for source in driving(origins[name])
            for batch in loadable(space.landing.batches(pipeline.name, source), source, name, positions)
            if there[name] and batch.id not in known.get((source, name), frozenset())
        ]
        for name in wanted
    }


def nothing_new(
    pipeline: Pipeline, print_: str, prepared: Prepared, tables: Iterable[str], seconds: float = 0.0
) -> LoadOutcome:
    """What is said of a load that had nothing to do."""
    result = LoadResult(
        pipeline=pipeline.name,
        load_id="",
        fingerprint=print_,
        status="nothing_new",
        engine=choose(pipeline.engine, 0).engine,
        engine_why="nothing to do",
        tables={name: TableLedger() for name in tables},
        seconds=round(seconds, 3),
    )
    return LoadOutcome(result, prepared)
