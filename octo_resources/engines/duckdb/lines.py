"""Cuts files into lines, without copying: Arrow batches of line numbers and texts, whatever the bytes are."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_core.errors import OctopipeError
from octo_resources.engines.duckdb.inputs import Numbered, Origin, open_plain, read_chunk

CHUNK: Final = 1 << 20
"""Bytes read at a time: 0.11 s a million lines; 4 and 16 MB are no faster and cost memory."""
LONGEST: Final = 64 << 20
"""Bytes of one line that are taken; a longer one is refused and never held."""
LINES: Final = pa.schema({"!row": cast(pa.DataType, pa.int64()), "line": pa.large_string()})

Positions = NDArray[np.int64]
Bad = Callable[[int, str, str | None], None]
"""(row, reason, value): a line that is no text, or too long."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines: `data` up to `size`, of which the first has the number `line` (from 1)."""

    data: bytes
    size: int
    line: int
    ends: Positions
    """Where each line ends, newline included."""


def _piece(data: bytes, size: int, line: int) -> Piece:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8, size) == 10) + 1
    if not len(ends) or ends[-1] != size:
        ends = np.append(ends, size)
    return Piece(data, size, line, cast(Positions, ends))


def pieces(
    numbered: Numbered, too_long: Callable[[int], None], chunk: int = CHUNK, longest: int = LONGEST
) -> Iterator[Piece]:
    """The file in pieces of whole lines. Only a newline ends a line; a BOM is dropped; `too_long` gets line numbers."""
    source = numbered.input
    carry, number, first, skipping = b"", source.first, source.begins, False
    with open_plain(source) as stream:
        while True:
            data = read_chunk(stream, chunk, source)
            buffer = carry + data if carry else data
            if first:
                buffer, first = buffer.removeprefix(b"\xef\xbb\xbf"), False
            cut = buffer.rfind(b"\n") + 1 if data else len(buffer)
            carry = buffer[cut:]
            if skipping and cut:  # the rest of a line that was too long
                start = buffer.find(b"\n", 0, cut) + 1 or cut
                buffer, cut, number, skipping = buffer[start:], cut - start, number + 1, False
            if cut:
                piece = _piece(buffer, cut, number)
                yield piece
                number += len(piece.ends)  # but for the last line of a file, each has its newline
            if skipping:
                carry = b""
            elif len(carry) > longest:
                too_long(number)
                carry, skipping = b"", True
            if not data:
                return


def lines(numbered: Numbered, bad: Bad, chunk: int = CHUNK, longest: int = LONGEST) -> Iterator[pa.RecordBatch]:
    """Batches of schema LINES; lines that are too long or no UTF-8 go to `bad`."""

    def too_long(line: int) -> None:
        bad(numbered.base | line, f"longer than {longest >> 20} MB", None)

    origin = numbered.input.origin
    for piece in pieces(numbered, too_long, chunk, longest):
        batch = _batch(piece, numbered.base, bad)
        yield batch if origin is None else _rows(batch, origin, numbered.base, bad)


def _rows(batch: pa.RecordBatch, origin: Origin, base: int, bad: Bad) -> pa.RecordBatch:
    """Without the lines that only carry the payload of what is no row; those go to `bad`."""
    numbers = batch.column("!row").to_numpy() - base
    refused = np.isin(numbers, origin.refused)
    if not refused.any():
        return batch
    for line in numbers[refused].tolist():
        bad(base | line, origin.reason(line) or "", None)
    return batch.filter(pa.array(~refused))


def _batch(piece: Piece, base: int, bad: Bad) -> pa.RecordBatch:
    ends = piece.ends
    offsets = np.zeros(len(ends) + 1, np.int64)
    offsets[1:] = ends
    buffers = [None, pa.py_buffer(offsets.data), pa.py_buffer(piece.data)]
    texts = pa.Array.from_buffers(pa.large_string(), len(ends), buffers)
    first = base | piece.line
    rows = pa.array(np.arange(first, first + len(ends)))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return _decodable(rows, texts.view(pa.large_binary()), bad)
    return pa.record_batch([rows, texts], schema=LINES)


def _decodable(rows: "pa.Array[Any]", raws: "pa.Array[Any]", bad: Bad) -> pa.RecordBatch:
    kept: list[tuple[int, str]] = []
    pairs = cast("list[tuple[int, bytes]]", list(zip(rows.to_pylist(), raws.to_pylist(), strict=True)))
    for row, raw in pairs:
        try:
            kept.append((row, raw.decode()))
        except UnicodeDecodeError as error:
            bad(row, "not UTF-8", raw[error.start : error.end].hex(" "))
    columns = [pa.array([row for row, _ in kept], pa.int64()), pa.array([text for _, text in kept], pa.large_string())]
    return pa.record_batch(columns, schema=LINES)


class Feed:
    """Batches of several files that can be looked at, stopped and gone on with; made for DuckDB to pull from.

    DuckDB turns an error of a generator into one of its own, so it is kept here and raised by `raise_error`.
    """

    def __init__(self, files: Sequence[Numbered], read: Callable[[Numbered], Iterator[pa.RecordBatch]]) -> None:
        self._batches = (batch for one in files for batch in read(one) if batch.num_rows)
        self._ahead: deque[pa.RecordBatch] = deque()
        self._stop = False
        self._error: OctopipeError | None = None
        self.exhausted = False

    def peek(self) -> pa.RecordBatch | None:
        """The batch that comes next; None at the end."""
        if not self._ahead and not self.exhausted:
            self._look()
            self.raise_error()
        return self._ahead[0] if self._ahead else None

    def ends_within(self, size: int) -> bool:
        """Whether all that is left has so many bytes at most, and one batch more at the most has been looked at."""
        held = sum(batch.nbytes for batch in self._ahead)
        while not self.exhausted and held <= size:
            self._look()
            held += 0 if self.exhausted else self._ahead[-1].nbytes
        return held <= size and self.exhausted

    def segment(self) -> Iterator[pa.RecordBatch]:
        """Batches until the end, or until `stop`."""
        self._stop = False
        while not self._stop:
            if not self._ahead:
                self._look()
            if not self._ahead:
                return
            yield self._ahead.popleft()

    def stop(self) -> None:
        """End the present segment after the batch that is being read; nothing is lost."""
        self._stop = True

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _look(self) -> None:
        try:
            batch = next(self._batches, None)
        except OctopipeError as error:
            self._error, batch = error, None
        self.exhausted = batch is None
        if batch is not None:
            self._ahead.append(batch)
