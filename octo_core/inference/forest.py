"""A small forest of decision trees that ships as one file and is walked in plain Python.

Features are binned first, so that a node is four bytes: which feature, which bin is the last that goes left, and how
far the right branch is. The left branch is the next node. A leaf's bin is its class.
"""

import json
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MAGIC: Final = b"octoforest1\n"
LEAF: Final = 0
"""The jump of a leaf: no right branch is where its node is."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Nodes of all trees, one after the other. `edges` bin each feature: a value goes to the first edge not below."""

    classes: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    roots: tuple[int, ...]
    feature: "array[int]"
    limit: bytes
    jump: "array[int]"

    def votes(self, values: Sequence[float]) -> list[int]:
        """How many trees say each class."""
        bins = [bisect_left(edges, value) for edges, value in zip(self.edges, values, strict=True)]
        feature, limit, jump = self.feature, self.limit, self.jump
        counts = [0] * len(self.classes)
        for root in self.roots:
            node = root
            while step := jump[node]:
                node += 1 if bins[feature[node]] <= limit[node] else step
            counts[limit[node]] += 1
        return counts

    def choose(self, values: Sequence[float]) -> tuple[str, float]:
        """The class that most trees say, and their share."""
        counts = self.votes(values)
        best = max(range(len(counts)), key=counts.__getitem__)
        return self.classes[best], counts[best] / len(self.roots)

    def pack(self) -> bytes:
        """The forest as bytes: the same forest gives the same bytes."""
        head = {"classes": self.classes, "roots": self.roots, "edges": self.edges}
        text = json.dumps(head, separators=(",", ":")).encode()
        body = b"".join((len(text).to_bytes(4, "little"), text, _little(self.feature), _little(self.jump), self.limit))
        return _MAGIC + zlib.compress(body, 9)


def unpack(packed: bytes) -> Forest:
    """The forest of what `pack` wrote. Raises ValueError for anything else."""
    if not packed.startswith(_MAGIC):
        raise ValueError("these bytes are no forest")
    body = zlib.decompress(packed[len(_MAGIC) :])
    start = 4 + int.from_bytes(body[:4], "little")
    head = json.loads(body[4:start])
    nodes = (len(body) - start) // 5
    feature, jump = _read(body[start : start + 2 * nodes]), _read(body[start + 2 * nodes : start + 4 * nodes])
    edges = tuple(tuple(map(float, column)) for column in head["edges"])
    return Forest(tuple(head["classes"]), edges, tuple(head["roots"]), feature, body[start + 4 * nodes :], jump)


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _read(packed: bytes) -> "array[int]":
    numbers = array("H", packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
