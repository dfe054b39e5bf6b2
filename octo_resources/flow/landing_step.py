"""The first step: read what is new at the sources, and land it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from octo_core.batch import Batch
from octo_core.deletes import marks
from octo_core.errors import OctopipeError, UsageError
from octo_core.offsets import OffsetRange
from octo_core.spec.sources import SampleLimits
from octo_resources.flow.cleaning import make_room
from octo_resources.flow.logs import step
from octo_resources.flow.offsets import first_position, leaves_with_broker, never_read, require_unlost
from octo_resources.flow.spooling import held, is_spooled, read_by_tasks, resume_from, sweep, was_spooled
from octo_resources.flow.watching import Asked, Deadline
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

Progress = Callable[[int, int, str], None]
"""rows so far, bytes so far, what is being done."""
Ranges = Mapping[str, Sequence[OffsetRange]]
"""Source → offset ranges."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What one extraction brought. `batch` is None where nothing is new; `newest` is what is there all the same."""

    batch: Batch | None
    newest: Batch | None
    batches: int
    seconds: float


def land(
    space: Workspace,
    pipeline: Pipeline,
    *,
    sources: Sequence[str] | None = None,
    full: bool = False,
    since: str | None = None,
    ranges: Ranges | None = None,
    progress: Progress | None = None,
) -> dict[str, Landed]:
    """Extract the sources (all when left out), at most `limits.concurrency` at once, and land what is new.

    `ranges`: of a Kafka source exactly these offsets, as a sensor found them.
    One source that fails does not stop the others: what they bring lands, then its error is raised.
    """
    return dict(landing(space, pipeline, sources=sources, full=full, since=since, ranges=ranges, progress=progress))


def landing(
    space: Workspace,
    pipeline: Pipeline,
    *,
    sources: Sequence[str] | None = None,
    full: bool = False,
    since: str | None = None,
    ranges: Ranges | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Landed]]:
    """The same, source by source: those that landed come first, then the error of one that did not is raised."""
    names = list(pipeline.spec.sources) if sources is None else list(sources)
    for name in names:
        if name not in pipeline.spec.sources:
            known = ", ".join(pipeline.spec.sources)
            raise UsageError(f"there is no source '{name}'", where=pipeline.name, hint=f"Its sources: {known}")
    if full or since is not None:
        _may_read_again(space, pipeline, names, since, full)
    make_room(space)
    with ThreadPoolExecutor(max_workers=pipeline.spec.limits.concurrency) as pool:
        told = ranges or {}
        running = {
            name: pool.submit(_land_one, space, pipeline, name, full, since, told.get(name), progress) for name in names
        }
    yield from ((name, future.result()) for name, future in running.items() if future.exception() is None)
    for future in running.values():
        future.result()


def require_one_way(full: bool, since: str | None) -> None:
    """UsageError where everything is asked for, and only what is newer."""
    if full and since is not None:
        raise UsageError("--full reads everything, and --since only what is newer: give one of the two")


def _may_read_again(space: Workspace, pipeline: Pipeline, names: Sequence[str], since: str | None, full: bool) -> None:
    """UsageError where both are asked for, `since` has no cursor, or what is loaded would be appended again."""
    require_one_way(full, since)
    sources = {name: pipeline.spec.sources[name] for name in names}
    cursors = [name for name, one in sources.items() if one.kind == "kafka" or getattr(one, "cursor", None) is not None]
    if since is not None and not cursors:
        raise UsageError("--since needs a source with a cursor", where=pipeline.name, hint="read all again with --full")
    catalog = space.registry.catalogs.newest(pipeline.name)
    for name, table in pipeline.tables.items():
        fed = [source for source in pipeline.spec.sources_of(name) if source in names]
        if table.write != "append" or not fed:
            continue
        there = catalog.tables.get(name) if catalog is not None else None
        own = isinstance(table.from_, str) and pipeline.spec.sources[table.from_].key
        keyed = table.key or own or (there is not None and there.primary_key)
        if not keyed and any(_came_before(space, pipeline, source) for source in fed):
            raise UsageError(
                f"rows of {name} are appended and have no key: what is there would be there twice",
                where=pipeline.name,
                hint="give the table a `key:`, or write: merge",
            )


def _came_before(space: Workspace, pipeline: Pipeline, source: str) -> bool:
    if is_spooled(pipeline, source):
        return bool(resume_from(space, pipeline, source).positions)
    return bool(space.landing.history(pipeline.name, source))


def land_missing(space: Workspace, pipeline: Pipeline, progress: Progress | None = None) -> None:
    """Land those sources of which nothing ever landed: what a schema and a plan need.

    Of a source with `sample`, and of one of which nothing is kept, only so much is read, beside the landing zone: no
    load ever takes it.
    """
    missing = [name for name in pipeline.spec.sources if not space.seen(pipeline.name, name)]
    whole = [name for name in missing if pipeline.spec.sources[name].sample is None and not is_spooled(pipeline, name)]
    if whole:
        land(space, pipeline, sources=whole, progress=progress)
    for name in missing:
        unpushed = pipeline.spec.sources[name].kind == "push" and not space.seen(pipeline.name, name)
        if name not in whole or unpushed:  # before the first item, samples/ may say what will be pushed
            _sample(space, pipeline, name, progress)


def read_anew(
    space: Workspace, pipeline: Pipeline, *, sources: Sequence[str] | None = None, progress: Progress | None = None
) -> None:
    """Land what is new at the sources for a new look at them; of those of which nothing is kept take a new sample."""
    names = list(pipeline.spec.sources) if sources is None else list(sources)
    kept = [name for name in names if not is_spooled(pipeline, name)]
    if kept:
        land(space, pipeline, sources=kept, progress=progress)
    for name in names:
        if name not in kept:
            space.samples.forget(pipeline.name, name)
            _sample(space, pipeline, name, progress)


def _sample(space: Workspace, pipeline: Pipeline, name: str, progress: Progress | None) -> None:
    from octo_resources.sources import sample

    spec = pipeline.spec.sources[name]
    with step(space, pipeline.name, "raw", part=name) as log:
        batch = sample(
            spec,
            pipeline=pipeline.name,
            source_name=name,
            project=space.project,
            landing=space.samples,
            limits=spec.sample or SampleLimits(),
            progress=_within(space, pipeline, name, progress),
        )
        log.line(f"{name}: " + (f"sample {batch.id}, {batch.bytes:,} bytes" if batch else "nothing there"))


def _within(space: Workspace, pipeline: Pipeline, name: str, progress: Progress | None) -> Progress:
    """Progress that ends the reading past `limits.time`, and where somebody asked for its end."""
    deadline = Deadline(pipeline, f"reading {name}")
    asked = Asked(space, pipeline, f"reading {name} was ended; nothing of this reading landed")

    def reached(rows: int, size: int, note: str) -> None:
        deadline.check()
        asked.check()
        if progress is not None:
            progress(rows, size, note)

    return reached


def _land_one(
    space: Workspace,
    pipeline: Pipeline,
    name: str,
    full: bool,
    since: str | None,
    ranges: Sequence[OffsetRange] | None,
    progress: Progress | None,
) -> Landed:
    from octo_resources.sources import extract

    started = time.monotonic()
    if leaves_with_broker(space, pipeline, name):
        with step(space, pipeline.name, "raw", part=name) as log:
            log.line(f"{name}: nothing is read before the first plan is approved; its topic keeps it")
        return _landed(space, pipeline, name, None, started)
    spooled = is_spooled(pipeline, name)
    swept = spooled or was_spooled(space, pipeline, name)
    at = resume_from(space, pipeline, name) if swept else first_position(space, pipeline, name)
    with step(space, pipeline.name, "raw", part=name) as log:
        if spooled and at is not None and held(space, pipeline, name, at):
            log.line(f"{name}: what is there already has to be loaded first")
            return _landed(space, pipeline, name, None, started)
        if not full and since is None and never_read(space, pipeline, name, at):
            require_unlost(space, pipeline, name)
        looked_up = any(name in pipeline.spec.beside(table) for table in pipeline.tables)
        batch = extract(
            pipeline.spec.sources[name],
            pipeline=pipeline.name,
            source_name=name,
            project=space.project,
            landing=space.landing,
            since=since,
            full=full or _writes(pipeline, name, "replace") or _finds_absent(pipeline, name) or (spooled and looked_up),
            progress=_within(space, pipeline, name, progress),
            waiting=_waiting(space, pipeline, name),
            once=_writes(pipeline, name, "append"),
            resume=at,
            ranges=ranges,
            unread=spooled and read_by_tasks(pipeline, name),
        )
        if swept and at is not None:
            sweep(space, pipeline, name, batch, at)
        log.line(f"{name}: " + (_what(batch) if batch else "nothing new"))
    if batch is not None and not spooled:
        space.samples.forget(pipeline.name, name)
    found = _landed(space, pipeline, name, batch, started)
    if pipeline.spec.transport is not None and found.newest is not None:
        from octo_resources.kafka.transport import announce

        announce(pipeline, found.newest)  # also one that landed before: whoever announced it may have died
    return found


def _what(batch: Batch) -> str:
    if batch.unread:
        return f"batch {batch.id}, {len(batch.files)} ranges that the load's tasks read"
    return f"batch {batch.id}, {batch.bytes:,} bytes"


def _landed(space: Workspace, pipeline: Pipeline, name: str, batch: Batch | None, started: float) -> Landed:
    there = space.landing.batches(pipeline.name, name)
    return Landed(batch, there[-1] if there else None, len(there), time.monotonic() - started)


def _finds_absent(pipeline: Pipeline, source: str) -> bool:
    """Whether a table marks what the source does not have any more, which only a full read shows."""
    fed = [name for name in pipeline.tables if source in pipeline.spec.sources_of(name)]
    return any(said.found_by == "absence" for name in fed if (said := marks(pipeline.spec, name)) is not None)


def _waiting(space: Workspace, pipeline: Pipeline, source: str) -> set[str]:
    """Batches of a source that some table has not got; all of them where the destination cannot say."""
    landed = {batch.id for batch in space.landing.batches(pipeline.name, source)}
    if not landed:
        return landed
    try:
        known = space.destination(pipeline).known_batches(pipeline.name)
    except OctopipeError:
        return landed
    tables = [table for table in pipeline.tables if source in pipeline.spec.sources_of(table)]
    loaded = [known.get((source, table), frozenset()) for table in tables]
    return landed - frozenset.intersection(*loaded) if loaded else set()


def _writes(pipeline: Pipeline, source: str, mode: str) -> bool:
    """Whether a table is written this way from the source: what is replaced needs all of it in every batch."""
    return any(
        table.write == mode and source in pipeline.spec.sources_of(name) for name, table in pipeline.spec.tables.items()
    )
