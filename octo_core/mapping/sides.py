"""Both sides of one table's proposal: what a relation offers, and the columns that could take it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from octo_core.catalog import Column, Table
from octo_core.expressions import ExpressionError, parse, paths
from octo_core.mapping.assembled import Offer, offers
from octo_core.mapping.attribute import Attribute, source_attributes, source_fields, spelled
from octo_core.mapping.conversions import Candidate
from octo_core.mapping.links import ALONE, Beside
from octo_core.mapping.remembered import Remembered
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import JoinFrom, Shape

BEFORE: Final = "written as it was approved before"


@dataclass(frozen=True, slots=True)
class Sides:
    """`offers` can feed `columns`, those that are writable; `targets` says what the matcher knows of each of them.

    `positions`: a column's place in both by its name. `remembered`: decisions about this table; `carried`: those about
    any, whose way of writing goes over to pairs that are alike. `equal`: fields of joined sources and those of the left
    one to which the join says they are equal. `beside`: what the sources beside this one say of it. `joined`: the
    fields that are the whole record of a joined source.
    """

    schema: SourceSchema
    table: Table
    fields: Mapping[str, Field]
    offers: Sequence[Offer]
    columns: Sequence[Column]
    targets: Sequence[Attribute]
    positions: Mapping[str, int]
    remembered: Sequence[Remembered] = ()
    carried: Sequence[Remembered] = ()
    equal: Mapping[str, str] = field(default_factory=dict)
    beside: Beside = ALONE
    joined: frozenset[str] = frozenset()

    def row(self, path: str) -> int | None:
        """Where a field by itself stands among the offers."""
        return next((n for n, one in enumerate(self.offers) if one.uses == (path,) and one.expressions is None), None)


def sides(
    schema: SourceSchema,
    table: Table,
    targets: Sequence[Attribute],
    remembered: Sequence[Remembered] = (),
    carried: Sequence[Remembered] = (),
    shape: Shape | None = None,
    beside: Beside = ALONE,
) -> Sides:
    """Both sides; `targets`: the attributes of the table's writable columns, in their order. `shape`: what the table
    is made from. `beside`: what other sources say of it.
    """
    fields = source_fields(schema)
    columns = [column for column in table.columns if column.writable]
    positions = {column.name: position for position, column in enumerate(columns)}
    said_before = _said_before(schema, positions, targets, remembered)
    return Sides(
        schema=schema,
        table=table,
        fields=fields,
        offers=[*offers(fields, source_attributes(schema), list(positions)), *said_before],
        columns=columns,
        targets=targets,
        positions=positions,
        remembered=remembered,
        carried=[one for one in carried if one.like is not None],
        equal=_equal(shape, fields) if isinstance(shape, JoinFrom) else {},
        beside=beside,
        joined=frozenset(spelled(one.alias) for one in shape.join.with_)
        if isinstance(shape, JoinFrom)
        else frozenset(),
    )


def _equal(shape: JoinFrom, fields: Mapping[str, Field]) -> dict[str, str]:
    """Of a join's conditions those between two fields as they are: the joined source's → the left one's."""
    pairs = [(f"{spelled(one.alias)}.{there}", here) for one in shape.join.with_ for here, there in one.on.items()]
    return {there: here for there, here in pairs if there in fields and here in fields}


def _said_before(
    schema: SourceSchema, positions: Mapping[str, int], targets: Sequence[Attribute], remembered: Sequence[Remembered]
) -> Iterator[Offer]:
    """Columns that were made of several fields, or several of one (the parts of a name), where this source has them."""
    newest = {one.column: one for one in remembered if one.expr is not None}
    columns = Counter(one.field for one in newest.values())
    for column, one in newest.items():
        if one.field is not None and columns[one.field] < 2:
            continue
        with suppress(ExpressionError):
            expr = one.expr or ""
            if column is not None and column in positions and (used := paths(parse(expr, schema))):
                yield Offer(targets[positions[column]], tuple(used), (Candidate(expr, 1.0, BEFORE),))
