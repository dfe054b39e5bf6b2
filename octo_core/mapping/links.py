"""Which field of one source names the records of another: what two sources can be joined by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from octo_core.mapping.attribute import spelled
from octo_core.mapping.words import stem, words
from octo_core.schema import Field, SourceSchema

CONTAINED: Final = 0.9
"""Share of the values seen on the left that have to be among the right side's keys."""
TELLING: Final = 3
"""Distinct values from which on containment alone says something, where no name does."""


@dataclass(frozen=True, slots=True)
class Link:
    """`left` and `right` are expressions: a field of either source."""

    left: str
    right: str
    why: str
    strength: float


def links(left: SourceSchema, right: SourceSchema) -> Iterator[Link]:
    """The fields that can link two sources, the strongest first."""
    found = [link for key in _keys(right) for field in left.fields if (link := _link(left, field, right, key))]
    yield from sorted(found, key=lambda link: -link.strength)


def _keys(schema: SourceSchema) -> list[Field]:
    """Fields that identify a record by themselves: the key, else what was distinct in all records seen."""
    if len(schema.key) == 1 and (field := schema.field(schema.key[0])) is not None:
        return [field]
    return [
        field
        for field in schema.fields
        if field.stats is not None
        and field.stats.rows > 1
        and field.stats.distinct == field.stats.rows
        and field.type.family in ("integer", "text", "uuid")
    ]


def _link(left: SourceSchema, field: Field, right: SourceSchema, key: Field) -> Link | None:
    if field.type.family != key.type.family or field.type.kind in ("list", "record", "json"):
        return None
    named = _names(field, right, key)
    seen, known = _values(field), _all_values(key)
    if known is None or not seen:
        contained = _in_range(field, key) and (0.5 if named else 0.0)
        said = "its range is within theirs"
    else:
        inside = sum(value in known for value in seen)
        contained = inside / len(seen) if inside >= CONTAINED * len(seen) else 0.0
        said = f"{'all' if inside == len(seen) else inside} of the {len(seen)} values seen of it are there"
    telling = named or (len(seen) >= TELLING and key.type.family != "integer")
    if not contained or not telling:
        return None
    why = f"{left.source}.{field.name} names {right.source}.{key.name}: {said}"
    return Link(spelled(field.name), spelled(key.name), why, contained + named)


def _names(field: Field, right: SourceSchema, key: Field) -> float:
    """Whether a field's name says that it names the other source's records: `customer`, `customer_id`, `cust_no`."""
    own = {stem(word) for word in words(field.name)}
    other = {stem(word) for word in words(right.source)}
    same = field.name.lower() == key.name.lower() and not {stem(word) for word in words(key.name)} <= {"id", "key"}
    return 1.0 if own & other else 0.8 if same else 0.0


def _values(field: Field) -> tuple[str, ...]:
    stats = field.stats
    return () if stats is None else stats.values if stats.values is not None else stats.examples


def _all_values(field: Field) -> frozenset[str] | None:
    """Every value of a field, where so few were seen that they are known."""
    stats = field.stats
    if stats is None:
        return None
    if stats.values is not None:
        return frozenset(stats.values)
    return frozenset(stats.examples) if stats.distinct is not None and stats.distinct <= len(stats.examples) else None


def _in_range(left: Field, right: Field) -> bool:
    """Whether numbers lie within the other side's; texts, and what nobody counted, speak neither for nor against."""
    if left.stats is None or right.stats is None:
        return False
    bounds = (left.stats.min, left.stats.max, right.stats.min, right.stats.max)
    if left.type.family != "integer" or None in bounds:
        return True
    low, high, least, most = (int(bound or 0) for bound in bounds)
    return least <= low and high <= most
