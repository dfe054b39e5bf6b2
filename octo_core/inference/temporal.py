"""Dates, times and timestamps in the many ways people write them, each with the format that reads it.

Formats are those of octo_core/expressions/formats.py: `%d` has two digits, `%-d` one or two.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name[:3]: number for number, name in enumerate(_MONTHS, 1)
}
_WEEKDAYS: Final = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
_SHORT_DAYS: Final = frozenset(day[:3] for day in _WEEKDAYS)

_DATE: Final = (
    r"(?:(?P<w>[A-Za-z]{3,9})(?P<ws>,? ))?"
    r"(?:(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
    r"|(?P<a2>\d{1,2})(?P<s2>[-/. ])(?P<b2>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})"
    r"|(?P<d3>\d{1,2})(?P<s3>[-/. ])(?P<b3>[A-Za-z]{3,9})(?P<t3>, | |[-/.])(?P<y3>\d{4}|\d{2})"
    r"|(?P<b4>[A-Za-z]{3,9}) (?P<d4>\d{1,2})(?P<t4>,? )(?P<y4>\d{4})"
    r"|(?P<y6>\d{4})(?P<s6>[年년] ?)(?P<m6>\d{1,2})(?P<t6>[月월] ?)(?P<d6>\d{1,2})(?P<e6>[日일])"
    r"|(?P<c5>\d{8}))"
)
CLOCK: Final = (
    r"(?P<H>\d{1,2})(?P<hs>:|(?<=\d\d)h(?=\d\d(?: |\Z)))(?P<M>\d{2})"
    r"(?::(?P<S>\d{2})(?:(?P<fs>[.,])(?P<f>\d{1,9}))?)?(?:(?P<ps> ?)(?P<p>[AaPp][Mm]))?"
)
"""As the French write it, too, with two digits (`05h12`): `5h12` may be how long something took."""
ZONE: Final = r"(?P<zs> ?)(?P<z>Z|[+-]\d{2}:?\d{2}|[+-]\d{2}|UTC|GMT)"
_COMPACT_TIME: Final = r"(?P<C>\d{6})"
_ALONE: Final = re.compile(_DATE, re.ASCII)
_TIME_ALONE: Final = re.compile(CLOCK, re.ASCII)
_MOMENT: Final = re.compile(
    rf"{_DATE}(?P<sep>T| |, |  |(?<=/\d{{4}}):)(?:{CLOCK}|{_COMPACT_TIME})(?:{ZONE})?", re.ASCII
)
"""A colon comes between date and time in web servers' logs: `10/Oct/2000:13:55:36 -0700`."""
ISO: Final = re.compile(r"(?:%Y-%m-%d[T ])?%H:%M(?::%S(?:\.%f)?)?(?:Z|%z)?|iso")
"""The patterns that the format `iso` reads too (but for the date alone)."""
_DIGIT: Final = re.compile("[0-9]")
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})?")


def temporal_claims(text: str) -> Iterator[tuple[str, str, str]]:
    """(`date` | `time` | `timestamp` | `timestamptz`, format, sortable text) for each way to read `text`.

    `03/04/2021` comes twice, day first and month first; all values of a field together decide.
    """
    if not 4 <= len(text) <= 48 or _DIGIT.search(text) is None:
        return
    match = _TIME_ALONE.fullmatch(text)
    if match:
        moment = clock_of(match)
        if moment and not _only_zeros_beyond(match["f"]):
            yield "time", moment[1], moment[0].isoformat("microseconds")
        return
    dates = list(digit_dates(text))
    if dates:
        yield from (("date", layout, day.isoformat()) for day, layout in dates)
        return
    match = _MOMENT.fullmatch(text)
    if match:
        yield from _moments(match)


def _moments(match: re.Match[str]) -> Iterator[tuple[str, str, str]]:
    found = _compact(match["C"]) if match["C"] else clock_of(match)
    if found is None:
        return
    clock, clock_layout = found
    shift, zone_layout = zone_of(match)
    if match["z"] and zone_layout is None:
        return
    long = _only_zeros_beyond(match["f"])
    for day, layout in _dates(match):
        full = f"{layout}{match['sep']}{clock_layout}{zone_layout or ''}"
        if long:  # zeros after the microseconds: only `iso` reads them
            if not ISO.fullmatch(full):
                continue
            full = "iso"
        yield from moment_claim(datetime.combine(day, clock), shift if match["z"] else None, full)


def moment_claim(moment: datetime, shift: timedelta | None, layout: str) -> Iterator[tuple[str, str, str]]:
    """The claim of a day and time, in UTC where it has an offset; none where UTC has no such year."""
    if shift is None:
        yield "timestamp", layout, moment.isoformat(" ", "microseconds")
        return
    with suppress(OverflowError, ValueError):
        instant = moment.replace(tzinfo=timezone(shift)).astimezone(UTC)
        yield "timestamptz", layout, instant.replace(tzinfo=None).isoformat(" ", "microseconds")


def digit_dates(text: str) -> Iterator[tuple[date, str]]:
    """The days that a date alone can be, with the format of each; none where it is no date."""
    match = _ALONE.fullmatch(text)
    if match:
        yield from _dates(match)


def _dates(match: re.Match[str]) -> Iterator[tuple[date, str]]:
    prefix = ""
    if match["w"]:
        word = match["w"].lower()
        if word not in _SHORT_DAYS and word not in _WEEKDAYS:
            return
        prefix = ("%a" if word in _SHORT_DAYS else "%A") + match["ws"]
    for year, month, day, layout in _parts(match):
        try:
            yield date(year, month, day), prefix + layout
        except ValueError:
            continue


def _parts(match: re.Match[str]) -> Iterator[tuple[int, int, int, str]]:
    if match["y1"]:
        s, day, month = match["s1"], *_letters(match["d1"], match["m1"])
        yield int(match["y1"]), int(match["m1"]), int(match["d1"]), f"%Y{s}{month}{s}{day}"
    elif match["y2"]:
        s, (year, letter) = match["s2"], _year(match["y2"])
        first, second = int(match["a2"]), int(match["b2"])
        day, month = _letters(match["a2"], match["b2"])
        yield year, second, first, f"{day}{s}{month}{s}{letter}"
        yield year, first, second, f"{month}{s}{day}{s}{letter}"
        if letter == "%y" and len(match["a2"]) == 2 and len(match["b2"]) == 2:
            short, _ = _year(match["a2"])
            yield short, second, int(match["y2"]), f"%y{s}%m{s}%d"
    elif match["y3"]:
        year, letter = _year(match["y3"])
        day, _ = _letters(match["d3"])
        for number, name in _month(match["b3"]):
            yield year, number, int(match["d3"]), f"{day}{match['s3']}{name}{match['t3']}{letter}"
    elif match["y4"]:
        day, _ = _letters(match["d4"])
        for number, name in _month(match["b4"]):
            yield int(match["y4"]), number, int(match["d4"]), f"{name} {day}{match['t4']}%Y"
    elif match["y6"]:
        day, month = _letters(match["d6"], match["m6"])
        yield (
            int(match["y6"]),
            int(match["m6"]),
            int(match["d6"]),
            f"%Y{match['s6']}{month}{match['t6']}{day}{match['e6']}",
        )
    elif match["c5"]:
        text = match["c5"]
        if "1800" <= text[:4] <= "2199":
            yield int(text[:4]), int(text[4:6]), int(text[6:]), "%Y%m%d"


def _year(text: str) -> tuple[int, str]:
    """Two digits as strptime (POSIX) has them: 69–99 are of the 1900s, 00–68 of the 2000s."""
    if len(text) == 4:
        return int(text), "%Y"
    return int(text) + (1900 if int(text) >= 69 else 2000), "%y"


def _letters(*parts: str) -> tuple[str, str]:
    """The letters of day and month: both loose where either has one digit, so that a field has one format."""
    return ("%-d", "%-m") if any(len(part) == 1 for part in parts) else ("%d", "%m")


def _month(name: str) -> list[tuple[int, str]]:
    """The month's number with its letter; May is short and in full."""
    low = name.lower()
    number = _MONTH.get(low)
    if number is None:
        return []
    return [(number, letter) for letter, fits in (("%b", len(low) == 3), ("%B", low in _MONTHS)) if fits]


def clock_of(match: re.Match[str]) -> tuple[time, str] | None:
    """The time of day of a match of CLOCK with its format; None where there is no such time."""
    hour, minute, second = int(match["H"]), int(match["M"]), int(match["S"] or 0)
    finer = match["f"] and len(match["f"].rstrip("0")) > 6
    layout = (
        ("%H" if len(match["H"]) == 2 else "%-H")
        + f"{match['hs']}%M"
        + (":%S" if match["S"] else "")
        + (f"{match['fs']}{'%9f' if finer else '%f'}" if match["f"] else "")
    )
    if match["p"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["p"].lower() == "pm" else 0)
        layout = layout.replace("%H", "%I").replace("%-H", "%-I") + f"{match['ps']}%p"
    try:
        return time(hour, minute, second, int((match["f"] or "0").ljust(6, "0")[:6])), layout
    except ValueError:
        return None


def _only_zeros_beyond(fraction: str | None) -> bool:
    """Whether a fraction of a second has more than six digits, of which those beyond say nothing."""
    return fraction is not None and len(fraction.rstrip("0")) <= 6 < len(fraction)


def _compact(text: str) -> tuple[time, str] | None:
    try:
        return time(int(text[:2]), int(text[2:4]), int(text[4:])), "%H%M%S"
    except ValueError:
        return None


def zone_of(match: re.Match[str]) -> tuple[timedelta, str | None]:
    """The offset of a match of ZONE with its format; no format where there is no zone, or none that can be."""
    zone, space = match["z"], match["zs"]
    if zone is None:
        return timedelta(), None
    if zone in ("Z", "UTC", "GMT"):
        return timedelta(), f"{space}{zone}"
    offset = _OFFSET.fullmatch(zone)
    if offset:
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours > 15 or minutes > 59:
            return timedelta(), None
        shift = timedelta(hours=hours, minutes=minutes)
        return (shift if offset[1] == "+" else -shift), f"{space}%z"
    return timedelta(), None
