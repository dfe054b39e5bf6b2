"""How an offer is written into a column: the first expression that the language takes, approved ways before others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from octo_core.catalog import Column
from octo_core.mapping import conversions, patterns
from octo_core.mapping.conversions import Candidate, Ends
from octo_core.mapping.sides import BEFORE, Sides
from octo_core.schema import SourceSchema

Accepts = Callable[[str, Column], bool]
"""Whether the language takes an expression for a column."""


class Writer:
    """Writes offers into the columns of one table, each pair once."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.accepts = _accepts(sides.schema)
        self.written: dict[tuple[int, int], Candidate | None] = {}

    def write(self, row: int, column: int) -> Candidate | None:
        """The first way to write an offer into a column that the language takes; None where there is none."""
        if (row, column) not in self.written:
            usable = (one for one in self.ways(row, column) if self.accepts(one.expr, self.sides.columns[column]))
            self.written[row, column] = next(usable, None)
        return self.written[row, column]

    def ways(self, row: int, column: int) -> Sequence[Candidate]:
        ready = self.sides.offers[row].expressions
        if ready is None and (before := [*self.before(row, column), *self.alike(row, column)]):
            return [*before, *conversions.candidates(self.ends(row, column))]
        if ready is None:
            return conversions.candidates(self.ends(row, column))
        name = self.sides.columns[column].name
        approved = {one.expr for one in self.sides.remembered if one.column == name}
        return [Candidate(one.expr, 1.0, BEFORE) if one.expr in approved else one for one in ready]

    def before(self, row: int, column: int) -> list[Candidate]:
        """How the same field was written into the same column, the newest first; no map of other values than it has."""
        path, name = self.sides.offers[row].uses[0], self.sides.columns[column].name
        known = self.sides.offers[row].attribute
        values = known.values if known.closed else ()
        alike = [one.expr for one in self.sides.remembered if one.field == path and one.column == name and one.expr]
        alike = [path if patterns.idle(expr, path, values) else expr for expr in alike if patterns.takes(expr, values)]
        if path in alike and self.is_rounded(row, column):  # what was approved for exact values would fail here
            alike = [expr for expr in alike if expr != path]
        kind = self.sides.columns[column].type
        ways = [way for expr in reversed(alike) for way in (expr, *patterns.rounded_otherwise(expr, kind))]
        return [Candidate(expr, 1.0, BEFORE) for expr in ways]

    def is_rounded(self, row: int, column: int) -> bool:
        """Whether the field as it is has more decimals than the column: it is rounded or cast, and nothing else."""
        ends = self.ends(row, column)
        kind, ways = ends.column.type, conversions.candidates(ends)
        rounded = {f"cast({ends.path} as {kind})", f"round({ends.path}, {kind.scale})"}
        return kind.kind == "decimal" and bool(ways) and ways[0].expr in rounded

    def alike(self, row: int, column: int) -> list[Candidate]:
        """How another field like this one was written into a column like this one, the newest."""
        path, target = self.sides.offers[row].uses[0], self.sides.columns[column]
        if self.sides.targets[column].closed or not self.sides.carried:
            return []
        like = patterns.likeness(self.sides.fields[path], path, target.native)
        for one in reversed(self.sides.carried):
            if one.like != like or one.expr is None or one.field in (None, path):
                continue
            if (pattern := patterns.template(one.expr, one.field)) is not None:
                return [
                    Candidate(patterns.written(pattern, path), 0.97, f"written as {one.column} was approved before")
                ]
        return []

    def ends(self, row: int, column: int) -> Ends:
        path = self.sides.offers[row].uses[0]
        return Ends(
            self.sides.fields[path],
            path,
            self.sides.offers[row].attribute,
            self.sides.columns[column],
            self.sides.targets[column],
        )


def _accepts(schema: SourceSchema) -> Accepts:
    from octo_core.expressions import ExpressionError, assign, parse  # sqlglot: 60 ms

    def accepts(text: str, column: Column) -> bool:
        try:
            assign(parse(text, schema), column)
        except ExpressionError:
            return False
        return True

    return accepts
