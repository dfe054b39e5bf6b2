"""How sure a pair is that was taken, what else would fit, and the alternatives that a reviewer is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import conversions
from octo_core.mapping.conversions import Candidate
from octo_core.mapping.matching import MARGIN
from octo_core.mapping.model import Alternative
from octo_core.mapping.qualifiers import as_well
from octo_core.mapping.reasons import why
from octo_core.mapping.scoring import Scores
from octo_core.mapping.sides import BEFORE, Sides
from octo_core.mapping.threshold import threshold_of
from octo_core.mapping.words import meanings, stem, words
from octo_core.mapping.writing import Writer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EQUAL: Final = 0.55
"""The confidence that is left where something else fits as well."""
NUMBER_FOR_WORDS: Final = 0.65
"""The confidence that is left where a number, or an identifier, would be taken for a word."""
REPEATS: Final = 0.55
"""The confidence that is left where a key's values would repeat."""
MANY_ROWS: Final = 10
"""Rows a value from which on a field is no key by itself."""
BY_NUMBER: Final = 0.55
"""The confidence that is left where names are alike in a number alone."""
OF_TWO: Final = 0.6
"""The confidence that is left where a field's name says two things, of which the column says one: Zip/City."""
_BOTH: Final = re.compile(r"[/&+]|\b(?:and|und|et|y|e|en|och|og|i)\b", re.IGNORECASE)
NUMBERED: Final = frozenset(
    {"code", "identifier", "identity", "number", "reference", "telephone", "zip", "sequence", "year", "version"}
)
"""What a text column may be called that holds digits."""
_IDENTIFIES: Final = frozenset({"code", "identifier", "identity", "number", "reference", "ean", "sku"})
"""What a word means that says of a thing by what it is told from others."""
_BY_WORD: Final = frozenset({"sku", "isbn", "gtin", "uuid", "guid"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A pair that was taken: the offer, its expression, how sure, and whether something else is as good."""

    offer: int
    candidate: Candidate
    confidence: float
    rivals: tuple[int, ...] = ()
    reused: bool = False
    twins: tuple[str, ...] = ()
    """Columns that it would feed just as well."""


def chosen(
    sides: Sides,
    writer: Writer,
    matrix: NDArray[np.float64],
    fed: Mapping[int, int],
    column: int,
    reused: bool,
    twins: tuple[str, ...],
) -> Choice | None:
    """How sure it is that a column is fed by what feeds it (`fed`: column → offer), beside its rivals; `reused`: the
    offer feeds another column more surely; `twins`: columns that it would feed just as well.
    """
    row = fed[column]
    candidate = writer.write(row, column)
    if candidate is None:
        return None
    mine = float(matrix[row, column])
    floor = threshold_of(len(sides.targets))
    order = [int(other) for other in (-matrix[:, column]).argsort(kind="stable")[:8]]
    rivals = [other for other in order if other != row and matrix[other, column] > 0.6 * floor]
    rivals = [other for other in rivals if writer.write(other, column) is not None][:3]
    confidence = mine ** (0.4 if candidate.explains else 0.6) * candidate.factor * (0.85 if reused else 1.0)
    lead = mine - max((float(matrix[other, column]) for other in rivals), default=0.0)
    if not _was_approved(sides, row, column):
        confidence = min(confidence, _most(sides, row, column, candidate))
    equal = as_well(sides, row, column, rivals, fed) if candidate.note != BEFORE else None
    if equal is not None:
        rivals.sort(key=lambda other: other != equal)
    if lead < MARGIN or twins or equal is not None:
        confidence = min(confidence, EQUAL)
    elif lead < 3 * MARGIN:
        confidence *= 0.9
    return Choice(row, candidate, round(min(0.99, confidence), 2), tuple(rivals), reused, twins)


def _was_approved(sides: Sides, row: int, column: int) -> bool:
    """Whether a reviewer has mapped just this field to just this column before."""
    here = (sides.offers[row].uses[0], sides.columns[column].name)
    return sides.offers[row].expressions is None and any((one.field, one.column) == here for one in sides.remembered)


def _most(sides: Sides, row: int, column: int, candidate: Candidate) -> float:
    """How sure a pair may be at the most, whatever speaks for it."""
    limits = [1.0]
    if _is_number_for_words(sides, row, column) or _is_identifier_for_words(sides, row, column, candidate):
        limits.append(NUMBER_FOR_WORDS)
    if _repeats_for_key(sides, row, column):
        limits.append(REPEATS)
    if _is_alike_by_number(sides, row, column) or _differs_in_number(sides, row, column):
        limits.append(BY_NUMBER)
    if _is_of_two_things(sides, row, column):
        limits.append(OF_TWO)
    return min(limits)


def _repeats_for_key(sides: Sides, row: int, column: int) -> bool:
    """Whether what has ten rows and more a value would alone tell a table's rows apart."""
    offer = sides.offers[row]
    stats = sides.fields[offer.uses[0]].stats if offer.expressions is None and offer.uses[0] in sides.fields else None
    alone = sides.table.primary_key == (sides.columns[column].name,)
    if not alone or stats is None or stats.distinct is None:
        return False
    return MANY_ROWS * stats.distinct <= stats.rows - stats.nulls - stats.missing


def _is_alike_by_number(sides: Sides, row: int, column: int) -> bool:
    """Whether the names have but a number in common (c1, a1), and nothing else than their types speaks for it."""
    source, target = sides.offers[row].attribute, sides.targets[column]
    mine, theirs = words(source.name), words(target.name)
    if not {one for one in mine if one.isdigit()} & {one for one in theirs if one.isdigit()}:
        return False
    named = [(one, two) for one in mine for two in (*theirs, *words(target.text)) if not (one + two).isdigit()]
    alike = any(one.startswith(two) or two.startswith(one) or meanings(one) & meanings(two) for one, two in named)
    return not alike and not set(source.values) & set(target.values) and not sides.remembered


def _differs_in_number(sides: Sides, row: int, column: int) -> bool:
    """Whether the names say the same but for their numbers: address_1 for address_2."""
    mine, theirs = words(sides.offers[row].attribute.name), words(sides.columns[column].name)
    numbers, others = ([one for one in name if one.isdigit()] for name in (mine, theirs))
    same = [one for one in mine if not one.isdigit()] == [one for one in theirs if not one.isdigit()]
    return same and bool(numbers) and bool(others) and numbers != others


def _is_of_two_things(sides: Sides, row: int, column: int) -> bool:
    """Whether a field's name joins two things, of which the column says one, and its values are of several words."""
    offer, target = sides.offers[row], sides.targets[column]
    parts = [set(words(part)) for part in _BOTH.split(offer.uses[0].strip('"').replace("_", " "))]
    if offer.expressions is not None or len([part for part in parts if part]) != 2:
        return False
    asked = {stem(word) for word in (*words(target.name), *words(target.text))}
    asked |= {meaning for word in words(target.name) for meaning in meanings(word)}
    said = [bool(asked & {one for word in part for one in (stem(word), *meanings(word))}) for part in parts]
    return said.count(True) == 1 and any(" " in value.strip() for value in offer.attribute.values)


def _is_number_for_words(sides: Sides, row: int, column: int) -> bool:
    """Whether a number would go into a text column whose last word it does not say: store into store_city."""
    offer, target = sides.offers[row].attribute, sides.columns[column]
    numeric = offer.type is not None and offer.type.is_numeric and sides.offers[row].expressions is None
    if not numeric or target.type.family != "text" or not words(target.name):
        return False
    wanted = words(target.name)[-1]
    meant = {wanted, *meanings(wanted)}
    said = {one for word in words(offer.name) for one in (word, *meanings(word))}
    return not meant & (said | NUMBERED)


def _is_identifier_for_words(sides: Sides, row: int, column: int, candidate: Candidate) -> bool:
    """Whether what a thing is told by would go, as it is, into a text column that says something else of the thing:
    product_code into product_name, store_id into store_city; or a number into a text that is not called for one.
    """
    offer, target = sides.offers[row], sides.targets[column]
    path = offer.uses[0]
    as_it_is = offer.expressions is None and candidate.expr in (path, f"cast({path} as text)")
    if not as_it_is or sides.columns[column].type.family != "text" or target.closed:
        return False
    if set(offer.attribute.values) & set(target.values):
        return False
    mine, theirs = words(offer.attribute.name), words(target.name)
    is_reference = path in sides.beside.references or any(map(_identifies, mine))
    if not is_reference or any(map(_identifies, (*theirs, *words(target.text)))):
        return False
    said = {one for word in (*mine, *words(offer.attribute.text)) for one in (stem(word), *meanings(word))}
    known = [word for word in theirs if stem(word) in said or meanings(word) & said or _begins(mine, word)]
    is_number = offer.attribute.type is not None and offer.attribute.type.is_numeric
    return bool(known) and (is_number or any(meanings(word) and word not in known for word in theirs))


def _begins(names: Sequence[str], word: str) -> bool:
    """Whether one of these is a word with something glued to it: artikelnr."""
    return len(word) >= 4 and any(one.startswith(word) for one in names)


def _identifies(word: str) -> bool:
    """Whether a word can only mean an identifier: `nombre`, a number in French, is a name in Spanish."""
    return word in _BY_WORD or bool(meanings(word) and meanings(word) <= _IDENTIFIES)


def alternatives(
    sides: Sides, writer: Writer, position: int, choice: Choice, scores: Scores
) -> tuple[Alternative, ...]:
    """Other ways to write the same field, then other fields; at most three."""
    found: list[Alternative] = []
    offer = sides.offers[choice.offer]
    if offer.expressions is None:
        shorter = conversions.cut(writer.ends(choice.offer, position))
        if shorter is not None and writer.accepts(shorter.expr, sides.columns[position]):
            found.append(Alternative(expr=shorter.expr, confidence=shorter.factor, why=shorter.note))
    for row in choice.rivals:
        other = writer.write(row, position)
        if other is not None and other.expr != choice.candidate.expr:
            sure = float(scores.score[row, position]) ** 0.6 * other.factor * sides.offers[row].factor
            text = why(sides.offers[row], sides.targets[position], scores.evidence(row, position), other.note)
            found.append(Alternative(expr=other.expr, confidence=round(min(sure, choice.confidence), 2), why=text))
    return tuple(found[:3])
