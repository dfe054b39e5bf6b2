"""Mappings that people approved before, as examples for the next question: names and expressions, never values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from octo_core.mapping.words import words


@dataclass(frozen=True, slots=True)
class ApprovedColumn:
    """One column of an approved plan: what feeds it, and in which pipeline."""

    pipeline: str
    source: str
    table: str
    column: str
    expr: str
    label: str | None = None
    native: str | None = None
    """The destination's own type."""


def nearest(
    known: Iterable[ApprovedColumn], table: str, columns: Sequence[str], fields: Sequence[str], most: int
) -> list[dict[str, str]]:
    """The examples most like what is asked: of the same table and column first, then of the same words.

    What of them may leave is for sharing.of_example to say.
    """
    wanted = {word for name in (*columns, *fields) for word in words(name)}
    scored = []
    for one in known:
        same = 4.0 if one.table == table and one.column in columns else 2.0 if one.column in columns else 0.0
        mine = {*words(one.column), *words(one.expr)}
        same += len(mine & wanted) / max(1, len(mine))
        if same >= 0.5:
            scored.append((same, one))
    scored.sort(key=lambda pair: (-pair[0], pair[1].table, pair[1].column, pair[1].pipeline))
    return [_told(one) for _, one in scored[:most]]


def _told(one: ApprovedColumn) -> dict[str, str]:
    label = {"label": one.label} if one.label else {}
    return {"table": one.table, "column": one.column, **label, "expression": one.expr}
