"""Whether values bear out a semantic type that somebody claims."""

from collections.abc import Sequence
from typing import Final

from octo_core.inference.semantic_types import VOCABULARY
from octo_core.inference.semantics import VALID_SHARE, holds
from octo_core.types import DataType

SEMANTIC_NAMES: Final = tuple(dict.fromkeys([*(one.name for one in VOCABULARY), "uuid"]))
PERSONAL: Final = frozenset(one.name for one in VOCABULARY if one.pii)
"""Semantic types that are personal data, whoever found them."""


def bears_out(semantic: str, kind: DataType, values: Sequence[str]) -> bool:
    """Whether a column of this type and these distinct values may be of a semantic type; no values bear out none."""
    if semantic == "uuid" and kind.kind == "uuid":
        return True
    sample = [value.strip() for value in values if value.strip()][:1000]
    checked = [one for one in VOCABULARY if one.name == semantic and kind.family in one.families]
    return bool(sample) and any(holds(one, sample) for one in checked)


def not_of_kind(semantic: str, values: Sequence[str]) -> str | None:
    """The first of these values that is none of a semantic type."""
    checked = [one for one in VOCABULARY if one.name == semantic]
    there = (value.strip() for value in values if value.strip())
    return next((value for value in there if not any(one.valid(value) for one in checked)), None)


class Bearing:
    """Counts how many values are not of a semantic type, one after the other."""

    def __init__(self, semantic: str, kind: DataType) -> None:
        self._any = semantic == "uuid" and kind.kind == "uuid"
        self._forms = [one for one in VOCABULARY if one.name == semantic and kind.family in one.families]
        self._invalid = [0] * len(self._forms)
        self.values = 0

    def add(self, value: str) -> None:
        text = value.strip()
        if not text:
            return
        self.values += 1
        for place, one in enumerate(self._forms):
            self._invalid[place] += not one.valid(text)

    @property
    def invalid(self) -> int:
        """Of the form that most values have, where a type has several."""
        return 0 if self._any else min(self._invalid, default=self.values)

    @property
    def holds(self) -> bool:
        return self.invalid <= (1 - VALID_SHARE) * self.values + 1e-9
