"""Regular expressions: what RE2 and Java read alike, or what can be said to Java so that it does.

RE2 takes a pattern of the language as it stands. Java's differs in what `$`, `.`, `\\s` and `\\b` are, in folding of
case and in the syntax of sets, so that it gets every part spelled out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

MOST_REPEATS: Final = 1000
LONGEST: Final = 1_000
_WORD: Final = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SETS: Final = {"d": ((0x30, 0x39),), "w": _WORD, "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))}
_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "a": 7}
_W: Final = "[0-9A-Za-z_]"
_BORDER: Final = f"(?:(?<={_W})(?!{_W})|(?<!{_W})(?={_W}))"
_INSIDE: Final = f"(?:(?<={_W})(?={_W})|(?<!{_W})(?!{_W}))"
_FLAGS: Final = re.compile(r"\(\?([ims]*)(?:-([ims]+))?([:)])")
_COUNTS: Final = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_LAST: Final = 0x10FFFF
_CASED: Final = (
    (0x41, 0x2E80), (0xA640, 0xAC00), (0xFB00, 0xFF60), (0x10400, 0x10D00), (0x118A0, 0x118E0), (0x16E40, 0x16E80),
    (0x1E900, 0x1E944),
)  # fmt: skip
"""Where Unicode has letters of two cases."""
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """`java` means to Java what the text means to RE2."""

    java: str
    groups: int
    may_be_empty: bool
    """Whether it can match no character at all."""


@dataclass(frozen=True, slots=True)
class _Part:
    java: str
    empty: bool
    repeats: int = 1
    quantifiable: bool = True


@lru_cache(maxsize=512)
def read_pattern(text: str) -> Pattern:
    """Raises ValueError, saying what of the pattern is not in the language, or is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"the pattern is longer than {LONGEST:,} characters")
    reader = _Reader(text)
    found = reader.alternatives(frozenset())
    if reader.at < len(text):
        raise ValueError("a bracket is closed that was not opened")
    return Pattern(found.java, reader.groups, found.empty)


def java_replacement(text: str) -> str:
    r"""A replacement with `\1` and `\\` as Java writes it."""
    parts = re.findall(r"\\(.)|([^\\])", text, re.DOTALL)
    return "".join("\\\\" if ref == "\\" else f"${ref}" if ref else "\\" + sign if sign in "$0123456789" else sign
                   for ref, sign in parts)  # fmt: skip


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.groups = 0

    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self, flags: frozenset[str]) -> _Part:
        if (found := _FLAGS.match(self.text, self.at)) and found[3] == ")":
            if self.at:
                raise ValueError("flags for all of a pattern stand at its start")
            self.at, flags = found.end(), self.flags(found, flags)
        branches = [self.sequence(flags)]
        while self.next() == "|":
            self.at += 1
            branches.append(self.sequence(flags))
        repeats = max(branch.repeats for branch in branches)
        return _Part("|".join(branch.java for branch in branches), any(one.empty for one in branches), repeats)

    def sequence(self, flags: frozenset[str]) -> _Part:
        java, empty, repeats = "", True, 1
        while self.at < len(self.text) and self.next() not in "|)":
            part = self.repeated(self.atom(flags))
            java, empty, repeats = java + part.java, empty and part.empty, max(repeats, part.repeats)
        return _Part(java, empty, repeats)

    def repeated(self, part: _Part) -> _Part:
        sign = self.next()
        counts = _COUNTS.match(self.text, self.at)
        if not sign or (sign not in "*+?" and not counts):
            return part
        self.at = counts.end() if counts else self.at + 1
        least = int(counts[1]) if counts else (1 if sign == "+" else 0)
        most = (
            (int(counts[3]) if counts[3] else None if counts[2] else least) if counts else (1 if sign == "?" else None)
        )
        times = part.repeats * max(least, most or 1)
        if times > MOST_REPEATS:
            raise ValueError(f"it repeats more than {MOST_REPEATS:,} times")
        if not part.quantifiable or (part.empty and most != 1):
            raise ValueError("what is repeated may be empty there, which engines do not read alike")
        if most is not None and most < least:
            raise ValueError("its repetition ends before it begins")
        written = counts[0] if counts else sign
        if self.next() == "?":
            self.at += 1
            written += "?"
        if self.next() and (self.next() in "*+?" or _COUNTS.match(self.text, self.at)):
            raise ValueError(f"{written + self.next()!r} repeats a repetition: possessive ones are not in the language")
        return _Part(part.java + written, part.empty or least == 0, times)

    def atom(self, flags: frozenset[str]) -> _Part:
        sign = self.next()
        self.at += 1
        if sign == "(":
            return self.group(flags)
        if sign == "[":
            return _Part(_java_set(*self.set(flags)), False)
        if sign == ".":
            return _Part("(?s:.)" if "s" in flags else r"[^\n]", False)
        if sign == "^":
            return _Part(r"(?:\A|(?<=\n))" if "m" in flags else r"\A", True, quantifiable=False)
        if sign == "$":
            return _Part(r"(?=\n|\z)" if "m" in flags else r"\z", True, quantifiable=False)
        if sign in "*+?":
            raise ValueError(f"there is nothing to repeat before {sign!r}")
        if sign == "{" and re.match(r"\{,[0-9]+\}", self.text[self.at - 1 :]):
            raise ValueError("a repetition begins with its least number: write {0,5}")
        if sign == "{" and _COUNTS.match(self.text, self.at - 1):
            raise ValueError("there is nothing to repeat before '{'")
        if sign != "\\":
            return _Part(_java_literal(ord(sign), flags), False)
        sign = self.next()
        if sign in ("A", "b", "B"):
            self.at += 1
            return _Part({"A": r"\A", "b": _BORDER, "B": _INSIDE}[sign], True, quantifiable=False)
        found = self.escape(flags)
        if isinstance(found, int):
            return _Part(_java_literal(found, flags), False)
        return _Part(_java_set(False, found), False)

    def group(self, flags: frozenset[str]) -> _Part:
        opened = "("
        rest = self.text[self.at - 1 :]
        if found := _FLAGS.match(rest):
            if found[3] == ")":
                raise ValueError("flags for all of a pattern stand at its start")
            self.at, flags, opened = self.at - 1 + found.end(), self.flags(found, flags), "(?:"
        elif named := re.match(r"\(\?P<[A-Za-z_][A-Za-z0-9_]*>", rest):
            self.at += named.end() - 1
            self.groups += 1
        elif rest.startswith("(?"):
            shown = re.match(r"\(\?(?:P?[<=!>]?[=!]?|.)", rest)
            raise ValueError(
                f"it uses {shown[0] if shown else '(?'!r}: look-around and back-references are not in the language"
            )
        else:
            self.groups += 1
        inner = self.alternatives_of_group(flags)
        return _Part(f"{opened}{inner.java})", inner.empty, inner.repeats)

    def alternatives_of_group(self, flags: frozenset[str]) -> _Part:
        inner = self.alternatives(flags)
        if self.next() != ")":
            raise ValueError("a bracket is opened and not closed")
        self.at += 1
        return inner

    @staticmethod
    def flags(found: re.Match[str], flags: frozenset[str]) -> frozenset[str]:
        return (flags | set(found[1])) - set(found[2] or "")

    def escape(self, flags: frozenset[str]) -> int | Ranges:
        """What follows a backslash, within a set or outside: one character, or several."""
        sign = self.next()
        self.at += 1
        if not sign:
            raise ValueError("it ends with a backslash")
        if sign.lower() in _SETS:
            ranges = _folded(_SETS[sign.lower()]) if "i" in flags else _SETS[sign.lower()]
            return _others(ranges) if sign.isupper() else ranges
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign == "x" and (code := re.match(r"[0-9A-Fa-f]{2}", self.text[self.at :])):
            self.at += 2
            return int(code[0], 16)
        if sign.isascii() and not sign.isalnum() and sign != "_":
            return ord(sign)
        raise ValueError(f"it uses '\\{sign}': back-references and such escapes are not in the language")

    def set(self, flags: frozenset[str]) -> tuple[bool, Ranges]:
        """A set in square brackets, after the opening one: whether it is negated, and what it lists."""
        negated = self.next() == "^"
        self.at += negated
        listed: list[tuple[int, int]] = []
        first = True
        while first or self.next() != "]":
            if self.at >= len(self.text):
                raise ValueError("a set is opened and not closed")
            first = False
            low = self.member(flags)
            if isinstance(low, tuple):
                listed += low
                continue
            high = low
            if self.next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                end = self.member(flags)
                if isinstance(end, tuple) or end < low:
                    raise ValueError("a range in a set ends before it begins")
                high = end
            listed.append((low, high))
        self.at += 1
        return negated, _folded(listed) if "i" in flags else tuple(listed)

    def member(self, flags: frozenset[str]) -> int | Ranges:
        sign = self.next()
        self.at += 1
        if sign == "[" and self.next() in (":", ".", "="):
            raise ValueError(f"it uses '[{self.next()}': named sets are not in the language")
        return self.escape(flags) if sign == "\\" else ord(sign)


def _java_literal(code: int, flags: frozenset[str]) -> str:
    alike = _orbits().get(code, ()) if "i" in flags else ()
    if alike:
        return _java_set(False, tuple((one, one) for one in alike))
    return _java_sign(code)


def _java_sign(code: int) -> str:
    sign = chr(code)
    return sign if sign.isascii() and sign.isalnum() else rf"\x{{{code:X}}}" if not 0x20 <= code < 0x7F else "\\" + sign


def _java_set(negated: bool, ranges: Iterable[tuple[int, int]]) -> str:
    listed = "".join(
        _java_sign(low) if low == high else f"{_java_sign(low)}-{_java_sign(high)}" for low, high in ranges
    )
    return f"[{'^' * negated}{listed}]"


def _others(ranges: Ranges) -> Ranges:
    """All characters that are in none of the ranges."""
    found, after = [], 0
    for low, high in sorted(ranges):
        if low > after:
            found.append((after, low - 1))
        after = max(after, high + 1)
    return (*found, (after, _LAST))


def _folded(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The ranges and whatever differs from their characters in case only."""
    listed = tuple(ranges)
    more = {
        (one, one)
        for code, alike in _orbits().items()
        if any(low <= code <= high for low, high in listed)
        for one in alike
        if not any(low <= one <= high for low, high in listed)
    }
    return (*listed, *sorted(more))


@lru_cache(maxsize=1)
def _orbits() -> dict[int, tuple[int, ...]]:
    """Each character that has others of another case → all of them, by Unicode's simple folding."""
    alike: dict[str, list[int]] = {}
    for code in chain(*(range(low, high) for low, high in _CASED)):
        sign = chr(code)
        folded = next((one for one in (sign.casefold(), sign.lower()) if len(one) == 1), sign)
        if folded != sign or sign.upper() != sign:
            alike.setdefault(folded, []).append(code)
    orbits = {}
    for folded, codes in alike.items():
        every = tuple(sorted({*codes, ord(folded)}))
        if len(every) > 1:
            orbits.update(dict.fromkeys(every, every))
    return orbits
