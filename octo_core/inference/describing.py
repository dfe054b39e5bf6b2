"""The sentence of facts that a field is described by where nobody said what it is."""

import re
from typing import Final

from octo_core.inference.names import words
from octo_core.inference.semantic_types import VOCABULARY
from octo_core.schema import Field, FieldStats

_FACT: Final = re.compile(r"([a-z0-9 ]+)(?:, .*)?\.", re.DOTALL)
_FAMILIES: Final = frozenset({
    "boolean", "integer", "decimal", "float", "text", "bytes", "date", "time", "timestamp", "timestamptz", "interval",
    "uuid", "json", "record", "list",
})  # fmt: skip
_FIRST: Final = _FAMILIES | {one.name.replace("_", " ") for one in VOCABULARY}
"""What a sentence of facts says first."""


def describe(field: Field) -> str:
    """One short sentence of facts, in words that hold for any language of data; no values of personal data."""
    stats = field.stats or FieldStats()
    what = field.semantic.replace("_", " ") if field.semantic else str(field.type.family)
    parts = [f"{_subject(field)}: {what}"]
    if field.unit:
        parts.append(f"in {field.unit}")
    if field.format:
        parts.append(f"written as {field.format}")
    if stats.min is not None and not field.pii and field.type.kind != "text":
        parts.append(f"from {stats.min} to {stats.max}")
    if field.type.kind == "text" and stats.max_length is not None:
        low, high = stats.min_length, stats.max_length
        parts.append(_plural(high, "character") if low == high else f"{low} to {high} characters")
    if stats.values is not None and stats.distinct is not None and field.type.kind != "boolean":
        parts.append(_plural(stats.distinct, "distinct value"))
    return ", ".join(parts) + "."


def told(field: Field) -> str:
    """What somebody said of a field; empty where its description is a sentence of facts, which tells its name again."""
    text = field.description or ""
    facts = _FACT.fullmatch(text.removeprefix(f"{_subject(field)}: "))
    return "" if facts is not None and text.startswith(_subject(field)) and facts.group(1) in _FIRST else text


def _subject(field: Field) -> str:
    subject = " ".join(words(field.name)) or field.name
    return f"{subject[:1].upper()}{subject[1:]}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
