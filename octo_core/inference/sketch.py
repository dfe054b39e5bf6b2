"""A mergeable sample of a field's distinct values: the ones with the smallest hashes, each with its exact count."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Literal

SIZE: Final = 1024
"""Distinct values kept. Fewer than that are all there, so an enumeration is exact."""
TEXT: Final = 256
"""Characters kept of a value."""
_SPACE: Final = 2.0**64
_MARKS: Final = 128
_WIDTH: Final = 4
"""Bytes of a mark."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """Bottom-k sketch (k minimum values). `entries`: hash → (text, count); `full` where values had to be dropped.

    A value whose hash is among the smallest of a union is among the smallest of each part it occurs in, so counts
    stay exact and merging is associative and commutative. `hashed_by` names the hash: the embedded engine uses its
    own, which is many times faster over a million values; sketches of different hashes merge to a lower bound.
    """

    entries: dict[int, tuple[str, int]] = field(default_factory=dict)
    full: bool = False
    hashed_by: Literal["blake2b", "duckdb"] = "blake2b"

    @property
    def distinct(self) -> int:
        """How many distinct values there are: exact unless `full`, then an estimate (about 3 % off)."""
        if not self.full or not self.entries:
            return len(self.entries)
        largest = max(self.entries)
        return max(len(self.entries), round((len(self.entries) - 1) * _SPACE / max(largest, 1)))

    def top(self) -> list[tuple[str, int]]:
        """The kept values, most frequent first, then by text."""
        return sorted(self.entries.values(), key=lambda entry: (-entry[1], entry[0]))


def value_hash(text: str) -> int:
    """64 bits of a value, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def sketch_of(counts: Mapping[str, int]) -> Sketch:
    """The sketch of distinct values with their counts."""
    return _bounded({value_hash(text): (text[:TEXT], count) for text, count in counts.items()}, full=False)


def merge_sketches(left: Sketch, right: Sketch) -> Sketch:
    """The sketch of both parts' rows."""
    if left.hashed_by != right.hashed_by:
        left, right = _rehashed(left), _rehashed(right)
    entries = dict(left.entries)
    for key, (text, count) in right.entries.items():
        entries[key] = (text, count + entries[key][1]) if key in entries else (text, count)
    return _bounded(entries, full=left.full or right.full, hashed_by=left.hashed_by)


def _bounded(
    entries: dict[int, tuple[str, int]], *, full: bool, hashed_by: Literal["blake2b", "duckdb"] = "blake2b"
) -> Sketch:
    if len(entries) <= SIZE:
        return Sketch(entries, full, hashed_by)
    return Sketch({key: entries[key] for key in nsmallest(SIZE, entries)}, True, hashed_by)


def _rehashed(sketch: Sketch) -> Sketch:
    if sketch.hashed_by == "blake2b":
        return sketch
    return Sketch({value_hash(text): (text, count) for text, count in sketch.entries.values()}, sketch.full)


def marks(sketch: Sketch) -> str:
    """The beginnings of the least hashes of a field's distinct values, in base64: what `shared` compares.

    Begins with the hash's first letter, and a `+` where there are more values than marks.
    """
    least = sorted(sketch.entries)[:_MARKS]
    content = b"".join((key >> 32).to_bytes(_WIDTH, "big") for key in least)
    more = "+" if sketch.full or len(sketch.entries) > len(least) else "="
    return f"{sketch.hashed_by[0]}{more}{b64encode(content).decode()}"


def shared(left: str, right: str) -> tuple[int, int] | None:
    """(how many of one field's values are among the other's, of how many that could be told), by the marks of both.

    A value can be told where its hash is below the greatest kept of either side. None where the hashes differ: one
    side has so many values that the engine hashed them its own way.
    """
    if left[0] != right[0]:
        return None
    mine, theirs = _marks_in(left), _marks_in(right)
    bound = min(
        [max(found, default=0) for found, said in ((mine, left), (theirs, right)) if said[1] == "+"], default=None
    )
    told = [mark for mark in mine if bound is None or mark <= bound]
    return sum(mark in theirs for mark in told), len(told)


def _marks_in(text: str) -> frozenset[int]:
    content = b64decode(text[2:])
    return frozenset(int.from_bytes(content[at : at + _WIDTH], "big") for at in range(0, len(content), _WIDTH))
