"""Dates and times read in Python as expressions/times.py has DuckDB read them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Final, cast
from zoneinfo import ZoneInfo

from octo_core.calendar_names import Letter, names
from octo_core.expressions.times import (
    EPOCHS,
    LETTER,
    TimeFormat,
    TimeKind,
    format_regex,
    letter_regex,
    parse_time_format,
)
from octo_core.types import DataType

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO_DATE: Final = "%Y-%m-%d"
_ISO_CLOCK: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?(Z|[+-].*)?")


def read_time(token: str, kind: DataType, fmt: str) -> date | time | datetime | None:
    """The value by the first of the format's alternatives that fits; None where none does."""
    name = cast(TimeKind, kind.kind)
    for one in parse_time_format(fmt, name):
        if _grammar(one, name).fullmatch(token):
            try:
                found = _value(token, one, name)
            except (ValueError, OverflowError):
                continue
            if found is not None:
                return found
    return None


@lru_cache(maxsize=2048)
def _grammar(fmt: TimeFormat, kind: TimeKind) -> re.Pattern[str]:
    return re.compile(format_regex(fmt, kind))


def _value(token: str, fmt: TimeFormat, kind: TimeKind) -> date | time | datetime | None:
    if fmt.text in EPOCHS:
        moment = _EPOCH + timedelta(microseconds=int(Decimal(token).scaleb(EPOCHS[fmt.text])))
        return moment if kind == "timestamptz" else moment.replace(tzinfo=None)
    if fmt.text == "hhmm":
        padded = token.rjust(4, "0")
        return time(int(padded[:2]) % 24, int(padded[2:]))
    parts = _iso(token, kind) if fmt.text == "iso" else _parts(token, fmt.text, fmt.language)
    if kind == "date":
        return parts.day()
    if kind == "time":
        return parts.clock()
    local = datetime.combine(parts.day(), parts.clock())
    if kind == "timestamp":
        return local
    if fmt.zone:
        return _in_zone(local, ZoneInfo(fmt.zone))
    return local.replace(tzinfo=parts.offset()).astimezone(UTC)


def _in_zone(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of a local time; None for one that the zone's clocks skip. Of two, the later one."""
    instant = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None


@dataclass(frozen=True, slots=True)
class _Parts:
    """The texts of a token by strptime's letters, without %- and digits."""

    found: Mapping[str, str]
    token: str
    language: str | None = None

    def day(self) -> date:
        found = self.found
        year = int(found["Y"]) if "Y" in found else _century(int(found["y"]))
        if "j" in found:
            day = date(year, 1, 1) + timedelta(days=int(found["j"]) - 1)
            if day.year != year:
                raise ValueError
        else:
            day = date(year, int(found.get("m") or self._month()), int(found["d"]))
        for letter, shown in (("a", f"{day:%a}"), ("A", f"{day:%A}")):
            if letter in found and not self._agrees(letter, shown, day.isoweekday()):
                raise ValueError
        return day

    def _month(self) -> int:
        if self.language is None:
            return _MONTHS.index((self.found.get("b") or self.found["B"])[:3].lower()) + 1
        return self._number("b" if "b" in self.found else "B")

    def _agrees(self, letter: str, shown: str, weekday: int) -> bool:
        return shown.lower() in self.token.lower() if self.language is None else self._number(letter) == weekday

    def _number(self, letter: str) -> int:
        """What a name of the language stands for; its grammar has let none but those through."""
        all_names = names(cast(str, self.language), cast(Letter, letter))
        return next(number for number, forms in enumerate(all_names, 1) if self.found[letter] in forms)

    def clock(self) -> time:
        found = self.found
        hour = int(found.get("H") or found.get("I") or 0)
        if "p" in found:
            hour = hour % 12 + (12 if found["p"].lower() == "pm" else 0)
        fraction = (found.get("f") or found.get("9f") or "0").ljust(6, "0")[:6]
        return time(hour, int(found.get("M") or 0), int(found.get("S") or 0), int(fraction))

    def offset(self) -> timezone:
        text = self.found.get("z") or "Z"
        if text == "Z":
            return UTC
        digits = text[1:].replace(":", "").ljust(4, "0")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return timezone(-shift if text[0] == "-" else shift)


def _century(year: int) -> int:
    return year + (1900 if year >= 69 else 2000)


@lru_cache(maxsize=2048)
def _groups(pattern: str, language: str | None) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pieces = re.split(f"({LETTER})", pattern)
    grammar = "".join(f"({letter_regex(one, language)})" if at % 2 else re.escape(one) for at, one in enumerate(pieces))
    return re.compile(grammar), tuple(letter.lstrip("%-") for letter in pieces[1::2])


def _parts(token: str, pattern: str, language: str | None = None) -> _Parts:
    grammar, letters = _groups(pattern, language)
    match = grammar.fullmatch(token)
    if match is None:
        raise ValueError
    return _Parts(dict(zip(letters, match.groups(), strict=True)), token, language)


def _iso(token: str, kind: TimeKind) -> _Parts:
    if kind == "date":
        return _parts(token, _ISO_DATE)
    clock = token if kind == "time" else token[11:]
    match = _ISO_CLOCK.fullmatch(clock)
    if match is None:
        raise ValueError
    found = {letter: text for letter, text in zip("HMSfz", match.groups(), strict=True) if text}
    return _Parts(found if kind == "time" else {**_parts(token[:10], _ISO_DATE).found, **found}, token)
