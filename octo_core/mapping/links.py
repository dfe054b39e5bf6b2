"""Which fields of one source name the records of another: what two sources can be joined by."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from octo_core.inference.sketch import shared
from octo_core.mapping.attribute import number_of, spelled
from octo_core.mapping.words import meanings, stem, words
from octo_core.schema import Field, FieldStats, SourceSchema

CONTAINED: Final = 0.9
"""Share of the values seen on the left that have to be among the right side's keys."""
TELLING: Final = 3
"""Distinct values from which on containment alone says something, where no name does."""
COUNTED: Final = 100
"""Whole numbers up to here count all sorts of things: that they are among the keys says nothing by itself."""
_SAYS_NOTHING: Final = frozenset(
    map(
        stem, ["id", "key", "code", "no", "nr", "num", "number", "ref", "reference", "pk", "fk", "uuid", "guid", "name"]
    )
)
_PLAIN: Final = ("list", "record", "json")


@dataclass(frozen=True, slots=True)
class Link:
    """`pairs`: expressions, a field of the left source and one of the right one's key."""

    pairs: tuple[tuple[str, str], ...]
    why: str
    strength: float


@dataclass(frozen=True, slots=True)
class _Pair:
    left: Field
    right: Field
    said: str
    named: float
    contained: float

    @property
    def strength(self) -> float:
        return self.named + self.contained


def links(left: SourceSchema, right: SourceSchema) -> Iterator[Link]:
    """What can link two sources, the strongest first; of what only values speak for, what no other field fits too."""
    found = []
    for key in _keys(right):
        if len(key) > 1:
            pairs = [_best(left, right, field) for field in key]
            together = [pair for pair in pairs if pair is not None]
            if len({pair.left.name for pair in together}) == len(key):
                found.append(_link(left, right, together))
            continue
        every = _every(left, right, key[0])
        named = [pair for pair in every if pair.named]
        alone = every if len(every) == 1 else []
        found += [_link(left, right, [pair]) for pair in (named or alone)]
    yield from sorted(found, key=lambda link: -link.strength)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the sources beside one say of it: `references` are its fields that name their records, as an expression
    spells them; `sources` are their names.
    """

    references: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()


ALONE: Final = Beside()


def beside(left: SourceSchema, others: Sequence[SourceSchema]) -> Beside:
    """What other sources say of one; fields are references also where several are by their values, so that none says
    by which to link: origin and destination.
    """
    references = frozenset(
        spelled(pair.left.name)
        for right in others
        for key in _keys(right)
        if len(key) == 1
        for pair in _every(left, right, key[0])
    )
    return Beside(references, tuple(one.source for one in others))


def _every(left: SourceSchema, right: SourceSchema, key: Field) -> list[_Pair]:
    return [pair for field in left.fields if (pair := _pair(field, right, key)) is not None]


def _keys(schema: SourceSchema) -> list[tuple[Field, ...]]:
    """Fields that identify a record: the key, else each that was distinct in all records seen."""
    fields = [field for name in schema.key if (field := schema.field(name)) is not None]
    if fields and len(fields) == len(schema.key):
        return [tuple(fields)]
    return [
        (field,)
        for field in schema.fields
        if field.stats is not None
        and field.stats.rows > 1
        and field.stats.distinct == field.stats.rows
        and field.type.family in ("integer", "text", "uuid")
    ]


def _best(left: SourceSchema, right: SourceSchema, key: Field) -> _Pair | None:
    """The field that names one part of a key of several: by its name, as values of a part alone say little."""
    pairs = [pair for pair in _every(left, right, key) if pair.named]
    return max(pairs, key=lambda pair: (pair.left.name.lower() == key.name.lower(), pair.strength), default=None)


def _link(left: SourceSchema, right: SourceSchema, pairs: Sequence[_Pair]) -> Link:
    said = [f"{left.source}.{pair.left.name} names {right.source}.{pair.right.name}: {pair.said}" for pair in pairs]
    on = tuple((spelled(pair.left.name), spelled(pair.right.name)) for pair in pairs)
    return Link(on, ", and ".join(said), sum(pair.strength for pair in pairs) / len(pairs))


def _pair(field: Field, right: SourceSchema, key: Field) -> _Pair | None:
    if field.type.family != key.type.family or field.type.kind in _PLAIN:
        return None
    named = _names(field, right, key)
    seen, known = _values(field), _all_values(key)
    exact = known is not None and bool(seen)
    inside, of = (sum(value in (known or ()) for value in seen), len(seen)) if exact else _told(field, key)
    if of:
        contained = inside / of if inside >= CONTAINED * of else 0.0
        among = f"the {of} values seen of it" if exact else f"{of} values compared"
        said = f"{'all' if inside == of else inside} of {among} are there"
    else:
        contained = 0.5 if named and _in_range(field, key) else 0.0
        said = "its range is within theirs" if key.type.family == "integer" else "its values are written like theirs"
    rare = key.type.family != "integer" or _is_rare(key, known)
    if not contained or not (named or (rare and of >= TELLING)):
        return None
    return _Pair(field, key, said, named, contained)


def _names(field: Field, right: SourceSchema, key: Field) -> float:
    """Whether a field's name says that it names the other source's records: `customer`, `cust_no`."""
    own, other, keys = _stems(field.name), _stems(right.source), _stems(key.name)
    if own & other:
        return 1.0
    if _concepts(field.name) & _concepts(right.source):
        return 0.9
    told = keys - _SAYS_NOTHING
    return 0.8 if (told and told <= own) or (told and field.name.lower() == key.name.lower()) else 0.0


def _stems(name: str) -> set[str]:
    return {stem(word) for word in words(name)}


def _concepts(name: str) -> set[str]:
    return {concept for word in words(name) if stem(word) not in _SAYS_NOTHING for concept in meanings(word)}


def _told(left: Field, right: Field) -> tuple[int, int]:
    """How many of the left side's values are among the right's, of those of which that can be told; of none if few."""
    mine, theirs = (one.stats.marks if one.stats is not None else None for one in (left, right))
    found = shared(mine, theirs) if mine and theirs else None
    return found if found is not None and found[1] >= TELLING else (0, 0)


def _is_rare(key: Field, known: frozenset[str] | None) -> bool:
    """Whether a key's numbers begin above what merely counts things."""
    if known is not None:
        return _least(known) > COUNTED
    least = number_of(key.stats.min, key) if key.stats is not None else None
    return least is not None and least > COUNTED


def _least(values: frozenset[str]) -> float:
    return min((float(value) for value in values if value.lstrip("-").isdigit()), default=0.0)


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
    """Whether numbers lie within the other side's, and texts are written as there; what nobody counted may."""
    if left.stats is None or right.stats is None:
        return False
    if left.type.family != "integer":
        return _written_alike(left.stats, right.stats)
    low, high = number_of(left.stats.min, left), number_of(left.stats.max, left)
    least, most = number_of(right.stats.min, right), number_of(right.stats.max, right)
    if low is None or high is None or least is None or most is None:
        return True
    return least <= low and high <= most


def _written_alike(left: FieldStats, right: FieldStats) -> bool:
    """Whether at least half of the values on the left have a form that is seen on the right: AB-123 is no ab-123."""
    known = {_form(mask) for mask, _ in right.masks}
    counts = [(_form(mask) in known, count) for mask, count in left.masks]
    total = sum(count for _, count in counts)
    return not known or not total or 2 * sum(count for there, count in counts if there) >= total


def _form(mask: str) -> str:
    """A mask without the lengths of its parts."""
    return re.sub(r"(.)\1+", r"\1", mask)
