"""Dates and times as text: strptime's letters with one strict meaning, and their reading in DuckDB."""

import re
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from octo_core.calendar_names import Letter, has_names, languages, names
from octo_core.expressions.numbers import named, text_literal, with_name

LETTER: Final = r"%(?:9f|-?.?)"
TimeKind = Literal["date", "time", "timestamp", "timestamptz"]

_YEAR = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)"

LETTERS: Final[dict[str, tuple[str, str]]] = {
    "%Y": (_YEAR, "year, four digits, 0001 to 9999"),
    "%y": ("[0-9]{2}", "year, two digits: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068"),
    "%m": ("(?:0[1-9]|1[0-2])", "month, two digits"),
    "%-m": ("(?:0?[1-9]|1[0-2])", "month, one or two digits"),
    "%b": (
        "(?i:" + "|".join(name[:3] for name in _MONTHS.split("|")) + ")",
        "month, short: English, three letters, or the language's",
    ),
    "%B": (f"(?i:{_MONTHS})", "month, in full: English, or the language's"),
    "%d": ("(?:0[1-9]|[12][0-9]|3[01])", "day of the month, two digits"),
    "%-d": ("(?:0?[1-9]|[12][0-9]|3[01])", "day of the month, one or two digits"),
    "%j": ("(?:00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])", "day of the year, three digits"),
    "%a": (
        "(?i:" + "|".join(name[:3] for name in _DAYS.split("|")) + ")",
        "weekday, short: English, three letters, or the language's; must agree",
    ),
    "%A": (f"(?i:{_DAYS})", "weekday, in full: English, or the language's; must agree with the date"),
    "%H": ("(?:[01][0-9]|2[0-3])", "hour 00 to 23, two digits"),
    "%-H": ("(?:[01]?[0-9]|2[0-3])", "hour 0 to 23, one or two digits"),
    "%I": ("(?:0[1-9]|1[0-2])", "hour 01 to 12, with %p"),
    "%-I": ("(?:0?[1-9]|1[0-2])", "hour 1 to 12, with %p"),
    "%p": ("(?i:am|pm)", "AM or PM"),
    "%M": ("[0-5][0-9]", "minute, two digits"),
    "%-M": ("[0-5]?[0-9]", "minute, one or two digits"),
    "%S": ("[0-5][0-9]", "second, two digits, 00 to 59"),
    "%-S": ("[0-5]?[0-9]", "second, one or two digits"),
    "%f": ("[0-9]{1,6}", "fraction of the second, one to six digits"),
    "%9f": (
        "[0-9]{1,9}",
        "fraction of the second, one to nine digits; what is finer than a microsecond is cut off",
    ),
    "%z": (_OFFSET, "offset from UTC: Z, +02, +0200 or +02:00; at the end only"),
    "%%": ("%", "a percent sign"),
}
"""strptime's letters → (grammar in RE2, meaning). Numbers have exactly the digits told, unlike in strptime."""

_DATE: Final = frozenset({"Y", "y", "m", "b", "B", "d", "j", "a", "A"})
_NAMES: Final = frozenset({"B", "b", "A", "a"})
_CLOCK: Final = frozenset({"H", "I", "p", "M", "S", "f"})
_ISO_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6}0*)?)?"
_ISO_DATE = rf"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
ISO: Final[dict[str, str]] = {
    "date": _ISO_DATE,
    "time": _ISO_CLOCK,
    "timestamp": rf"{_ISO_DATE}[T ]{_ISO_CLOCK}",
    "timestamptz": rf"{_ISO_DATE}[T ]{_ISO_CLOCK}{_OFFSET}",
}
EPOCHS: Final[dict[str, int]] = {"epoch_s": 6, "epoch_ms": 3, "epoch_us": 0}
"""Epoch formats → decimals that a token may have, down to the microsecond."""
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
NATIVE: Final[dict[str, str]] = {
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}
_CASTABLE = re.compile(r"(?:%Y-%m-%d)?(?:(?<=%d)[T ](?=%H))?(?:%H:%M(?::%S)?)?")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """One alternative of a date or time format: the word or pattern, and the zone and the language after ` @`."""

    text: str
    zone: str | None
    language: str | None = None
    """Of names of months and weekdays; English where there is none."""


@lru_cache(maxsize=2048)
def parse_time_format(text: str, kind: TimeKind) -> tuple[TimeFormat, ...]:
    """Read `iso`, `epoch_s`, `hhmm`, a pattern, `pattern @Zone`, `pattern @fr` or several with ` | ` between.

    Raises ValueError.
    """
    return tuple(_alternative(part.strip(), kind, text) for part in text.split(" | "))


def _alternative(part: str, kind: TimeKind, whole: str) -> TimeFormat:
    pattern, zone, language = _marks(part, whole)
    if zone:
        if kind != "timestamptz":
            raise ValueError(f"the format {whole!r} names a zone, but a {kind} has none")
        check_zone(zone)
    if pattern in EPOCHS and kind in ("timestamp", "timestamptz") and not zone and not language:
        return TimeFormat(pattern, None)
    named = (pattern == "iso" and not (zone and kind != "timestamptz")) or (pattern == "hhmm" and kind == "time")
    if named and not language:
        return TimeFormat(pattern, zone)
    letters = pattern_letters(pattern)
    if not letters:
        raise ValueError(f"{pattern!r} is no format of a {kind}: it has no letters such as %Y, %m or %H")
    _check_parts(pattern, {letter.lstrip("%-9") for letter in letters}, kind, bool(zone))
    if language:
        _check_language(pattern, language)
    return TimeFormat(pattern, zone, language)


def _marks(part: str, whole: str) -> tuple[str, str | None, str | None]:
    """The pattern, the zone and the language: what stands after ` @` in small letters is a language's code."""
    pattern, *marks = (text.strip() for text in part.split(" @"))
    spoken = [mark for mark in marks if re.fullmatch("[a-z]{2,3}", mark)]
    zones_ = [mark for mark in marks if mark not in spoken]
    if len(spoken) > 1 or len(zones_) > 1:
        raise ValueError(f"the format {whole!r} names its {'language' if len(spoken) > 1 else 'zone'} twice")
    return pattern, next(iter(zones_), None) or None, next(iter(spoken), None)


def _check_language(pattern: str, language: str) -> None:
    if language not in languages():
        raise ValueError(
            f"{language!r} is no language of names of months and weekdays; there are {', '.join(languages())}, "
            "and English where none is named"
        )
    used = [letter[1:] for letter in re.findall(LETTER, pattern) if letter[1:] in _NAMES]
    if not used:
        raise ValueError(f"the format {pattern!r} names a language ({language}), but no month or weekday by its name")
    for letter in used:
        if not has_names(language, letter):
            raise ValueError(f"{language!r} has no names for %{letter}; write its months as numbers, %-m")


def pattern_letters(pattern: str) -> list[str]:
    """The letters of a pattern, in order. Raises ValueError for a letter outside the vocabulary."""
    found = re.findall(LETTER, pattern)
    for letter in found:
        if letter not in LETTERS:
            raise ValueError(f"{letter!r} is no letter of a format; there are {' '.join(LETTERS)}")
    return [letter for letter in found if letter != "%%"]


def _check_parts(pattern: str, has: set[str], kind: TimeKind, zone: bool) -> None:
    date = bool(has & {"Y", "y"}) and ("j" in has or bool(has & {"m", "b", "B"} and "d" in has))
    clock = "H" in has or {"I", "p"} <= has
    fixed = "z" in has or pattern.endswith(("Z", "UTC", "GMT"))
    if kind != "time" and not date:
        raise ValueError(f"the format {pattern!r} leaves out the year, the month or the day of a {kind}")
    if kind == "time" and (not clock or has & _DATE or "z" in has):
        raise ValueError(
            f"the format {pattern!r} is none of a time of day: it takes hours (%H, or %I and %p) and no date"
        )
    if kind == "date" and (has & _CLOCK or "z" in has):
        raise ValueError(f"the format {pattern!r} has hours or a zone, but a date has none; read it as a timestamp")
    if kind == "timestamp" and "z" in has:
        raise ValueError(f"the format {pattern!r} has a zone (%z), but a timestamp has none; read it as a timestamptz")
    if kind == "timestamptz" and fixed == zone:
        raise ValueError(
            f"the format {pattern!r} names its zone twice"
            if zone
            else f"the format {pattern!r} does not say the zone; end it with %z, Z or ' @Europe/Madrid'"
        )
    if "z" in has and not pattern.endswith("%z"):
        raise ValueError(f"the format {pattern!r} has %z, which goes at the end only")
    if has & {"H", "I", "M", "S", "f"} and not clock:
        raise ValueError(f"the format {pattern!r} has minutes or seconds without an hour (%H, or %I and %p)")
    if ("H" in has and has & {"I", "p"}) or len(has & {"Y", "y"}) > 1 or len(has & {"m", "b", "B", "j"}) > 1:
        raise ValueError(f"the format {pattern!r} says the same part twice")


def check_zone(zone: str) -> str:
    """The zone's name, if it is in the IANA database, e.g. Europe/Madrid or UTC. Raises ValueError."""
    if zone not in zones():
        raise ValueError(f"{zone!r} is no time zone; write its IANA name, e.g. Europe/Madrid or UTC")
    return zone


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """IANA's names of places and UTC; abbreviations such as EST or CET are left out, as they mislead."""
    return frozenset(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")


def format_regex(fmt: TimeFormat, kind: TimeKind) -> str:
    """The RE2 grammar of the tokens that a format takes."""
    if fmt.text in EPOCHS:
        decimals = EPOCHS[fmt.text]
        return r"-?[0-9]{1,18}" + (rf"(?:\.[0-9]{{0,{decimals}}}0*)?" if decimals else r"(?:\.0*)?")
    if fmt.text == "hhmm":
        return r"(?:(?:(?:[01]?[0-9]|2[0-3])?[0-5])?[0-9]|2400)"
    if fmt.text == "iso":
        return ISO["timestamp" if fmt.zone else kind]
    return _grammar(fmt.text, fmt.language)


def _grammar(pattern: str, language: str | None = None) -> str:
    pieces = re.split(rf"({LETTER})", pattern)
    return "".join(
        letter_regex(piece, language) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
    )


def letter_regex(letter: str, language: str | None) -> str:
    """The RE2 grammar of a letter; names in other languages are written out, small, capitalized and in capitals."""
    if language is None or letter[1:] not in _NAMES:
        return LETTERS[letter][0]
    forms = (form for one in names(language, cast(Letter, letter[1:])) for form in one)
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))})"


def number_of(name: str, letter: str, language: str) -> str:
    """SQL, of either engine, of the number with two digits that a name (SQL) stands for; NULL for no name."""
    cases = " ".join(
        f"WHEN {name} IN ({', '.join(text_literal(form) for form in forms)}) THEN '{number:02d}'"
        for number, forms in enumerate(names(language, cast(Letter, letter[1:])), 1)
    )
    return f"CASE {cases} END"


def format_sql(token: str, fmt: TimeFormat, kind: TimeKind) -> str:
    """SQL of a token's value; NULL where the token does not fit. `token` must be a name or a literal."""
    guard = f"regexp_full_match({token}, {text_literal(format_regex(fmt, kind))})"
    if fmt.text in EPOCHS:
        return f"CASE WHEN {guard} THEN {_epoch(token, EPOCHS[fmt.text], kind)} END"
    if fmt.text == "hhmm":
        padded = f"lpad({token}, 4, '0')"
        value = f"TRY_CAST(concat(left({padded}, 2), ':', right({padded}, 2)) AS TIME)"
        return f"CASE WHEN {guard} THEN CASE WHEN {token} = '2400' THEN TIME '00:00:00' ELSE {value} END END"
    if fmt.zone:
        return f"CASE WHEN {guard} THEN {in_zone(_read(token, fmt, 'timestamp'), fmt.zone)} END"
    value = _read(token, fmt, kind)
    if kind == "timestamptz" and (fmt.text == "iso" or fmt.text.endswith("%z")):
        value = in_range(value)
    return f"CASE WHEN {guard} THEN {value} END"


def _read(token: str, fmt: TimeFormat, kind: TimeKind) -> str:
    """SQL of a token that matches its grammar: names of another language become numbers first."""
    if fmt.language is None:
        return _local(token, fmt.text, kind)
    pieces = re.split("(%[BbAa])", fmt.text)
    regex = "".join(f"({_grammar(piece, fmt.language)})" for piece in pieces)
    groups = [f"regexp_extract({token}, {text_literal(f'^{regex}$')}, {place})" for place in range(1, len(pieces) + 1)]
    parts: list[str] = []
    days: list[str] = []
    digits = ""
    for piece, group in zip(pieces, groups, strict=True):
        number = number_of(group, piece, fmt.language) if piece[1:] in _NAMES else group
        if piece in ("%A", "%a"):
            days.append(number)
            parts, digits = [*parts, "'-'"], f"{digits}-"
        else:
            parts.append(number)
            digits += "%m" if piece in ("%B", "%b") else piece
    text = f"({' || '.join(parts)})"
    value = _local(text, digits, kind)
    if not days:
        return value
    if digits.endswith("%z"):  # the weekday is that of the place, and not of UTC
        day = _local(_without_offset(text), digits.removesuffix("%z"), "timestamp")
        return f"CASE WHEN {' AND '.join(f'isodow({day}) = CAST({one} AS INTEGER)' for one in days)} THEN {value} END"
    agree = " AND ".join(f"isodow({named('v')}) = CAST({day} AS INTEGER)" for day in days)
    return with_name(value, "v", f"CASE WHEN {agree} THEN {named('v')} END")


def _local(token: str, pattern: str, kind: TimeKind) -> str:
    """SQL of a token that matches its grammar. A cast where the pattern is ISO's, at half the cost of strptime."""
    native = NATIVE[kind]
    offset = pattern.removesuffix("%z").removesuffix("Z")
    if pattern == "iso" or (_CASTABLE.fullmatch(offset) and (kind == "timestamptz") == (offset != pattern)):
        return f"TRY_CAST({token} AS {native})"
    source = token
    if "%9f" in pattern:
        before, after = (_grammar(part) for part in pattern.split("%9f", 1))
        cut = text_literal(f"^({before}[0-9]{{1,6}})[0-9]*({after})$")
        source, pattern = f"regexp_replace({token}, {cut}, '\\1\\2')", pattern.replace("%9f", "%f")
    shown = f"try_strptime({source}, {text_literal(pattern)})"
    if pattern.endswith("%z"):  # DuckDB's %z takes no Z; days are those of the place, and not of UTC
        shown = f"try_strptime({_without_offset(source)}, {text_literal(pattern.removesuffix('%z'))})"
        source = f"regexp_replace({source}, 'Z$', '+00')"
    parsed = f"try_strptime({source}, {text_literal(pattern)})"
    checks = [f"contains(lower({token}), lower(strftime({shown}, '{day}')))" for day in ("%a", "%A") if day in pattern]
    if "%j" in pattern:  # DuckDB takes day 366 of any year for the next year's first
        checks.append(f"NOT (strftime({shown}, '%j') = '001' AND contains({token}, '366'))")
    if checks:
        parsed = f"CASE WHEN {' AND '.join(checks)} THEN {parsed} END"
    if kind == "timestamptz":
        return parsed if pattern.endswith("%z") else f"({parsed} AT TIME ZONE 'UTC')"
    return parsed if kind == "timestamp" else f"CAST({parsed} AS {native})"


def _without_offset(token: str) -> str:
    return f"regexp_replace({token}, {text_literal(f'{_OFFSET}$')}, '')"


def _epoch(token: str, decimals: int, kind: TimeKind) -> str:
    scaled = f"CAST(TRY_CAST({token} AS DECIMAL(38,{decimals})) * {10**decimals} AS HUGEINT)"
    make = "make_timestamptz" if kind == "timestamptz" else "make_timestamp"
    return f"CASE WHEN {scaled} BETWEEN {FIRST} AND {LAST} THEN {make}(TRY_CAST({scaled} AS BIGINT)) END"


def in_zone(local: str, zone: str) -> str:
    """SQL of the instant of a local timestamp; NULL for one that the zone's clocks skip. Of two, the later one."""
    instant = f"({local} AT TIME ZONE {text_literal(zone)})"
    there = f"({instant} AT TIME ZONE {text_literal(zone)}) = {local}"
    return f"CASE WHEN {there} THEN {in_range(instant)} END"


def in_range(instant: str) -> str:
    """SQL of an instant where it lies in the years 0001 to 9999 of UTC, else NULL."""
    return f"CASE WHEN epoch_us({instant}) BETWEEN {FIRST} AND {LAST} THEN {instant} END"
