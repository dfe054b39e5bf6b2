"""SortingHat's nine roles by plain rules over a profile: what the product did before, kept to compare with."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from octo_core.inference.names import says_identity, words
from octo_core.inference.profile import FieldProfile
from octo_core.schema import Role
from octo_core.types import DataType

_TEMPORAL: Final = frozenset({"date", "time", "timestamp", "timestamptz", "interval"})
_NUMBER_INSIDE: Final = re.compile(
    r"[^\d\s]{0,12}\s?[+-]?\d[\d.,]*\s?[^\d\s]{0,12}|[<>≤≥~]?\s?\d[\d.,]*\s?(?:-|–|to)\s?\d[\d.,]*.{0,12}"
)
_LIST: Final = re.compile(r"\s?[,;|]\s?")
_CODED: Final = frozenset({
    "type", "class", "category", "code", "cat", "status", "state", "level", "grade", "group", "kind", "flag", "is",
    "has", "rating", "rank", "month", "weekday", "zip", "zipcode", "quarter", "sex", "gender", "region", "district",
    "ward", "cd", "codigo", "cod", "mode", "method", "stage", "phase", "tier", "zone",
})  # fmt: skip
_COUNTED: Final = frozenset({
    "count", "num", "total", "number", "n", "sum", "avg", "mean", "amount", "age", "size", "score",
})  # fmt: skip
_MANY: Final = 0.95
_NEARLY_EMPTY: Final = 0.99


def ruled_role(kind: DataType, profile: FieldProfile, name: str, *, semantic: str | None, written: str | None) -> Role:
    """The role, from the type, the numbers of rows and distinct values, and samples. `written`: the field's format."""
    values = profile.values - sum(profile.spelled_nulls.values())
    scalar = kind.kind not in ("list", "record", "json")
    if values <= 0 or (scalar and (profile.distinct <= 1 or values < (1 - _NEARLY_EMPTY) * profile.rows)):
        return "not-generalizable"
    if kind.kind in ("list", "json"):
        return "list"
    if kind.kind == "record":
        return "context-specific"
    if kind.kind in _TEMPORAL:
        return "datetime"
    if kind.kind == "boolean":
        return "categorical"
    if kind.kind == "uuid" or kind.kind == "bytes":
        return "not-generalizable"
    unique = profile.distinct >= _MANY * values and values > 1
    if kind.is_numeric:
        return _numeric(kind, profile, name, values, unique, written)
    return _text(profile, name, values, unique, semantic)


def _numeric(kind: DataType, profile: FieldProfile, name: str, values: int, unique: bool, written: str | None) -> Role:
    if written is not None:
        return "embedded-number"
    if not kind.is_integer:
        return "numeric"
    parts = set(words(name))
    if unique and says_identity(name):
        return "not-generalizable"
    if says_identity(name):
        return "categorical"
    few = profile.distinct <= 2 or (profile.distinct <= 12 and profile.distinct < 0.02 * values)
    if parts & _CODED or (few and not parts & _COUNTED):
        return "categorical"
    if "year" in parts:
        return "categorical" if profile.distinct <= 20 else "datetime"
    return "numeric"


def _text(profile: FieldProfile, name: str, values: int, unique: bool, semantic: str | None) -> Role:
    if semantic == "url":
        return "url"
    sample = [text.strip() for text, _ in profile.sketch.top()[:200] if text.strip()]
    if not sample:
        return "not-generalizable"
    digits = _share(sample, lambda text: bool(_NUMBER_INSIDE.fullmatch(text)))
    spaced = sum(text.count(" ") + 1 for text in sample) / len(sample)
    if _share(sample, _is_list) >= 0.6 and spaced < 25:
        return "list"
    if spaced >= 6.5 and profile.distinct > 0.1 * min(values, 1000):
        return "sentence"
    if digits >= 0.8 and not says_identity(name) and _one_word_around(sample):
        return "embedded-number"
    if unique:
        return "not-generalizable" if values > 20 or says_identity(name) else "context-specific"
    if profile.distinct <= 0.2 * values or profile.distinct <= 12:
        return "categorical"
    return "context-specific"


def _is_list(text: str) -> bool:
    if text[:1] in "[{(" and text[-1:] in "]})":
        return True
    parts = _LIST.split(text)
    return len(parts) >= 3 and all(0 < len(part) <= 30 for part in parts)


def _one_word_around(sample: Sequence[str]) -> bool:
    """Whether the text around the numbers is always of a few words, as a unit is; in codes it varies."""
    around = {re.sub(r"[\d.,\s]", "", text).lower() for text in sample}
    return len(around) <= max(2, len(sample) // 4)


def _share(sample: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, sample)) / len(sample)
