"""A zstd-compressed file in the making, whose checksum and size grow with it."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file: bytes on the disk, checksum, rows where they were counted, bytes before compression."""

    bytes: int
    sha256: str
    rows: int | None
    raw_bytes: int


class ZstdFile:
    """A zstd-compressed file in the making; its checksum grows with it, and `close` waits for the disk."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self._size = 0
        self.raw_bytes = 0
        self.rows = 0
        self._compressor = zstandard.ZstdCompressor(level=3).chunker(chunk_size=_CHUNK)

    def write(self, data: bytes, rows: int = 0) -> None:
        """Adds `data`, which ends with a record's end, and counts its rows."""
        self.raw_bytes += len(data)
        self.rows += rows
        self._put(self._compressor.compress(data))

    def close(self) -> Written:
        self._put(self._compressor.finish())  # type: ignore[no-untyped-call]  # missing in its stubs
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Written(self._size, self._digest.hexdigest(), self.rows, self.raw_bytes)

    def abandon(self) -> None:
        self._file.close()

    def _put(self, chunks: Iterable[Any]) -> None:
        for chunk in chunks:
            self._file.write(chunk)
            self._digest.update(chunk)
            self._size += len(chunk)
