"""Writes a regular expression (RE2) that only such JSON lines match whose tokens DuckDB reads exactly as they stand.

A line that matches is proven: valid JSON, no key twice, only known keys, numbers that come out of a double unchanged,
no NUL, no half surrogate pairs. Its tokens then come from DuckDB's `json_transform`, which would by itself take NaN,
drop duplicate keys and round numbers. A line that does not match is no error: `records.py` reads it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from octo_resources.engines.duckdb import exact

_H: Final = "[0-9A-Fa-f]"
_ESCAPE: Final = (
    r'\\["\\/bfnrt]'
    rf"|\\u(?:[1-9A-CEFa-cef]{_H}{{3}}|0(?:[1-9A-Fa-f]{_H}{{2}}|0(?:[1-9A-Fa-f]{_H}|0[1-9A-Fa-f]))"
    rf"|[dD](?:[0-7]{_H}{{2}}|[89ABab]{_H}{{2}}\\u[dD][C-Fc-f]{_H}{{2}}))"
)
STRING: Final = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPE})*"'
"""No NUL, surrogates in pairs only, no control characters."""
ANY_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
SHORT_NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?"
SAFE_NUMBER: Final = r"(?:0|-?[1-9][0-9]{0,17}|-?[1-9][0-9]{0,7}\.[0-9]{0,6}[1-9]|-?0\.0{0,3}[1-9](?:[0-9]{0,9}[1-9])?)"
"""Prints back as it was written: 18 digits as an integer, 15 as a decimal without a zero at its end or an exponent."""
TOKEN_WINDOW: Final = 100
"""Characters that hold any SHORT_NUMBER; blanks before it are few, as the grammar says."""
_WS: Final = r"[ \t\r]*"
_FEW_WS: Final = r"[ \t\r]{0,8}"
_SAFE: Final = re.compile(SAFE_NUMBER)
RARE: Final = 0.03
"""Share of the sampled records below which something is an exception."""
_ELEMENT: Final = 0
"""Of a path, any element of the list; keys are texts."""
_OPTIONS: Final = 64
"""Keys of one object that may be missing; beyond, an object is a map and no record."""
_LISTS: Final = 5
"""Lists in lists beyond which a value is an exception: the expression says each level's elements twice."""
_LEVELS: Final = 16
"""The same of objects and lists together."""
_LONGEST: Final = 600_000
"""Characters of an expression; RE2 takes some two million."""


@dataclass
class Seen:
    """What stood at one place of the sampled records."""

    times: int = 0
    objects: int = 0
    empty: bool = False
    keys: "dict[str, Seen]" = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    disordered: int = 0
    element: "Seen | None" = None
    unsafe: int = 0
    """Numbers that a double would not give back."""

    def add(self, value: Any, lists: int = 0, levels: int = 0) -> None:
        """One more value, in so many lists, and so many levels deep altogether."""
        self.times += 1
        if levels >= _LEVELS:
            return
        if isinstance(value, dict):
            self._add_object(value, lists, levels + 1)
        elif isinstance(value, list) and lists < _LISTS:
            self.element = self.element or Seen()
            for inner in value[:20]:
                self.element.add(inner, lists + 1, levels + 1)
        elif isinstance(value, exact.Number) and not _SAFE.fullmatch(value):
            self.unsafe += 1

    def _add_object(self, value: dict[str, Any], lists: int, levels: int) -> None:
        self.objects += 1
        self.empty = self.empty or not value
        last, disordered = -1, False
        for key, inner in value.items():
            if key not in self.keys:
                if len(self.keys) > 2000:
                    continue
                self.keys[key] = Seen()
                self.order.insert(last + 1, key)
            place = (
                self.order.index(key) if not (last + 1 < len(self.order) and self.order[last + 1] == key) else last + 1
            )
            disordered = disordered or place < last
            last = place
            self.keys[key].add(inner, lists, levels)
        self.disordered += disordered

    @property
    def optional(self) -> list[str]:
        """Keys that are missing more often than now and then."""
        return [key for key in self.order if self.keys[key].times < self.objects * (1 - RARE)]

    def without_rare(self) -> "Seen":
        """The same without what only few records have: they are read one by one, which costs less than asking all."""
        self.keys = {
            key: inner.without_rare() for key, inner in self.keys.items() if inner.times >= self.objects * RARE
        }
        self.order = [key for key in self.order if key in self.keys]
        if self.unsafe < self.times * RARE:
            self.unsafe = 0
        if self.element is not None:
            self.element.without_rare()
        return self


def sample(texts: Iterable[str]) -> Seen:
    """Look at some records; broken ones teach nothing."""
    seen = Seen()
    for text in texts:
        try:
            seen.add(exact.decode(text))
        except exact.UnfitError:
            continue
    return seen.without_rare()


class TooWildError(Exception):
    """The records have no shape that a grammar can be written for."""


@dataclass(frozen=True)
class Grammar:
    """The expression, and what it proves of a line that matches."""

    regex: str
    captures: tuple[tuple[str | int, ...], ...]
    """Paths whose raw tokens its groups take, in order."""
    required: frozenset[str]
    optional: frozenset[str]
    any_order: bool
    """The keys may come in any order; that none is there twice is to be asked of `json_keys`."""
    windows: frozenset[str]
    """Keys whose number is to be cut out of the text, as `json_transform` would change it; no inner object has them."""


def write(seen: Seen, paths: Sequence[tuple[str | int, ...]]) -> Grammar:
    """The grammar of the records seen, exact for these paths. Raises TooWildError."""
    if not seen.order or len(seen.order) > 400:
        raise TooWildError
    if any(isinstance(part, int) for path in paths for part in path):
        raise TooWildError
    writer = _Writer(paths, inner_keys=frozenset(_inner_keys(seen)))
    any_order = seen.disordered > seen.objects * 0.02 or len(seen.optional) == len(seen.order)
    body = writer.unordered(seen, ()) if any_order else writer.ordered(seen, ())
    if len(body) > _LONGEST or (any_order and writer.captured):
        raise TooWildError
    optional = frozenset(seen.order if any_order else seen.optional)
    return Grammar(
        regex=f"{_WS}{body}[ \\t\\r\\n]*",
        captures=tuple(writer.captured),
        required=frozenset(seen.order) - optional,
        optional=optional,
        any_order=any_order,
        windows=frozenset(writer.windows),
    )


def _inner_keys(seen: Seen, *, top: bool = True) -> Iterator[str]:
    """Every key of the objects inside the records."""
    for key, inner in seen.keys.items():
        if not top:
            yield key
        yield from _inner_keys(inner, top=False)
    if seen.element is not None:
        yield from _inner_keys(seen.element, top=False)


class _Writer:
    """Writes one grammar. `used`: the paths whose tokens are wanted; `inner_keys`: of nested objects."""

    def __init__(self, used: Iterable[tuple[str | int, ...]], inner_keys: frozenset[str] = frozenset()) -> None:
        self.used = set(used)
        self.inner_keys = inner_keys
        self.captured: list[tuple[str | int, ...]] = []
        self.windows: set[str] = set()

    def ordered(self, seen: Seen, at: tuple[str | int, ...]) -> str:
        """The keys in the order seen, each may be null; the first that is always there holds the commas together."""
        optional = set(seen.optional)
        required = [key for key in seen.order if key not in optional]
        if not required or len(optional) > _OPTIONS or seen.disordered > seen.objects * 0.02:
            raise TooWildError
        parts, anchored = [], False
        for key in seen.order:
            item = self._item(key, seen.keys[key], at)
            if key == required[0]:
                parts.append(item)
                anchored = True
            elif not anchored:
                parts.append(f"(?:{item}{_WS},{_WS})?")
            else:
                tail = f"{_WS},{_WS}{item}"
                parts.append(f"(?:{tail})?" if key in optional else tail)
        return rf"\{{{_WS}{''.join(parts)}{_WS}\}}"

    def unordered(self, seen: Seen, at: tuple[str | int, ...]) -> str:
        """Any of the keys, any number of times: who needs them to be distinct has to ask for it."""
        items = "|".join(self._item(key, inner, at) for key, inner in seen.keys.items())
        return rf"\{{{_WS}(?:(?:{items}){_WS},{_WS})*(?:{items}){_WS}\}}"

    def _item(self, key: str, seen: Seen, at: tuple[str | int, ...]) -> str:
        path = (*at, key)
        before, after = ("", _FEW_WS) if self._windowed(seen, path) else (_WS, _WS)
        return f"{quoted_key(key)}{before}:{after}{self._value(seen, path)}"

    def _needs_raw(self, seen: Seen, path: tuple[str | int, ...]) -> bool:
        nested = bool(seen.keys or seen.element)
        return path in self.used and (nested or seen.unsafe > 0 or self._below(path))

    def _windowed(self, seen: Seen, path: tuple[str | int, ...]) -> bool:
        """Whether its number can be cut out of the text, as `"key":` stands nowhere else in the line."""
        nested = bool(seen.keys or seen.element) or self._below(path)
        return len(path) == 1 and not nested and path[0] not in self.inner_keys and self._needs_raw(seen, path)

    def _below(self, path: tuple[str | int, ...]) -> bool:
        return any(other[: len(path)] == path and len(other) > len(path) for other in self.used)

    def _has_parts(self, path: tuple[str | int, ...]) -> bool:
        """Whether something inside is wanted, so that only an object will do."""
        return path[-1] != _ELEMENT and self._below(path)

    def _value(self, seen: Seen, path: tuple[str | int, ...]) -> str:
        raw = self._needs_raw(seen, path)
        number = ANY_NUMBER
        if path in self.used:
            number = SAFE_NUMBER if not raw else SHORT_NUMBER if self._windowed(seen, path) else ANY_NUMBER
        kinds = ["null"] if self._has_parts(path) else [STRING, number, "true", "false", "null"]
        kinds += self._nested(seen, path)
        found = f"(?:{'|'.join(kinds)})"
        if self._windowed(seen, path):
            self.windows.add(str(path[0]))
        elif raw:
            self.captured.append(path)
            return f"({found})"
        return found

    def _nested(self, seen: Seen, path: tuple[str | int, ...]) -> Iterator[str]:
        if seen.keys:
            wanted = any(path[: len(other)] == other or other[: len(path)] == path for other in self.used)
            yield self.ordered(seen, path) if wanted else self._loose(seen, path)
        if seen.empty:
            yield rf"\{{{_WS}\}}"
        if seen.element is not None and not self._has_parts(path):
            # Elements are no paths of their own: what is wanted of a list is its text, if that.
            wanted = any(path[: len(other)] == other for other in self.used)
            writer = _Writer([(*path, _ELEMENT, "")] if wanted else ())
            inner = writer._value(seen.element, (*path, _ELEMENT)) if seen.element.times else STRING
            yield rf"\[{_WS}(?:{inner}{_WS}(?:,{_WS}{inner}{_WS})*)?\]"

    def _loose(self, seen: Seen, path: tuple[str | int, ...]) -> str:
        """An object of which nothing is wanted: valid is enough, its keys may even repeat."""
        try:
            return self.ordered(seen, path)
        except TooWildError:
            return self.unordered(seen, path)


def quoted_key(key: str) -> str:
    """A key as JSON writes it, for RE2. Raises TooWildError for one that has to be escaped."""
    text = json.dumps(key, ensure_ascii=False)
    if "\\" in text or "\x7f" in text or exact.writable(key) != key:
        raise TooWildError
    return re.sub(r'([^A-Za-z0-9_"\x80-\U0010ffff])', r"\\\1", text)
