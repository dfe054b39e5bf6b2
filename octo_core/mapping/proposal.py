"""`propose`, the embedded proposer: for every column of a pipeline's tables the expression that feeds it, and why.

Fields and columns are matched (matching.py); each pair is written as an expression (conversions.py, assembled.py) that
the language accepts for that column; what has none, or too little evidence, is left unmapped with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.catalog import Catalog, Column, Table
from octo_core.errors import UsageError
from octo_core.expressions import ExpressionError, parse, paths
from octo_core.mapping import conversions, patterns
from octo_core.mapping.assembled import Offer, is_full_name, is_of_a_person, is_of_a_thing, is_part_of_a_name, offers
from octo_core.mapping.attribute import Attribute, source_attributes, source_fields, target_attributes
from octo_core.mapping.audit import audit_expression
from octo_core.mapping.conversions import Candidate, Ends
from octo_core.mapping.matching import MARGIN, assign
from octo_core.mapping.model import DOUBTFUL, Alternative, ColumnMapping, TableMapping
from octo_core.mapping.model import Mapping as WholeMapping
from octo_core.mapping.reasons import unmapped_reason, why
from octo_core.mapping.remembered import Remembered, recalled
from octo_core.mapping.scoring import Scores, product, score
from octo_core.mapping.threshold import threshold_of
from octo_core.mapping.valuemaps import map_values
from octo_core.mapping.words import meanings, words
from octo_core.schema import SourceSchema
from octo_core.spec.pipeline import PipelineSpec, TableSpec
from octo_core.spec.shapes import INDEX, PARENT, relation_name
from octo_core.types import TIMESTAMP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REUSE: Final = 0.6
"""From this score on a field may feed a second column."""
KEY_TO_KEY: Final = 0.35
"""What a source's key counts for a table's, where no name says so."""
PARENT_TO_REFERENCE: Final = 0.5
"""What an element's own identity (its record's key, its position) counts for that of a row, where no name says so."""
NEARLY: Final = 0.75
"""From this share of another's score on a source's key goes before it for a table's key."""
DAMPED: Final = 0.7
"""What is left of the score of what is the less likely by its place."""
SAME_NAME: Final = 0.95
"""From this score on a name is the column's own."""
LIST_TO_LIST: Final = 0.4
"""What a list of values that pairs whole with a column's counts, where no name says so."""
MAX_LISTED: Final = 30
EQUAL: Final = 0.55
"""The confidence that is left where something else fits as well."""
NUMBER_FOR_WORDS: Final = 0.65
"""The confidence that is left where a number would be taken for a word."""
REPEATS: Final = 0.55
"""The confidence that is left where a key's values would repeat."""
MANY_ROWS: Final = 10
"""Rows a value from which on a field is no key by itself."""
BY_NUMBER: Final = 0.55
"""The confidence that is left where names are alike in a number alone."""
NUMBERED: Final = frozenset(
    {"code", "identifier", "identity", "number", "reference", "telephone", "zip", "sequence", "year", "version"}
)
"""What a text column may be called that holds digits."""
_BEFORE: Final = "written as it was approved before"
_ROUNDS: Final = 12
_IDENTIFIER: Final = frozenset({"id", "uuid", "guid", "gid", "oid", "key", "pk"})
"""What a record calls its own identity, without a word for what it is."""

Accepts = Callable[[str, Column], bool]
"""Whether the language takes an expression for a column."""


def propose(
    schemas: Mapping[str, SourceSchema],
    catalog: Catalog,
    spec: PipelineSpec,
    *,
    remembered: Sequence[Remembered] = (),
) -> WholeMapping:
    """Propose the mapping of all of a pipeline's tables.

    `schemas`: the typed schema of each source by its name, and of each table's own relation by the table's name where
    joins or transformations make it. `remembered`: what was approved or corrected before; a decision of another table
    counts for none. Raises UsageError where a table's source has no schema.
    """
    tables, warnings = {}, []
    for name, table in spec.tables.items():
        if name not in catalog.tables:
            continue
        schema = relation(name, table.model_copy(update={"from_": spec.origin_of(name)}), schemas)
        there = [one for one in remembered if one.table in ("", name)]
        tables[name] = propose_table(schema, catalog.tables[name], catalog, there, remembered)
        doubtful = [one.target for one in tables[name].columns if one.expr is not None and one.confidence < DOUBTFUL]
        if doubtful:
            warnings.append(f"{name}: doubtful, look at them first: {', '.join(doubtful)}")
    return WholeMapping(pipeline=spec.name, tables=tables, warnings=tuple(warnings))


def relation(name: str, table: TableSpec, schemas: Mapping[str, SourceSchema]) -> SourceSchema:
    """The schema of what a table is made from."""
    if name in schemas:
        return schemas[name]
    if table.from_ is not None:
        wanted = relation_name(table.from_)
        if wanted in schemas:
            return schemas[wanted]
        raise UsageError(
            f"there is no schema of the source {wanted!r}",
            where=name,
            hint=f"Known sources: {', '.join(sorted(schemas)) or 'none'}.",
        )
    if len(schemas) == 1:
        return next(iter(schemas.values()))
    raise UsageError(
        "it does not say which source it is made from",
        where=name,
        hint=f"Add `from:` with one of {', '.join(sorted(schemas))}.",
    )


def propose_table(
    schema: SourceSchema,
    table: Table,
    catalog: Catalog,
    remembered: Sequence[Remembered] = (),
    carried: Sequence[Remembered] | None = None,
) -> TableMapping:
    """Propose the mapping of one table from one relation; `remembered`: decisions about this table.

    `carried`: decisions about any table, whose ways of writing are carried over to pairs that are alike.
    """
    known = remembered if carried is None else carried
    proposer = _TableProposer(schema, table, target_attributes(table, catalog), remembered, known)
    return proposer.propose()


def written(schema: SourceSchema, table: Table, catalog: Catalog, path: str, column: str) -> str | None:
    """How a field is written into a column, in its units and values; None where the language has no way."""
    proposer = _TableProposer(schema, table, target_attributes(table, catalog), ())
    row = next((n for n, one in enumerate(proposer.offers) if one.uses == (path,) and one.expressions is None), None)
    place = proposer.positions.get(column)
    found = proposer.write(row, place) if row is not None and place is not None else None
    return found.expr if found is not None else None


@dataclass(frozen=True, slots=True)
class _Choice:
    """A pair that was taken: the offer, its expression, how sure, and whether something else is as good."""

    offer: int
    candidate: Candidate
    confidence: float
    rivals: tuple[int, ...] = ()
    reused: bool = False
    twins: tuple[str, ...] = ()
    """Columns that it would feed just as well."""


class _TableProposer:
    """One table's proposal, step by step; made for one use."""

    def __init__(
        self,
        schema: SourceSchema,
        table: Table,
        targets: list[Attribute],
        remembered: Sequence[Remembered],
        carried: Sequence[Remembered] = (),
    ) -> None:
        self.remembered = remembered
        self.carried = [one for one in carried if one.like is not None]
        self.schema = schema
        self.table = table
        self.fields = source_fields(schema)
        self.targets = targets
        self.columns = [column for column in table.columns if column.writable]
        self.positions = {column.name: position for position, column in enumerate(self.columns)}
        self.offers = [*offers(self.fields, source_attributes(schema), list(self.positions)), *self.said_before()]
        self.accepts = _accepts(schema)
        self.written: dict[tuple[int, int], Candidate | None] = {}

    def said_before(self) -> Iterator[Offer]:
        """Columns that were made of several fields, where this source has them all."""
        newest = {one.column: one.expr for one in self.remembered if one.field is None and one.expr is not None}
        for column, expr in newest.items():
            with suppress(ExpressionError):
                if column in self.positions and (used := paths(parse(expr, self.schema))):
                    yield Offer(self.targets[self.positions[column]], tuple(used), (Candidate(expr, 1.0, _BEFORE),))

    def propose(self) -> TableMapping:
        choices, scores = self.choose() if self.offers and self.targets else ({}, None)
        found = {column.name: choice for column, choice in zip(self.columns, self._each(choices), strict=True)}
        columns = tuple(self.column(column, found.get(column.name), scores) for column in self.table.columns)
        used = {path for choice in choices.values() for path in self.offers[choice.offer].uses}
        unused = [path for path in self.fields if not self.is_used(path, used)]
        return TableMapping(table=self.table.name, columns=columns, unmapped_source=tuple(unused))

    def _each(self, choices: Mapping[int, _Choice]) -> list[_Choice | None]:
        return [choices.get(position) for position in range(len(self.columns))]

    def is_used(self, path: str, used: set[str]) -> bool:
        """Whether a field, its record or one of its own fields feeds something."""
        return any(path == one or path.startswith(one + ".") or one.startswith(path + ".") for one in used)

    def choose(self) -> tuple[dict[int, _Choice], Scores]:
        """Assign one to one, drop what cannot be written, assign again; then let strong fields feed a second column."""
        import numpy as np

        attributes = [offer.attribute for offer in self.offers]
        method = product()
        scores = score(attributes, self.targets, method)
        if self.remembered:
            known = recalled(
                scores.score,
                attributes,
                self.targets,
                self.remembered,
                source_name=self.schema.source,
                method=method,
            )
            scores = scores.with_score(known)
        matrix = scores.score * np.array([offer.factor for offer in self.offers])[:, None]
        self.reserve(matrix)
        self.reserve_keys(matrix)
        self.prefer_keys(matrix)
        self.prefer_elements(matrix)
        assigned: list[int | None] = []
        for _ in range(_ROUNDS):
            assigned = assign(matrix)
            impossible = [
                (row, column)
                for row, column in enumerate(assigned)
                if column is not None and self.write(row, column) is None
            ]
            for row, column in impossible:
                matrix[row, column] = 0.0
            if not impossible:
                break
        taken = {column: row for row, column in enumerate(assigned) if column is not None and self.write(row, column)}
        self.pair_keys(matrix, taken)
        self.pair_parents(matrix, taken)
        self.pair_lists(matrix, taken)
        again = self.reuse(matrix, taken)
        fed = {**taken, **again}
        choices = {
            column: self.choice(matrix, row, column, column in again, self.twins(matrix, fed, column))
            for column, row in fed.items()
        }
        return {column: choice for column, choice in choices.items() if choice is not None}, scores

    def reserve(self, matrix: NDArray[np.float64]) -> None:
        """Columns that the load fills take only a field of very much the same name; instants no local parts; a part of
        a name not the whole of it.
        """
        parted = {path for offer in self.offers if is_part_of_a_name(offer.attribute.name) for path in offer.uses}
        whole_names = [
            row
            for row, offer in enumerate(self.offers)
            if offer.is_full_name
            or (offer.expressions is None and offer.uses[0] in parted and not is_part_of_a_name(offer.uses[0]))
        ]
        joined = [row for row, offer in enumerate(self.offers) if offer.is_full_name]
        titled = [row for row, offer in enumerate(self.offers) if words(offer.uses[0])[-1:] == ("title",)]
        parts = sum(is_part_of_a_name(column.name) for column in self.columns) > 1
        local = [
            row for row, offer in enumerate(self.offers) if offer.expressions and offer.attribute.type == TIMESTAMP
        ]
        for position, column in enumerate(self.columns):
            if column.type.kind == "timestamptz":
                matrix[local, position] = 0.0
            if is_part_of_a_name(column.name):
                matrix[whole_names, position] = 0.0
            elif is_of_a_person(column.name):
                matrix[titled, position] = 0.0
            elif is_of_a_thing(column.name) or (parts and not is_full_name(column.name)):
                matrix[joined, position] = 0.0
            if audit_expression(column) is not None:
                matrix[:, position] *= matrix[:, position] >= 0.9

    def pair_keys(self, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
        """What identifies a record feeds what identifies a row, where nothing else does: to be looked at."""
        if len(self.table.primary_key) != 1 or len(self.schema.key) != 1:
            return
        column = self.positions.get(self.table.primary_key[0])
        rows = [n for n, offer in enumerate(self.offers) if offer.uses == self.schema.key and offer.expressions is None]
        if column is None or column in taken or not self.columns[column].required or not rows:
            return
        row = rows[0]
        if row not in taken.values() and self.write(row, column) is not None:
            matrix[row, column] = max(matrix[row, column], KEY_TO_KEY)
            taken[column] = row

    def above(self) -> list[str]:
        """What identifies the record that a list is in, where the rows are its elements."""
        return [path for path in self.schema.key if path.startswith(f"{PARENT}.") and not path.endswith(INDEX)]

    def refers(self) -> list[str]:
        """The columns that refer to another table by themselves."""
        return [key.columns[0] for key in self.table.foreign_keys if len(key.columns) == 1]

    def reserve_keys(self, matrix: NDArray[np.float64]) -> None:
        """Of a list's elements: the `id` of the element, or of something else in it, is no reference to the table of
        its record; and what identifies the record, which its elements share, does not identify one of them.
        """
        above, refer, key = self.above(), self.refers(), self.table.primary_key
        if not above:
            return
        for name in refer:
            if len(refer) == 1 and name not in key and name in self.positions:
                matrix[self.other_identities(above, name), self.positions[name]] = 0.0
        if len(key) == 1 and key[0] not in refer and key[0] in self.positions:
            shared = [row for row, offer in enumerate(self.offers) if set(offer.uses) <= set(above)]
            matrix[shared, self.positions[key[0]]] = 0.0

    def prefer_keys(self, matrix: NDArray[np.float64]) -> None:
        """What identifies a record goes before what repeats, where both are nearly as like what identifies a row."""
        column = self.positions.get(self.table.primary_key[0]) if len(self.table.primary_key) == 1 else None
        own = [row for row, offer in enumerate(self.offers) if len(offer.uses) == 1 and offer.uses == self.schema.key]
        if column is None or self.table.primary_key[0] in self.refers() or not own:
            return
        repeats = [row for row, one in enumerate(self.offers) if (one.attribute.distinct or 1.0) < 1 and row not in own]
        like = matrix[own, column].max()
        for row in repeats:
            if like >= NEARLY * matrix[row, column]:
                matrix[row, column] *= DAMPED

    def prefer_elements(self, matrix: NDArray[np.float64]) -> None:
        """Of a list's elements: what their record has, and they share, feeds a column of their own less surely than
        what they have themselves, where its name is not the column's.
        """
        above = [row for row, one in enumerate(self.offers) if all(path.startswith(f"{PARENT}.") for path in one.uses)]
        own = [row for row, one in enumerate(self.offers) if row not in above and one.uses != (INDEX,)]
        keys = {name for key in self.table.foreign_keys for name in key.columns} | set(self.table.primary_key)
        if not above or not own:
            return
        for name, column in self.positions.items():
            if name not in keys and matrix[own, column].max() > 0:
                guessed = [row for row in above if matrix[row, column] < SAME_NAME]
                matrix[guessed, column] *= DAMPED

    def other_identities(self, above: Sequence[str], column: str) -> list[int]:
        """The offers called `id` and the like that no word of the column's says to be meant."""
        found = []
        for row, offer in enumerate(self.offers):
            *inside, last = offer.uses[0].removeprefix(f"{PARENT}.").split(".")
            called = offer.expressions is None and set(words(last)) <= _IDENTIFIER and offer.uses[0] not in above
            if called and not set(words(" ".join(inside))) & set(words(column)):
                found.append(row)
        return found

    def pair_parents(self, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
        """What identifies an element of a list feeds what identifies a row, where nothing else does: the key of the
        record that the list is in the column that refers to another table, the position the rest of the key.
        """
        above, refer = self.above(), self.refers()
        if len(above) != 1:
            return
        self.pair_one(matrix, taken, above[0], refer)
        numbers = [name for name in self.table.primary_key if self.is_integer(name) and name not in refer]
        self.pair_one(matrix, taken, INDEX, numbers)

    def pair_lists(self, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
        """A column's list of values and the field whose every value has its own place in it, where both are left over
        and each is the only one for the other: D and C for debit and credit. To be looked at.
        """
        free = [column for column, target in enumerate(self.targets) if target.closed and column not in taken]
        rows = [n for n, offer in enumerate(self.offers) if offer.expressions is None and n not in taken.values()]
        fits = {
            (row, column): quality
            for column in free
            for row in rows
            if (quality := self.list_fit(row, column)) and self.write(row, column) is not None
        }
        for (row, column), quality in fits.items():
            rivals = [
                one for pair, one in fits.items() if pair != (row, column) and (pair[0] == row or pair[1] == column)
            ]
            if all(one < quality for one in rivals):
                matrix[row, column] = max(matrix[row, column], LIST_TO_LIST)
                taken[column] = row

    def list_fit(self, row: int, column: int) -> float:
        """How well a field's few values pair with a column's list, one to one; 0 where any value is left over."""
        values, members = self.offers[row].attribute.values, self.targets[column].values
        if not self.offers[row].attribute.closed or not 2 <= len(values) <= len(members) <= MAX_LISTED:
            return 0.0
        found = map_values(values, members)
        each = {member for _, member in found.pairs}
        return found.quality if len(each) == len(found.pairs) == len(values) and not found.guess else 0.0

    def is_integer(self, name: str) -> bool:
        column = self.table.column(name)
        return column is not None and column.type.is_integer and column.required

    def pair_one(self, matrix: NDArray[np.float64], taken: dict[int, int], path: str, names: Sequence[str]) -> None:
        """A field feeds the one of these columns that nothing feeds yet, where there is just one."""
        free = [column for name in names if (column := self.positions.get(name)) is not None and column not in taken]
        rows = [n for n, offer in enumerate(self.offers) if offer.uses == (path,) and offer.expressions is None]
        if len(free) == 1 and rows and self.write(rows[0], free[0]) is not None:
            matrix[rows[0], free[0]] = max(matrix[rows[0], free[0]], PARENT_TO_REFERENCE)
            taken[free[0]] = rows[0]

    def reuse(self, matrix: NDArray[np.float64], taken: Mapping[int, int]) -> dict[int, int]:
        found = {}
        for column in range(len(self.columns)):
            if column not in taken:
                best = int(matrix[:, column].argmax())
                if matrix[best, column] >= REUSE and self.write(best, column) is not None:
                    found[column] = best
        return found

    def twins(self, matrix: NDArray[np.float64], fed: Mapping[int, int], column: int) -> tuple[str, ...]:
        """The columns that a column's field would feed just as well, in the same way, and that have no other field."""
        row = fed[column]
        mine = self.write(row, column)
        found = []
        for other, name in enumerate(self.columns):
            near = other != column and matrix[row, other] > matrix[row, column] - MARGIN and fed.get(other, row) == row
            if near and mine is not None and (way := self.write(row, other)) is not None and way.expr == mine.expr:
                found.append(name.name)
        return tuple(found)

    def write(self, row: int, column: int) -> Candidate | None:
        """The first way to write an offer into a column that the language takes; None where there is none."""
        if (row, column) not in self.written:
            usable = (one for one in self.ways(row, column) if self.accepts(one.expr, self.columns[column]))
            self.written[row, column] = next(usable, None)
        return self.written[row, column]

    def ways(self, row: int, column: int) -> Sequence[Candidate]:
        ready = self.offers[row].expressions
        if ready is None and (before := [*self.before(row, column), *self.alike(row, column)]):
            return [*before, *conversions.candidates(self.ends(row, column))]
        if ready is None:
            return conversions.candidates(self.ends(row, column))
        name = self.columns[column].name
        approved = {one.expr for one in self.remembered if one.column == name}
        return [Candidate(one.expr, 1.0, _BEFORE) if one.expr in approved else one for one in ready]

    def before(self, row: int, column: int) -> list[Candidate]:
        """How the same field was written into the same column, the newest first; no map of other values than it has."""
        path, name = self.offers[row].uses[0], self.columns[column].name
        known = self.offers[row].attribute
        values = known.values if known.closed else ()
        alike = [one.expr for one in self.remembered if one.field == path and one.column == name and one.expr]
        alike = [path if patterns.idle(expr, path, values) else expr for expr in alike if patterns.takes(expr, values)]
        if path in alike and self.is_rounded(row, column):  # what was approved for exact values would fail here
            alike = [expr for expr in alike if expr != path]
        kind = self.columns[column].type
        ways = [way for expr in reversed(alike) for way in (expr, *patterns.rounded_otherwise(expr, kind))]
        return [Candidate(expr, 1.0, _BEFORE) for expr in ways]

    def is_rounded(self, row: int, column: int) -> bool:
        """Whether the field as it is has more decimals than the column: it is rounded or cast, and nothing else."""
        ends = self.ends(row, column)
        kind, ways = ends.column.type, conversions.candidates(ends)
        rounded = {f"cast({ends.path} as {kind})", f"round({ends.path}, {kind.scale})"}
        return kind.kind == "decimal" and bool(ways) and ways[0].expr in rounded

    def alike(self, row: int, column: int) -> list[Candidate]:
        """How another field like this one was written into a column like this one, the newest."""
        path, target = self.offers[row].uses[0], self.columns[column]
        if self.targets[column].closed or not self.carried:
            return []
        like = patterns.likeness(self.fields[path], path, target.native)
        for one in reversed(self.carried):
            if one.like != like or one.expr is None or one.field in (None, path):
                continue
            if (pattern := patterns.template(one.expr, one.field)) is not None:
                return [
                    Candidate(patterns.written(pattern, path), 0.97, f"written as {one.column} was approved before")
                ]
        return []

    def ends(self, row: int, column: int) -> Ends:
        path = self.offers[row].uses[0]
        return Ends(self.fields[path], path, self.offers[row].attribute, self.columns[column], self.targets[column])

    def choice(
        self, matrix: NDArray[np.float64], row: int, column: int, reused: bool, twins: tuple[str, ...]
    ) -> _Choice | None:
        candidate = self.write(row, column)
        if candidate is None:
            return None
        mine = float(matrix[row, column])
        floor = threshold_of(len(self.targets))
        order = [int(other) for other in (-matrix[:, column]).argsort(kind="stable")[:8]]
        rivals = [other for other in order if other != row and matrix[other, column] > 0.6 * floor]
        rivals = [other for other in rivals if self.write(other, column) is not None][:3]
        confidence = mine**0.6 * candidate.factor * (0.85 if reused else 1.0)
        lead = mine - max((float(matrix[other, column]) for other in rivals), default=0.0)
        if self.is_number_for_words(row, column):
            confidence = min(confidence, NUMBER_FOR_WORDS)
        if self.repeats_for_key(row, column):
            confidence = min(confidence, REPEATS)
        if self.is_alike_by_number(row, column):
            confidence = min(confidence, BY_NUMBER)
        if lead < MARGIN or twins:
            confidence = min(confidence, EQUAL)
        elif lead < 3 * MARGIN:
            confidence *= 0.9
        return _Choice(row, candidate, round(min(0.99, confidence), 2), tuple(rivals), reused, twins)

    def repeats_for_key(self, row: int, column: int) -> bool:
        """Whether what has ten rows and more a value would alone tell a table's rows apart."""
        offer = self.offers[row]
        stats = self.fields[offer.uses[0]].stats if offer.expressions is None and offer.uses[0] in self.fields else None
        alone = self.table.primary_key == (self.columns[column].name,)
        if not alone or stats is None or stats.distinct is None:
            return False
        return MANY_ROWS * stats.distinct <= stats.rows - stats.nulls - stats.missing

    def is_alike_by_number(self, row: int, column: int) -> bool:
        """Whether the names have but a number in common (c1, a1), and nothing else than their types speaks for it."""
        source, target = self.offers[row].attribute, self.targets[column]
        mine, theirs = words(source.name), words(target.name)
        if not {one for one in mine if one.isdigit()} & {one for one in theirs if one.isdigit()}:
            return False
        named = [(one, two) for one in mine for two in (*theirs, *words(target.text)) if not (one + two).isdigit()]
        alike = any(one.startswith(two) or two.startswith(one) or meanings(one) & meanings(two) for one, two in named)
        return not alike and not set(source.values) & set(target.values) and not self.remembered

    def is_number_for_words(self, row: int, column: int) -> bool:
        """Whether a number would go into a text column whose last word it does not say: store into store_city."""
        offer, target = self.offers[row].attribute, self.columns[column]
        numeric = offer.type is not None and offer.type.is_numeric and self.offers[row].expressions is None
        if not numeric or target.type.family != "text" or not words(target.name):
            return False
        wanted = words(target.name)[-1]
        meant = {wanted, *meanings(wanted)}
        said = {one for word in words(offer.name) for one in (word, *meanings(word))}
        return not meant & (said | NUMBERED)

    def column(self, column: Column, choice: _Choice | None, scores: Scores | None) -> ColumnMapping:
        """The ColumnMapping of one column of the table, whatever was found."""
        if choice is not None and scores is not None:
            return self.mapped(column, choice, scores)
        audit = audit_expression(column)
        if audit is not None and self.accepts(audit.expr, column):
            return _mapping(column, audit.expr, audit.factor, audit.note)
        reason = unmapped_reason(column, self.table, self.schema, self.nearest(column, scores))
        return _mapping(column, None, 1.0 if not column.writable else 0.5, reason)

    def mapped(self, column: Column, choice: _Choice, scores: Scores) -> ColumnMapping:
        position = self.positions[column.name]
        offer, target = self.offers[choice.offer], self.targets[position]
        said = scores.evidence(choice.offer, position)
        rival = next(iter(choice.rivals), None)
        equal = rival is not None and choice.confidence <= EQUAL and not choice.twins
        also = "/".join(self.offers[rival].uses) if rival is not None and equal else None
        text = why(offer, target, said, choice.candidate.note, rival=also, reused=choice.reused, twins=choice.twins)
        return ColumnMapping(
            target=column.name,
            expr=choice.candidate.expr,
            layer="embedded",
            confidence=choice.confidence,
            why=text,
            alternatives=self.alternatives(position, choice, scores),
        )

    def alternatives(self, position: int, choice: _Choice, scores: Scores) -> tuple[Alternative, ...]:
        """Other ways to write the same field, then other fields; at most three."""
        found: list[Alternative] = []
        offer = self.offers[choice.offer]
        if offer.expressions is None:
            shorter = conversions.cut(self.ends(choice.offer, position))
            if shorter is not None and self.accepts(shorter.expr, self.columns[position]):
                found.append(Alternative(expr=shorter.expr, confidence=shorter.factor, why=shorter.note))
        for row in choice.rivals:
            other = self.write(row, position)
            if other is not None and other.expr != choice.candidate.expr:
                sure = float(scores.score[row, position]) ** 0.6 * other.factor * self.offers[row].factor
                text = why(self.offers[row], self.targets[position], scores.evidence(row, position), other.note)
                found.append(Alternative(expr=other.expr, confidence=round(min(sure, choice.confidence), 2), why=text))
        return tuple(found[:3])

    def nearest(self, column: Column, scores: Scores | None) -> tuple[str, float, bool] | None:
        """The field that came nearest to a column that stays unmapped, and whether it could be written into it."""
        if scores is None or not column.writable:
            return None
        position = self.positions[column.name]
        best = int(scores.score[:, position].argmax())
        value = float(scores.score[best, position])
        return (self.offers[best].uses[0], value, self.write(best, position) is not None) if value >= 0.15 else None


def _mapping(column: Column, expr: str | None, confidence: float, reason: str) -> ColumnMapping:
    return ColumnMapping(target=column.name, expr=expr, layer="embedded", confidence=confidence, why=reason)


def _accepts(schema: SourceSchema) -> Accepts:
    from octo_core.expressions import ExpressionError, assign, parse  # sqlglot: 60 ms

    def accepts(text: str, column: Column) -> bool:
        try:
            assign(parse(text, schema), column)
        except ExpressionError:
            return False
        return True

    return accepts
