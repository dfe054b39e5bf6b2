"""Whether values bear out a semantic type that somebody claims."""

from collections.abc import Sequence
from typing import Final

from octo_core.inference.semantics import BY_NAME, VALID_SHARE, VOCABULARY, in_range
from octo_core.types import DataType

SEMANTIC_NAMES: Final = tuple(
    dict.fromkeys([*(one.name for one in VOCABULARY), *(name for name, _, _, _ in BY_NAME), "uuid"])
)
PERSONAL: Final = frozenset(
    [*(one.name for one in VOCABULARY if one.pii), *(name for name, _, _, pii in BY_NAME if pii)]
)
"""Semantic types that are personal data, whoever found them."""


def bears_out(semantic: str, kind: DataType, values: Sequence[str]) -> bool:
    """Whether a column of this type and these distinct values may be of a semantic type; no values contradict none."""
    sample = [value.strip() for value in values if value.strip()][:1000]
    checked = [one for one in VOCABULARY if one.name == semantic and kind.family in one.families]
    if sample and any(sum(map(one.valid, sample)) >= VALID_SHARE * len(sample) for one in checked):
        return True
    named = any(
        name == semantic and kind.family in families and in_range(semantic, sample) for name, _, families, _ in BY_NAME
    )
    return named or (semantic == "uuid" and kind.kind == "uuid")
