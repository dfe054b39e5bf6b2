"""Dates and times in Spark's SQL: a token is put into ISO's order by its grammar, then read by an exact cast."""

import re
from typing import Final

from octo_core.expressions.spark_names import full_match, literal, named, native, with_name
from octo_core.expressions.times import (
    EPOCHS,
    FIRST,
    LAST,
    LETTER,
    LETTERS,
    TimeFormat,
    TimeKind,
    format_regex,
    letter_regex,
    number_of,
)
from octo_core.types import parse_type

_SHORT: Final = "'janfebmaraprmayjunjulaugsepoctnovdec'"
_LETTERS: Final[dict[str, str]] = {
    "%Y": "yyyy", "%y": "yy", "%m": "MM", "%-m": "M", "%b": "MMM", "%B": "MMMM", "%d": "dd", "%-d": "d", "%j": "DDD",
    "%a": "EEE", "%A": "EEEE", "%H": "HH", "%-H": "H", "%I": "hh", "%-I": "h", "%p": "a", "%M": "mm", "%-M": "m",
    "%S": "ss", "%-S": "s", "%f": "SSSSSS",
}  # fmt: skip
"""strftime's letters → Spark's, for writing."""


def read(token: str, fmt: TimeFormat, kind: TimeKind) -> str:
    """A token's value; NULL where the token does not fit. `token` must be cheap to repeat."""
    guard = full_match(token, format_regex(fmt, kind))
    if fmt.text in EPOCHS:
        value = _epoch(token, EPOCHS[fmt.text], kind)
    elif fmt.text == "hhmm":
        clock = f"CASE WHEN {token} = '2400' THEN '0000' ELSE lpad({token}, 4, '0') END"
        value = f"try_cast(concat(left({clock}, 2), ':', right({clock}, 2)) AS TIME(6))"
    elif fmt.zone:
        value = in_zone(_local(token, fmt, "timestamp"), fmt.zone)
    else:
        value = _local(token, fmt, kind)
        if kind == "timestamptz" and (fmt.text == "iso" or fmt.text.endswith("%z")):
            value = with_name(value, "z", in_range(named("z")))
    return f"CASE WHEN {guard} THEN {value} END"


def _epoch(token: str, decimals: int, kind: TimeKind) -> str:
    number = f"try_cast({token} AS DECIMAL({18 + decimals},{decimals}))"
    micros = f"CAST({number} * CAST({10**decimals} AS DECIMAL(7,0)) AS DECIMAL(38,0))"
    made = f"timestamp_micros(try_cast({micros} AS BIGINT))"
    made = made if kind == "timestamptz" else utc_local(made)
    return f"CASE WHEN {micros} BETWEEN {FIRST} AND {LAST} THEN {made} END"


def utc_local(instant: str) -> str:
    """What UTC's clocks show at an instant: the session's zone is UTC."""
    return f"CAST({instant} AS TIMESTAMP_NTZ)"


def utc_instant(local: str) -> str:
    """The inverse of utc_local."""
    return f"CAST({local} AS TIMESTAMP_LTZ)"


def _local(token: str, fmt: TimeFormat, kind: TimeKind) -> str:
    """A token that matches its grammar."""
    pattern, language = fmt.text, fmt.language
    as_kind = f"AS {native(parse_type(kind))})"
    if pattern == "iso":
        if kind == "timestamptz":  # Spark wants seconds before an offset
            short = literal(r"\A(.{16})([Z+-])")
            token = f"regexp_replace({token}, {short}, '$1:00$2')"
        return f"try_cast({token} {as_kind}"
    pieces = re.split(rf"({LETTER})", pattern)
    letters = [piece for piece in pieces[1::2] if piece != "%%"]
    grammar = "".join(_piece(piece, language) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    part = _Parts(token, rf"\A{grammar}\z", letters, language)
    if {letter.lstrip("%-9") for letter in letters} <= set("YmdHMSfz"):
        value = f"try_cast({part.reordered(kind)} {as_kind}"
    else:
        value = f"try_cast({part.written(kind)} {as_kind}"
    days = [letter for letter in ("%a", "%A") if letter in letters]
    if days:
        agree = " AND ".join(_agrees(letter, part, language) for letter in days)
        if "z" in part.groups:  # the weekday is that of the place, and not of UTC
            return with_name(f"try_cast({part.written('date')} AS DATE)", "v", f"CASE WHEN {agree} THEN {value} END")
        value = with_name(value, "v", f"CASE WHEN {agree} THEN {named('v')} END")
    return value


def _agrees(letter: str, part: "_Parts", language: str | None) -> str:
    """SQL of whether the value `v` is on the weekday that the token names."""
    if language is None:
        return f"contains(lower({part.token}), lower(date_format({named('v')}, '{_LETTERS[letter]}')))"
    return f"weekday({named('v')}) + 1 = CAST({number_of(part.part(letter[1:]), letter, language)} AS INT)"


def _piece(letter: str, language: str | None) -> str:
    if letter == "%9f":
        return "([0-9]{1,6})[0-9]*"
    return LETTERS[letter][0] if letter == "%%" else f"({letter_regex(letter, language)})"


class _Parts:
    """The letters' places in a token: how each is reached, by replacing or by extracting."""

    def __init__(self, token: str, regex: str, letters: list[str], language: str | None) -> None:
        self.token = token
        self.language = language
        self.regex = literal(regex)
        self.groups = {letter.lstrip("%-9"): place for place, letter in enumerate(letters, 1)}

    def reordered(self, kind: TimeKind) -> str:
        """One replacement: every part is there as digits, and ISO has only another order of them."""
        has = self.groups
        date = f"${has['Y']}-${has['m']}-${has['d']}" if "Y" in has else ""
        clock = ":".join(f"${has[letter]}" if letter in has else "00" for letter in "HMS")
        clock += f".${has['f']}" if "f" in has else ""
        text = {"date": date, "time": clock}.get(kind, f"{date}T{clock}")
        text += f"${has['z']}" if "z" in has else "Z" if kind == "timestamptz" else ""
        return f"regexp_replace({self.token}, {self.regex}, '{text}')"

    def part(self, letter: str) -> str:
        return f"regexp_extract({self.token}, {self.regex}, {self.groups[letter]})"

    def written(self, kind: TimeKind) -> str:
        """ISO's text put together of the parts one by one: names of months, twelve hours, two-digit years."""
        has = self.groups
        pieces: list[str] = []
        if kind != "time":
            pieces.append(self._date())
        if kind not in ("date", "time"):
            pieces.append("'T'")
        if kind != "date":
            pieces.append(self._hour())
            for letter in "MS":
                pieces += ["':'", self.part(letter) if letter in has else "'00'"]
            pieces += ["'.'", self.part("f")] if "f" in has else []
        if kind == "timestamptz":
            pieces.append(self.part("z") if "z" in has else "'Z'")
        return f"concat({', '.join(pieces)})"

    def _date(self) -> str:
        year = self.part("Y") if "Y" in self.groups else self._short_year()
        if "j" in self.groups:
            first = f"CAST(concat({year}, '-01-01') AS DATE)"
            day = f"date_add({first}, CAST({self.part('j')} AS INT) - 1)"
            return with_name(day, "j", f"CASE WHEN year({named('j')}) = CAST({year} AS INT) THEN {named('j')} END")
        return f"concat({year}, '-', {self._month()}, '-', {self.part('d')})"

    def _month(self) -> str:
        letter = next((letter for letter in "bB" if letter in self.groups), None)
        if letter is None:
            return self.part("m")
        if self.language:
            return number_of(self.part(letter), f"%{letter}", self.language)
        return f"CAST((locate(lower(left({self.part(letter)}, 3)), {_SHORT}) + 2) DIV 3 AS INT)"

    def _short_year(self) -> str:
        return f"concat(CASE WHEN {self.part('y')} < '69' THEN '20' ELSE '19' END, {self.part('y')})"

    def _hour(self) -> str:
        if "H" in self.groups:
            return self.part("H")
        half = f"CASE WHEN lower({self.part('p')}) = 'pm' THEN 12 ELSE 0 END"
        return f"CAST(CAST({self.part('I')} AS INT) % 12 + {half} AS STRING)"


def in_zone(local: str, zone: str) -> str:
    """The instant of a local timestamp; NULL for one that the zone's clocks skip. Of two, the later one.

    Java takes the earlier of two. The later has the offset that holds a day on; it counts where it shows the same.
    """
    if zone == "UTC":
        return f"CASE WHEN year({local}) BETWEEN 1 AND 9999 THEN {utc_instant(local)} END"
    own, one, two = named("l"), named("i"), named("k")
    there = literal(zone)
    day_on = f"({one} + INTERVAL '1' DAY)"
    later = f"{own} - (convert_timezone('UTC', {there}, {day_on}) - {day_on})"
    chosen = (
        f"CASE WHEN {two} >= {one} AND convert_timezone('UTC', {there}, {two}) = {own} THEN {two}"
        f" WHEN convert_timezone('UTC', {there}, {one}) = {own} THEN {one} END"
    )
    instant = with_name(chosen, "r", in_range(utc_instant(named("r"))))
    earlier = f"convert_timezone({there}, 'UTC', {own})"
    return with_name(local, "l", with_name(earlier, "i", with_name(later, "k", instant)))


def clocks_of(instant: str, zone: str) -> str:
    """What a zone's clocks show at an instant, in the years 0001 to 9999."""
    shown = f"convert_timezone('UTC', {literal(zone)}, {utc_local(instant)})"
    return with_name(shown, "w", in_years(named("w")))


def in_years(value: str) -> str:
    """SQL of a date or local timestamp (a name) in the years 0001 to 9999, else NULL."""
    return f"CASE WHEN year({value}) BETWEEN 1 AND 9999 THEN {value} END"


def in_range(instant: str) -> str:
    """SQL of an instant where it lies in the years 0001 to 9999 of UTC, else NULL."""
    return f"CASE WHEN unix_micros({instant}) BETWEEN {FIRST} AND {LAST} THEN {instant} END"


def text_as(value: str, pattern: str) -> str:
    """SQL of a local timestamp's or date's text in a format of strftime's letters."""
    java, plain = "", ""
    for piece in [*re.findall(rf"{LETTER}|[^%]+", pattern), ""]:
        if piece == "%%" or not piece.startswith("%"):
            plain += piece.replace("%%", "%").replace("'", "''")
        if piece in _LETTERS or not piece:
            java += f"'{plain}'" if plain else ""
            java, plain = java + _LETTERS.get(piece, ""), ""
    return f"date_format({value}, {literal(java)})"
