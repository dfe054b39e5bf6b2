"""Proves that a JSON line's tokens are as they stand: it is written anew from them, by the layout of its neighbours.

A flat record whose writer always puts the same keys, blanks and commas is most of what there is. Where no backslash is
in the line and the line put together from its tokens is the line, byte by byte, then each value in it is the token:
two JSON values that begin at one place with the same bytes are the same value, so no key can be there twice, be new or
be missing, and no number can have been changed. That costs half of what a regular expression does; lines that differ
are left to it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from octo_resources.engines.duckdb import exact
from octo_resources.engines.duckdb.select import literal

MOST_KEYS: Final = 60
"""All keys have to be read, also those that nothing is made of."""
_FITTING: Final = 0.7
"""Share of the sampled lines that a layout has to fit."""
_LAYOUTS: Final = ((", ", ": "), (",", ": "), (",", ":"))
"""json.dumps of Python (after what others put before it); nearly everybody else."""


@dataclass(frozen=True)
class Slot:
    """One key's place: its text before the value, whether that is quoted, and whether it may be null."""

    key: str
    before: str
    quoted: bool
    nullable: bool


@dataclass(frozen=True)
class Template:
    """The layout of a line; `end` is what follows the last value."""

    slots: tuple[Slot, ...]
    end: str

    def line(self, record: dict[str, Any]) -> str:
        """The line of a decoded record whose values are scalars."""
        parts = (slot.before + _text(record.get(slot.key), slot.quoted) for slot in self.slots)
        return "".join(parts) + self.end


def _text(value: Any, quoted: bool) -> str:
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value)
    return f'"{text}"' if quoted else text


def learn(texts: Sequence[str], keys: frozenset[str]) -> Template | None:
    """The template of records of these keys, each always there; None where they have no one layout."""
    if not keys or len(keys) > MOST_KEYS or len({key.casefold() for key in keys}) < len(keys):
        return None  # DuckDB takes names that differ in case only for one
    records = [(text, record) for text in texts if (record := _flat(text)) is not None and record.keys() == keys]
    if not records:
        return None
    (order, end), _ = Counter((tuple(one), text[text.rindex("}") :]) for text, one in records).most_common(1)[0]
    values = {key: [record[key] for _, record in records] for key in order}
    quoted = {
        key: sum(type(one) is str for one in all_) * 2 > len(all_) - all_.count(None) for key, all_ in values.items()
    }
    alike = (_befores(text, record, quoted) for text, record in records if tuple(record) == order)
    befores = next((one for one in alike if one is not None), None)
    if befores is None:
        return None
    slots = (Slot(key, before, quoted[key], None in values[key]) for key, before in zip(order, befores, strict=True))
    found = Template(tuple(slots), end)
    fitting = sum(found.line(record) == text for text, record in records)
    return found if fitting >= len(texts) * _FITTING else None


def _befores(text: str, record: dict[str, Any], quoted: dict[str, bool]) -> list[str] | None:
    """What stands before each value; each key by itself, for a message's own fields are not its writer's."""
    found: list[str] = []
    at = 0
    for key, value in record.items():
        name = json.dumps(key, ensure_ascii=False)
        ways = (f"{comma if found else '{'}{name}{colon}" for comma, colon in _LAYOUTS)
        before = next((way for way in ways if text.startswith(way, at)), None)
        if before is None:
            return None
        found.append(before)
        at += len(before) + len(_text(value, quoted[key]))
    return found


def _flat(text: str) -> dict[str, Any] | None:
    """The decoded record, where it is flat and nothing in it is escaped."""
    if "\\" in text:
        return None
    try:
        record = exact.decode(text)
    except exact.UnfitError:
        return None
    return None if any(isinstance(value, list | dict) for value in record.values()) else record


def tokens(template: Template) -> str:
    """SQL of the line's tokens in the order of the slots, or NULL where it is broken. Half the time of a struct."""
    pointers = ("/" + slot.key.replace("~", "~0").replace("/", "~1") for slot in template.slots)
    return f"TRY(json_extract_string(line, [{', '.join(map(literal, pointers))}]))"


def same(template: Template, names: Sequence[str]) -> str:
    """SQL of `the line is what its tokens make`: true or false. `names`: of the tokens, by slot."""
    parts, plain = [], ["NOT contains(line, '\\')"]
    for slot, token in zip(template.slots, names, strict=True):
        if not slot.quoted:  # DuckDB takes NaN and inf, however they are spelled, for numbers: they begin with letters
            number = f"{token} < '-:' OR ({token} >= '0' AND {token} < ':') OR {token} IN ('true', 'false')"
            plain.append(f"({token} IS NULL OR {number})" if slot.nullable else f"({number})")
        parts += [literal(slot.before), *_parts(slot, token)]
    # concat leaves NULLs out: `"a": ` with nothing after it is no valid line, so it equals none.
    return f"{' AND '.join(plain)} AND concat({', '.join(parts)}, {literal(template.end)}) = line"


def _parts(slot: Slot, token: str) -> tuple[str, ...]:
    if not slot.quoted:
        return (f"coalesce({token}, 'null')" if slot.nullable else token,)
    if slot.nullable:
        return (f"CASE WHEN {token} IS NULL THEN 'null' ELSE concat('\"', {token}, '\"') END",)
    return ("'\"'", token, "'\"'")
