"""Fields whose names say the same of a column, and each something more that it does not say: net_price and list_price
for price. Which of them is meant, no name tells.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from octo_core.mapping.evidence import name_words_of
from octo_core.mapping.sides import Sides
from octo_core.mapping.words import meanings, stem, words


@dataclass(frozen=True, slots=True)
class _Said:
    """What a field's name says of a column's words, and what it says more."""

    covered: frozenset[str]
    more: frozenset[str]


def as_well(sides: Sides, row: int, column: int, rivals: Sequence[int], fed: Mapping[int, int]) -> int | None:
    """The first of some offers whose name fits a column as well as that of the offer that feeds it; None: none does.

    `fed`: column → the offer that feeds it. What feeds another column is no rival, unless the table has a word for what
    this offer says more: of ship_city and bill_city, either may be the `city` beside a `ship_zip`.
    """
    offer, target = sides.offers[row], sides.targets[column]
    is_key = target.key and set(offer.uses) <= set(sides.schema.key)
    if offer.expressions is not None or is_key or set(offer.attribute.values) & set(target.values):
        return None
    mine = _said(sides, row, column)
    if not mine.covered or not mine.more:
        return None
    elsewhere = {word for n, one in enumerate(sides.targets) if n != column for word in words(one.name)}
    told_apart = any(_among(word, elsewhere) for word in mine.more)
    settled = {other for place, other in fed.items() if place != column} if not told_apart else set()
    for other in rivals:
        theirs = _said(sides, other, column)
        alike = theirs.covered == mine.covered and theirs.more and theirs.more != mine.more
        if alike and other not in settled and _is_of_its_type(sides, other, row, column):
            return other
    return None


def _said(sides: Sides, row: int, column: int) -> _Said:
    """What a field by itself says; nothing of what is made of several."""
    offer, target = sides.offers[row], sides.targets[column]
    if offer.expressions is not None:
        return _Said(frozenset(), frozenset())
    mine, asked = name_words_of(offer.attribute.name), name_words_of(target.name)
    known = (*asked, *words(target.text), *words(sides.table.table_name))
    covered = frozenset(word for word in asked if _among(word, mine))
    return _Said(covered, frozenset(stem(word) for word in mine if not _among(word, known)))


def _among(word: str, others: Iterable[str]) -> bool:
    """Whether a word, or one of its meaning, is among others."""
    return any(stem(word) == stem(other) or meanings(word) & meanings(other) for other in others)


def _is_of_its_type(sides: Sides, other: int, row: int, column: int) -> bool:
    """Whether an offer is no worse by its type than the one that was taken."""
    family = sides.columns[column].type.family
    mine, theirs = (sides.offers[one].attribute.type for one in (row, other))
    return theirs is None or mine is None or theirs.family == family or mine.family != family
