"""The typed schema of each source: derived from all that landed, then the contract that later loads are held to.

A schema stands until its pipeline's plan is approved and the source drifts; before the first approval it follows
every batch that lands, and so does that of a source that had no field yet. `refresh` derives it anew from what landed
last.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.deletes import TOMBSTONE, marked_source
from octo_core.errors import SourceError, SpecError
from octo_core.schema import Field, SourceSchema
from octo_core.spec.sources import SampleLimits
from octo_core.wording import rows_text
from octo_resources.flow.landing_step import Progress, land_missing
from octo_resources.flow.logs import step
from octo_resources.flow.mistaken import unknown_in
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    import duckdb

    from octo_core.inference.profile import FieldProfile


def schemas(
    space: Workspace, pipeline: Pipeline, *, refresh: bool = False, progress: Progress | None = None
) -> dict[str, SourceSchema]:
    """Source → its typed schema. Reads a source of which nothing landed yet. Raises SourceError, LandingError."""
    land_missing(space, pipeline, progress)
    return {name: _schema(space, pipeline, name, refresh) for name in pipeline.spec.sources}


def _schema(space: Workspace, pipeline: Pipeline, name: str, refresh: bool) -> SourceSchema:
    batches = space.seen(pipeline.name, name)
    if not batches:
        raise SourceError(
            f"nothing landed from '{name}'", where=pipeline.name, hint=f"octopipe source test {pipeline.name} {name}"
        )
    inputs = source_inputs(pipeline, name)
    stored = space.registry.schemas.newest_version(pipeline.name, name)
    if stored is not None and stored.inputs == inputs and not refresh:
        examined = set(stored.value.batches)
        # A source that was empty when it was read promised nothing: the first rows are no drift of it.
        contract = bool(stored.value.fields) and is_contract(space, pipeline)
        if contract or examined >= {batch.id for batch in batches}:
            return stored.value
    with step(space, pipeline.name, "schema", part=name) as log:
        found = derive(space, pipeline, name, batches, ask=None)
        log.line(f"{name}: {len(found.fields)} fields from {rows_text(found.rows_examined)}")
    space.registry.schemas.save(pipeline.name, found, part=name, inputs=inputs)
    return found


def derive(
    space: Workspace,
    pipeline: Pipeline,
    name: str,
    batches: Sequence[Batch],
    *,
    ask: frozenset[str] | None = frozenset(),
) -> SourceSchema:
    """The schema that these batches of a source suggest, with the file's own word on fields over it.

    `ask`: the fields that a language model is asked about, where the pipeline has one; None: all of them.
    """
    from octo_core.inference.declared import declared_over  # 0.1 s, and a plan that stands infers nothing
    from octo_resources.engines.duckdb.profile import profile_batches, typed_schema

    for batch in batches:
        space.landing.verify(batch)
    spec = pipeline.spec.sources[name]
    limits = sample_limits(space, pipeline, batches)
    with scratch(space) as connection:
        profiles, counts = profile_batches(connection, batches, limits=limits)
    if marked_source(pipeline.spec, name):
        profiles = {field: profile for field, profile in profiles.items() if field != TOMBSTONE}
    if wrong := unknown_in(pipeline, name, tuple(profiles)):
        raise SpecError(wrong)
    found = declared_over(typed_schema(profiles, counts, spec, name), batches, spec)
    if ask is None or ask:
        found = _asked(space, pipeline, found, batches, profiles, ask)
    if limits is not None and not (found.complete and found.rows_examined < limits.rows and _is_all(batches)):
        found = found.model_copy(update={"complete": False, "rows_total": None})
    ids = tuple(batch.id for batch in batches)
    return found.model_copy(update={"batches": ids, "fields": tuple(discreet(field) for field in found.fields)})


def _asked(
    space: Workspace,
    pipeline: Pipeline,
    found: SourceSchema,
    batches: Sequence[Batch],
    profiles: "Mapping[str, FieldProfile]",
    only: frozenset[str] | None,
) -> SourceSchema:
    """The schema after a language model was asked, where there is one to ask; a warning says why there is not."""
    from octo_core.expressions.fields import ELEMENT
    from octo_resources.llm import access, door

    asked = access(pipeline)
    if not asked.asks:
        said = (f"{found.source}: typed by the embedded inferrer: {asked.why_not}",) if asked.why_not else ()
        return found.model_copy(update={"warnings": (*found.warnings, *said)})
    from octo_resources.flow.consulting import typed_by_model
    from octo_resources.flow.ground import Ground

    def values(parts: tuple[str, ...]) -> list[str]:
        profile: FieldProfile | None = profiles.get(parts[0])
        for part in parts[1:]:
            if profile is not None:
                profile = profile.element if part == ELEMENT else (profile.children or {}).get(part)
        return [text for text, _ in profile.sketch.top() if text not in profile.spelled_nulls] if profile else []

    return typed_by_model(
        Ground(space, pipeline, found.source, batches),
        door(pipeline, space.registry, asked, space.silences),
        found,
        values,
        only,
    )


def _is_all(batches: Sequence[Batch]) -> bool:
    """Whether nothing of an API was left unread; of files the profile knows."""
    return all(batch.full for batch in batches)


def sample_limits(space: Workspace, pipeline: Pipeline, batches: Sequence[Batch]) -> SampleLimits | None:
    """How much of these batches may be looked at: all where they landed, `sample` of what is only a sample."""
    if batches and space.is_sample(batches[0]):
        return pipeline.spec.sources[batches[0].source].sample or SampleLimits()
    return None


_SHARED = frozenset({"gender"})
"""Personal, but of a few words that half of mankind shares: a mapping to a code list needs them."""


def discreet(field: Field) -> Field:
    """A personal field without the values that were seen of it: schemas are kept, shown and matched by their shapes."""
    stats = field.stats
    if field.pii and stats is not None:
        shared = stats.values if field.semantic in _SHARED else None
        stats = stats.model_copy(
            update={"min": None, "max": None, "values": shared, "examples": (), "counts": (), "marks": None}
        )
    children = tuple(discreet(child) for child in field.children)
    return field.model_copy(update={"stats": stats, "children": children})


@contextmanager
def scratch(space: Workspace) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB in memory that spills into the project's folder."""
    with scratch_in(space.project.state / "tmp") as connection:
        yield connection


@contextmanager
def scratch_in(folder: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB in memory that spills into this folder."""
    import duckdb  # 60 ms

    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "1GiB",
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def is_contract(space: Workspace, pipeline: Pipeline) -> bool:
    """Whether a plan of this pipeline was approved, so that its schemas are a contract and do not drift along."""
    return space.registry.decisions.last_approved(pipeline.name) is not None


def source_inputs(pipeline: Pipeline, name: str) -> str:
    """What of the file a schema depends on: another text, and the schema is derived anew."""
    import hashlib

    spec = pipeline.spec.sources[name]
    said = spec.model_dump_json(include={"kind", "fields", "key", "records", "format", "options"})
    said += TOMBSTONE if marked_source(pipeline.spec, name) else ""
    return hashlib.sha256(said.encode()).hexdigest()
