"""How well values of one type family fit a column of another: 1 the same, about 0.2 hardly ever convertible."""

from typing import Final

from octo_core.mapping.attribute import Attribute
from octo_core.types import DataType

_FIT: Final[dict[tuple[str, str], float]] = {
    ("integer", "decimal"): 0.97,
    ("integer", "float"): 0.95,
    ("decimal", "float"): 0.95,
    ("float", "decimal"): 0.95,
    ("decimal", "integer"): 0.7,
    ("float", "integer"): 0.7,
    ("integer", "boolean"): 0.3,
    ("boolean", "integer"): 0.6,
    ("integer", "time"): 0.3,
    ("integer", "timestamp"): 0.25,
    ("integer", "timestamptz"): 0.25,
    ("integer", "date"): 0.25,
    ("integer", "interval"): 0.5,
    ("date", "timestamp"): 0.75,
    ("date", "timestamptz"): 0.6,
    ("timestamp", "date"): 0.75,
    ("timestamptz", "date"): 0.7,
    ("timestamp", "timestamptz"): 0.85,
    ("timestamptz", "timestamp"): 0.9,
    ("timestamp", "time"): 0.6,
    ("timestamptz", "time"): 0.5,
    ("text", "uuid"): 0.35,
    ("text", "json"): 0.5,
    ("text", "bytes"): 0.5,
    ("text", "boolean"): 0.35,
    ("uuid", "text"): 0.85,
    ("boolean", "text"): 0.7,
    ("integer", "text"): 0.75,
    ("decimal", "text"): 0.65,
    ("float", "text"): 0.6,
    ("date", "text"): 0.6,
    ("time", "text"): 0.6,
    ("timestamp", "text"): 0.6,
    ("timestamptz", "text"): 0.6,
    ("record", "json"): 0.95,
    ("list", "json"): 0.95,
    ("list", "text"): 0.3,
    ("record", "text"): 0.2,
    ("json", "text"): 0.5,
}
_NEVER: Final = 0.15
TELLING: Final = frozenset({"date", "time", "timestamp", "timestamptz", "uuid", "interval", "boolean", "json", "list"})
"""Families that few columns have, so that having the same one says something."""


def fit(source: DataType | None, target: DataType | None) -> float:
    """0..1; 0.9 where one of the types is not known."""
    if source is None or target is None:
        return 0.9
    return 1.0 if source.family == target.family else _FIT.get((source.family, target.family), _NEVER)


def pair_fit(source: Attribute, target: Attribute) -> float:
    """`fit`, and whether the lengths that were seen fit the column and codes fit its list."""
    found = fit(source.type, target.type)
    if target.closed and source.type is not None and target.type is not None and target.type.kind == "text":
        found = max(found, 0.8) if source.type.family in ("integer", "boolean") else found
    if source.closed and len(source.values) <= 3 and target.type is not None and target.type.kind == "boolean":
        found = max(found, 0.85)
    if target.length and source.length and target.type is not None and target.type.kind == "text":
        if source.length > target.length:
            found *= 0.5 if not target.closed else 0.95
        elif source.length == source.min_length == target.length:
            found = min(1.0, found * 1.05)
    return found
