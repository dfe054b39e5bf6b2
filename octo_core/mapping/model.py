"""A mapping: for every column of a destination's tables the expression that feeds it, who decided so, and why."""

from datetime import datetime
from typing import Final, Literal

from octo_core.schema import Frozen

Layer = Literal["correction", "file", "llm", "embedded"]
"""Who decided a column, the strongest first: a reviewer, mapping.yaml, the LLM, the embedded proposer."""

DOUBTFUL: Final = 0.75
"""Below it a column that no person decided is doubtful: the plan marks it, and its warnings name it."""
LAYERS: tuple[Layer, ...] = ("correction", "file", "llm", "embedded")


class Alternative(Frozen):
    """A next-best expression that was not taken."""

    expr: str
    confidence: float
    why: str


class ColumnMapping(Frozen):
    """What feeds one column. `expr` is None where the column is left unmapped; `why` says the reason then."""

    target: str
    expr: str | None
    layer: Layer
    confidence: float
    why: str
    alternatives: tuple[Alternative, ...] = ()
    overrides: Layer | None = None
    """The weaker layer that said something else, e.g. `file` below a correction."""


class TableMapping(Frozen):
    """One table: a ColumnMapping for each of its columns, in the table's order, and the fields nothing uses."""

    table: str
    columns: tuple[ColumnMapping, ...]
    unmapped_source: tuple[str, ...] = ()

    def column(self, target: str) -> ColumnMapping | None:
        return next((column for column in self.columns if column.target == target), None)


class Mapping(Frozen):
    """The whole mapping of a pipeline, after its layers were laid over one another."""

    pipeline: str
    tables: dict[str, TableMapping]
    proposer: Literal["embedded", "llm"] = "embedded"
    warnings: tuple[str, ...] = ()


class Correction(Frozen):
    """A reviewer's word on one column: `expr` None means leave it unmapped. The newest for a column holds."""

    table: str
    column: str
    expr: str | None
    reviewer: str
    reason: str | None = None
    made_at: datetime
