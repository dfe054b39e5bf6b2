"""Sources with `landing: off`: a batch is spooled for its load and goes with it; reading goes on from the destination.

The batch remembers the epochs of the positions that it was read from. It loads only while the destination still has
these, so a batch that another one overtook is never loaded, and at most one of a source counts: the newest.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import LandingError
from octo_core.spec.shapes import UnionFrom
from octo_core.spec.sources import landing_of
from octo_resources.flow.living import is_gone
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.state import Position
    from octo_resources.sources.resume import Resume


def is_spooled(pipeline: Pipeline, source: str) -> bool:
    """Whether nothing of the source is kept."""
    return landing_of(pipeline.spec.sources[source]) == "off"


def read_by_tasks(pipeline: Pipeline, source: str) -> bool:
    """Whether the tasks of a load read the source themselves: on Spark, where its rows go to tables as they are.

    Schemas of messages that lie in a file here would not lie there.
    """
    spec = pipeline.spec.sources[source]
    registry = getattr(spec, "schema_registry", None)
    if pipeline.engine.kind != "spark" or spec.kind not in ("sql", "kafka") or not is_spooled(pipeline, source):
        return False
    if registry is not None and registry.url.startswith("file://"):
        return False
    return all(isinstance(pipeline.tables[table].from_, str | UnionFrom | None) for table in fed(pipeline, source))


def was_spooled(space: Workspace, pipeline: Pipeline, source: str) -> bool:
    """Whether the source was told to keep what it brings only now: what it brought before is at the destination."""
    history = space.landing.history(pipeline.name, source)
    return bool(history) and history[-1].landing == "off"


def resume_from(space: Workspace, pipeline: Pipeline, source: str) -> "Resume":
    """How far the destination is with a source. Raises DestinationError where nobody answers."""
    from octo_resources.sources.resume import Resume  # with all that reads files 30 ms

    tables = fed(pipeline, source)
    destination = space.destination(pipeline)
    known = destination.positions(pipeline.name) if destination.prepared() else {}
    there = {table: known[source, table] for table in tables if (source, table) in known}
    return Resume(
        positions={table: position.value for table, position in there.items()},
        epochs={table: there[table].epoch if table in there else 0 for table in tables},
        appended=frozenset(table for table in tables if pipeline.tables[table].write == "append"),
    )


def fed(pipeline: Pipeline, source: str) -> list[str]:
    """The tables that a source's batches are loaded into."""
    return [table for table in pipeline.tables if source in pipeline.spec.sources_of(table)]


def held(space: Workspace, pipeline: Pipeline, source: str, at: "Resume") -> bool:
    """Whether what is there has to be loaded before more is read: some tables have it, others wait for it; or it
    landed to be kept, before the source was told not to keep anything."""
    landed = space.landing.batches(pipeline.name, source)
    tables = fed(pipeline, source)
    if not landed or not tables or not space.destination(pipeline).prepared():
        return any(batch.landing != "off" for batch in landed)
    known = space.destination(pipeline).known_batches(pipeline.name)
    for batch in landed:
        has = [batch.id in known.get((source, table), frozenset()) for table in tables]
        waiting = [table for table, done in zip(tables, has, strict=True) if not done]
        if waiting and (
            batch.landing != "off" or (any(has) and any(fits(batch, table, at.epochs) for table in waiting))
        ):
            return True
    return False


def fits(batch: Batch, table: str, epochs: Mapping[str, int]) -> bool:
    """Whether a spooled batch goes on from where the table is now."""
    return batch.landing != "off" or batch.epochs.get(table) == epochs.get(table, 0)


def loadable(
    batches: Sequence[Batch], source: str, table: str, positions: "Mapping[tuple[str, str], Position]"
) -> list[Batch]:
    """The batches of a source that go on from where the table is now; those that are kept always do."""
    at = positions.get((source, table))
    return [batch for batch in batches if fits(batch, table, {table: at.epoch if at is not None else 0})]


def sweep(space: Workspace, pipeline: Pipeline, source: str, made: Batch | None, at: "Resume") -> None:
    """After an extraction: take away what it supersedes, but what a load is reading at this moment."""
    keep = {made.id} if made is not None else set()
    keep |= being_read(space, pipeline)
    space.landing.drop_spooled(pipeline.name, source, keep=keep, remember=at.batches)


def being_read(space: Workspace, pipeline: Pipeline) -> set[str]:
    """The batches that loads are reading at this moment."""
    return {
        batch
        for execution in space.registry.executions.recent(pipeline.name, status="running")
        if not is_gone(space.project.state, execution.load_id)
        for batch in execution.batches
    }


def drop_loaded(space: Workspace, pipeline: Pipeline) -> None:
    """After a load: take away the spooled batches that all their tables have. What cannot go now goes later."""
    for source in pipeline.spec.sources:
        looked_up = any(source in pipeline.spec.beside(table) for table in pipeline.tables)
        if looked_up or not is_spooled(pipeline, source):
            continue
        with suppress(LandingError):
            spooled = [one for one in space.landing.batches(pipeline.name, source) if one.landing == "off"]
            if not spooled:
                continue
            known = space.destination(pipeline).known_batches(pipeline.name)
            has = [known.get((source, table), frozenset()) for table in fed(pipeline, source)]
            waiting = {batch.id for batch in spooled if not has or any(batch.id not in one for one in has)}
            space.landing.drop_spooled(pipeline.name, source, keep=waiting, remember={one.id for one in spooled})
