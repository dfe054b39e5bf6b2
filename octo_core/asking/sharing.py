"""What may leave for a model of a field or a column: `statistics` (no value of anybody's) or also `samples`.

`statistics`: name, type, counts in round figures, the range of numbers rounded outwards to 1, 2 or 5 of a power of
ten, format masks and examples that are made up to look like them. `samples`: real values too, but of personal data,
of what could be somebody's name and of free text only masks.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from octo_core.asking.cleaning import looks_like_data, masked, plain
from octo_core.asking.people import are_keys, may_be_people, names_somebody
from octo_core.asking.private import is_address, is_secret
from octo_core.asking.shapes import is_time_layout, layout, lookalike, outward, rounded, shape
from octo_core.catalog import Catalog, Column, Table
from octo_core.inference.given_names import is_of_a_place_or_firm
from octo_core.inference.kin import Held, kin
from octo_core.inference.names import words
from octo_core.inference.profile import mask
from octo_core.inference.semantics import semantic_of
from octo_core.mapping.constraints import allowed_values, number_range
from octo_core.mapping.words import meanings
from octo_core.schema import Field, FieldStats
from octo_core.spec.llm import Share

MAX_SAMPLES: Final = 20
MAX_ALLOWED: Final = 100
_MASKS: Final = 4
_ALL_MASKED: Final = frozenset({"json", "list", "record", "date", "timestamp", "timestamptz"})
"""Types of whose values nothing but masks leaves: days may be somebody's birth, and a format says all of them."""
_MAP_KEYS: Final = 8
_PRIVATE: Final = 0.25
_FREE_WORDS: Final = 6
_FREE_LENGTH: Final = 60
_PERSON: Final = re.compile(r"[^\W\d_a-z][^\W\d_]*[.']?(?:[ '-][^\W\d_]+\.?){1,3}")
_NAMED: Final = frozenset({
    "name", "names", "nombre", "nom", "nome", "naam", "imię", "имя", "first", "last", "middle", "given", "family",
    "full", "maiden", "contact", "person", "people", "who", "by", "owner", "author", "customer", "client", "employee",
    "user", "username", "login", "handle", "nick",
    "nickname", "alias", "passenger", "patient", "guest", "driver", "signed", "agent", "manager", "staff", "member",
})  # fmt: skip
_OF_ANYTHING: Final = frozenset({"name", "names", "nombre", "nom", "nome", "naam", "imię", "имя", "full"})
_THINGS: Final = frozenset({
    "product", "city", "country", "state", "status", "company", "manufacturer", "category", "language", "carrier",
    "team", "department", "location", "branch", "species", "currency",
})  # fmt: skip
"""Meanings of names of columns whose values are in two words and capitalized, too."""
_ONE_S_OWN: Final = re.compile(r"@[\w.-]{2,}|(?=\S*[^\W\d_])(?=(?:\D*\d){5})[\w./-]+")
"""A handle, or a code of letters and five digits or more: a number plate's, a patient's, a policy's, a parcel's."""
_ISSUED: Final = re.compile(
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"
    r"|[A-Z]{2} ?(?:\d\d ?){3}[A-D]|[A-Z]{5}\d{4}[A-Z]|\d{1,3}° ?\d{1,2}['′].*"
)
"""Postcodes of a street (British, Dutch, Canadian), National Insurance and PAN numbers, degrees and minutes."""
_PATH: Final = re.compile(r"(://[^\s/?#]+)(/[^\s?#]*)")
_RARE: Final = 10
"""From so many values on, a field of which more than half the values differ holds what is one row's own."""
_COMMON_WORD: Final = re.compile(r"[^\W\d_]{1,20}")
_QUOTED: Final = r""""(?:[^"]|"")*"|'(?:[^']|'')*'"""
"""A name in quotes, in which an apostrophe begins no text, or a text."""
_VALUE: Final = re.compile(
    rf"{_QUOTED}|(?<![\w.])(?<![*/])(?<![*/] )(?!10+(?![\d.]))\d{{3,40}}(?:\.\d{{0,40}})?(?![\w.]| ?[*/])"
)
"""The same, or a number of three digits and more that nobody multiplies or divides by: 4711, but neither 1000."""


def nameable(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Those of a source's fields (by path) whose names may leave: not what looks like data, nor a map's keys."""
    maps = tuple(f"{path}." for path, one in fields.items() if _is_map(one))
    return {path: one for path, one in fields.items() if not _is_data(path) and not path.startswith(maps)}


def withheld(fields: Sequence[Field], inside_map: bool = False) -> set[str]:
    """The names that may not leave, also those inside lists: what goes back to a model must not hold them."""
    found = {one.name for one in fields if one.name != "[]" and (inside_map or _is_data(one.name))}
    return found.union(*(withheld(one.children, _is_map(one)) for one in fields if one.children))


def names_any(text: str, names: Iterable[str]) -> bool:
    """Whether a text, an expression or what is wrong with one, holds one of these names."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in names)


def _is_data(name: str) -> bool:
    return looks_like_data(name) or names_somebody(name)


def _is_map(field: Field) -> bool:
    """Whether a record's keys are data (customers' numbers, days, people): all of one type, and many of them, each in
    few records, or such as look like data.
    """
    if field.type.kind != "record" or len({one.type.family for one in field.children}) != 1:
        return False
    seen = [one.stats for one in field.children if one.stats is not None and one.stats.rows]
    missing = sum(one.missing / one.rows for one in seen)
    if len(field.children) >= _MAP_KEYS and missing > 0.5 * len(seen):
        return True
    return are_keys([one.name for one in field.children], sparse=bool(seen) and missing >= 0.5 * len(seen))


def beside_people(fields: Mapping[str, Field]) -> set[str]:
    """The paths of those whose values repeat names of other fields that may be people's: only masks of them leave."""
    seen = {
        path: (field, _samples(field.stats))
        for path, field in fields.items()
        if field.stats is not None and field.type.kind == "text" and field.semantic is None and not field.pii
    }
    named = {path for path, (field, values) in seen.items() if values and _names_people(field.name, values)}
    others = {path: _held(field) for path, (field, _) in seen.items() if path not in named}
    return kin((_held(seen[path][0]) for path in named), others, as_many=True) if named else set()


def _held(field: Field) -> Held:
    stats = field.stats or FieldStats()
    return Held(stats.values or stats.examples, stats.counts, stats.values is not None)


def of_field(field: Field, share: Share, *, beside_people: bool = False) -> dict[str, Any]:
    """What is said of a source's field, but for its name. `beside_people`: whether its values repeat people's names."""
    said: dict[str, Any] = {"type": str(field.type) if field.type.kind not in ("record", "list") else field.type.kind}
    if written := layout(field):
        said["format"] = written
    for key in ("unit", "semantic"):
        if getattr(field, key):
            said[key] = plain(str(getattr(field, key)), 80)
    if field.pii:
        said["personal"] = True
    stats = field.stats
    if stats is not None:
        said |= _counts(field, stats)
        masks = list(dict.fromkeys(shape(text) for text, _ in stats.masks[:_MASKS]))
        if masks:
            said["masks"] = masks
            said["made_up_examples"] = [lookalike(text) for text in masks[:3]]
        if share == "samples":
            values = _samples(stats)
            personal = beside_people or _is_masked(field, values)
            said["samples"] = _told(values, personal=personal, rare=_is_rare(field, stats))
    return said


def masked_names(fields: Sequence[Field]) -> set[str]:
    """The names of fields, also inside others, of whose values `samples` says masks: texts beside them may be such."""
    kindred = beside_people({one.name: one for one in fields})
    found = {
        one.name
        for one in fields
        if one.pii
        or one.name in kindred
        or (one.stats and (_is_masked(one, _samples(one.stats)) or _is_rare(one, one.stats)))
    }
    return found.union(*(masked_names(one.children) for one in fields if one.children))


def _samples(stats: FieldStats) -> list[str]:
    return list(dict.fromkeys([*(stats.values or ()), *stats.examples]))[:MAX_SAMPLES]


def _is_masked(field: Field, values: Sequence[str]) -> bool:
    if field.pii or field.type.kind in _ALL_MASKED or _names_people(field.name, values):
        return True
    return field.type.kind == "text" and _are_private(values)


def _are_private(values: Sequence[str]) -> bool:
    """Whether so many are addresses, passwords or tokens that the others, which do not look it, may be too."""
    return sum(is_address(one) or is_secret(one) for one in values) > _PRIVATE * len(values)


def _is_rare(field: Field, stats: FieldStats) -> bool:
    """Whether a field of texts lists no few values that rows share, but what nearly each row has for itself."""
    if field.type.kind != "text" or stats.distinct is None:
        return False
    filled = stats.rows - stats.nulls - stats.missing
    return stats.values is None or (stats.distinct >= _RARE and 2 * stats.distinct > filled)


def _counts(field: Field, stats: FieldStats) -> dict[str, Any]:
    said: dict[str, Any] = {}
    empty = stats.nulls + stats.missing
    if stats.rows:
        said["empty"] = "never" if not empty else f"about {max(1, round(100 * empty / stats.rows))} %"
    if stats.distinct is not None and stats.rows > empty:
        few = stats.distinct <= 20
        said["distinct"] = stats.distinct if few else f"about {rounded(stats.distinct):,}"
        if stats.distinct_exact and stats.distinct == stats.rows - empty:
            said["distinct"] = "every value differs"
    if stats.max_length is not None:
        said["length"] = f"{stats.min_length} to {stats.max_length} characters"
    if field.type.is_numeric and not field.pii and field.semantic is None:
        low, high = _number(stats.min), _number(stats.max)
        if low is not None and high is not None:
            whole = field.type.is_integer
            said["range"] = f"within {outward(low, -1, whole=whole)} and {outward(high, 1, whole=whole)}"
    return said


def _told(values: Sequence[str], *, personal: bool, rare: bool = False) -> list[str]:
    """Values for `samples`: as masks where they are somebody's or free text, in which anything may stand. Of what is
    `rare`, which tells a row from the others, only single words are left: a city, a colour.
    """
    found = [
        shape(mask(one)) if personal or _is_one_s_own(one) or (rare and not _is_word(one)) else _plainly(one)
        for one in values
    ]
    return list(dict.fromkeys(found))


def _is_one_s_own(value: str) -> bool:
    return (
        _is_free_text(value)
        or is_address(value)
        or is_secret(value)
        or value.lstrip()[:1] in ("{", "[")
        or _ONE_S_OWN.fullmatch(value) is not None
        or _ISSUED.fullmatch(value) is not None
    )


def _is_word(value: str) -> bool:
    """Whether it is one word of a script with small and capital letters: two signs of others may be a whole name."""
    return _COMMON_WORD.fullmatch(value) is not None and value.lower() != value.upper()


def _plainly(value: str) -> str:
    """A value without the paths of URLs, in which names and numbers stand."""
    return plain(masked(_PATH.sub(lambda found: found[1] + shape(mask(found[2])), value)), 80)


def _is_free_text(value: str) -> bool:
    return len(value) > _FREE_LENGTH or len(value.split()) >= _FREE_WORDS


def _names_people(name: str, values: Sequence[str]) -> bool:
    """Whether a column may hold people's names: it is called so, or most values look like first and last names."""
    if may_be_people(values) or set(words(name)) <= _NAMED:
        return True
    looks = [_PERSON.fullmatch(text) is not None and not is_of_a_place_or_firm(text) for text in map(str.strip, values)]
    return any(looks) and 2 * sum(looks) >= len(looks) and not _names_things(name)


def _names_things(name: str) -> bool:
    """Whether a column is called for what is nobody (`product`, `city_name`), and for no people (`country_manager`)."""
    parts = set(words(name))
    return not parts & (_NAMED - _OF_ANYTHING) and any(meanings(word) & _THINGS for word in parts)


def beside_people_there(table: Table, catalog: Catalog) -> set[str]:
    """The columns of a table whose values repeat names of other columns that may be people's."""
    held = catalog.samples.get(table.name, {})
    columns = [one for one in table.columns if held.get(one.name)]
    named = {one.name for one in columns if _is_personal(one, held[one.name])}
    others = {one.name: Held(held[one.name]) for one in columns if one.name not in named}
    return kin((Held(held[name]) for name in named), others, as_many=True) if named else set()


def of_column(
    column: Column, table: Table, catalog: Catalog, share: Share, *, beside_people: bool = False
) -> dict[str, Any]:
    """What is said of a destination's column: its definition, which is the user's own, and their label.
    `beside_people`: whether the values there repeat people's names.
    """
    said: dict[str, Any] = {"column": plain(column.name, 128), "type": plain(column.native, 80)}
    if column.required:
        said["required"] = True
    if column.label:
        said["label"] = masked(plain(column.label.label, 400))
        said |= {"unit": plain(column.label.unit, 40)} if column.label.unit else {}
        said |= {"personal": True} if column.label.pii else {}
    if column.comment:
        said["comment"] = masked(plain(column.comment, 400))
    checks = [check.sql for check in table.checks]
    allowed = column.enum or allowed_values(checks, column.name)
    if allowed:
        said["allowed"] = [masked(plain(value, 80)) for value in allowed[:MAX_ALLOWED]]
    low, high = number_range(checks, column.name)
    if low is not None or high is not None:
        said["range"] = [low, high]
    if column.name in table.primary_key:
        said["key"] = True
    parent = next((key.ref_table for key in table.foreign_keys if column.name in key.columns), None)
    if parent:
        said["refers_to"] = plain(parent, 128)
    there = catalog.samples.get(table.name, {}).get(column.name, ())[:MAX_SAMPLES]
    if share == "samples" and there:
        said["values_there"] = _told(there, personal=beside_people or _is_personal(column, there))
    return said


def _is_personal(column: Column, values: Sequence[str]) -> bool:
    """By its label, or by what its name, its label's words and its values say."""
    label = column.label
    if label and label.pii:
        return True
    texts = [column.name, *([label.label] if label else []), *([column.comment] if column.comment else [])]
    if _names_people(column.name, values) or _are_private(values):
        return True
    return any(semantic_of(column.type, text, values)[1] for text in texts)


def of_example(approved: Mapping[str, str], share: Share) -> dict[str, str]:
    """An approved mapping as an example: its texts in quotes may be values, so only formats stay but in `samples`."""
    if share == "samples":
        return {name: masked(plain(text, 400)) for name, text in approved.items()}
    return {name: masked(plain(without_values(text), 400)) for name, text in approved.items()}


def without_values(expression: str) -> str:
    """An expression without its texts in quotes, but for formats of times, and numbers that may be values."""
    return _VALUE.sub(_unquoted, expression)


def _unquoted(found: re.Match[str]) -> str:
    text = found.group()
    if text[:1].isdigit():
        return "…"
    return text if text.startswith('"') or is_time_layout(text[1:-1]) else "'…'"


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and math.isfinite(found) else None
