"""Pull the destination's tables, with the labels of the pipeline file; again only when something changed there."""

import hashlib
import json

from octo_core.catalog import Catalog, Label
from octo_core.errors import SpecError
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline


def pull(space: Workspace, pipeline: Pipeline, *, refresh: bool = False) -> Catalog:
    """The catalog of the pipeline's tables as they are now. Raises DestinationError, or SpecError for a wrong label.

    One cheap query tells whether the stored pull is still true; the full introspection runs only where it is not.
    """
    destination = space.destination(pipeline)
    tables = tuple(pipeline.tables)
    stored = space.registry.catalogs.newest_version(pipeline.name)
    labels = _labels_hash(pipeline)
    known = stored.value if stored is not None and stored.inputs == labels and not refresh else None
    if known is not None and set(known.tables) == set(tables) and known.signature == destination.signature(tables):
        return known
    _refuse_unknown_labels(pipeline, catalog := destination.pull(tables, _labels(pipeline)))
    space.registry.catalogs.save(pipeline.name, catalog, inputs=labels)
    return catalog


def pull_now(space: Workspace, pipeline: Pipeline) -> Catalog:
    """The tables as they are at this moment: what a load compares with, whatever is stored. Keeps nothing."""
    return space.destination(pipeline).pull(tuple(pipeline.tables), _labels(pipeline))


def _labels(pipeline: Pipeline) -> dict[str, dict[str, Label]]:
    return {name: dict(table.labels) for name, table in pipeline.tables.items()}


def _labels_hash(pipeline: Pipeline) -> str:
    said = {
        name: {column: label.model_dump(mode="json") for column, label in table.labels.items()}
        for name, table in pipeline.tables.items()
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _refuse_unknown_labels(pipeline: Pipeline, catalog: Catalog) -> None:
    """Every label, key and version that names no column, at its place in the file, with the nearest name."""
    from octo_core.spec.nearest import did_you_mean

    mistakes = []
    for name, table in pipeline.tables.items():
        columns = [column.name for column in catalog.tables[name].columns]
        named: list[tuple[str, str, tuple[str, ...]]] = [("labels", label, ("labels", label)) for label in table.labels]
        named += [("key", column, ("key",)) for column in table.key or ()]
        named += [("version", table.version, ("version",))] if table.version else []
        for what, column, place in named:
            if column not in columns:
                message = f"{what}: {name} has no column '{column}'.{did_you_mean(column, columns)}"
                mistakes.append(pipeline.mistake(message, "tables", name, *place))
    if mistakes:
        raise SpecError(mistakes)
