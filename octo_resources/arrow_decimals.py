"""Values into Arrow's decimals: exactly, or not at all.

Arrow's own cast gives another number, and says nothing, where a value's digits and those that the scale asks for are
together more than it holds.
"""

import re
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_MOST: Final = 38
"""Digits that a decimal128 holds."""
_WRITTEN: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER_DIGITS: Final = {8: 3, 16: 5, 32: 10, 64: 20}


def decimals(found: "pa.Array[Any]", wanted: pa.Decimal128Type) -> "pa.Array[Any]":
    """Texts, integers or other decimals as such decimals. Raises ArrowInvalid where one of them is none."""
    if _held(found, wanted):
        return found.cast(wanted, safe=True)
    return pa.array(list(_reckoned(found.to_pylist(), wanted)), wanted)


def _held(found: "pa.Array[Any]", wanted: pa.Decimal128Type) -> bool:
    """Whether Arrow holds whatever its cast makes of these on the way."""
    if pa.types.is_decimal(found.type):
        return bool(found.type.precision + max(0, wanted.scale - found.type.scale) <= _MOST)
    if pa.types.is_integer(found.type):
        return bool(_INTEGER_DIGITS[found.type.bit_width] + wanted.scale <= _MOST)
    if not (pa.types.is_string(found.type) or pa.types.is_large_string(found.type)):
        return True
    usual = rf"^[+-]?0*[0-9]{{0,{wanted.precision - wanted.scale}}}(\.[0-9]{{0,{wanted.scale}}})?$"
    return pc.all(pc.match_substring_regex(found, usual), skip_nulls=True).as_py() is not False


def _reckoned(values: list[Any], wanted: pa.Decimal128Type) -> Iterator[Decimal | None]:
    exact = Context(prec=wanted.precision, traps=[Inexact, InvalidOperation])
    step = Decimal(1).scaleb(-wanted.scale)
    for value in values:
        if isinstance(value, str) and not _WRITTEN.fullmatch(value):
            raise pa.ArrowInvalid(f"{value!r} is no number")
        try:
            yield None if value is None else Decimal(value).quantize(step, context=exact)
        except (Inexact, InvalidOperation):
            raise pa.ArrowInvalid(f"{value} is no {wanted}") from None
