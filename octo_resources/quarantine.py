"""Rows set aside: one file a load, durable before the load commits, with each row's reason and original payload."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import zstandard

from octo_core.errors import LandingError
from octo_core.ledger import QuarantinedRow
from octo_resources.landing.disk import sync_folder
from octo_resources.landing.ulid import new_ulid

SUFFIX = ".jsonl.zst"
SETTLED: Final = "settled-"
Place = tuple[str, str]
"""A row set aside, whichever load did it last: (table, id)."""


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """Where a load's rows are, and the checksum that the destination's ledger keeps of them."""

    path: Path
    sha256: str
    rows: int


class Quarantine:
    """The quarantine of all pipelines under one folder: pipeline/load id."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, pipeline: str, load_id: str) -> Path:
        return self.root / pipeline / f"{load_id}{SUFFIX}"

    def write(self, pipeline: str, load_id: str, rows: Iterable[QuarantinedRow]) -> QuarantineFile | None:
        """Write a load's rows and make them durable; None where there are none. LandingError where it cannot."""
        found = iter(rows)
        first = next(found, None)
        if first is None:  # nearly every load: no file is made, and no disk waited for
            return None
        path = self.path(pipeline, load_id)
        count = 0
        with _new(path) as raw:
            hashing = _Hashing(raw)
            with zstandard.ZstdCompressor().stream_writer(cast(BinaryIO, hashing), closefd=False) as out:
                for row in chain([first], found):
                    out.write(row.model_dump_json().encode() + b"\n")
                    count += 1
        self._keep(pipeline, path)
        return QuarantineFile(path, hashing.digest.hexdigest(), count)

    def _keep(self, pipeline: str, path: Path) -> None:
        """Make a file that was written here last elsewhere too, where it should."""

    def check(self, pipeline: str, load_id: str, sha256: str | None) -> None:
        """LandingError where a load's file is gone or, given its checksum, not as it was written."""
        path = self.path(pipeline, load_id)
        if not path.is_file():
            raise LandingError(f"the rows that load {load_id} set aside are gone", where=str(path))
        if sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise LandingError(f"the rows that load {load_id} set aside were altered", where=str(path))

    def read(self, pipeline: str, load_id: str, sha256: str | None = None) -> Iterator[QuarantinedRow]:
        """A load's rows. LandingError where the file is gone or, given its checksum, not as it was written."""
        path = self.path(pipeline, load_id)
        self.check(pipeline, load_id, sha256)
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as plain:
            pending = b""
            while chunk := plain.read(1 << 20):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (QuarantinedRow.model_validate_json(line) for line in lines)

    def remove(self, pipeline: str, load_id: str) -> None:
        """Forget the rows of a load that was never committed: they are still in their batch, which loads again."""
        self.path(pipeline, load_id).unlink(missing_ok=True)

    def loads(self, pipeline: str) -> list[str]:
        """Ids of the loads that set rows aside, oldest first."""
        return sorted(path.name.removesuffix(SUFFIX) for path in (self.root / pipeline).glob(f"*{SUFFIX}"))

    def open_rows(self, pipeline: str, loads: Sequence[str]) -> Iterator[tuple[str, QuarantinedRow]]:
        """(load, row) of what `loads` set aside and nobody replayed or discarded since, the newest loads first.

        A row that a replay set aside again is that load's.
        """
        seen = set(self.settled(pipeline))
        for load_id in sorted(loads, reverse=True):
            for row in self.read(pipeline, load_id):
                place = (row.table, row.id)
                if place not in seen:
                    seen.add(place)
                    yield load_id, row

    def settled(self, pipeline: str) -> dict[Place, str]:
        """What became of rows that are not set aside any more: `replayed` or `discarded`."""
        paths = sorted((self.root / pipeline).glob(f"{SETTLED}*.json"))
        entries = [json.loads(path.read_text("utf-8")) for path in paths]
        return {(table, row): entry["what"] for entry in entries for table, row in entry["rows"]}

    def settle(
        self,
        pipeline: str,
        what: Literal["replayed", "discarded"],
        rows: Sequence[Place],
        *,
        by: str | None = None,
        reason: str | None = None,
    ) -> Path:
        """Write down, durably, what became of rows: when, by whom and why. LandingError where it cannot."""
        at = datetime.now(UTC).isoformat()
        said = {"at": at, "what": what, "by": by, "reason": reason, "rows": [list(row) for row in rows]}
        path = self.root / pipeline / f"{SETTLED}{new_ulid(None)}.json"
        with _new(path) as out:
            out.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
        self._keep(pipeline, path)
        return path


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A file that stands at `path`, whole and durable, once the block is left. LandingError where it cannot."""
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)  # a full disk needs its room
        hint = "make room there, or look at the folder's rights: octopipe doctor"
        message = f"the quarantine cannot be written: {error.strerror}"
        raise LandingError(message, where=str(path), hint=hint) from None


class _Hashing:
    """A file that takes the checksum of what is written through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw, self.digest = raw, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.raw.write(data)

    def flush(self) -> None:
        self.raw.flush()
