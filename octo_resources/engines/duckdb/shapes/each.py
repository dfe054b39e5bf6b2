"""`each`: one row for every element of a list inside a source's records."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from octo_core.schema import SourceSchema
from octo_core.spec.shapes import INDEX, PARENT, VALUE
from octo_resources.engines.duckdb.exact import UnfitError
from octo_resources.engines.duckdb.inputs import Input
from octo_resources.engines.duckdb.scan import Tally
from octo_resources.engines.duckdb.shapes.made import Made, MadeFile, numbered
from octo_resources.engines.duckdb.shapes.members import NULL, Members, joined, members_of, rows, with_more

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    reason: str | None = None


class Elements:
    """Takes records apart. `values`: whether elements are no records; None to take either, and count them.

    `kept`: the parent's fields that are wanted; all but lists when left out.
    """

    def __init__(self, steps: Sequence[str], values: bool | None, kept: frozenset[str] | None = None) -> None:
        self.steps, self.values, self.kept = tuple(steps), values, kept
        self.records = self.others = 0
        self.without = self.no_lists = 0
        """Records of the source that have no such field, and those in which it is no list."""

    def of(self, record: Members) -> Iterator[_Row]:
        """The rows of one record of the source."""
        if record.get(self.steps[0]) is None:
            self.without += 1
        yield from self._within(record, self.steps, {})

    def _within(self, members: Members, steps: tuple[str, ...], more: Members) -> Iterator[_Row]:
        """The rows of the list at `steps` in a record; `more`: what the record says beside its own fields."""
        here: Members = members
        for place, step in enumerate(steps):
            raw = _as_list(here.get(step, NULL))
            if raw == NULL:
                return
            if raw.startswith("["):
                parent = {**_own(self._parent(members, steps[: place + 1], not more), more), **more}
                yield from self._elements(raw, joined(parent), steps[place + 1 :])
                return
            if not raw.startswith("{") or place == len(steps) - 1:
                break
            try:
                here = members_of(raw)
            except UnfitError as error:
                yield _Row(joined({step: raw, **more}), f"{step}: {error.reason}")
                return
        self.no_lists += 1
        yield _Row(joined({**members, **more}), f"{'.'.join(steps)} is no list")

    def _elements(self, raw: str, parent: str, rest: tuple[str, ...]) -> Iterator[_Row]:
        try:
            found = _LIST.decode(raw)
        except (msgspec.DecodeError, ValueError, RecursionError):
            yield _Row(joined({PARENT: parent}), f"{'.'.join(self.steps)} cannot be read")
            return
        for place, element in enumerate(found, 1):
            text = bytes(element).decode()
            more = {INDEX: str(place), PARENT: parent}
            if not text.startswith("{"):
                yield self._other(text, more, bool(rest))
                continue
            try:
                members = members_of(text)
            except UnfitError as error:
                yield _Row(joined({VALUE: text, **more}), error.reason)
                continue
            if rest:
                yield from self._within(members, rest, more)
            else:
                yield self._record(members, text, more)

    def _record(self, members: Members, text: str, more: Members) -> _Row:
        self.records += 1
        if self.values and VALUE not in members:
            return _Row(joined({VALUE: text, **more}), "a record where a single value is expected")
        if members.keys().isdisjoint(more):
            return _Row(with_more(text, members, more))
        return _Row(joined({**_own(members, more), **more}))

    def _other(self, text: str, more: Members, inner: bool) -> _Row:
        """An element that is no record."""
        self.others += 1
        wrong = inner or self.values is False
        return _Row(joined({VALUE: text, **more}), "an element that is no record" if wrong else None)

    def _parent(self, members: Members, steps: tuple[str, ...], top: bool) -> dict[str, str]:
        """A record without its lists, and without what a mapping does not want of it.

        What it wants is no list by its schema: one that is there nevertheless is for the mapping to refuse.
        """
        found: dict[str, str] = {}
        wanted = top and self.kept is not None
        for name, raw in members.items():
            if wanted and name not in (self.kept or ()):
                continue
            if name == steps[0]:
                if len(steps) > 1:
                    found[name] = joined(self._parent(members_of(raw), steps[1:], False))
            elif wanted or not raw.startswith("["):
                found[name] = raw
        return found


def _own(members: Members, more: Members) -> dict[str, str]:
    """A record's own fields, renamed where the name means something else here: `parent` becomes `_parent`."""
    found = {name: raw for name, raw in members.items() if name not in more}
    for name in members:
        if name in more:
            other = f"_{name}"
            while other in members or other in more:
                other = f"_{other}"
            found[other] = members[name]
    return found


def _as_list(raw: str) -> str:
    """A list that came as a text, in a column of a delimited file, as the list that it is."""
    if not raw.startswith('"'):
        return raw
    text = str(json.loads(raw)).strip()
    if not text:
        return NULL
    try:
        _LIST.decode(text)
    except (msgspec.DecodeError, ValueError):
        return raw
    return text


@dataclass(frozen=True)
class ElementMaker:
    """Makes files of elements; see `Elements` and `explode`."""

    schema: SourceSchema
    steps: tuple[str, ...]
    values: bool | None
    kept: frozenset[str] | None = None
    limit: int | None = None

    def make(self, inputs: Sequence[Input], folder: Path) -> tuple[Made, dict[str, Tally]]:
        elements = Elements(self.steps, self.values, self.kept)
        return explode(inputs, self.schema, elements, folder, with_refused=True, limit=self.limit)


def explode(
    inputs: Sequence[Input],
    schema: SourceSchema,
    elements: Elements,
    folder: Path,
    *,
    with_refused: bool,
    limit: int | None = None,
) -> tuple[Made, dict[str, Tally]]:
    """Write the elements' rows, a file for each landed one; and count, batch by batch, what the list's field is like.

    `with_refused`: malformed rows and elements are kept, for a load to set aside. Past `limit` records no further one
    is read.
    """
    made = Made()
    tallies: dict[str, Tally] = {}
    for one in numbered(inputs):
        tally = tallies.setdefault(one.input.batch.id, Tally())
        with MadeFile(folder, one, with_refused=with_refused) as file:
            for found in rows(one, schema):
                if limit is not None and made.rows_in >= limit:
                    break
                made.rows_in += 1
                tally.rows_read += 1
                if found.members is None:
                    tally.malformed += 1
                    file.malformed(found.row, found.reason or "")
                    continue
                before = elements.without, elements.no_lists
                for row in elements.of(found.members):
                    file.line(found.row, row.text, row.reason)
                tally.missing[elements.steps[0]] += elements.without - before[0]
                tally.contract_failures[elements.steps[0]] += elements.no_lists - before[1]
            made.inputs.append(file.done())
            made.rows_out += file.lines
    return made, tallies
