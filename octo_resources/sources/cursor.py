"""Cursors: the newest value of a field that was seen, and the value to read from next, a lag before it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from octo_core.errors import SourceError

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:(?P<sep>[T ])(?P<clock>\d{2}:\d{2}(?P<seconds>:\d{2})?)"
    r"(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>\s?(?:Z|z|[+-]\d{2}(?::?\d{2})?))?"
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_MILLISECONDS = Decimal(100_000_000_000)  # epoch seconds reach this in the year 5138

Key = Decimal | datetime | str


@dataclass(frozen=True, slots=True)
class Start:
    """`position`: how far reading had come. `asked`: the value that the source is asked from, a lag before it."""

    position: str | None = None
    asked: str | None = None
    again: bool = False
    """Whether somebody asked for what was read before (`--since`)."""

    @property
    def told(self) -> str | None:
        """From where reading goes, as a load tells it: the position, without the lag."""
        return self.asked if self.again else self.position


def newest(values: Iterable[str], format_: str | None = None) -> str | None:
    """The greatest value: as numbers where all are, as times where all are, else as text. None of none."""
    unique = set(values)
    if not unique:
        return None
    for read in (_number, lambda text: _moment(text, format_)):
        keys = {text: read(text) for text in unique}
        if None not in keys.values():
            return max(unique, key=lambda text: (keys[text], text))
    return max(unique)


def comparable(value: str, other: str, format_: str | None = None) -> bool:
    """Whether two values are of one kind: numbers, times, or neither."""
    return [_number(value) is None, _moment(value, format_) is None] == [
        _number(other) is None,
        _moment(other, format_) is None,
    ]


def less(value: str, lag: timedelta | int | None, format_: str | None = None) -> str:
    """The value so much earlier, written as it was. Raises SourceError where a lag makes no sense of the value."""
    if not lag:
        return value
    number = _number(value)
    if number is not None:
        return _plain(number - _steps(lag, number))
    moment = _moment(value, format_)
    if moment is None:
        raise SourceError(
            f"cursor.lag: {value!r} is neither a number nor a time",
            hint="Leave `lag` out, or give cursor.format with strptime's letters.",
            retryable=False,
        )
    try:
        earlier = moment - (lag if isinstance(lag, timedelta) else timedelta(seconds=lag))
    except OverflowError:
        return value  # the first days of the calendar, as people write for "from the beginning"
    return earlier.strftime(format_) if format_ else _as_before(value, earlier)


def _steps(lag: timedelta | int, number: Decimal) -> Decimal:
    """A duration counts in the value's own unit: milliseconds where it is that big, else seconds (or steps)."""
    if isinstance(lag, int):
        return Decimal(lag)
    seconds = Decimal(str(lag.total_seconds()))
    return seconds * 1000 if number > _MILLISECONDS else seconds


def _plain(number: Decimal) -> str:
    return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        return None


def _moment(text: str, format_: str | None) -> datetime | None:
    """Times without a zone are compared among themselves and with others as if they were UTC."""
    try:
        if format_:
            moment = datetime.strptime(text, format_)  # noqa: DTZ007 - a zone is set below
        elif match := _ISO.fullmatch(text):
            zone = (match["zone"] or "").strip().upper()
            fraction = (match["fraction"] or "0")[:6].ljust(6, "0")
            moment = datetime.fromisoformat(f"{match['date']}T{match['clock'] or '00:00'}").replace(
                microsecond=int(fraction)
            )
            if zone:
                moment = datetime.fromisoformat(f"{moment.isoformat()}{_whole(zone)}")
        else:
            return None
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole(zone: str) -> str:
    digits = zone.replace(":", "")
    return "+00:00" if zone == "Z" else f"{digits[:3]}:{digits[3:] or '00'}"


def _as_before(value: str, moment: datetime) -> str:
    match = _ISO.fullmatch(value)
    assert match is not None
    text = moment.date().isoformat()
    if match["sep"]:
        text += match["sep"] + moment.strftime("%H:%M:%S" if match["seconds"] else "%H:%M")
    if match["fraction"]:
        text += "." + f"{moment.microsecond:06d}".ljust(9, "0")[: len(match["fraction"])]
    return text + (match["zone"] or "")
