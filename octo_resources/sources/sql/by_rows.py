"""Rows that a driver gives one by one as Python's values, made into batches."""

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

from octo_resources.sources.sql.convert import from_values

if TYPE_CHECKING:
    import pyarrow as pa

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
        values = zip(*rows, strict=True)
        yield [from_values(column, own) for column, own in zip(columns, values, strict=True)]
