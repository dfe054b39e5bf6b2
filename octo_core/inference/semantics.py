"""Semantic types: what values mean beyond their type, told by validators and, where chance could pass, by the name."""

import math
import re
from collections.abc import Sequence
from typing import Final

from octo_core.inference.foreign import said
from octo_core.inference.given_names import are_names_of_people
from octo_core.inference.names import words
from octo_core.inference.semantic_types import VOCABULARY, Semantic
from octo_core.types import DataType

VALID_SHARE: Final = 0.9
"""Share of distinct values that a validator must take: real columns of addresses hold a few broken ones."""
_SAMPLE: Final = 100
_FAMILIES: Final = frozenset().union(*(one.families for one in VOCABULARY))
_ANY_ALONE: Final = re.compile("|".join(f"(?:{one.looks.pattern})" for one in VOCABULARY if one.alone is not None))
"""What any type looks like that values alone tell; a shape may have no group that it refers back to."""
_WHOSE: Final = frozenset({"first", "last", "middle", "given", "family", "full", "maiden"})
_WHO: Final = frozenset({
    "customer", "person", "patient", "employee", "user", "passenger", "contact", "author", "owner", "client", "driver",
    "guest",
})  # fmt: skip
"""With `name`, words that speak of a person: `first_name`, `customer_name`; `carrier_name` is none."""
_PEOPLE: Final = frozenset({
    "person", "people", "who", "by", "agent", "manager", "staff", "member", "signed", "surname", "forename", "names",
})  # fmt: skip
_AMBIGUOUS: Final = frozenset({"number", "payment", "credit", "card", "cc", "pan", "device", "cf", "tin", "sin", "nas"})
"""Words in the names of what is personal that other columns are called by, too."""
_ALSO: Final = frozenset({"contact", "cell", "address", "addresses"})
"""And where there are only names to go by."""
_MOSTLY: Final = 0.5
_WORD = r"[^\W\d_a-z][^\W\d_]*[.']?"
_ONE_NAME: Final = re.compile(rf"{_WORD}(?:[ '-][^\W\d_]+\.?){{0,3}}")
_TWO_NAMES: Final = re.compile(rf"{_WORD}(?:,? [^\W\d_]+\.?){{1,3}}|[㐀-鿿]{{2,4}}")


def semantic_of(kind: DataType, name: str, values: Sequence[str]) -> tuple[str | None, bool]:
    """(semantic type or None, whether it is personal data) of a field, by its distinct values and its name."""
    if kind.kind == "uuid":
        return "uuid", False
    if kind.family not in _FAMILIES:
        return None, False
    sample = _spread([text for value in values if (text := value.strip())])
    parts = _hints(name)
    told = _told_by_values(sample)
    for one in VOCABULARY:
        if not told and not one.named & parts:
            continue
        if kind.family in one.families and _worth_a_look(one, parts, len(sample)) and holds(one, sample):
            return one.name, one.pii
    if kind.kind == "text" and _names_of_people(name, sample):
        return "person_name", True
    named = kind.kind == "text" and are_names_of_people(sample)
    return None, named or _spoiled(kind, parts, sample)


def called_personal(name: str, family: str) -> bool:
    """Whether a column is called for what is personal (`last_name`, `email`), where there are no values to look at."""
    parts = _hints(name)
    return any(one.pii and family in one.families and (one.named - _AMBIGUOUS - _ALSO) & parts for one in VOCABULARY)


def _names_of_people(name: str, sample: Sequence[str]) -> bool:
    """Whether a column is called for people alone (`first`, `contact`) and most values look like their names."""
    parts = set(words(name))
    if not sample or not parts or not parts <= _WHOSE | _WHO | _PEOPLE:
        return False
    looks = _ONE_NAME if parts <= _WHOSE else _TWO_NAMES
    return sum(looks.fullmatch(text) is not None for text in sample) >= _MOSTLY * len(sample)


def _spoiled(kind: DataType, parts: frozenset[str], sample: Sequence[str]) -> bool:
    """Whether a column is called for what is personal (`ssn`), and most values at least look like it."""
    return bool(sample) and any(
        one.pii
        and (one.named - _AMBIGUOUS) & parts
        and kind.family in one.families
        and sum(one.looks.fullmatch(text) is not None for text in sample) >= _MOSTLY * len(sample)
        for one in VOCABULARY
    )


def _hints(name: str) -> frozenset[str]:
    """The words of a name, all of them as one, what it says in another language, and `firstname` for any way to speak
    of a person's name.
    """
    parts = words(name)
    hints = {*parts, "".join(parts), *said(name)}
    if "name" in hints and hints & (_WHOSE | _WHO):
        hints.add("firstname")
    return frozenset(hints)


def _spread(values: list[str]) -> list[str]:
    """At most so many of the values, from all over their order."""
    return values[:: max(1, math.ceil(len(values) / _SAMPLE))]


def _worth_a_look(one: Semantic, parts: frozenset[str], count: int) -> bool:
    return bool(one.named & parts) or (one.alone is not None and count >= one.alone)


def _told_by_values(sample: list[str]) -> bool:
    """Whether so many values look like any type that values alone can tell that one of them may hold: one search a
    value, where each type by itself would be one too.
    """
    left = math.floor((1 - VALID_SHARE) * len(sample) + 1e-9)
    return sum(_ANY_ALONE.fullmatch(text) is None for text in sample[: 4 * left + 4]) <= left


def holds(one: Semantic, sample: list[str]) -> bool:
    """Whether all but a few values are valid; gives up at the value with which they are no longer few."""
    left = math.floor((1 - VALID_SHARE) * len(sample) + 1e-9)
    for text in sample:
        if not one.valid(text):
            left -= 1
            if left < 0:
                return False
    return True
