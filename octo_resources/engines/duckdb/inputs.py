"""What the engine reads: landed files in order, and the row numbers that name their rows for a whole load."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError

if TYPE_CHECKING:
    from octo_resources.engines.elsewhere import Elsewhere

ROW_BITS: Final = 40
"""A load's row number is the file's place in the load << 40 | the row's number in its file, from 1."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the lines of a file that was made of a landed one come from, and which of them are no rows."""

    file: LandedFile
    """The landed file."""
    places: NDArray[np.int64]
    """For each line: the number of its row in the landed file, and its own among the lines made of that row, from 1."""
    refused: NDArray[np.int64]
    """Numbers of the lines that hold the payload of what is no row, ascending."""
    reasons: tuple[str, ...] = ()
    """Why, one for each of `refused`."""

    def place(self, line: int) -> tuple[int, int]:
        """(row in the landed file, which of the lines made of it) of a line, both from 1."""
        row, nth = self.places[line - 1].tolist()
        return row, nth

    def reason(self, line: int) -> str | None:
        """Why a line is no row; None where it is one."""
        place = int(np.searchsorted(self.refused, line))
        return self.reasons[place] if place < len(self.refused) and self.refused[place] == line else None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file that is read by itself: whole lines of a file that is not compressed, or row groups of Parquet.

    `start` and `end` are bytes, or numbers of row groups; `first` is the number of the first row there, from 1.
    """

    start: int
    end: int
    first: int


@dataclass(frozen=True, slots=True)
class Input:
    """One landed file of a batch and where it lies now; or a file that was made of one, with its origin."""

    batch: Batch
    file: LandedFile
    path: Path
    origin: Origin | None = None
    span: Span | None = None
    """The part of the file that is read; all of it when left out."""
    elsewhere: "Elsewhere | None" = None
    """Who brings the file to the machine that reads it, where `path` is on no disk."""

    @property
    def begins(self) -> bool:
        """Whether what is read begins where the file does."""
        return self.span is None or self.span.start == 0

    @property
    def first(self) -> int:
        """The number of the first row that is read."""
        return self.span.first if self.span is not None else 1


@dataclass(frozen=True, slots=True)
class Numbered:
    """An input and its place among the inputs of a load."""

    ordinal: int
    input: Input

    @property
    def base(self) -> int:
        return self.ordinal << ROW_BITS


def row_of(ordinal: int, number: int) -> int:
    """The load's number of a row: `number` counts from 1 in the file (the line it starts on, where there are lines)."""
    return ordinal << ROW_BITS | number


def split_row(row: int) -> tuple[int, int]:
    """(place of the file among the inputs, number in the file), the inverse of row_of."""
    return row >> ROW_BITS, row & ((1 << ROW_BITS) - 1)


def landed_row(inputs: Sequence[Input], row: int) -> int:
    """The number, in its landed file, of the row that a load's row was made of."""
    ordinal, number = split_row(row)
    origin = inputs[ordinal].origin
    return origin.place(number)[0] if origin is not None else number


def groups(inputs: Sequence[Input]) -> Iterator[tuple[str, str, list[Numbered]]]:
    """(batch id, format, files) of neighbours that are counted together and read alike."""
    numbered = [Numbered(place, one) for place, one in enumerate(inputs)]
    for (batch, form), files in groupby(numbered, key=lambda one: (one.input.batch.id, one.input.file.format)):
        yield batch, form, list(files)


def open_plain(source: Input) -> IO[bytes]:
    """The file's decompressed bytes as a stream, in UTF-8; several gzip members or zstd frames are read as one."""
    stream = _decompressed(source)
    dialect = source.file.dialect
    encoding = codecs.lookup(dialect.encoding).name if dialect is not None else "utf-8"
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return stream
    # What the encoding does not know becomes U+FFFD, visibly; the landed file keeps its bytes.
    return cast(IO[bytes], codecs.EncodedFile(stream, "utf-8", encoding, errors="replace"))


def _decompressed(source: Input) -> IO[bytes]:
    try:
        if source.file.compression == "gzip":
            return cast(IO[bytes], gzip.open(source.path, "rb"))
        if source.file.compression == "zstd":
            import zstandard

            raw = source.path.open("rb")
            reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=True)
            return cast(IO[bytes], io.BufferedReader(cast(io.RawIOBase, reader), 1 << 20))
        plain = source.path.open("rb", buffering=0)
        return plain if source.span is None else cast(IO[bytes], _Part(plain, source.span))
    except OSError as error:
        raise _unreadable(source, error) from error


class _Part(io.RawIOBase):
    """The bytes of a span, and no more."""

    def __init__(self, file: io.FileIO, span: Span) -> None:
        self._file, self._left = file, span.end - span.start
        file.seek(span.start)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left)) or b""
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def read_chunk(stream: IO[bytes], size: int, source: Input) -> bytes:
    """Up to `size` bytes, b"" at the end. LandingError where the file is damaged or gone."""
    import zstandard

    try:
        return stream.read(size)
    except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Input, error: Exception) -> LandingError:
    return LandingError(
        f"the landed file cannot be read ({error})",
        where=str(source.path),
        hint="It is damaged or gone; extract the source again, which makes a new batch.",
    )
