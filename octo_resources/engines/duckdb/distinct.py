"""Counts distinct values and repeated keys from 64-bit hashes, in memory that does not grow with the rows."""

import weakref
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
_KEPT: Final = 1 << 18
"""Hashes of one column that are kept: exact up to so many distinct values, within about 0.2 % beyond."""
_PART: Final = 1 << 22
"""Hashes that are sorted at a time: 32 MB."""


class Distinct:
    """How many different values there were: exact while they are few, then an estimate from the smallest hashes."""

    def __init__(self) -> None:
        self._hashes: Hashes = np.empty(0, np.uint64)
        self._below: int = 1 << 64
        self._waiting: list[Hashes] = []
        self._waiting_rows = 0

    def add(self, hashes: Hashes) -> None:
        if self._below < 1 << 64:
            hashes = hashes[hashes < np.uint64(self._below)]
        self._waiting.append(hashes)
        self._waiting_rows += len(hashes)
        if self._waiting_rows >= _KEPT:  # merged at every batch, a million rows cost 8 s a column
            self._merge()

    def _merge(self) -> None:
        self._hashes = _distinct(np.concatenate([self._hashes, *self._waiting]))
        self._waiting, self._waiting_rows = [], 0
        while len(self._hashes) > _KEPT:
            self._below >>= 1
            self._hashes = self._hashes[self._hashes < np.uint64(self._below)]

    @property
    def exact(self) -> bool:
        self._merge()
        return self._below == 1 << 64

    @property
    def count(self) -> int:
        self._merge()
        return len(self._hashes) * ((1 << 64) // self._below)


class Repeats:
    """How many rows have a key that an earlier row had; hashes wait on disk and are sorted part by part."""

    def __init__(self, temp: Path) -> None:
        temp.mkdir(parents=True, exist_ok=True)
        self._file = cast(IO[bytes], TemporaryFile(dir=temp))  # noqa: SIM115  (closed with this object)
        weakref.finalize(self, self._file.close)
        self._rows = 0

    def add(self, hashes: Hashes) -> None:
        self._file.write(hashes.tobytes())
        self._rows += len(hashes)

    def count(self) -> int:
        """Rows less distinct keys."""
        parts = 1
        while self._rows // parts > _PART:
            parts *= 2
        return self._rows - sum(self._distinct_in(part, parts) for part in range(parts))

    def _distinct_in(self, part: int, parts: int) -> int:
        found = [chunk[chunk % np.uint64(parts) == part] for chunk in self._chunks()]
        return len(_distinct(np.concatenate(found))) if found else 0

    def _chunks(self) -> Iterator[Hashes]:
        self._file.seek(0)
        while data := self._file.read(_PART * 8):
            yield np.frombuffer(data, np.uint64)


def _distinct(hashes: Hashes) -> Hashes:
    """Each once, sorted; takes `hashes` over. np.unique puts them into a hash table, which is 30 times slower."""
    hashes.sort()
    first = np.ones(len(hashes), bool)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]
