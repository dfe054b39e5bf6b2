"""Where an incremental read of a database begins, and what of it came before."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from octo_core.batch import Batch
from octo_core.errors import SourceError, UsageError
from octo_core.spec.sources import Cursor
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
