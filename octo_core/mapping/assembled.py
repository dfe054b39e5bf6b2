"""Columns that a source has in parts or in one piece: dates from year, month and day, times from 517, joined names."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from octo_core.mapping.attribute import Attribute
from octo_core.mapping.conversions import Candidate
from octo_core.mapping.words import meanings, words
from octo_core.schema import Field
from octo_core.types import DATE, TEXT, TIME, TIMESTAMP, TIMESTAMPTZ, DataType

_RANGES: Final = {"year": (1000, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59)}
_EPOCH_WORDS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_DAY_WORDS: Final = frozenset({"day", "dd", "dy", "日", "dom"})


@dataclass(frozen=True, slots=True)
class Offer:
    """What could feed a column: an attribute to match with, the fields it uses, and how it is written.

    `expressions` are ways to write it, the first that the language takes is meant; None: the field itself, which
    `conversions` writes. `factor` says how much a field of its own would be preferred.
    """

    attribute: Attribute
    uses: tuple[str, ...]
    expressions: tuple[Candidate, ...] | None = None
    factor: float = 1.0

    @property
    def is_full_name(self) -> bool:
        """Whether it is a whole name made of its parts."""
        return self.expressions is not None and self.attribute.name.endswith(FULL_NAME)


def offers(fields: Mapping[str, Field], attributes: Sequence[Attribute], columns: Sequence[str] = ()) -> list[Offer]:
    """Every field by itself, then what can be made of several or of a part of one. `columns`: what names are asked."""
    direct = [Offer(one, (one.name,)) for one in attributes]
    known = {one.name: one for one in attributes}
    return [
        *direct,
        *_clock_numbers(fields, known),
        *_epochs(fields, known),
        *_from_parts(fields, known),
        *_dated_clocks(fields, known),
        *_names(fields, known, _asked_in_parts(columns)),
    ]


def _clock_numbers(fields: Mapping[str, Field], known: Mapping[str, Attribute]) -> Iterator[Offer]:
    """Times of day written as a number: 517 is 05:17."""
    for path in fields:
        if is_hhmm(path, known[path]):
            parsed = Candidate(f"hhmm_to_time({path})", 0.95, "a number such as 517 read as the time 05:17")
            yield Offer(_as(known[path], path, TIME), (path,), (parsed,), 0.95)


def _epochs(fields: Mapping[str, Field], known: Mapping[str, Attribute]) -> Iterator[Offer]:
    """Instants written as seconds, milliseconds or microseconds since 1970, told by name and range (2001 to 2065)."""
    for path in fields:
        one = known[path]
        if one.type is None or not one.type.is_integer or one.low is None or one.high is None:
            continue
        if not any({"time", "timestamp", "date"} & meanings(word) for word in words(path)):
            continue
        for unit, size in (("s", 1), ("ms", 1_000), ("us", 1_000_000)):
            if 1e9 * size <= one.low and one.high < 3e9 * size:
                way = Candidate(f"from_epoch_{unit}({path})", 0.95, f"{_EPOCH_WORDS[unit]} since 1970")
                yield Offer(_as(one, path, TIMESTAMPTZ), (path,), (way,), 0.95)


def is_hhmm(path: str, one: Attribute) -> bool:
    """Whether numbers of a field read as hours and minutes: named for a time, 0 to 2400, minutes below 60."""
    if one.type is None or not one.type.is_integer or one.low is None or one.high is None:
        return False
    numbers = [int(value) for value in one.values if value.isdigit()]
    named = any("time" in meanings(word) and word not in ("at", "hour") for word in words(path)[-1:])
    inside = one.low >= 0 and 60 < one.high <= 2400 and all(number % 100 < 60 for number in numbers)
    return named and inside and "duration" not in meanings("_".join(words(path))) and bool(numbers)


def _from_parts(fields: Mapping[str, Field], known: Mapping[str, Attribute]) -> Iterator[Offer]:
    """Dates of year, month and day fields with one prefix; timestamps of them and a clock number or hour and minute."""
    for prefix, parts in _groups(known).items():
        if not {"year", "month", "day"} <= parts.keys():
            continue
        year, month, day = parts["year"], parts["month"], parts["day"]
        named = " ".join((*prefix, "date"))
        uses = (year, month, day)
        said = f"assembled from {year}, {month} and {day}"
        yield Offer(
            Attribute(named, type=DATE), uses, (Candidate(f"make_date({year}, {month}, {day})", 0.95, said),), 0.85
        )
        for clock in fields:
            if is_hhmm(clock, known[clock]):
                text = f"at_hhmm(make_date({year}, {month}, {day}), {clock})"
            elif fields[clock].type.kind == "time":
                text = f"make_timestamp({year}, {month}, {day}, hour({clock}), minute({clock}), second({clock}))"
            else:
                continue
            yield from _instants(known[clock], (*uses, clock), text)
        if "hour" in parts:
            smaller = [parts[part] for part in ("minute", "second") if part in parts]
            text = f"make_timestamp({', '.join((*uses, parts['hour'], *(smaller or ('0',))))})"
            yield from _instants(Attribute(" ".join((*prefix, "time"))), (*uses, parts["hour"], *smaller), text)


def _dated_clocks(fields: Mapping[str, Field], known: Mapping[str, Attribute]) -> Iterator[Offer]:
    """Timestamps of a date and a time of day that are called alike, or are the only ones of their record but for days
    of birth: datum and uhrzeit.
    """
    dates = [path for path in fields if fields[path].type.kind == "date"]
    days = [path for path in dates if fields[path].semantic != "birth_date"]
    clocks = [path for path in fields if fields[path].type.kind == "time" or is_hhmm(path, known[path])]
    for day in dates:
        for clock in clocks:
            whose = _whose(day)
            alone = _beside(day, clocks) == [clock] and _beside(clock, days) == [day]
            if whose != _whose(clock) and not alone and not (len(dates) == len(clocks) == 1):
                continue
            if fields[clock].type.kind == "time":
                parts = ", ".join(f"{part}({day})" for part in ("year", "month", "day"))
                text = f"make_timestamp({parts}, hour({clock}), minute({clock}), second({clock}))"
            else:
                text = f"at_hhmm({day}, {clock})"
            yield from _instants(Attribute(" ".join((*whose, "timestamp"))), (day, clock), text)


def _beside(path: str, others: Sequence[str]) -> list[str]:
    """Those of the fields that are in the same record."""
    return [one for one in others if one.rpartition(".")[0] == path.rpartition(".")[0]]


def _whose(path: str) -> tuple[str, ...]:
    """The words of a name but those for a date or a time."""
    return tuple(word for word in words(path) if not {"date", "time"} & meanings(word))


def _instants(named: Attribute, uses: tuple[str, ...], text: str) -> Iterator[Offer]:
    said = f"assembled from {', '.join(uses[:-1])} and {uses[-1]}"
    yield Offer(_as(named, named.name, TIMESTAMP), uses, (Candidate(text, 0.9, said),), 0.85)
    zoned = Candidate(f"at_zone({text}, 'UTC')", 0.5, f"{said}; nothing says whose local time that is, UTC is assumed")
    yield Offer(_as(named, named.name, TIMESTAMPTZ), uses, (zoned,), 0.45)


def _groups(known: Mapping[str, Attribute]) -> dict[tuple[str, ...], dict[str, str]]:
    """Fields that are a year, a month … by name, type and range, by what stands before that word in their names."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for path, one in known.items():
        *before, last = words(path) or ("",)
        for part, (low, high) in _RANGES.items():
            is_part = part in meanings(last) and (part != "day" or last in _DAY_WORDS)
            ranged = one.low is None or one.high is None or (low <= one.low and one.high <= high)
            if is_part and ranged and one.type is not None and one.type.is_integer:
                found.setdefault(tuple(before), {}).setdefault(part, path)
    return found


FULL_NAME = "full name"
_PEOPLE: Final = frozenset({
    "applicant", "author", "borrower", "client", "contact", "customer", "doctor", "driver", "employee", "guest",
    "holder", "member", "owner", "passenger", "patient", "person", "physician", "player", "recipient", "sender",
    "student", "teacher", "tenant",
})  # fmt: skip
"""Who a field of whole names is called for."""
_THINGS: Final = frozenset({
    "airport", "branch", "building", "carrier", "category", "city", "company", "country", "department", "file",
    "language", "manufacturer", "product", "school", "state", "station", "team", "vendor", "warehouse",
})  # fmt: skip
"""What has a name and is no person."""
_MOSTLY: Final = 0.9
"""Share of a field's values that have to be written one way."""


def is_part_of_a_name(name: str) -> bool:
    """Whether a column asks for a first or a last name only."""
    return any({"first", "last"} & meanings(word) for word in words(name))


def is_of_a_thing(name: str) -> bool:
    """Whether a column asks for the name of what is no person: class_name, product_name."""
    return any(_THINGS & {word, *meanings(word)} for word in words(name))


def is_full_name(name: str) -> bool:
    """Whether a column asks for a whole name without saying of what, or of a person."""
    return all(_is_person(word) or {"name", "full"} & meanings(word) for word in words(name))


def is_of_a_person(name: str) -> bool:
    """Whether a column asks for the whole name of a person: full_name, author_name."""
    return is_full_name(name) and any(_is_person(word) or "full" in meanings(word) for word in words(name))


def _is_person(word: str) -> bool:
    """Whether a word can only mean a person, in whatever language: Kunde, but not subject."""
    return word in _PEOPLE or bool(meanings(word) and meanings(word) <= _PEOPLE)


def _asked_in_parts(columns: Sequence[str]) -> set[tuple[str, ...]]:
    """Whose first and last names columns ask for: `prescriber_first_name` and `prescriber_last_name`."""
    whose: dict[str, set[tuple[str, ...]]] = {"first": set(), "last": set()}
    for name in columns:
        *before, part = [word for word in words(name) if word != "name"] or [""]
        for concept, found in whose.items():
            if before and concept in meanings(part):
                found.add(tuple(before))
    return whose["first"] & whose["last"]


def _names(
    fields: Mapping[str, Field], known: Mapping[str, Attribute], asked: Set[tuple[str, ...]] = frozenset()
) -> Iterator[Offer]:
    """A full name from its two parts, and the parts from a full name."""
    texts = [path for path in fields if fields[path].type.kind == "text"]
    for path in texts:
        if tuple(word for word in words(path) if word != "name") in asked:
            whose = " ".join(word for word in words(path) if word != "name")
            yield from _parted(path, fields[path], known[path], f"{whose} ")
    first = _named(texts, "first")
    last = _named(texts, "last")
    if first and last:
        note = f"{first} and {last} joined with a blank"
        text = f"nullif(trim(concat({first}, ' ', {last})), '')"
        joined = (Candidate(text, 0.9, note),)
        named = " ".join((*_shared(first, last), FULL_NAME))
        yield Offer(Attribute(named, type=TEXT, text="name of the person"), (first, last), joined, 0.95)
        return
    whole = next((path for path in texts if _person(path)), None) or next(
        (path for path in texts if words(path)[-1:] and _is_person(words(path)[-1])), None
    )
    if whole and tuple(word for word in words(whole) if word != "name") not in asked:
        # A field that is called for a person, not for a name, says in its parts' names whose they are.
        whose = "" if words(whole)[-1:] == ("name",) else " ".join((*words(whole), ""))
        yield from _parted(whole, fields[whole], known[whole], whose)


def _parted(whole: str, field: Field, known: Attribute, whose: str) -> Iterator[Offer]:
    """The first and the last name of a field of whole names, by how they are written."""
    order = _order(field, known)
    if order == "last, first":
        first_part = Candidate(f"split_part({whole}, ', ', 2)", 0.75, f"what follows the comma in {whole}")
        last_part = Candidate(f"split_part({whole}, ',', 1)", 0.75, f"what stands before the comma in {whole}")
    elif order == "first last":
        first_part = Candidate(f"split_part({whole}, ' ', 1)", 0.75, f"the first word of {whole}")
        last_part = Candidate(f"regexp_replace({whole}, '^[^ ]+ +', '')", 0.7, f"{whole} after its first word")
    else:
        return
    one = replace(known, name=f"{whose}first name", text="")
    yield Offer(one, (whole,), (first_part,), 0.85)
    yield Offer(replace(one, name=f"{whose}last name"), (whole,), (last_part,), 0.85)


def _shared(first: str, last: str) -> list[str]:
    """The words that both names begin with: whose name it is."""
    pairs = zip(words(first.rpartition(".")[2]), words(last.rpartition(".")[2]), strict=False)
    return [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]


def _order(field: Field, one: Attribute) -> str | None:
    """How whole names are written, by their masks, else by the values kept; None where most are a single word."""
    counts = [(mask.strip(), count) for mask, count in (field.stats.masks if field.stats else ())]
    counts = counts or [(value.strip(), 1) for value in one.values[:50]]
    total = sum(count for _, count in counts)
    if total and sum(count for text, count in counts if ", " in text) >= _MOSTLY * total:
        return "last, first"
    return "first last" if total and sum(count for text, count in counts if " " in text) >= _MOSTLY * total else None


def _named(paths: Sequence[str], concept: str) -> str | None:
    return next(
        (path for path in paths if any(concept in meanings(word) for word in words(path)) and len(words(path)) <= 3),
        None,
    )


def _person(path: str) -> bool:
    return words(path)[-1:] == ("name",) and not {"file", "company", "product", "user"} & set(words(path))


def _as(one: Attribute, name: str, kind: DataType) -> Attribute:
    return replace(one, name=name, type=kind, values=(), low=None, high=None, closed=False, masks=())
