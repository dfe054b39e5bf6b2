"""Quantities as people write them in a pipeline file: durations (`2 h`, `30d`) and sizes (`256 MB`)."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµ]*)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*([a-z]+)", re.IGNORECASE)
_SECONDS = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 604800,
    "week": 604800,
    "weeks": 604800,
}
_SIZES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", start=1):
    _SIZES |= {f"{_letter}b": 1000**_power, f"{_letter}ib": 1024**_power, _letter: 1000**_power}


def parse_duration(value: object) -> timedelta:
    """`2 h`, `30 min`, `1 h 30 min`, or a number of seconds. Raises ValueError."""
    try:
        return _duration(value)
    except OverflowError:
        raise ValueError(f"{value!r} is longer than any duration") from None


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return timedelta(seconds=value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return timedelta(seconds=float(value))  # seconds that came as text, through ${env:…}
    if isinstance(value, str):
        found = _DURATION.findall(value)
        rest = _DURATION.sub("", value).strip()
        if found and not rest and all(unit.lower() in _SECONDS for _, unit in found):
            return timedelta(seconds=sum(float(number) * _SECONDS[unit.lower()] for number, unit in found))
    raise ValueError(f"{value!r} is no duration; write for example 30 s, 15 min, 2 h or 30 d")


def parse_size(value: object) -> int:
    """Bytes from `256 MB`, `2 GiB`, `200k` or a whole number. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip().lower())
        if match and match.group(2) in _SIZES:
            return int(float(match.group(1)) * _SIZES[match.group(2)])
    raise ValueError(f"{value!r} is no size; write for example 256 MB or 2 GB")


def parse_rate(value: str) -> float:
    """Requests per second from `10/s`, `600/min` or `1000/h`. Raises ValueError."""
    match = _RATE.fullmatch(value.strip())
    if match and match.group(2).lower() in _SECONDS and float(match.group(1)) > 0:
        return float(match.group(1)) / _SECONDS[match.group(2).lower()]
    raise ValueError(f"{value!r} is no rate; write for example 10/s or 600/min")


def duration_text(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:g} s"


Duration = Annotated[
    timedelta,
    PlainValidator(parse_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}], "examples": ["2 h", "30 min"]}),
]
Size = Annotated[
    int,
    PlainValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}], "examples": ["256 MB"]}),
]


def _rate(value: str) -> str:
    parse_rate(value)
    return value


Rate = Annotated[str, AfterValidator(_rate)]
"""A rate as it is written; `parse_rate` makes a number of it."""
