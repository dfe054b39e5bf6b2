"""Text into Arrow's types: exactly, or not at all."""

import json
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"
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


def _cast(texts: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
    if pa.types.is_list(wanted):
        return _lists(texts, wanted)
    if not pa.types.is_time(wanted):
        return texts.cast(wanted, safe=True)
    if pc.all(pc.match_substring_regex(texts, _CLOCK), skip_nulls=True).as_py() is False:
        raise pa.ArrowInvalid("no time of day")
    moments: pa.Array[Any] = pc.replace_substring_regex(texts, "^", "1970-01-01 ").cast(pa.timestamp("us"))
    return moments.cast(wanted)


def _lists(texts: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
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
    return pa.array(found, pa.list_(pa.string())).cast(wanted, safe=True)


def _scalar(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
