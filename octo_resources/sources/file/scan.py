"""One pass over a file: its checksum, and for text whether all of it is UTF-8."""

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from octo_core.batch import Compression
from octo_core.errors import SourceError
from octo_resources.sources.file.content import broken_compression, damaged, open_plain

_CHUNK: Final = 1 << 20
_AROUND = 2_000
_ENOUGH = 64_000


@dataclass(frozen=True, slots=True)
class Scanned:
    """A file's identity: size in bytes, time, SHA-256; and text that is no UTF-8, with what is round it."""

    size: int
    modified_ns: int
    sha256: str
    foreign: bytes


def scan(path: Path, compression: Compression, text: bool) -> Scanned:
    """Reads the whole file once (twice where text is compressed). Raises SourceError where it changes meanwhile."""
    before = path.stat()
    digest = hashlib.sha256()
    foreign = _Foreign()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if text and compression == "none":
                foreign.look(chunk)
    if text and compression != "none":
        try:
            with open_plain(path, compression) as plain:
                _look_all(plain, foreign)
        except damaged() as error:
            raise broken_compression(error, path) from error
    require_same(path, before.st_size, before.st_mtime_ns)
    return Scanned(before.st_size, before.st_mtime_ns, digest.hexdigest(), bytes(foreign.seen))


def require_same(path: Path, size: int, modified_ns: int) -> None:
    """SourceError where the file is not what it was when its reading began."""
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (size, modified_ns):
        raise SourceError(
            "the file changed while it was read", where=str(path), hint="It is still being written; run it again later."
        )


def _look_all(plain: IO[bytes], foreign: "_Foreign") -> None:
    while chunk := plain.read(_CHUNK):
        foreign.look(chunk)


class _Foreign:
    """Collects what is no UTF-8, with its surroundings, until there is enough to tell the encoding by."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self._rest = b""

    def look(self, chunk: bytes) -> None:
        if len(self.seen) >= _ENOUGH or (chunk.isascii() and not self._rest):
            return
        data = self._rest + chunk
        try:
            _, used = codecs.utf_8_decode(data, "strict", False)
        except UnicodeDecodeError as error:
            self.seen += data[max(0, error.start - _AROUND) : error.start + _ENOUGH]
            used = len(data)
        self._rest = data[used:]
