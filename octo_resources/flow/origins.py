"""What feeds the tables whose `from` the file leaves open: proposed from schemas and tables, shown in the plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from octo_core.catalog import Catalog
from octo_core.errors import Mistake, SpecError
from octo_core.schema import SourceSchema
from octo_resources.flow.landing_step import Progress
from octo_resources.flow.pulling import pull
from octo_resources.flow.understand import schemas
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_core.mapping.origins import Origin
    from octo_resources.registry import Registry


def settled(
    space: Workspace, pipeline: Pipeline, *, refresh: bool = False, progress: Progress | None = None
) -> Pipeline:
    """The pipeline with a `from` at every table, proposed where the file has none.

    Raises SpecError, at the table's place in the file, where nothing can be proposed.
    """
    if not open_tables(pipeline):
        return pipeline
    typed = schemas(space, pipeline, refresh=refresh, progress=progress)
    found = proposals(pipeline, typed, pull(space, pipeline, refresh=refresh))
    mistakes = undecided(pipeline, found)
    if mistakes:
        raise SpecError(mistakes)
    return with_origins(pipeline, found)


def settled_offline(
    registry: "Registry", pipeline: Pipeline, catalog: Catalog | None
) -> tuple[list[Mistake], Pipeline]:
    """(tables for which nothing can be proposed, the pipeline with what can be), by what is stored: nobody is asked."""
    stored = {source: registry.schemas.newest(pipeline.name, source) for source in pipeline.spec.sources}
    typed = {source: schema for source, schema in stored.items() if schema is not None}
    if catalog is None or not open_tables(pipeline) or len(typed) < len(stored):
        return [], pipeline
    found = proposals(pipeline, typed, catalog)
    return undecided(pipeline, found), with_origins(pipeline, found)


def open_tables(pipeline: Pipeline) -> list[str]:
    """The tables without `from` for which there is more than one thing that could feed them."""
    return [
        name
        for name, table in pipeline.spec.tables.items()
        if table.from_ is None and (len(pipeline.spec.sources) > 1 or len(pipeline.spec.tables) > 1)
    ]


def proposals(pipeline: Pipeline, typed: Mapping[str, SourceSchema], catalog: Catalog) -> dict[str, "Origin"]:
    """Table → what is proposed for it. A table of the only source is in it where a list of it is meant."""
    from octo_core.mapping.origins import child_origin, propose_origin

    sources = {name: typed[name] for name in pipeline.spec.sources}
    found: dict[str, Origin] = {}
    for name in open_tables(pipeline):
        if name not in catalog.tables:
            continue
        if len(sources) > 1:
            found[name] = propose_origin(catalog.tables[name], catalog, sources)
        elif origin := child_origin(catalog.tables[name], catalog, next(iter(sources.values()))):
            found[name] = origin
    return found


def undecided(pipeline: Pipeline, found: Mapping[str, "Origin"]) -> list[Mistake]:
    """A mistake for each table for which nothing is proposed: the file has to say it."""
    names = ", ".join(pipeline.spec.sources)
    return [
        pipeline.mistake(f"'from' is missing: say which of the sources {names} feeds it ({origin.why})", "tables", name)
        for name, origin in found.items()
        if origin.shape is None
    ]


def with_origins(pipeline: Pipeline, found: Mapping[str, "Origin"]) -> Pipeline:
    """The pipeline as if its file said what is proposed."""
    tables = {
        name: table.model_copy(update={"from_": found[name].shape}) if name in found else table
        for name, table in pipeline.spec.tables.items()
    }
    spec = pipeline.spec.model_copy(update={"tables": tables})
    return replace(pipeline, spec=spec, proposed={name: said(origin) for name, origin in found.items()})


def said(origin: "Origin") -> str:
    """A proposal in words: `from: {source: orders, each: items}, because …`."""
    from octo_core.mapping.origins import spelled

    return f"from: {spelled(origin.shape) if origin.shape is not None else '?'}, because {origin.why}"
