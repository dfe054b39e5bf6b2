"""Where an incremental read of a database begins, and what of it came before."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from octo_core.batch import Batch
from octo_core.errors import SourceError, UsageError
from octo_core.spec.sources import Cursor
from octo_core.types import DataType
from octo_resources.sources.cursor import Start, comparable, less
from octo_resources.sources.resume import Resume
from octo_resources.sources.sql.shape import SqlColumn
from octo_resources.sources.sql.statement import Bound


@dataclass(frozen=True, slots=True)
class SqlStart(Start):
    """`strictly`: reading goes on past the value that is asked from."""

    strictly: bool = False
    batch: str | None = None
    """The batch that came as far as `position`."""

    def bounds(self, column: SqlColumn | None, kind: str) -> tuple[Bound, ...]:
        if column is None or self.asked is None:
            return ()
        return (Bound(column, ">" if self.strictly else ">=", bound_value(column, self.asked, kind)),)


def start_of(
    cursor: Cursor | None, history: Sequence[Batch], resume: Resume | None, since: str | None, full: bool
) -> SqlStart:
    """From `since` where somebody says so, else from the destination's position (`resume`) or the newest landed batch,
    else from the file's `start`. Raises UsageError where `since` is no such value."""
    if cursor is None or full:
        return SqlStart()
    position, batch = _position(history, resume, cursor)
    if since is not None:
        if position is not None and not comparable(since, position, cursor.format):
            raise UsageError(
                f"--since: {since!r} is no value of {cursor.field}, which came as far as {position!r}",
                hint="write it as the source does",
            )
        return SqlStart(position, since, again=True)
    if position is None:
        return SqlStart(None, None if cursor.start is None else str(cursor.start))
    return SqlStart(position, less(position, cursor.lag, cursor.format), batch=batch)


def _position(history: Sequence[Batch], resume: Resume | None, cursor: Cursor) -> tuple[str | None, str | None]:
    if resume is not None:
        resume.agree()
        return resume.cursor(cursor.format), next(iter(resume.batches), None) if len(resume.batches) == 1 else None
    landed = [batch for batch in history if batch.cursor_to is not None]
    return (landed[-1].cursor_to, landed[-1].id) if landed else (None, None)


def bound_value(column: SqlColumn, text: str, kind: str) -> Any:
    """A cursor's text as the driver takes it. Raises UsageError where it is no value of the column."""
    try:
        if column.type.is_integer:
            return int(Decimal(text))
        if column.type.kind == "decimal" and kind != "sqlite":
            return Decimal(text)
        if column.type.is_numeric:
            return float(text)
    except (ArithmeticError, ValueError):
        raise UsageError(f"cursor: {text!r} is no value of {column.name}, which is {column.type}") from None
    return text


def usable(column: SqlColumn, newest: str | None) -> str | None:
    """The newest value of a cursor, which the next read goes on from. SourceError where nothing comes after it."""
    if newest is None or column.type.kind in ("text", "uuid"):
        return newest
    if not newest.lstrip("-")[:1].isdigit():
        last = newest.startswith("-")  # -infinity is the newest where there is nothing else
        why = "and no other: nothing says how far reading came" if last else "after which nothing comes"
        raise SourceError(
            f"cursor: {column.name} has the value {newest!r}, {why}",
            hint="Leave such rows out by `query`, or take another column.",
            retryable=False,
        )
    return newest


_TIMES: Final = frozenset({"timestamp", "timestamptz"})


def of_one_order(start: SqlStart, history: Sequence[Batch], column: SqlColumn, pipeline: str) -> None:
    """SourceError where what reading came to is of another type than the column has now: the values of two types have
    no common order (as text '1000' comes before '500'), so rows would be left out without a word."""
    if start.position is None:
        return
    declared = next((one.declared for one in reversed(history) if one.cursor_to == start.position and one.declared), ())
    before = next((one.type for one in declared if one.name == column.name), None)
    if before is not None and _go_on(before, column.type):
        return
    if before is None and comparable(start.position, _LIKE.get(column.type.kind, start.position)):
        return
    was = f"was {before} and" if before is not None else f"came as far as {start.position!r}, and it"
    raise SourceError(
        f"the column {column.name!r} {was} is {column.type} now: reading cannot go on from {start.position!r}",
        where="cursor.field",
        hint=f"Read all of it again: octopipe run {pipeline} --full; or name another column in cursor.field.",
        retryable=False,
    )


def _go_on(before: DataType, now: DataType) -> bool:
    """Whether values of one type go on, in their order, where those of the other ended."""
    if before.kind == now.kind or (before.is_numeric and now.is_numeric):
        return True
    return now.kind in _TIMES and before.kind in {*_TIMES, "date"}


_LIKE: Final = dict.fromkeys(("date", *_TIMES), "2026-01-01")
"""A value of columns whose own values a position may be held against, where no batch tells its type."""
