"""The embedded engine: reads landed batches exactly, profiles them and evaluates mappings over them."""

from octo_resources.engines.duckdb.engine import DuckEngine
from octo_resources.engines.duckdb.inputs import Input, Origin, Span, landed_row, row_of, split_row
from octo_resources.engines.duckdb.preview import ColumnCounts, Preview, PreviewReason, PreviewSample
from octo_resources.engines.duckdb.scan import Refused, Scan, Tally
from octo_resources.engines.duckdb.select import Tombstones
from octo_resources.engines.duckdb.variables import LoadVariables

__all__ = [
    "ColumnCounts", "DuckEngine", "Input", "LoadVariables", "Origin", "Preview", "PreviewReason", "PreviewSample",
    "Refused", "Scan", "Span", "Tally", "Tombstones", "landed_row", "row_of", "split_row",
]  # fmt: skip
