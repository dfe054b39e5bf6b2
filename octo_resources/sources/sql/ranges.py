"""Key ranges: a number or a time from its least to its greatest value, in equal steps."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from octo_core.errors import UsageError
from octo_resources.sources.sql.shape import SqlColumn
from octo_resources.sources.sql.statement import Bound


def ranges(column: SqlColumn, least: str | None, most: str | None, parts: int) -> list[tuple[Bound, ...]]:
    """Bounds of each range, which together are all rows; those with NULL are in the first. One range of all rows where
    there are no values. Raises UsageError for a column that has no steps."""
    cuts = _cuts(column, least, most, parts) if least is not None and most is not None else []
    if not cuts:
        return [()]
    first = (Bound(column, "<", cuts[0], or_null=True),)
    inner = [(Bound(column, ">=", low), Bound(column, "<", high)) for low, high in pairwise(cuts)]
    return [first, *inner, (Bound(column, ">=", cuts[-1]),)]


def _cuts(column: SqlColumn, least: str, most: str, parts: int) -> Sequence[Any]:
    """Where one range ends and the next begins, at most parts - 1 values."""
    try:
        if column.type.is_integer or column.type.kind == "decimal":
            low, high = int(Decimal(least)), int(Decimal(most))
            found = {low + (high - low) * place // parts for place in range(1, parts)}
            return sorted(cut for cut in found if cut > low)
        if column.type.kind in ("timestamp", "timestamptz", "date"):
            return _moments(least, most, parts, day=column.type.kind == "date")
    except (ValueError, ArithmeticError):
        return []
    raise UsageError(
        f"the column {column.name!r} is {column.type}, and ranges go by numbers and times",
        where="split.by",
        hint="Name another column, or leave `split` out.",
    )


def _moments(least: str, most: str, parts: int, *, day: bool) -> list[str]:
    if day:
        low_day, days = date.fromisoformat(least), (date.fromisoformat(most) - date.fromisoformat(least)).days
        cuts = {low_day + timedelta(days=days * place // parts) for place in range(1, parts)}
        return [str(cut) for cut in sorted(cuts) if cut > low_day]
    low, high = datetime.fromisoformat(least), datetime.fromisoformat(most)
    found = {low + (high - low) * place // parts for place in range(1, parts)}
    return [cut.isoformat(" ") for cut in sorted(found) if cut > low]
