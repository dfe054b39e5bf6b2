"""Choosing among formats of dates and times: the one, or the few, in which a field's values are written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from octo_core.inference.claims import claims
from octo_core.inference.profile import Evidence, FieldProfile
from octo_core.inference.temporal import ISO
from octo_core.types import DataType

_MAX_FORMATS: Final = 4
_LANGUAGE: Final = " @"
"""What stands before a language's code in a format."""
_MUCH: Final = 4
"""How many times longer a span of dates is that speaks against its reading."""
_NUMERIC: Final = re.compile(r"%-?[dmyY]([-/. ])%-?[dmyY]\1%-?[dmyY]")


@dataclass(frozen=True, slots=True)
class TemporalReading:
    """A format (alternatives with ` | ` between), how many values it holds for, and a rival that holds for as many."""

    format: str
    held: int
    low: str
    high: str
    rival: str | None = None


def read_temporal(
    profile: FieldProfile, kind: DataType, of: int, *, month_first: bool = False
) -> TemporalReading | None:
    """The best format for values of this kind, with others beside it while some of the `of` values do not fit.

    Day first or month first is settled by all values together: the reading that holds for more. Where both hold for
    as many, day first is taken, as most of the world writes (or `month_first`), and the other is named as `rival`.
    """
    ranked = _patterns(profile, kind, month_first)
    if not ranked:
        return None
    ranked = _narrower_first(ranked)
    ranked, spoken = _languages(ranked)
    if not ranked:
        return None
    taken, held = [ranked[0], *spoken], ranked[0][1].count
    for layout, evidence, more in _others(profile, ranked, taken):
        if held >= of or len(taken) == _MAX_FORMATS:
            break
        if not any(_same_digits(layout, own) for own, _ in taken) and held + more <= of:
            taken.append((layout, evidence))
            held += more
    first = ranked[0]
    rival = next(
        (lay for lay, seen in ranked[1:] if seen.count == first[1].count and _same_digits(lay, first[0])), None
    )
    return TemporalReading(
        " | ".join(layout for layout, _ in taken),
        held,
        min(evidence.low for _, evidence in taken)[1],
        max(evidence.high for _, evidence in taken)[1],
        rival,
    )


def _patterns(profile: FieldProfile, kind: DataType, month_first: bool) -> list[tuple[str, Evidence]]:
    """Formats with their evidence, most values first. One- and two-digit spellings of one pattern are one, and so are
    the forms that ISO 8601 allows (with and without seconds, fractions, one offset or another): `iso`.
    """
    found: dict[str, dict[str, Evidence]] = {}
    for (name, layout), evidence in profile.claims.items():
        if layout is None or layout in ("hhmm", "%Y%m%d"):
            continue
        if name == kind.kind or (kind.kind == "timestamp" and name == "date" and layout == "%Y-%m-%d"):
            group = "iso" if ISO.fullmatch(layout) else _loose(layout)
            found.setdefault(group, {})[layout] = evidence
    if kind.kind == "timestamp" and all(group == "%Y-%m-%d" for group in found):
        return []
    merged = [_one(group, parts) for group, parts in found.items()]
    return sorted(merged, key=lambda pair: (-pair[1].count, _preference(pair[0], month_first)))


def _narrower_first(ranked: list[tuple[str, Evidence]]) -> list[tuple[str, Evidence]]:
    """Of two digits either of which may be the year, as in 24-01-09, the year is what keeps the dates together: read
    the other way round a few months become thirty years. Nothing changes where neither span is much the shorter.
    """
    best, seen = ranked[0]
    alike = [pair for pair in ranked if pair[1].count == seen.count and _same_digits(pair[0], best)]
    years = {_loose(layout).index("%y") for layout, _ in alike if "%y" in layout}
    if len(years) < 2:
        return ranked
    shortest = min(alike, key=lambda pair: _days(pair[1]))
    if best.startswith("%y") == shortest[0].startswith("%y") or _days(shortest[1]) * _MUCH > _days(seen):
        return ranked
    return [shortest, *(pair for pair in ranked if pair is not shortest)]


def _others(
    profile: FieldProfile, ranked: list[tuple[str, Evidence]], taken: list[tuple[str, Evidence]]
) -> Iterator[tuple[str, Evidence, int]]:
    """The formats beside the first with how many values each adds. One that names a language adds only what none taken
    reads, for many languages share some of their months; that is told by the values that the profile keeps.
    """
    plain = [(layout, evidence, evidence.count) for layout, evidence in ranked[1:] if _LANGUAGE not in layout]
    if not any(_LANGUAGE in layout for layout, _ in ranked):
        yield from plain
        return
    read = {text: {_loose(one.format) for one in claims(text) if one.format} for text, _ in profile.sketch.top()}
    left = dict(ranked[1:])
    tongue = ranked[0][0].partition(_LANGUAGE)[2]
    while left:
        known = {_loose(layout) for layout, _ in taken}
        unread = [(read[text], count) for text, count in profile.sketch.top() if not read[text] & known]
        adds = {layout: sum(count for formats, count in unread if _loose(layout) in formats) for layout in left}
        order = {layout: (-adds[layout], layout.partition(_LANGUAGE)[2] not in ("", tongue), layout) for layout in left}
        layout = min(left, key=order.__getitem__)
        if not adds[layout]:
            return
        yield layout, left.pop(layout), adds[layout]


def _loose(layout: str) -> str:
    return layout.replace("%-", "%")


def _languages(ranked: list[tuple[str, Evidence]]) -> tuple[list[tuple[str, Evidence]], list[tuple[str, Evidence]]]:
    """The formats, and the best one in other languages that read as many values: `mars` is Swedish and Norwegian.

    Where all of them say the same days, each may read what comes, and English alone where it is one of them. Where they
    do not, as of `listopad` (October in Croatian, November in Polish), nothing tells which: such formats are left out.
    """
    while ranked:
        best, seen = ranked[0]
        pattern, _, language = best.partition(_LANGUAGE)
        alike = [pair for pair in ranked if pair[0].partition(_LANGUAGE)[0] == pattern and pair[1].count == seen.count]
        if not language:
            return ranked, []
        others = [pair for pair in ranked if pair not in alike]
        if any((one.low[0], one.high[0]) != (seen.low[0], seen.high[0]) for _, one in alike):
            ranked = others
            continue
        return [alike[0], *others], alike[1:_MAX_FORMATS]
    return [], []


def _days(evidence: Evidence) -> int:
    first, last = (date.fromisoformat(str(bound[0])[:10]) for bound in (evidence.low, evidence.high))
    return (last - first).days


def _one(group: str, parts: dict[str, Evidence]) -> tuple[str, Evidence]:
    evidence = None
    for part in parts.values():
        evidence = part if evidence is None else evidence.merge(part)
    assert evidence is not None
    if len(parts) == 1:
        return next(iter(parts)), evidence
    if group == "iso":
        return group, evidence
    loose = {letter for layout in parts for letter in re.findall(r"%-(.)", layout)}
    return re.sub(r"%(.)", lambda match: f"%-{match[1]}" if match[1] in loose else match[0], group), evidence


def order_of(layout: str | None) -> str | None:
    """`day` or `month`, whichever comes first in a format of digits such as %d/%m/%Y; else None."""
    return {"d": "day", "m": "month"}.get((digits_of(layout) or "").lstrip("%-")[:1])


def digits_of(layout: str | None) -> str | None:
    """The date's part of a format where it is of digits only, e.g. %d/%m/%Y of `%d/%m/%Y %H:%M`."""
    match = _NUMERIC.match(layout or "")
    return match[0] if match else None


def _same_digits(left: str, right: str) -> bool:
    """Whether two formats read the same tokens in another order of day, month and year."""
    if sorted(left.replace("%-", "%")) != sorted(right.replace("%-", "%")):
        return False
    return _NUMERIC.match(left) is not None and _NUMERIC.match(right) is not None


def _preference(layout: str, month_first: bool) -> tuple[int, str]:
    days, months = ("%d", "%-d"), ("%m", "%-m")
    first, last = (months, days) if month_first else (days, months)
    order = ("iso", "%Y", *first, "%a", "%A", "%b", "%B", *last)
    return next((rank for rank, letters in enumerate(order) if layout.startswith(letters)), len(order)), layout
