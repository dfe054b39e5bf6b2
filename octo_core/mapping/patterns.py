"""How fields were written before, carried to others like them: all `*_dt` of one form by the same expression.

Two pairs are alike where their fields have one type, format, unit, form of values and last word of the name, and their
columns one type. Value maps are about one field's own values and are not carried.
"""

import re
from collections.abc import Iterable
from typing import Final

from octo_core.mapping.words import stem, words
from octo_core.schema import Field
from octo_core.types import DataType

_FIELD: Final = "\0"
_TEXTS: Final = re.compile(r"('(?:[^']|'')*')")
_OWN: Final = re.compile(r"\b(map_values|case|parse_boolean)\b", re.IGNORECASE)
_ROUNDED: Final = re.compile(r"round\((.+), ?(\d+)\)", re.IGNORECASE)
_MASKS: Final = 2


def likeness(field: Field, path: str, native: str) -> str:
    """What pairs have in common that are written alike, as text, to be compared; `native`: the column's own type."""
    masks = sorted(mask for mask, _ in field.stats.masks[:_MASKS]) if field.stats and field.type.kind == "text" else []
    last = (words(path) or ("",))[-1]
    return "|".join([str(field.type), field.format or "", field.unit or "", *masks, stem(last), native])


def template(expr: str, path: str) -> str | None:
    """The expression with a mark where its field stands; None where it is of that field's values alone."""
    if _OWN.search("".join(_TEXTS.split(expr)[::2])):
        return None
    found = _replaced(expr, path, _FIELD)
    return found if _FIELD in found else None


def takes(expr: str, values: Iterable[str]) -> bool:
    """Whether an expression that maps values one by one names half of these; True for any other expression."""
    seen, named = set(values), set(_listed(expr)[::2])
    return not named or not seen or 2 * len(seen & named) >= len(seen)


def rounded_otherwise(expr: str, kind: DataType) -> tuple[str, ...]:
    """The same rounded by a cast, which floats take too: `round(x * 2.54, 2)` as `cast(x * 2.54 as decimal(8,2))`."""
    found = _ROUNDED.fullmatch(expr.strip())
    fits = found is not None and kind.kind == "decimal" and found[2] == str(kind.scale)
    return (f"cast({found[1]} as {kind})",) if found is not None and fits else ()


def idle(expr: str, path: str, values: Iterable[str]) -> bool:
    """Whether an expression maps nothing but each of these values of the field to itself."""
    listed = _listed(expr)
    named, seen = listed[::2], set(values)
    whole = expr.startswith(f"map_values({path},") and len(listed) % 2 == 0
    return whole and bool(seen) and named == listed[1::2] and seen <= set(named)


def _listed(expr: str) -> list[str]:
    """The texts of a value map: value, result, value, result …, and maybe what stands for all others."""
    _, _, listed = expr.partition("map_values(")
    return [text[1:-1].replace("''", "'") for text in _TEXTS.findall(listed)]


def written(pattern: str, path: str) -> str:
    """A template with another field in its place."""
    return pattern.replace(_FIELD, path)


def _replaced(expr: str, path: str, instead: str) -> str:
    """Every mention of a field outside texts replaced."""
    name = re.compile(rf'(?<![\w."]){re.escape(path)}(?![\w"(])')
    parts = _TEXTS.split(expr)
    return "".join(part if place % 2 else name.sub(lambda _: instead, part) for place, part in enumerate(parts))
