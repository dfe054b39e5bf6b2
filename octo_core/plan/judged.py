"""What loads by a plan judge of a source's records: the fields that some table reads by their type on every row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from octo_core.expressions import Node, Path, parse, path_parts
from octo_core.expressions.fields import ELEMENT
from octo_core.expressions.readings import always_read, path_nodes
from octo_core.expressions.typing import widens
from octo_core.schema import SourceSchema, structure
from octo_core.spec.shapes import INDEX, PARENT, VALUE, EachFrom, JoinFrom, Shape, UnionFrom
from octo_core.types import JSON, TEXT, DataType

Place = tuple[str, ...]
"""Where a field is: names of fields, and `[]` for a list's elements."""
Parts = Sequence[str | int]
"""The parts of a path in an expression."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a field is read on every row: its type there, its format, and what JSON has to be that is taken whole."""

    type: DataType
    format: str | None = None
    structure: Literal["object", "list"] | None = None


@dataclass
class Judged:
    """What loads judge of one source."""

    readings: dict[Place, Reading] = field(default_factory=dict)
    touched: set[Place] = field(default_factory=set)
    """What is read at all, if only on some rows, or only as it is written."""

    def reads(self, place: Place) -> bool:
        """Whether a value there is read, by itself or with what it is in."""
        return any(place[:size] in self.touched for size in range(1, len(place) + 1))

    def reads_inside(self, place: Place) -> bool:
        """Whether a part of what is there is read, which has to be a record then."""
        return any(len(one) > len(place) and one[: len(place)] == place for one in (*self.touched, *self.readings))

    def add(self, place: Place, reading: Reading) -> None:
        """Of two readings the one that takes less counts; a number wins over what is only to be a list."""
        there = self.readings.get(place)
        if there is None or there.type == JSON or (reading.type != JSON and widens(reading.type, there.type)):
            self.readings[place] = reading


@dataclass(frozen=True)
class TableReads:
    """A table as it is judged here: what it is made from, that relation's schema, and its columns' expressions."""

    origin: Shape
    schema: SourceSchema
    nodes: tuple[Node, ...]


def judged(tables: Sequence[TableReads], sources: Mapping[str, SourceSchema]) -> dict[str, Judged]:
    """Source → what loads judge of its records and of the elements of their lists.

    A record that feeds a table by itself is loaded there, whatever becomes of the elements of its lists in others.
    """
    found = {name: Judged() for name in sources}
    for table in tables:
        if not isinstance(table.origin, EachFrom):
            _of_records(table, sources, found)
    whole = {name for name, one in found.items() if one.touched}
    for table in tables:
        if isinstance(table.origin, EachFrom) and (name := table.origin.source) in sources:
            _of_elements(table, table.origin, sources[name], found[name], whole=name in whole)
    return found


def _of_records(table: TableReads, sources: Mapping[str, SourceSchema], found: Mapping[str, Judged]) -> None:
    origin = table.origin
    for parts, readings in _read(table.nodes):
        for name, place in _behind(origin, parts, sources):
            _note(found[name], place, readings)
    if isinstance(origin, JoinFrom) and origin.join.left in sources:
        left = sources[origin.join.left]
        keys = [parse(mine, left) for one in origin.join.with_ for mine in one.on]
        for parts, readings in _read(keys):
            _note(found[origin.join.left], parts, readings)


def _behind(origin: Shape, parts: Parts, sources: Mapping[str, SourceSchema]) -> Iterator[tuple[str, Parts]]:
    """(source, path in its records) of a path in a relation that is made of records."""
    if isinstance(origin, UnionFrom):
        yield from ((name, parts) for name in origin.union if name in sources)
    elif isinstance(origin, JoinFrom):
        joined = next((one.source for one in origin.join.with_ if one.alias == parts[0]), None)
        name, place = (origin.join.left, parts) if joined is None else (joined, parts[1:])
        if name in sources and place:
            yield name, place
    elif isinstance(origin, str) and origin in sources:
        yield origin, parts


def _of_elements(table: TableReads, origin: EachFrom, base: SourceSchema, one: Judged, *, whole: bool) -> None:
    """`whole`: whether the records feed another table by themselves, so that only their elements are judged here."""
    lists = list(_lists(base, origin.steps))
    for place in lists[1:] if whole else lists:
        one.add(place, Reading(JSON, structure="list"))
    for parts, readings in _read(table.nodes):
        above = next((size for size, part in enumerate(parts) if part != PARENT), len(parts))
        within = len(lists) - above
        own = parts[above:]
        if not own or own[0] == INDEX or within < 0 or (within == 0 and whole):
            continue
        element = (*lists[within - 1], ELEMENT) if within else ()
        _note(one, (*element, *(() if own == (VALUE,) else own)), readings)


def _lists(base: SourceSchema, steps: Sequence[str]) -> Iterator[Place]:
    """The lists that are taken apart on the way to the innermost one, as far as the schema knows the way."""
    fields = base.fields
    place: Place = ()
    for number, step in enumerate(steps, 1):
        here = next((one for one in fields if one.name == step), None)
        place = (*place, step)
        if number == len(steps) or (here is not None and here.type.kind == "list"):
            yield place
        if here is None:
            return
        inner = here.child(ELEMENT) if here.type.kind == "list" else here
        place = (*place, ELEMENT) if here.type.kind == "list" else place
        fields = inner.children if inner is not None else ()


def _read(nodes: Iterable[Node]) -> Iterator[tuple[Parts, list[Reading]]]:
    """Each path that expressions read, with how it is read on every row; nothing where that depends on the row.

    What came typed is read by its type before any expression is.
    """
    for node in nodes:
        always = always_read(node)
        for path in path_nodes(node):
            kinds = frozenset({path.type}) if path.carrier == "typed" else always.get(path, frozenset())
            found = [_reading(path, kind) for kind in kinds if kind != TEXT or path.type == TEXT]
            yield path_parts(path.name), found


def _reading(path: Path, kind: DataType) -> Reading:
    whole = kind in (JSON, path.type)
    return Reading(kind, path.format, structure(path.type, path.carrier) if whole else None)


def _note(one: Judged, parts: Parts, readings: Iterable[Reading]) -> None:
    """A path of a mapping. Below a position in a list no field of a model stands: there only the list is judged."""
    to = next((size for size, part in enumerate(parts) if isinstance(part, int)), None)
    place = tuple(str(part) for part in parts[:to])
    if to is None:
        one.touched.add(place)
    for reading in readings if to is None else (Reading(JSON, structure="list"),):
        one.add(place, reading)
