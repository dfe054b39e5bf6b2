"""How a pipeline stands: what it waits for, whether it is paused, when it last wrote, what is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from octo_core.errors import DestinationError, MappingOutgrown, OctopipeError, UsageError
from octo_core.ledger import LoadResult, SourceCount
from octo_core.schema import SourceSchema
from octo_resources.engines.choice import choose
from octo_resources.flow.pushing import pushed_due
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline


@dataclass(frozen=True, slots=True)
class Standing:
    """What a schedule's tick has to know; read from the registry alone."""

    paused_until: datetime | None
    paused: bool
    waits_for: str | None
    """Fingerprint of the newest plan, where nobody approved it."""


def standing(space: Workspace, name: str) -> Standing:
    """How a pipeline stands by the registry. Touches neither source nor destination."""
    control = space.registry.controls.of(name)
    stored = space.registry.plans.newest(name)
    waits = None
    if stored is not None and space.registry.plan_state(name, stored.plan.fingerprint) != "approved":
        waits = stored.plan.fingerprint
    return Standing(control.until, control.state == "paused", waits)


def waiting(space: Workspace, pipeline: Pipeline, landed: Mapping[str, Mapping[str, Any]]) -> LoadResult:
    """The answer of a run whose plan nobody approved: what landed, and the fingerprint that waits.

    Where the mapping has to be mended before there can be a plan, the approved one's fingerprint, and what to mend.
    """
    from octo_resources.flow.planning import prepare  # status needs none of it

    typed: Mapping[str, SourceSchema] = {}
    try:
        prepared = prepare(space, pipeline)
        print_, warnings, typed = prepared.plan.fingerprint, prepared.plan.warnings, prepared.schemas
    except MappingOutgrown as error:
        print_, warnings = error.fingerprint, (str(error),)
    from octo_resources.flow.offsets import retention_warnings

    warnings = (*warnings, *retention_warnings(space, pipeline))
    return LoadResult(
        pipeline=pipeline.name,
        load_id="",
        fingerprint=print_,
        engine=choose(pipeline.engine, sum(int(found.get("bytes") or 0) for found in landed.values())).engine,
        engine_why="not started: the plan waits for approval",
        status="waiting_for_approval",
        batches=tuple(str(found["batch"]) for found in landed.values() if "batch" in found),
        sources={name: _count(found, typed.get(name)) for name, found in landed.items()},
        warnings=warnings,
    )


def _count(found: Mapping[str, Any], schema: SourceSchema | None) -> SourceCount:
    """What landed of a source. Files are not counted as they land: those of a first run were as they were typed."""
    alone = schema is not None and schema.batches == (found.get("batch"),)
    return SourceCount(
        extracted=int(found.get("dagster/row_count") or (schema.rows_total if schema and alone else 0) or 0),
        bytes=int(found.get("bytes") or 0),
        from_=str(found.get("from") or "") or None,
        to=str(found.get("to") or "") or None,
    )


def newest_write(space: Workspace, pipeline: Pipeline, table: str) -> datetime | None:
    """When a load last changed a table: as the destination remembers; by the registry where it cannot be asked."""
    try:
        written = space.destination(pipeline).newest_write(pipeline.name, table)
        return written.astimezone(UTC) if written is not None else None
    except DestinationError:
        pass
    for execution in space.registry.executions.recent(pipeline.name, status="loaded", limit=20):
        ledger = execution.result.tables.get(table) if execution.result else None
        if ledger is not None and ledger.inserted + ledger.updated + ledger.removed + ledger.soft_deleted > 0:
            return execution.ended
    return None


def due_pipelines(space: Workspace, at: datetime | None = None) -> list[str]:
    """Started pipelines whose schedule has come round since they last ran, or which something pushed waits for.

    Those that others need come first. One whose files have mistakes is due where it is started: its run tells them,
    and the others run all the same.
    """
    moment = at or datetime.now(UTC)
    due = [name for name in space.project.pipeline_names() if _is_due(space, name, moment)]
    return list(_needs_first(space, due))


def take_tick(space: Workspace, name: str, at: datetime | None = None) -> bool:
    """Say that a due pipeline runs now, so that it is due again at its next tick, whatever comes of this one.

    False where another process runs it for the same tick.
    """
    moment = at or datetime.now(UTC)
    return space.registry.controls.tick(name, moment, seen=space.registry.controls.of(name, moment).ticked_at)


def next_run(pipeline: Pipeline, after: datetime) -> datetime | None:
    """The schedule's next moment after `after`, in UTC; None without a schedule.

    In the night in which an hour comes twice, what is said of that hour runs once, in the second of the two, as in
    Dagster; what runs every hour runs in both.
    """
    from croniter import croniter

    schedule = pipeline.spec.schedule
    if schedule is None:
        return None
    zone = ZoneInfo(schedule.timezone)
    ticks = croniter(schedule.cron, after.astimezone(zone))
    hourly = croniter.expand(schedule.cron)[0][1] == ["*"]
    found: datetime = ticks.get_next(datetime)
    while not hourly and _comes_again(found.astimezone(UTC).astimezone(zone)):
        found = ticks.get_next(datetime)
    return found.astimezone(UTC)


def _comes_again(moment: datetime) -> bool:
    """Whether clocks will show this time once more."""
    return moment.fold == 0 and moment.utcoffset() != moment.replace(fold=1).utcoffset()


def _is_due(space: Workspace, name: str, moment: datetime) -> bool:
    control = space.registry.controls.of(name, moment)
    started = control.state == "started" or (
        control.changed_at is None and space.project.spec.rules.autostart and control.state == "stopped"
    )
    if not started:
        return False
    try:
        pipeline = space.project.pipeline(name)
    except UsageError:
        return True
    if pushed_due(space, pipeline.spec) or _messages_wait(space, pipeline):
        return True
    if pipeline.spec.schedule is None:
        return False
    last = space.registry.executions.newest(pipeline.name)
    # A run that found nothing new, failed before its load or waits for approval is no execution, but had its tick.
    before = (last.started if last else None, control.changed_at, control.ticked_at)
    since = max(filter(None, before), default=None)
    following = next_run(pipeline, since) if since is not None else moment
    return following is not None and following <= moment


def _messages_wait(space: Workspace, pipeline: Pipeline) -> bool:
    """Whether a run would read topics now; also where it would fail, for then somebody has to be told."""
    if pipeline.spec.stream is not None or not any(one.kind == "kafka" for one in pipeline.spec.sources.values()):
        return False
    from octo_resources.flow.offsets import due_ranges

    try:
        return bool(due_ranges(space, pipeline))
    except OctopipeError:
        return True


def _needs(space: Workspace, name: str) -> tuple[str, ...]:
    try:
        return tuple(space.project.pipeline(name).spec.needs)
    except UsageError:
        return ()


def _needs_first(space: Workspace, names: list[str]) -> Iterator[str]:
    """`names` in an order in which what one needs comes before it."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name in done:
            return
        if name in above:
            raise UsageError(f"{name} needs itself: {' → '.join((*above, name))}")
        for other in _needs(space, name):
            if other in names:
                yield from visit(other, (*above, name))
        done.add(name)
        yield name

    for name in names:
        yield from visit(name, ())
