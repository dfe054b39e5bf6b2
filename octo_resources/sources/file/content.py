"""What a file is, by its content: compression and format from the first bytes, names only where content is silent."""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Any, Final, cast

from octo_core.batch import Compression, FileFormat
from octo_core.errors import NotSupportedYet, SourceError
from octo_core.spec.sources import FileSource

_BITE = 8192
_LINES = 20
HEAD: Final = 1 << 20
"""Bytes (decompressed) that decide format, encoding and dialect."""

_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    (b"BZh", "compressed by bzip2", "Compress it by gzip or zstd instead."),
    (b"\xfd7zXZ", "compressed by xz", "Compress it by gzip or zstd instead."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as CSV."),
    (b"Obj\x01", "Avro", "Convert it to Parquet or JSON lines."),
    (b"ORC", "ORC", "Convert it to Parquet."),
    (b"%PDF", "a PDF", None),
    (b"SQLite format 3", "an SQLite database", None),
)
_NAMES: Final[dict[str, FileFormat]] = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv", ".psv": "csv", ".json": "json", ".geojson": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".ldjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_TOLD: Final[dict[str, FileFormat]] = {"tsv": "csv", "ndjson": "jsonl"}


def compression_of(path: Path) -> Compression:
    """By the first bytes, whatever the name says. SourceError for what Octopipe does not read."""
    with path.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"\x1f\x8b"):
        return "gzip"
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    for start, what, hint in _FOREIGN:
        if magic.startswith(start):
            raise NotSupportedYet(f"the file is {what}, which is not supported yet", where=str(path), hint=hint)
    return "none"


def open_plain(path: Path, compression: Compression) -> IO[bytes]:
    """The file's decompressed bytes as a stream; several gzip members or zstd frames are read as one."""
    if compression == "gzip":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if compression == "zstd":
        return io.BufferedReader(_ZstdStream(path), HEAD)
    return path.open("rb")


def broken_compression(error: Exception, path: Path) -> SourceError:
    """What gzip and zstd say of a damaged file, in words."""
    return SourceError(
        f"the compressed file is damaged or cut short ({error})",
        where=str(path),
        hint="Fetch the file again.",
        retryable=False,
    )


def damaged() -> tuple[type[Exception], ...]:
    """The exceptions by which a damaged compressed file shows itself."""
    import zstandard

    return (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


def format_of(spec: FileSource, path: Path, head: bytes) -> FileFormat:
    """csv, json, jsonl or parquet. `head`: the first decompressed bytes, in UTF-8 where it is text."""
    if spec.format is not None:
        return _TOLD.get(spec.format, cast(FileFormat, spec.format))
    if head.startswith(b"PAR1"):
        return "parquet"
    named = _named(path)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text[:1] == b"[" and named != "csv":
        return "json"
    if text[:1] == b"{":
        return _lines_or_document(text, named)
    if text[:1] == b"<":
        raise SourceError(
            "the file is HTML or XML",
            where=str(path),
            hint="Octopipe reads CSV, JSON, JSON lines and Parquet.",
            retryable=False,
        )
    if _binary(head):
        raise SourceError(
            "the file is binary and of no known format",
            where=str(path),
            hint="Octopipe reads CSV, JSON, JSON lines and Parquet.",
            retryable=False,
        )
    if named in ("json", "jsonl", "parquet"):
        raise SourceError(
            f"the name says {named}, the content does not",
            where=str(path),
            hint=f"It begins with {text[:40]!r}. Set `format` if it is right.",
            retryable=False,
        )
    return "csv"


_CONTROLS: Final = bytes({*range(1, 32), 127} - set(b"\t\n\v\f\r\x1a\x1b\x1c\x1d\x1e\x1f"))
"""Control characters but for white space, separators, escape and the end of file of old systems."""


def _binary(head: bytes) -> bool:
    """Zeros here and there are mistakes of rows, which go to quarantine; in a binary file they are everywhere, or other
    characters are that no text has."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return head.count(0) > max(3, len(head) // 200) or controls > max(3, len(head) // 50)


def _lines_or_document(text: bytes, named: FileFormat | None) -> FileFormat:
    """An object first: JSON lines if the name says so, or if most lines are whole objects; else a JSON document."""
    if named == "jsonl":
        return "jsonl"
    lines = [line for line in text.split(b"\n")[:_LINES] if line.strip()]
    whole = sum(map(_is_object, lines))
    if named == "csv" and not whole:
        return "csv"
    return "jsonl" if len(lines) > 1 and whole * 2 > len(lines) else "json"


def _is_object(line: bytes) -> bool:
    import msgspec

    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _named(path: Path) -> FileFormat | None:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".gzip", ".zst", ".zstd")]
    return _NAMES.get(suffixes[-1]) if suffixes else None


class _ZstdStream(io.RawIOBase):
    """zstd frames as one stream that, unlike the library's own reader, tells a file that was cut short."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self._file = path.open("rb")
        self._library = zstandard.ZstdDecompressor()
        self._frame = self._library.decompressobj()
        self._begun = False
        self._rest = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            # Small bites: a bite of a bomb must not fill the memory.
            chunk = self._frame.unused_data if self._frame.eof else b""
            chunk = chunk or self._file.read(_BITE)
            if not chunk:
                if self._begun and not self._frame.eof:
                    raise EOFError("the last frame does not end")
                return 0
            if self._frame.eof:
                self._frame = self._library.decompressobj()
            self._begun = True
            self._rest = self._frame.decompress(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
