"""The files of a batch: one a partition, lines in the order of its offsets: a range gives the same file again."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from octo_core.batch import LandedFile
from octo_core.offsets import OffsetRange, Place
from octo_resources.landing.disk import landing_errors
from octo_resources.sources.kafka.bulk import Text


class _Part:
    """One partition's file in the making."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("wb")
        self.digest = hashlib.sha256()
        self.rows = 0
        self.bytes = 0

    def add(self, text: Text) -> int:
        data = memoryview(text.data)
        self.file.write(data)
        self.digest.update(data)
        self.rows += text.rows
        self.bytes += len(data)
        return len(data)


class Parts:
    """Files in `folder`. `durable`: they are on the disk, not only on their way, when `finish` returns."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._folder, self._durable = folder, durable
        self._parts: dict[Place, _Part] = {}

    def add(self, place: Place, text: Text) -> int:
        """Append lines of a partition; the bytes that they take."""
        if not text.rows:
            return 0
        with landing_errors(self._folder):
            part = self._parts.get(place)
            if part is None:
                part = self._parts[place] = _Part(self._folder / f"{file_name(place)}.jsonl")
            return part.add(text)

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self._parts.values())

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self._parts.values())

    def finish(self, read: Sequence[OffsetRange]) -> tuple[LandedFile, ...]:
        """The files, each with the range that it came from."""
        ranges = {one.place: one for one in read}
        with landing_errors(self._folder):
            for part in self._parts.values():
                part.file.flush()
                if self._durable:
                    os.fsync(part.file.fileno())
                part.file.close()
        return tuple(_landed(part, ranges[place]) for place, part in sorted(self._parts.items()))

    def abandon(self) -> None:
        """Close what is open; what `finish` closed stays."""
        for part in self._parts.values():
            part.file.close()


def file_name(place: Place) -> str:
    """How a partition's files begin."""
    return f"{quote(place[0], safe='').replace('.', '%2E')}-{place[1]}"


def _landed(part: _Part, read: OffsetRange) -> LandedFile:
    return LandedFile(
        path=part.path.name,
        format="jsonl",
        bytes=part.bytes,
        sha256=part.digest.hexdigest(),
        rows=part.rows,
        position=read.model_dump(),
    )
