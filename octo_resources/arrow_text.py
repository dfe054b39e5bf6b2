"""Text into Arrow's types: exactly, or not at all."""

import json
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_resources.arrow_decimals import decimals

_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"
_WHOLE: Final = r"^-?[0-9]+$"
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH
_DAY: Final = 86_400_000_000
"""Microseconds."""
_REFUSALS: Final = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def typed(texts: "pa.Array[Any]", wanted: pa.DataType) -> tuple["pa.Array[Any]", list[int]]:
    """The texts in another type, and the places of those that are no value of it (NULL there)."""
    try:
        return _cast(texts, wanted), []
    except _REFUSALS:
        pass
    parts, lost = _halved(texts, wanted, 0)
    return pa.concat_arrays(parts), lost


def _halved(texts: "pa.Array[Any]", wanted: pa.DataType, first: int) -> tuple[list["pa.Array[Any]"], list[int]]:
    """By halves, so that a few bad ones among many cost little."""
    try:
        return [_cast(texts, wanted)], []
    except _REFUSALS:
        if len(texts) == 1:
            return [pa.array([None], wanted)], [first]
    half = len(texts) // 2
    left, lost = _halved(texts.slice(0, half), wanted, first)
    right, more = _halved(texts.slice(half), wanted, first + half)
    return left + right, lost + more


def out_of_calendar(found: "pa.Array[Any]") -> bool:
    """Whether dates or times are none that there are here: infinities, and years that no calendar here has, are numbers
    far off."""
    if pa.types.is_date32(found.type):
        return not _within(found.cast(pa.int32()), _FIRST_DAY, _LAST_DAY)
    if pa.types.is_timestamp(found.type):
        return not _within(found.cast(pa.int64()), _FIRST_DAY * _DAY, (_LAST_DAY + 1) * _DAY - 1)
    if pa.types.is_time64(found.type):
        return not _within(found.cast(pa.int64()), 0, _DAY - 1)
    return False


def _within(numbers: "pa.Array[Any]", least: int, most: int) -> bool:
    low, high = pc.min(numbers).as_py(), pc.max(numbers).as_py()
    return low is None or (low >= least and high <= most)


def _cast(texts: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
    if pa.types.is_list(wanted):
        return _lists(texts, wanted)
    if isinstance(wanted, pa.Decimal128Type):
        return decimals(texts, wanted)
    if pa.types.is_time(wanted):
        return _times(texts, wanted)
    found = texts.cast(wanted, safe=True)
    if pa.types.is_integer(wanted) and not _all(texts, _WHOLE):
        raise pa.ArrowInvalid("no number of the usual kind")  # 0x1F
    if out_of_calendar(found):
        raise pa.ArrowInvalid("no day of the calendar")
    return found


def _all(texts: "pa.Array[Any]", pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern), skip_nulls=True).as_py() is not False


def _times(texts: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
    if not _all(texts, _CLOCK):
        raise pa.ArrowInvalid("no time of day")
    moments: pa.Array[Any] = pc.replace_substring_regex(texts, "^", "1970-01-01 ").cast(pa.timestamp("us"))
    return moments.cast(wanted)


def _lists(texts: "pa.Array[Any]", wanted: "pa.ListType[Any]") -> "pa.Array[Any]":
    """Lists of scalars that are written in JSON."""
    found: list[list[str | None] | None] = []
    for text in texts.to_pylist():
        try:
            value = None if text is None else json.loads(text, parse_float=str, parse_int=str)
        except ValueError:
            raise pa.ArrowInvalid("no JSON") from None
        if value is not None and (not isinstance(value, list) or any(isinstance(one, list | dict) for one in value)):
            raise pa.ArrowInvalid("no list of one dimension")
        found.append(None if value is None else [_scalar(one) for one in value])
    lists: Any = pa.array(found, pa.list_(pa.string()))
    elements = _cast(lists.values, wanted.value_type)
    made: pa.Array[Any] = pa.ListArray.from_arrays(lists.offsets, elements, type=wanted, mask=lists.is_null())
    return made


def _scalar(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
