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

from octo_resources.sources.kafka.members import MEMBERS, object_of

ROW: Final = ""
"""The side of a message that is the row, without an envelope around it."""
Convert = Callable[[bytes], bytes]
"""A token as the message has it → the token that stands for it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT: Final = Context(prec=2000)
_EACH: Final = msgspec.json.Decoder(list[msgspec.Raw])


@lru_cache(maxsize=1000)
def converters(schema: bytes, side: str) -> Mapping[str, Convert]:
    """Field of `before` or `after`, or where there is no such side of the row itself → how its values are written
    out. `schema`: as the message has it, in JSON."""
    described = msgspec.json.decode(schema)
    if side == ROW:
        return _of_fields(described)
    inner = next((one for one in _fields(described) if one.get("field") == side), None)
    return _of_fields(inner)


@lru_cache(maxsize=1000)
def converter(schema: bytes) -> Convert | None:
    """How a whole key or value of that schema is written out; None where it may stay as it is."""
    return _converter(msgspec.json.decode(schema))


def converted(convert: Convert, raw: msgspec.Raw) -> msgspec.Raw:
    """A token written out; null stays null."""
    return msgspec.Raw(convert(bytes(raw)))


def _fields(schema: Any) -> list[dict[str, Any]]:
    found = schema.get("fields") if isinstance(schema, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _of_fields(schema: Any) -> dict[str, Convert]:
    made = {str(one.get("field")): _converter(one) for one in _fields(schema)}
    return {name: convert for name, convert in made.items() if convert is not None}


def _converter(described: Any) -> Convert | None:
    if not isinstance(described, dict):
        return None
    own = written(str(described.get("name") or ""), _scale(described.get("parameters")))
    if own is not None:
        return _kept_where_it_fails(lambda raw: own(msgspec.json.decode(raw)).encode())
    inner = _converter(described.get("items")) if described.get("type") == "array" else None
    if inner is not None:
        one = inner
        return _kept_where_it_fails(lambda raw: b"[%b]" % b",".join(one(bytes(each)) for each in _EACH.decode(raw)))
    members = _of_fields(described) if described.get("type") == "struct" else {}
    return _kept_where_it_fails(lambda raw: _struct(raw, members)) if members else None


def _scale(parameters: Any) -> int:
    told = str(parameters.get("scale", 0)) if isinstance(parameters, dict) else "0"
    return int(told) if told.lstrip("-").isdecimal() else 0


def _struct(raw: bytes, members: Mapping[str, Convert]) -> bytes:
    found = MEMBERS.decode(raw)
    return object_of({name: converted(members[name], one) if name in members else one for name, one in found.items()})


def _kept_where_it_fails(convert: Convert) -> Convert:
    def kept(raw: bytes) -> bytes:
        if raw == b"null":
            return raw
        with suppress(ValueError, TypeError, OverflowError, KeyError, AttributeError, msgspec.DecodeError):
            return convert(raw)
        return raw

    return kept


def written(name: str, scale: int = 0) -> Callable[[Any], str] | None:
    """What makes a JSON token of a value of a logical type of Connect's or Debezium's; None of another one."""
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


def _moment(per_second: int) -> Callable[[Any], str]:
    def convert(count: int) -> str:
        seconds, rest = divmod(count, per_second)
        whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        return f'"{whole}{_fraction(rest, per_second)}"'

    return convert


def _clock(per_second: int) -> Callable[[Any], str]:
    def convert(count: int) -> str:
        seconds, rest = divmod(count, per_second)
        if not 0 <= seconds <= 86_400:
            raise ValueError(count)
        return f'"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{_fraction(rest, per_second)}"'

    return convert


def _fraction(rest: int, per_second: int) -> str:
    digits = str(rest).zfill(len(str(per_second)) - 1).rstrip("0")
    return f".{digits}" if digits else ""


def _duration(per_second: int) -> Callable[[Any], str]:
    def convert(count: int) -> str:
        sign, whole = "-" if count < 0 else "", abs(count)
        return f'"{sign}PT{whole // per_second}{_fraction(whole % per_second, per_second)}S"'

    return convert


_TIMES: Final[Mapping[str, Callable[[Any], str]]] = {
    "io.debezium.time.MicroDuration": _duration(1_000_000),
    "io.debezium.time.NanoDuration": _duration(1_000_000_000),
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
