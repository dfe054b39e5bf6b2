"""What may leave for a model of a field or a column: `statistics` (no value of anybody's) or also `samples`.

`statistics`: name, type, counts in round figures, the range of numbers rounded outwards to one digit, format masks
and examples that are made up to look like them. `samples`: real values too, those of personal data only as masks.
"""

import hashlib
import math
import random
import re
import string
from typing import Any, Final

from octo_core.asking.cleaning import masked, plain
from octo_core.catalog import Catalog, Column, Table
from octo_core.inference.profile import mask
from octo_core.mapping.constraints import allowed_values, number_range
from octo_core.schema import Field, FieldStats
from octo_core.spec.llm import Share

MAX_SAMPLES: Final = 20
MAX_ALLOWED: Final = 100
_MASKS: Final = 4
_FOREIGN: Final = re.compile(r"[^9Aa+\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]")


def of_field(field: Field, share: Share) -> dict[str, Any]:
    """What is said of a source's field, but for its name."""
    said: dict[str, Any] = {"type": str(field.type) if field.type.kind not in ("record", "list") else field.type.kind}
    for key in ("format", "unit", "semantic"):
        if getattr(field, key):
            said[key] = plain(str(getattr(field, key)), 80)
    if field.pii:
        said["personal"] = True
    stats = field.stats
    if stats is not None:
        said |= _counts(field, stats)
        masks = [_safe_mask(text) for text, _ in stats.masks[:_MASKS]]
        if masks:
            said["masks"] = masks
            said["made_up_examples"] = [lookalike(text) for text in masks[:3]]
        if share == "samples":
            said["samples"] = _samples(field, stats)
    return said


def _counts(field: Field, stats: FieldStats) -> dict[str, Any]:
    said: dict[str, Any] = {}
    empty = stats.nulls + stats.missing
    if stats.rows:
        said["empty"] = "never" if not empty else f"about {max(1, round(100 * empty / stats.rows))} %"
    if stats.distinct is not None and stats.rows > empty:
        few = stats.distinct <= 20
        said["distinct"] = stats.distinct if few else f"about {_round(stats.distinct):,}"
        if stats.distinct_exact and stats.distinct == stats.rows - empty:
            said["distinct"] = "every value differs"
    if stats.max_length is not None:
        said["length"] = f"{stats.min_length} to {stats.max_length} characters"
    if field.type.is_numeric and not field.pii and field.semantic is None:
        low, high = _number(stats.min), _number(stats.max)
        if low is not None and high is not None:
            said["range"] = f"within {_outward(low, down=True)} and {_outward(high, down=False)}"
    return said


def _samples(field: Field, stats: FieldStats) -> list[str]:
    values = list(dict.fromkeys([*(stats.values or ()), *stats.examples]))[:MAX_SAMPLES]
    return [mask(value) if field.pii else plain(masked(value), 80) for value in values]


def of_column(column: Column, table: Table, catalog: Catalog, share: Share) -> dict[str, Any]:
    """What is said of a destination's column: its definition, which is the user's own, and their label."""
    said: dict[str, Any] = {"column": plain(column.name, 128), "type": plain(column.native, 80)}
    if column.required:
        said["required"] = True
    if column.label:
        said["label"] = plain(column.label.label, 400)
        said |= {"unit": plain(column.label.unit, 40)} if column.label.unit else {}
        said |= {"personal": True} if column.label.pii else {}
    if column.comment:
        said["comment"] = plain(column.comment, 400)
    checks = [check.sql for check in table.checks]
    allowed = column.enum or allowed_values(checks, column.name)
    if allowed:
        said["allowed"] = [plain(value, 80) for value in allowed[:MAX_ALLOWED]]
    low, high = number_range(checks, column.name)
    if low is not None or high is not None:
        said["range"] = [low, high]
    if column.name in table.primary_key:
        said["key"] = True
    parent = next((key.ref_table for key in table.foreign_keys if column.name in key.columns), None)
    if parent:
        said["refers_to"] = plain(parent, 128)
    there = catalog.samples.get(table.name, {}).get(column.name, ())
    if share == "samples" and there and not (column.label and column.label.pii):
        said["values_there"] = [plain(masked(value), 80) for value in there[:MAX_SAMPLES]]
    return said


def lookalike(shape: str) -> str:
    """A made-up value of a mask: the same one each time, so that the same question stays the same."""
    dice = random.Random(hashlib.sha256(shape.encode()).digest())  # noqa: S311 - nothing here is a secret
    letters = {"9": string.digits, "A": string.ascii_uppercase, "a": string.ascii_lowercase}
    made = [dice.choice(letters[char]) if char in letters else char for char in shape]
    return "".join(made).replace("+", "")


def _safe_mask(text: str) -> str:
    """A mask of ASCII signs only: others are no shape but might be a name."""
    return _FOREIGN.sub("·", text)


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and math.isfinite(found) else None


def _outward(value: float, *, down: bool) -> str:
    """The next number of one digit, away from the values."""
    if value == 0:
        return "0"
    size = 10.0 ** math.floor(math.log10(abs(value)))
    digits = math.floor(value / size) if down else math.ceil(value / size)
    return f"{digits * size:g}"


def _round(count: int) -> int:
    size: int = 10 ** (len(str(count)) - 1)
    return round(count / size) * size
