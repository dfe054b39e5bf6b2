"""Pull the destination's tables, with the labels of the pipeline file; again only when something changed there."""

import hashlib
import json

from octo_core.catalog import Catalog, Label
from octo_core.errors import SpecError
from octo_resources.flow.mistaken import unknown_columns, wrong_expressions
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
        _refuse_mistakes(space, pipeline, known)
        return known
    _refuse_mistakes(space, pipeline, catalog := destination.pull(tables, _labels(pipeline)))
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


def _refuse_mistakes(space: Workspace, pipeline: Pipeline, catalog: Catalog) -> None:
    """Where a label, key or version names no column: that, and what is wrong with mapping.yaml, all in one go."""
    mistakes = unknown_columns(pipeline, catalog)
    if mistakes:
        raise SpecError([*mistakes, *wrong_expressions(space.registry, pipeline, catalog)[0]])
