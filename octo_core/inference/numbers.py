"""Choosing among ways to read a field's tokens as numbers: width, exactness, locale, adornment, leading zeros."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from octo_core.inference import claims as c
from octo_core.inference.profile import Candidate, Evidence, FieldProfile
from octo_core.types import FLOAT64, INT32, INT64, MAX_PRECISION, DataType, decimal

PLAIN: Final = (c.INTEGER, c.DECIMAL, c.POINT3, c.FLOAT)
LOCALES: Final[dict[str, tuple[str, ...]]] = {
    "1,234.56": (c.INTEGER, c.DECIMAL, c.POINT3, c.EN_GROUPED, c.COMMA3),
    "1.234,56": (c.INTEGER, c.DE_GROUPED, c.COMMA, c.COMMA3, c.POINT3),
    "1 234,56": (c.INTEGER, c.SPACED, c.COMMA, c.COMMA3),
    "1'234.56": (c.INTEGER, c.DECIMAL, c.POINT3, c.QUOTED),
    "12,34,567.89": (c.INTEGER, c.DECIMAL, c.POINT3, c.EN_GROUPED, c.COMMA3, c.PAIRED),
}
"""Per number format: the shapes of token that it reads. The order settles what stays ambiguous."""

_INT32_ROOM: Final = 2**30
_INT64_DIGITS: Final = 18
_RARE: Final = 0.05
_FLOATING_SCALE: Final = 12
"""More digits after the point than people write; where their number varies, they come from a binary float."""


@dataclass(frozen=True, slots=True)
class NumberReading:
    """One way to read the tokens: how many it holds for, the format, the adornment (`$#`, `#%`), the shapes."""

    held: int
    format: str | None
    adornment: str | None
    shapes: dict[str, Evidence]
    ambiguous: str | None = None


THOUSANDS: Final = "every fraction has three digits, so 1.234 could also be a thousand and more"


def readings(profile: FieldProfile) -> list[NumberReading]:
    """Every way to read the tokens as numbers, the best first: most tokens, then the plainest."""
    found = []
    adornments = {key[1] for key in profile.claims if key[0] in c.NUMBER_SHAPES}
    for adornment in sorted(adornments, key=lambda text: text or ""):
        shapes = _shapes(profile.claims, adornment)
        if adornment == c.TRAILING or (adornment and adornment[0] == "("):  # positive ones beside them stand bare
            inside = "#" if adornment == c.TRAILING else adornment[1:-1]
            bare = _shapes(profile.claims, inside if inside != "#" else None)
            if not bare and set(shapes) == {c.INTEGER}:
                continue  # (1), (2), (3): marks of a list as likely as losses
            shapes = _both(shapes, bare)
        ways: list[tuple[str | None, tuple[str, ...]]] = [(None, PLAIN), *LOCALES.items()]
        for layout, names in ways:
            used = {name: shapes[name] for name in names if name in shapes}
            held = sum(evidence.count for evidence in used.values())
            if held:
                found.append(NumberReading(held, layout, adornment, used, _doubt(layout, used)))
    # Sorting is stable: among equals the plain reading comes before the locales, and these in LOCALES' order.
    return sorted(found, key=lambda reading: -reading.held)


def _shapes(claims: Mapping[Candidate, Evidence], adornment: str | None) -> dict[str, Evidence]:
    return {
        kind: evidence for (kind, layout), evidence in claims.items() if layout == adornment and kind in c.NUMBER_SHAPES
    }


def _both(left: dict[str, Evidence], right: dict[str, Evidence]) -> dict[str, Evidence]:
    return {
        kind: left[kind].merge(right[kind]) if kind in left and kind in right else (left.get(kind) or right[kind])
        for kind in {**left, **right}
    }


def _doubt(layout: str | None, used: Mapping[str, Evidence]) -> str | None:
    names = set(used) - {c.INTEGER}
    if layout is None and names == {c.POINT3}:
        return THOUSANDS
    if layout is not None and names == {c.COMMA3}:
        return "1,234 is read as a thousand and more; it could also have a decimal comma"
    return None


def number_type(reading: NumberReading, profile: FieldProfile) -> DataType:
    """The type that holds the reading's values: int32 with room to double, else int64; exact decimals; float64 for
    exponents, for more than 38 digits, and for what looks like printed binary floats.
    """
    digits, scale = _extent(reading)
    if c.FLOAT in reading.shapes and not _rarely_with_exponent(reading, scale):
        return FLOAT64
    if scale == 0:
        return _integer(reading, digits)
    if digits + scale > MAX_PRECISION or (scale > _FLOATING_SCALE and not _one_scale(profile)):
        return FLOAT64
    scale = max(scale, 2)
    return decimal(18 if digits + scale <= 15 else MAX_PRECISION, scale)


def _rarely_with_exponent(reading: NumberReading, scale: int) -> bool:
    """Whether whole numbers have an exponent now and then: 1e3 is one too, and a float would not hold the others."""
    held = sum(evidence.count for evidence in reading.shapes.values())
    return scale == 0 and reading.shapes[c.FLOAT].count <= _RARE * held


def _extent(reading: NumberReading) -> tuple[int, int]:
    digits = scale = 0
    for shape, evidence in reading.shapes.items():
        if shape == c.FLOAT:
            continue
        # What is grouped by threes in one locale is a fraction in another.
        whole = (shape == c.COMMA3 and reading.format in ("1,234.56", "12,34,567.89")) or (
            shape == c.POINT3 and reading.format == "1.234,56"
        )
        digits = max(digits, evidence.digits + (evidence.scale if whole else 0))
        scale = max(scale, 0 if whole else evidence.scale)
    return digits, scale


def _integer(reading: NumberReading, digits: int) -> DataType:
    used = [evidence for shape, evidence in reading.shapes.items() if shape != c.FLOAT]
    bounds = [bound[0] for evidence in used for bound in (evidence.low, evidence.high)]
    largest = max((abs(value) for value in bounds if isinstance(value, float)), default=0.0)
    if digits <= 10 and largest < _INT32_ROOM:
        return INT32
    if digits <= _INT64_DIGITS:
        return INT64
    return decimal(MAX_PRECISION, 0) if digits <= MAX_PRECISION else FLOAT64


def _one_scale(profile: FieldProfile) -> bool:
    scales = {len(text.partition(".")[2]) for text, _ in profile.sketch.entries.values() if "." in text}
    return len(scales) == 1


def leading_zeros(profile: FieldProfile) -> int:
    """How many tokens are whole numbers with zeros in front: codes, whose zeros a number would lose."""
    return sum(evidence.count for (kind, _), evidence in profile.claims.items() if kind == c.ZEROS)


def number_format(reading: NumberReading) -> str | None:
    """The reading as `Field.format` writes it: how 1234.56 is written, None for the plain way."""
    layout = reading.format
    if layout == "1.234,56" and not {c.DE_GROUPED, c.POINT3} & set(reading.shapes):
        layout = "1234,56"
    if reading.adornment is None:
        return layout
    return reading.adornment.replace("#", layout or "1234.56")
