"""Write the whole mapping to the pipeline's mapping.yaml, where a person may go on with it."""

from pathlib import Path
from typing import Any

from octo_core.mapping.model import Mapping
from octo_core.plan.model import Recipe
from octo_resources.editing import edit_pipeline
from octo_resources.editing import write_mapping as write_file
from octo_resources.flow.origins import open_tables
from octo_resources.project import Pipeline


def written_origins(pipeline: Pipeline, recipe: Recipe) -> list[Path]:
    """Write the `from` that the plan stands on at each table that has none in pipeline.yaml; the file, if changed."""
    changes = [
        ([str(part) for part in pipeline.written(("tables", name, "from"))], recipe.tables[name].from_)
        for name in open_tables(pipeline)
        if name in recipe.tables
    ]
    return [edit_pipeline(pipeline.project, pipeline.name, changes)] if changes else []


def write_mapping(pipeline: Pipeline, mapping: Mapping) -> Path:
    """Every column with its expression, or why nothing feeds it. Raises SpecError, and writes nothing then.

    What the file itself decides stays as it is written there: `{values: …}`, folded texts, their comments.
    """
    columns: dict[str, dict[str, Any]] = {}
    for name, table in mapping.tables.items():
        columns[name] = {
            column.target: column.expr if column.expr is not None else {"unmapped": column.why}
            for column in table.columns
            if not (column.layer == "file" and column.target in pipeline.file_mapping.get(name, {}))
        }
    return write_file(pipeline.project, pipeline.name, columns)
