"""The schemas of what tables are made from where that is no whole source: profiled (`each`), or put together."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import Mistake, SpecError, UsageError
from octo_core.relations import check_list, check_shape, each_schema, join_schema
from octo_core.schema import SourceSchema
from octo_core.spec.shapes import EachFrom, JoinFrom, Shape, UnionFrom, every_source, relation_name
from octo_core.unions import union_schema
from octo_resources.flow.landing_step import Progress
from octo_resources.flow.logs import step
from octo_resources.flow.understand import discreet, sample_limits, schemas, scratch
from octo_resources.flow.workspace import Workspace
from octo_resources.pipeline import Pipeline

if TYPE_CHECKING:
    from octo_resources.registry import Registry


def typed_relations(
    space: Workspace, pipeline: Pipeline, *, refresh: bool = False, progress: Progress | None = None
) -> dict[str, SourceSchema]:
    """The schemas of all sources, and of every relation that a table is made from, by their names.

    Raises SpecError where a `from` does not fit its sources.
    """
    found = schemas(space, pipeline, refresh=refresh, progress=progress)
    for name, table in pipeline.tables.items():
        origin = table.from_
        if origin is None or isinstance(origin, str) or relation_name(origin) in found:
            continue
        try:
            found[relation_name(origin)] = _relation(space, pipeline, origin, found, refresh)
        except UsageError as error:
            raise SpecError([misfit(pipeline, name, error)]) from None
    return found


def misfits(registry: "Registry", pipeline: Pipeline) -> list[Mistake]:
    """Lists that are not there, and joins whose conditions do not fit, by the newest stored schemas."""
    mistakes = []
    for name, table in pipeline.tables.items():
        if table.from_ is None or isinstance(table.from_, str):
            continue
        stored = {source: registry.schemas.newest(pipeline.name, source) for source in every_source(table.from_)}
        typed = {source: schema for source, schema in stored.items() if schema is not None}
        try:
            if len(typed) == len(stored):
                check_shape(table.from_, typed)
        except UsageError as error:
            mistakes.append(misfit(pipeline, name, error))
    return mistakes


def misfit(pipeline: Pipeline, table: str, error: UsageError) -> Mistake:
    """What does not fit between a table's `from` and its sources, at the place where it is written."""
    return pipeline.mistake(f"{error.message}{f'. {error.hint}' if error.hint else ''}", "tables", table, "from")


def _relation(
    space: Workspace, pipeline: Pipeline, origin: Shape, typed: Mapping[str, SourceSchema], refresh: bool
) -> SourceSchema:
    """A relation's schema as it is stored, or made anew where a schema that it stands on has changed.

    Once a plan was approved those change by drift alone, and so does this one.
    """
    name = relation_name(origin)
    bases = [typed[source] for source in every_source(origin)]
    said = "\n".join([name, *(one.model_dump_json() for one in bases)])
    inputs = hashlib.sha256(said.encode()).hexdigest()
    stored = space.registry.schemas.newest_version(pipeline.name, name)
    if stored is not None and stored.inputs == inputs and not refresh:
        return stored.value
    with step(space, pipeline.name, "schema", part=name) as log:
        found = made_relation(space, pipeline, origin, typed)
        log.line(f"{name}: {len(found.fields)} fields from {found.rows_examined:,} rows")
    space.registry.schemas.save(pipeline.name, found, part=name, inputs=inputs)
    return found


def made_relation(
    space: Workspace, pipeline: Pipeline, origin: Shape, typed: Mapping[str, SourceSchema]
) -> SourceSchema:
    """The schema of a relation over what is seen of its sources. Raises UsageError where they do not fit."""
    if isinstance(origin, JoinFrom):
        return join_schema(origin, typed)
    if isinstance(origin, UnionFrom):
        return union_schema(relation_name(origin), [typed[name] for name in origin.union])
    assert isinstance(origin, EachFrom)
    return derive_each(space, pipeline, origin, typed[origin.source], space.seen(pipeline.name, origin.source))


def derive_each(
    space: Workspace, pipeline: Pipeline, origin: EachFrom, base: SourceSchema, batches: Sequence[Batch]
) -> SourceSchema:
    """The schema that the elements of a list in these batches suggest."""
    check_list(base, origin.steps)
    for batch in batches:
        space.landing.verify(batch)
    parent = space.project.state / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    limits = sample_limits(space, pipeline, batches)
    with TemporaryDirectory(prefix="elements-", dir=parent) as folder:
        seen = _seen(space, origin, base, batches, Path(folder), limits.rows if limits is not None else None)
    fields = tuple(discreet(field) for field in seen.fields)
    return seen.model_copy(update={"fields": fields, "batches": tuple(batch.id for batch in batches)})


def _seen(
    space: Workspace, origin: EachFrom, base: SourceSchema, batches: Sequence[Batch], folder: Path, limit: int | None
) -> SourceSchema:
    from octo_core.spec.sources import SourceBase
    from octo_resources.engines.duckdb.profile import profile_batches, typed_schema
    from octo_resources.engines.duckdb.shapes.each import Elements, explode

    name, inputs = relation_name(origin), [one for batch in batches for one in space.inputs(batch)]
    elements = Elements(origin.steps, None)
    made, _ = explode(inputs, base, elements, folder, with_refused=False, limit=limit)
    if elements.records and elements.others:  # some are spoilt: the fewer ones
        elements = Elements(origin.steps, elements.others > elements.records)
        made, _ = explode(inputs, base, elements, folder, with_refused=False, limit=limit)
    with scratch(space) as connection:
        profiles, counts = profile_batches(connection, made.batches)
    found = typed_schema(profiles, counts, SourceBase(), name)
    if limit is not None and made.rows_in >= limit:
        found = found.model_copy(update={"complete": False, "rows_total": None})
    return each_schema(name, base, origin.steps, found)
