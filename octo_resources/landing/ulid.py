"""Batch ids: ULIDs (26 characters, https://github.com/ulid/spec) that always sort after the one before."""

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_RANDOM_BITS = 80


def new_ulid(after: str | None = None, *, bits: int | None = None) -> str:
    """A new id, greater than `after` even where the clock stands still or was set back.

    `bits`: 80 random bits of the caller's own, where asking the system for each id takes too long.
    """
    bits = int.from_bytes(os.urandom(_RANDOM_BITS // 8)) if bits is None else bits
    number = (time.time_ns() // 1_000_000) << _RANDOM_BITS | bits
    if after is not None:
        number = max(number, _number(after) + 1)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def is_ulid(text: str) -> bool:
    return len(text) == 26 and text[0] <= "7" and all(letter in _VALUES for letter in text)


def _number(ulid: str) -> int:
    number = 0
    for letter in ulid:
        number = number << 5 | _VALUES[letter]
    return number
