"""Kafka Connect's logical types in JSON: decimals as bytes, dates as days, times as counts; here written out.

A value that does not fit its type (a year past 9999) stays as it is, for the load to judge.
"""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Context
from functools import lru_cache
from typing import Any, Final

import msgspec

Convert = Callable[[Any], str]
"""A value as JSON holds it → the token that stands for it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT: Final = Context(prec=2000)


@lru_cache(maxsize=1000)
def converters(schema: bytes, side: str) -> Mapping[str, Convert]:
    """Field of `before` or `after` → how its values are written out. `schema`: as the message has it, in JSON."""
    found: dict[str, Convert] = {}
    for one in _fields(msgspec.json.decode(schema), side):
        made = _converter(one)
        if made is not None:
            found[str(one.get("field"))] = made
    return found


def converted(convert: Convert, raw: msgspec.Raw) -> msgspec.Raw:
    """A token written out; null stays null."""
    text = bytes(raw)
    if text == b"null":
        return raw
    with suppress(ValueError, TypeError, OverflowError, KeyError):
        return msgspec.Raw(convert(msgspec.json.decode(text)).encode())
    return raw


def _fields(schema: Any, side: str) -> list[dict[str, Any]]:
    if not isinstance(schema, dict):
        return []
    inner = next((one for one in schema.get("fields") or () if one.get("field") == side), None)
    return list(inner.get("fields") or ()) if inner else []


def _converter(field: Mapping[str, Any]) -> Convert | None:
    name, scale = str(field.get("name") or ""), int((field.get("parameters") or {}).get("scale", 0))
    if name == "org.apache.kafka.connect.data.Decimal":
        return lambda value: _decimal(value, scale)
    if name == "io.debezium.data.VariableScaleDecimal":
        return lambda value: _decimal(value["value"], int(value["scale"]))
    return _TIMES.get(name)


def _decimal(text: str, scale: int) -> str:
    unscaled = int.from_bytes(base64.b64decode(text), "big", signed=True)
    return format(_EXACT.create_decimal(unscaled).scaleb(-scale, _EXACT), "f")


def _date(days: int) -> str:
    return f'"{(date(1970, 1, 1) + timedelta(days=days)).isoformat()}"'


def _moment(per_second: int) -> Convert:
    def convert(count: int) -> str:
        seconds, rest = divmod(count, per_second)
        whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        return f'"{whole}{_fraction(rest, per_second)}"'

    return convert


def _clock(per_second: int) -> Convert:
    def convert(count: int) -> str:
        seconds, rest = divmod(count, per_second)
        if not 0 <= seconds <= 86_400:
            raise ValueError(count)
        return f'"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{_fraction(rest, per_second)}"'

    return convert


def _fraction(rest: int, per_second: int) -> str:
    digits = str(rest).zfill(len(str(per_second)) - 1).rstrip("0")
    return f".{digits}" if digits else ""


_TIMES: Final[Mapping[str, Convert]] = {
    "org.apache.kafka.connect.data.Date": _date,
    "io.debezium.time.Date": _date,
    "org.apache.kafka.connect.data.Time": _clock(1_000),
    "io.debezium.time.Time": _clock(1_000),
    "io.debezium.time.MicroTime": _clock(1_000_000),
    "io.debezium.time.NanoTime": _clock(1_000_000_000),
    "org.apache.kafka.connect.data.Timestamp": _moment(1_000),
    "io.debezium.time.Timestamp": _moment(1_000),
    "io.debezium.time.MicroTimestamp": _moment(1_000_000),
    "io.debezium.time.NanoTimestamp": _moment(1_000_000_000),
}
