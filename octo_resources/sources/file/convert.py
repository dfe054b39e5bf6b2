"""Copies into a batch: as they came, or as the two texts that engines read, UTF-8 CSV and JSON lines."""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

from octo_core.batch import Compression
from octo_core.errors import SourceError
from octo_resources.sources.compressed import Written, ZstdFile
from octo_resources.sources.file.content import open_plain
from octo_resources.sources.json_records import find_records
from octo_resources.sources.json_stream import stream_records

_CHUNK: Final = 1 << 20
IN_MEMORY: Final = 64_000_000
"""A JSON document up to this size is looked at as a whole; a bigger one is scanned, record by record."""


def copy_as_is(path: Path, target: Path, compress: bool) -> Written:
    """The same bytes, compressed by zstd if asked. Rows are not counted."""
    if compress:
        out = ZstdFile(target)
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    out.write(chunk)
            done = out.close()
        finally:
            out.abandon()
        return Written(done.bytes, done.sha256, None, done.raw_bytes)
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file, target.open("xb") as copy:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return Written(size, digest.hexdigest(), None, size)


def wide_decimals(path: Path) -> list[str]:
    """The columns of a Parquet file whose decimals have more digits than the engines count: they would be rounded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return [one.name for one in pq.read_schema(path) if pa.types.is_decimal256(one.type)]


def write_exact(path: Path, wide: list[str], target: Path) -> Written:
    """A Parquet file with some columns as the text of their numbers, digit by digit."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        fields = [one.with_type(pa.string()) if one.name in wide else one for one in file.schema_arrow]
        schema = pa.schema(fields)
        with pq.ParquetWriter(target, schema) as out:
            for batch in file.iter_batches():
                columns = [
                    pa.array(map(_digits, column.to_pylist()), pa.string()) if field.name in wide else column
                    for field, column in zip(file.schema_arrow, batch.columns, strict=True)
                ]
                out.write_batch(pa.record_batch(columns, schema=schema))
        rows = file.metadata.num_rows
    with target.open("rb+") as made:
        digest = hashlib.file_digest(made, "sha256").hexdigest()
        os.fsync(made.fileno())
    return Written(target.stat().st_size, digest, rows, target.stat().st_size)


def _digits(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def write_text(path: Path, compression: Compression, encoding: str, target: Path, *, newlines: bool = False) -> Written:
    """The text in UTF-8 without a byte-order mark, otherwise unchanged. SourceError where the encoding does not fit.

    `newlines`: its lines end with carriage returns alone, for which newlines are written.
    """
    out = ZstdFile(target)
    try:
        for chunk in decoded(path, compression, encoding):
            out.write((chunk.replace("\r", "\n") if newlines else chunk).encode())
        done = out.close()
    finally:
        out.abandon()
    return Written(done.bytes, done.sha256, None, done.raw_bytes)


def decoded(path: Path, compression: Compression, encoding: str) -> Iterator[str]:
    """The file's text in pieces of about 1 MB. Raises SourceError naming the encoding that does not fit."""
    with open_plain(path, compression) as plain:
        text = io.TextIOWrapper(plain, encoding=encoding, newline="")
        try:
            while chunk := text.read(_CHUNK):
                yield chunk
        except UnicodeError as error:
            raise SourceError(
                f"the text is not {encoding}: {error.reason if isinstance(error, UnicodeDecodeError) else error}",
                where=str(path),
                hint="Set options.encoding to what the file is in, e.g. cp1252, shift_jis, utf-16.",
                retryable=False,
            ) from error


def json_records(path: Path, compression: Compression, encoding: str, records: str | None) -> Iterator[bytes]:
    """Each record of a JSON document, as it came, on one line. Raises SourceError."""
    with utf8_stream(path, compression, encoding) as stream:
        head = stream.read(IN_MEMORY + 1)
        if len(head) > IN_MEMORY:
            yield from stream_records(_Rejoined(head, stream), records, find=not _several(head))
            return
    if _several(head):
        yield from stream_records(io.BytesIO(head), records, find=False)
    else:
        yield from find_records(head, records).rows


def write_records(rows: Iterable[bytes], target: Path) -> Written:
    """JSON lines, one record each."""
    out = ZstdFile(target)
    try:
        block: list[bytes] = []
        size = 0
        for row in rows:
            block.append(row)
            size += len(row)
            if size >= _CHUNK:
                out.write(b"\n".join(block) + b"\n", len(block))
                block, size = [], 0
        if block:
            out.write(b"\n".join(block) + b"\n", len(block))
        return out.close()
    finally:
        out.abandon()


def utf8_stream(path: Path, compression: Compression, encoding: str) -> IO[bytes]:
    """The file's bytes in UTF-8, decompressed, without a byte-order mark."""
    if encoding == "utf-8":
        return open_plain(path, compression)
    return io.BufferedReader(_Utf8(decoded(path, compression, encoding)), _CHUNK)


def _several(document: bytes) -> bool:
    """Whether more follows the first value: documents one after another."""
    import msgspec

    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return "trailing characters" in str(error)
    except RecursionError:  # told where its records are looked for
        return False
    return False


class _Utf8(io.RawIOBase):
    """Decoded text as a stream of UTF-8 bytes."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._chunks, "").encode()
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Rejoined:
    """What was read already, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def read(self, size: int, /) -> bytes:
        return self._head.read(size) or self._rest.read(size)
