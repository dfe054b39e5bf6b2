"""What a table or a query is made of, as the database's catalog says: columns, their types, the key."""

from dataclasses import dataclass
from typing import Literal

from octo_core.types import DataType, decimal

Wire = Literal["native", "text", "json"]
"""How a column's values are asked for: as they are, as the database's own text, or (lists) as JSON text."""

SCALE: int = 9
"""Digits behind the point of a numeric whose catalog says none, unless more are seen: as BigQuery's NUMERIC."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What is read: a table, perhaps of a schema, or a query."""

    table: str | None = None
    schema: str | None = None
    query: str | None = None

    def __str__(self) -> str:
        if self.query is not None:
            return "the query"
        return f"{self.schema}.{self.table}" if self.schema else str(self.table)


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """One column. `native` is the database's own name of its type, for casts of bounds and for messages."""

    name: str
    type: DataType
    native: str
    nullable: bool = True
    comment: str | None = None
    wire: Wire = "native"
    open_scale: bool = False
    """A numeric of any precision: it travels as text, and its scale is what is seen."""
    expression: str | None = None
    """SQL to ask for instead of the column, where only that is exact; it has the quoted name as `{}`."""

    @property
    def as_text(self) -> bool:
        """Whether its values are kept as text also where they fit: Parquet has no intervals, and no open numerics."""
        return self.open_scale or self.type.kind == "interval"


@dataclass(frozen=True, slots=True)
class Described:
    """A relation's columns in their order, and the columns that identify a row."""

    columns: tuple[SqlColumn, ...]
    key: tuple[str, ...] = ()

    def column(self, name: str) -> SqlColumn | None:
        return next((one for one in self.columns if one.name == name), None)


def numeric(precision: int | None, scale: int | None) -> tuple[DataType, bool]:
    """(type, whether its scale is open) of a numeric. One of more than 38 digits is open too: its scale is
    that of its values, so that as many as can be fit; what does not is set aside row by row."""
    if not precision:
        return decimal(38, SCALE), True
    scale = scale or 0
    if scale < 0:
        precision, scale = precision - scale, 0
    if scale > precision:
        precision = scale
    if precision > 38:
        return decimal(38, min(scale, SCALE)), True
    return decimal(precision, scale), False
