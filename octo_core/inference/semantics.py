"""Semantic types: what values mean beyond their type, told by validators and, where chance could pass, by the name."""

import math
from collections.abc import Sequence
from typing import Final

from octo_core.inference.names import words
from octo_core.inference.semantic_types import VOCABULARY, Semantic
from octo_core.types import DataType

VALID_SHARE: Final = 0.9
"""Share of distinct values that a validator must take: real columns of addresses hold a few broken ones."""
_SAMPLE: Final = 100
_FAMILIES: Final = frozenset().union(*(one.families for one in VOCABULARY))
_WHOSE: Final = frozenset({"first", "last", "middle", "given", "family", "full", "maiden"})
_WHO: Final = frozenset({
    "customer", "person", "patient", "employee", "user", "passenger", "contact", "author", "owner", "client", "driver",
    "guest",
})  # fmt: skip
"""With `name`, words that speak of a person: `first_name`, `customer_name`; `carrier_name` is none."""


def semantic_of(kind: DataType, name: str, values: Sequence[str]) -> tuple[str | None, bool]:
    """(semantic type or None, whether it is personal data) of a field, by its distinct values and its name."""
    if kind.kind == "uuid":
        return "uuid", False
    if kind.family not in _FAMILIES:
        return None, False
    sample = _spread([text for value in values if (text := value.strip())])
    parts = _hints(name)
    for one in VOCABULARY:
        if kind.family in one.families and _worth_a_look(one, parts, len(sample)) and holds(one, sample):
            return one.name, one.pii
    return None, False


def _hints(name: str) -> frozenset[str]:
    """The words of a name, all of them as one, and `firstname` for any way to speak of a person's name."""
    parts = words(name)
    hints = {*parts, "".join(parts)}
    if "name" in hints and hints & (_WHOSE | _WHO):
        hints.add("firstname")
    return frozenset(hints)


def _spread(values: list[str]) -> list[str]:
    """At most so many of the values, from all over their order."""
    return values[:: max(1, math.ceil(len(values) / _SAMPLE))]


def _worth_a_look(one: Semantic, parts: frozenset[str], count: int) -> bool:
    return bool(one.named & parts) or (one.alone is not None and count >= one.alone)


def holds(one: Semantic, sample: list[str]) -> bool:
    """Whether all but a few values are valid; gives up at the value with which they are no longer few."""
    left = math.floor((1 - VALID_SHARE) * len(sample) + 1e-9)
    for text in sample:
        if not one.valid(text):
            left -= 1
            if left < 0:
                return False
    return True
