"""A mergeable sample of a field's distinct values: the ones with the smallest hashes, each with its exact count."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Literal

SIZE: Final = 1024
"""Distinct values kept. Fewer than that are all there, so an enumeration is exact."""
TEXT: Final = 256
"""Characters kept of a value."""
_SPACE: Final = 2.0**64


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
