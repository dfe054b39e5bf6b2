"""Dates with names of months or weekdays in other languages than English: `12 août 2024`, `2024年3月5日(火)`.

Each language that knows the names makes a claim of its own; all values of a field together decide (dates.py).
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from octo_core.calendar_names import Letter, readings
from octo_core.inference.temporal import CLOCK, ZONE, clock_of, digit_dates, moment_claim, zone_of

Reading = tuple[date, str, str]
"""(the day, its format, the language)."""
_WORD: Final = r"[^\W\d_]+(?:[-'’][^\W\d_]+)*[.׳]?"
_NO_CLOCK: Final = r"(?!(?:um|o|kl\.|à|alle|a las|at) \d)"
"""A word before a time of day is no weekday."""
_DATE: Final = (
    rf"(?:(?P<w>{_WORD})(?P<ws>,? ))?"
    rf"(?:(?P<d1>\d{{1,2}})(?P<s1>\.? de | de | d['’]|(?:er|º|°) (?:de )?|\. ?| ב|[ /-])(?P<b1>{_WORD})"
    rf"(?P<t1> del? |, |[ ./-])(?P<y1>\d{{4}}|\d{{2}})(?P<e1>(?:[ \u00a0][гр]\.?|[ ]r\.?|\.)?)"
    rf"|(?P<b2>{_WORD})(?P<s2> )(?P<d2>\d{{1,2}})(?P<t2>,? )(?P<y2>\d{{4}})"
    rf"|(?P<y3>\d{{4}})(?P<s3>\. |(?: m\.)? |[/-])(?P<b3>{_WORD})(?P<t3>[ /-])(?P<d3>\d{{1,2}})(?P<e3>(?: d\.|\.)?)"
    r"|(?P<n>\d{4}(?P<ns>[-/.])\d{1,2}(?P=ns)\d{1,2}|\d{1,2}(?P<nt>[-/.])\d{1,2}(?P=nt)(?:\d{4}|\d{2})"
    r"|\d{4}[年년] ?\d{1,2}[月월] ?\d{1,2}[日일]))"
    rf"(?:(?P<vs>, |[ \u3000]?[(（]| |(?<=[日일])){_NO_CLOCK}(?P<v>{_WORD})(?P<ve>[)）]?))?"
)
_START: Final = re.compile(_DATE)
_CLOCK: Final = re.compile(
    rf"(?P<sep>(?: |, |T|  )(?:(?:um|o|kl\.|à|alle|a las|at) )?){CLOCK}(?:{ZONE})?(?P<end>(?: Uhr)?)", re.ASCII
)
_ANY: Final = re.compile(r"[^\W\d_]+[.׳]?")


def named_claims(text: str) -> Iterator[tuple[str, str, str]]:
    """(`date` | `timestamp` | `timestamptz`, format, sortable text) for each language that can read `text`."""
    known = readings()
    if not any(word in known or word.strip(".ב") in known for word in _ANY.findall(text)):
        return
    whole = _START.fullmatch(text)
    if whole:
        for day, layout, language in _readings(whole):
            yield "date", f"{layout} @{language}", day.isoformat()
        return
    start = _START.match(text)
    clock = _CLOCK.fullmatch(text, start.end()) if start else None
    if start and clock:
        for day, layout, language in _readings(start):
            yield from _moment(day, layout, language, clock)


def _moment(day: date, layout: str, language: str, match: re.Match[str]) -> Iterator[tuple[str, str, str]]:
    found, (shift, zone_layout) = clock_of(match), zone_of(match)
    if found is None or (match["z"] and zone_layout is None) or (match["z"] and match["end"]):
        return
    clock, clock_layout = found
    written = f"{layout}{match['sep']}{clock_layout}{zone_layout or ''}{match['end']} @{language}"
    yield from moment_claim(datetime.combine(day, clock), shift if match["z"] else None, written)


def _readings(match: re.Match[str]) -> Iterator[Reading]:
    before, after = _weekdays(match["w"]), _weekdays(match["v"])
    for day, layout, language in _dates(match):
        spoken = [language] if language else sorted({tongue for tongue, _, _ in (*before, *after)})
        for tongue in spoken:
            first = _weekday(before, tongue, day, match["w"])
            last = _weekday(after, tongue, day, match["v"])
            if first is not None and last is not None:
                lead = first + match["ws"] if match["w"] else ""
                tail = match["vs"] + last + match["ve"] if match["v"] else ""
                yield day, f"{lead}{layout}{tail}", tongue


def _weekdays(word: str | None) -> list[tuple[str, Letter, int]]:
    return [one for one in readings().get(word or "", ()) if one[1] in ("A", "a")]


def _weekday(found: list[tuple[str, Letter, int]], language: str, day: date, word: str | None) -> str | None:
    """The letter of a weekday that agrees with the date; empty where there is no word, None where it does not agree."""
    if word is None:
        return ""
    fits = [letter for tongue, letter, number in found if tongue == language and number == day.isoweekday()]
    return f"%{fits[0]}" if fits else None


def _dates(match: re.Match[str]) -> Iterator[tuple[date, str, str | None]]:
    """(day, format, language); no language of a date in digits beside which a weekday stands."""
    if match["n"]:
        if match["w"] or match["v"]:
            yield from ((day, layout, None) for day, layout in digit_dates(match["n"]))
        return
    place = next(number for number in "123" if match[f"b{number}"])
    year, word, day_text = match[f"y{place}"], match[f"b{place}"], match[f"d{place}"]
    century = 0 if len(year) == 4 else 1900 if int(year) >= 69 else 2000
    day_letter, year_letter = ("%d" if len(day_text) == 2 else "%-d"), ("%Y" if len(year) == 4 else "%y")
    between, behind, end = match[f"s{place}"], match[f"t{place}"], match[f"e{place}"] if place != "2" else ""
    for language, letter, number in readings().get(word, ()):
        if letter not in ("B", "b"):
            continue
        try:
            found = date(int(year) + century, number, int(day_text))
        except ValueError:
            continue
        order = {"1": (day_letter, f"%{letter}", year_letter), "2": (f"%{letter}", day_letter, year_letter)}
        one, two, three = order.get(place, (year_letter, f"%{letter}", day_letter))
        yield found, f"{one}{between}{two}{behind}{three}{end}", language
