"""What one file is: compression, format, encoding and dialect, from its beginning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from octo_core.batch import Compression, CsvDialect, FileFormat
from octo_core.spec.sources import FileSource
from octo_resources.sources.file.content import HEAD, broken_compression, compression_of, damaged, format_of, open_plain
from octo_resources.sources.file.dialect import find_dialect
from octo_resources.sources.file.encoding import encoding_of

_SAMPLE: Final = 256_000
"""Characters that decide the dialect."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file (decompressed bytes), and what can be told from it."""

    data: bytes
    complete: bool
    compression: Compression
    format: FileFormat
    encoding: str
    """Python's name; `utf-8` for Parquet."""

    @property
    def empty(self) -> bool:
        return self.complete and not self.data.removeprefix(b"\xef\xbb\xbf").strip()

    def carriage_returns(self, encoding: str) -> bool:
        """Whether lines end as on old Macs, which no engine takes for a line's end."""
        text = self.text(encoding) if self.format in ("csv", "jsonl") else ""
        return "\r" in text and "\n" not in text

    def text(self, encoding: str | None = None) -> str:
        return self.data.decode(encoding or self.encoding, "replace")


def inspect(spec: FileSource, path: Path) -> Head:
    """Raises SourceError or NotSupportedYet for what cannot be read."""
    compression = compression_of(path)
    try:
        with open_plain(path, compression) as plain:
            data = plain.read(HEAD)
            complete = not plain.read(1)
    except damaged() as error:
        raise broken_compression(error, path) from error
    if data.startswith(b"PAR1") and spec.format in (None, "parquet"):
        return Head(data, complete, compression, "parquet", "utf-8")
    encoding = spec.options.encoding or encoding_of(data)
    text = data if encoding.startswith("utf-8") else data.decode(encoding, "replace").encode()
    empty = complete and not data.strip()
    return Head(data, complete, compression, "csv" if empty else format_of(spec, path, text), encoding)


def dialect(spec: FileSource, head: Head, encoding: str) -> CsvDialect:
    """The dialect of a CSV file; `encoding` is the one that the engine meets, after conversion."""
    return find_dialect(
        head.text()[:_SAMPLE],
        spec.options,
        encoding,
        head.complete and len(head.data) <= _SAMPLE,
        tabs=spec.format == "tsv",
    )
