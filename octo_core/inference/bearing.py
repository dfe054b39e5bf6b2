"""Whether values bear out a semantic type that somebody claims."""

from collections.abc import Sequence
from typing import Final

from octo_core.inference.semantic_types import VOCABULARY
from octo_core.inference.semantics import holds
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
