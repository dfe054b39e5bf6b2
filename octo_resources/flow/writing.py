"""Write the whole mapping to the pipeline's mapping.yaml, where a person may go on with it."""

from pathlib import Path
from typing import Any

from octo_core.mapping.model import Mapping
from octo_resources.editing import write_mapping as write_file
from octo_resources.project import Pipeline


def write_mapping(pipeline: Pipeline, mapping: Mapping) -> Path:
    """Every column with its expression, or why nothing feeds it. Raises SpecError, and writes nothing then."""
    columns: dict[str, dict[str, Any]] = {}
    for name, table in mapping.tables.items():
        columns[name] = {
            column.target: column.expr if column.expr is not None else {"unmapped": column.why}
            for column in table.columns
        }
    return write_file(pipeline.project, pipeline.name, columns)
