"""PostgreSQL's types in the vocabulary that schemas and expressions share, and back for suggested DDL."""

import re
from typing import Final

from octo_core.types import (
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT32,
    FLOAT64,
    INT16,
    INT32,
    INT64,
    INTERVAL,
    JSON,
    MAX_PRECISION,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    DataType,
    decimal,
    list_of,
)  # fmt: skip

_EXACT: Final[dict[str, DataType]] = {
    "boolean": BOOLEAN,
    "smallint": INT16,
    "integer": INT32,
    "bigint": INT64,
    "real": FLOAT32,
    "double precision": FLOAT64,
    "bytea": BYTES,
    "date": DATE,
    "uuid": UUID,
    "json": JSON,
    "jsonb": JSON,
}
_TIMES: Final = re.compile(r"(time|timestamp)(?:\(\d\))? (with|without) time zone")
_NUMERIC: Final = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?")
_LENGTH: Final = re.compile(r"(?:character varying|character)\((\d+)\)")
UNBOUNDED_SCALE: Final = 18
"""A numeric without precision travels as decimal(38,18): 20 digits before the point, 18 after it."""


def data_type(native: str, element: str | None = None) -> DataType:
    """The DataType of a base type as format_type prints it; `element` is an array's own element type.

    What the vocabulary has no word for (inet, money, ranges, enums, geometry, timetz …) is text: it is staged as text
    and cast by PostgreSQL itself.
    """
    if element is not None:
        return list_of(data_type(element))
    if native in _EXACT:
        return _EXACT[native]
    if match := _NUMERIC.fullmatch(native):
        return _decimal(match)
    if match := _TIMES.fullmatch(native):
        kind, zone = match.groups()
        return {("time", "without"): TIME, ("timestamp", "without"): TIMESTAMP, ("timestamp", "with"): TIMESTAMPTZ}.get(
            (kind, zone), TEXT
        )
    return INTERVAL if native.startswith("interval") else TEXT


def _decimal(match: re.Match[str]) -> DataType:
    if match.group(1) is None:
        return decimal(MAX_PRECISION, UNBOUNDED_SCALE)
    precision, scale = int(match.group(1)), int(match.group(2))
    if scale < 0:  # numeric(5,-2): seven digits before the point
        return decimal(min(precision - scale, MAX_PRECISION), 0)
    return decimal(min(max(precision, scale), MAX_PRECISION), min(scale, MAX_PRECISION))


def max_length(native: str) -> int | None:
    """Characters that fit into varchar(n) or char(n)."""
    match = _LENGTH.fullmatch(native)
    return int(match.group(1)) if match else None


_DDL: Final[dict[str, str]] = {
    "boolean": "boolean",
    "int8": "smallint",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "float32": "real",
    "float64": "double precision",
    "text": "text",
    "bytes": "bytea",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "interval": "interval",
    "uuid": "uuid",
    "json": "jsonb",
    "record": "jsonb",
}


def ddl_type(kind: DataType) -> str:
    """The PostgreSQL type that a person would give a new column of this type."""
    if kind.kind == "decimal":
        return f"numeric({kind.precision},{kind.scale})"
    if kind.kind == "list":
        element = kind.element or TEXT
        return "jsonb" if element.kind in ("record", "list") else f"{ddl_type(element)}[]"
    return _DDL[kind.kind]
