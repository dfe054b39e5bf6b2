"""Rows that a driver gives one by one as Python's values, made into batches."""

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_resources.sources.sql.convert import from_values, stored_type

if TYPE_CHECKING:
    from octo_resources.sources.sql.shape import SqlColumn

ROWS: Final = 20_000
"""Rows that are in memory at once."""


def batches(
    fetch: Callable[[int], Sequence[Sequence[Any]]], columns: "Sequence[SqlColumn]", limit: int | None = None
) -> "Generator[list[pa.Array[Any]], None, None]":
    """`fetch(n)` gives the next n rows or fewer, and none at the end."""
    left = limit
    while left is None or left > 0:
        rows = fetch(ROWS if left is None else min(ROWS, left))
        if not rows:
            return
        left = None if left is None else left - len(rows)
        for some in _apart(rows, columns):
            values = zip(*some, strict=True)
            yield [from_values(column, own) for column, own in zip(columns, values, strict=True)]


def _apart(
    rows: Sequence[Sequence[Any]], columns: "Sequence[SqlColumn]"
) -> "Generator[Sequence[Sequence[Any]], None, None]":
    """The rows, and by themselves those with bytes in a column of text that are none: they land as the bytes they are,
    and with them their column."""
    texts = [place for place, column in enumerate(columns) if stored_type(column) == pa.string()]
    spoilt = [number for number, row in enumerate(rows) if any(_is_no_text(row[place]) for place in texts)]
    if not spoilt:
        yield rows
        return
    apart = set(spoilt)
    if len(apart) < len(rows):
        yield [row for number, row in enumerate(rows) if number not in apart]
    yield [rows[number] for number in spoilt]


def _is_no_text(value: Any) -> bool:
    if not isinstance(value, bytes):
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return True
    return False
