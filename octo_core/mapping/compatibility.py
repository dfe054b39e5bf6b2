"""How well values of one type family fit a column of another: 1 the same, about 0.2 hardly ever convertible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from octo_core.mapping.attribute import Attribute
from octo_core.types import DataType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
_NAMES_OF_CODES: Final = frozenset({"country", "language", "subdivision"})
TELLING: Final = frozenset({"date", "time", "timestamp", "timestamptz", "uuid", "interval", "boolean", "json", "list"})
"""Families that few columns have, so that having the same one says something."""


def fit(source: DataType | None, target: DataType | None) -> float:
    """0..1; 0.9 where one of the types is not known."""
    if source is None or target is None:
        return 0.9
    return 1.0 if source.family == target.family else _FIT.get((source.family, target.family), _NEVER)


def type_fit(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """`fit` of every pair, and whether the lengths that were seen fit the column and codes fit its list."""
    import numpy as np

    lefts = [_kind(one) for one in source]
    rights = [_kind(two) for two in target]
    unique_left, unique_right = list(dict.fromkeys(lefts)), list(dict.fromkeys(rights))
    table = np.array([[_kinds_fit(one, two) for two in unique_right] for one in unique_left])
    found = table[np.ix_([unique_left.index(one) for one in lefts], [unique_right.index(two) for two in rights])]
    return found * _length_fit(source, target)


_Kind = tuple[DataType | None, bool]


def _kind(one: Attribute) -> _Kind:
    """The type, and whether its values are a list: for a source a short one that could be a yes and a no."""
    return one.type, one.closed and (one.type is None or one.type.kind == "boolean" or bool(one.values))


def _kinds_fit(source: _Kind, target: _Kind) -> float:
    (left, _), (right, listed) = source, target
    found = fit(left, right)
    if listed and left is not None and right is not None and right.kind == "text":
        found = max(found, 0.8) if left.family in ("integer", "boolean") else found
    return found


def _length_fit(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """0.5 where longer texts were seen than fit, a little more than 1 where all are just as long as the column."""
    import numpy as np

    text = np.array([one.type is not None and one.type.kind == "text" for one in source])
    longest = np.array([one.length or 0 for one in source]) * text
    shortest = np.array([one.min_length or 0 for one in source])
    limit = np.array([two.limit or 0 for two in target])
    listed = np.array([two.closed for two in target])
    named = np.array([one.semantic in _NAMES_OF_CODES for one in source])
    over = (longest[:, None] > limit[None, :]) & (limit > 0)[None, :]
    over &= ~(named[:, None] & (limit <= 3)[None, :])  # names of countries go to codes by a value map
    exact = (longest[:, None] == limit[None, :]) & (shortest == longest)[:, None] & (limit > 0)[None, :]
    found: Floats = np.where(over, np.where(listed[None, :], 0.95, 0.5), np.where(exact, 1.05, 1.0))
    return found
