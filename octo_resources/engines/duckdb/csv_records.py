"""Cuts delimited files into records: whole stretches of proper ones at once, odd ones one by one, nothing guessed.

A quote opens a field only at its start, ends it only before a delimiter or a line's end, and stands for itself where
it is doubled; inside a field that does not begin with one it is a letter like others. A record whose quotes do not
work out ends with its line, so that the records after it are read as if it were not there.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from octo_core.batch import CsvDialect
from octo_resources.engines.duckdb.inputs import Numbered, open_plain, read_chunk

CHUNK: Final = 1 << 20
LONGEST: Final = 16 << 20
"""Bytes that a record in quotes may have; past that its quote is taken for a mistake on its first line."""
_ONE_BY_ONE: Final = 64
"""Odd records of one chunk after which the rest of it is read one by one."""
_NEWLINE: Final = 10
Positions = NDArray[np.int64]


@dataclass(slots=True)
class Stretch:
    """Proper records in a row: their bytes, where each starts in them, and each one's line in the file (from 1)."""

    data: bytes
    starts: Positions
    lines: Positions


@dataclass(slots=True)
class Odd:
    """One record that was read by itself. `fields`: text and whether it was quoted; None where it is `broken`."""

    data: bytes
    line: int
    fields: list[tuple[bytes, bool]] | None
    broken: str = ""


class Splitter:
    """The records of one file, header and skipped lines left out."""

    def __init__(self, numbered: Numbered, dialect: CsvDialect, chunk: int = CHUNK, longest: int = LONGEST) -> None:
        self._numbered, self._dialect, self._chunk, self._longest = numbered, dialect, chunk, longest
        self._delimiter, self._quote = dialect.delimiter.encode(), dialect.quote.encode()
        self._escape = dialect.escape.encode() if dialect.escape and dialect.escape != dialect.quote else b""
        self._simple = len(self._delimiter) == 1 and len(self._quote) <= 1
        self._line = numbered.input.first
        self._field = _field_pattern(self._delimiter, self._quote, self._escape)

    def __iter__(self) -> Iterator[Stretch | Odd]:
        header = self._dialect.header and self._numbered.input.begins
        for part in self._parts():
            if not header:
                yield part
            elif isinstance(part, Odd):
                header = False
            else:
                header = False
                if len(part.starts) > 1:
                    start = int(part.starts[1])
                    yield Stretch(part.data[start:], part.starts[1:] - start, part.lines[1:])

    def _parts(self) -> Iterator[Stretch | Odd]:
        begins = self._numbered.input.begins
        carry, first, skip = b"", begins, self._dialect.skip if begins else 0
        with open_plain(self._numbered.input) as stream:
            while True:
                data = read_chunk(stream, self._chunk, self._numbered.input)
                buffer = carry + data if carry else data
                if first:
                    buffer, first = buffer.removeprefix(b"\xef\xbb\xbf"), False
                while skip and (end := buffer.find(b"\n") + 1 or (0 if data else len(buffer))):
                    buffer, skip, self._line = buffer[end:], skip - 1, self._line + 1
                carry = buffer
                if not skip:
                    used = yield from self._cut(buffer, last=not data)
                    carry = buffer[used:]
                if not data:
                    return

    def _cut(self, buffer: bytes, *, last: bool) -> Generator[Stretch | Odd, None, int]:
        """Yields the records that are whole; returns how many bytes they take."""
        position, odd = 0, 0
        while position < len(buffer):
            if self._simple and odd < _ONE_BY_ONE and not (self._escape and self._escape in buffer):
                stretch, position = self._stretch(buffer, position, last)
                if stretch is not None:
                    yield stretch
                if position >= len(buffer):
                    break
            record = self._one(buffer, position, last)
            if record is None:
                break
            position += len(record.data)
            self._line += record.data.count(b"\n")
            odd += 1
            yield record
        return position

    def _stretch(self, buffer: bytes, position: int, last: bool) -> tuple[Stretch | None, int]:
        """The proper records from here on, and where they end."""
        data = np.frombuffer(buffer, np.uint8)[position:]
        newlines = np.flatnonzero(data == _NEWLINE)
        ends = newlines
        size = len(data)
        if self._quote and self._quote in buffer:
            quotes = np.flatnonzero(data == self._quote[0])
            bad = self._first_bad(data, quotes)
            parity = np.searchsorted(quotes, newlines) & 1
            ends = newlines[(parity == 0) & (newlines < bad)]
            open_end = bad < size or len(quotes) & 1
        else:
            open_end = False
        stop = int(ends[-1]) + 1 if len(ends) else 0
        if last and not open_end and stop < size:
            ends, stop = np.append(ends, size - 1), size  # the last line has no newline
        if not stop:
            return None, position
        starts = np.zeros(len(ends), np.int64)
        starts[1:] = ends[:-1] + 1
        lines = self._line + np.searchsorted(newlines, starts)
        self._line += int(np.searchsorted(newlines, stop))
        return Stretch(buffer[position : position + stop], starts, lines), position + stop

    def _first_bad(self, data: NDArray[np.uint8], quotes: Positions) -> int:
        """Where the first quote stands that neither opens, closes nor doubles; the size of data if none does."""
        if not len(quotes):
            return len(data)
        delimiter, quote = self._delimiter[0], self._quote[0]
        opening, closing = quotes[0::2], quotes[1::2]
        before = np.where(opening > 0, data[opening - 1], _NEWLINE)
        wrong_open = opening[(before != delimiter) & (before != _NEWLINE) & (before != quote)]
        after = data[np.minimum(closing + 1, len(data) - 1)]
        fine = (
            (after == delimiter) | (after == _NEWLINE) | (after == 13) | (after == quote) | (closing + 1 == len(data))
        )
        wrong_close = closing[~fine]
        return min(int(wrong[0]) if len(wrong) else len(data) for wrong in (wrong_open, wrong_close))

    def record(self, data: bytes, line: int) -> Odd:
        """One record, read by itself."""
        self._line = line
        found = self._one(data, 0, last=True)
        return found if found is not None else Odd(data, line, None, "it is cut short")

    def _one(self, buffer: bytes, position: int, last: bool) -> Odd | None:
        """The record that starts here; None where the buffer ends before it does."""
        fields: list[tuple[bytes, bool]] = []
        start = position
        while True:
            match = self._field.match(buffer, position)
            if match is None:
                return self._broken(buffer, start, position, last)
            end = match.end()
            quoted = match.group(1)
            fields.append((match.group(2), False) if quoted is None else (self._unquoted(quoted), True))
            if buffer.startswith(self._delimiter, end):
                position = end + len(self._delimiter)
                continue
            if end >= len(buffer) and not last:
                return None
            newline = buffer.find(b"\n", end, end + 2)
            stop = newline + 1 if newline >= 0 else len(buffer)
            if quoted is None and fields[-1][0].endswith(b"\r"):
                fields[-1] = (fields[-1][0][:-1], False)
            return Odd(buffer[start:stop], self._line, fields)

    def _broken(self, buffer: bytes, start: int, position: int, last: bool) -> Odd | None:
        """A quoted field that is not closed, or goes on after its end: the record is its first line only."""
        closed = self._closed.match(buffer, position)
        if (closed is None or closed.end() == len(buffer)) and not last and len(buffer) - start < self._longest:
            return None
        end = buffer.find(b"\n", start) + 1 or len(buffer)
        reason = "a quote is never closed" if closed is None else "text follows a closing quote"
        return Odd(buffer[start:end], self._line, None, reason)

    @property
    def _closed(self) -> "re.Pattern[bytes]":
        return re.compile(_quoted_pattern(self._quote, self._escape))

    def _unquoted(self, text: bytes) -> bytes:
        if self._escape:
            return re.sub(re.escape(self._escape) + rb"(.)", rb"\1", text, flags=re.DOTALL)
        return text.replace(self._quote * 2, self._quote)


def _quoted_pattern(quote: bytes, escape: bytes) -> bytes:
    mark = re.escape(quote)
    if escape:
        plain = b"[^" + mark + re.escape(escape) + b"]"
        return mark + b"(" + plain + b"*(?:" + re.escape(escape) + b"(?s:.)" + plain + b"*)*)" + mark
    return mark + b"([^" + mark + b"]*(?:" + mark * 2 + b"[^" + mark + b"]*)*)" + mark


def _field_pattern(delimiter: bytes, quote: bytes, escape: bytes) -> "re.Pattern[bytes]":
    """Group 1: what is between quotes; group 2: a field without them, to the delimiter or the line's end."""
    ahead = rb"(?=" + re.escape(delimiter) + rb"|\r?\n|\r?\Z)"
    bare = rb"((?:(?!" + re.escape(delimiter) + rb")[^\n])*)"
    if not quote:
        return re.compile(rb"(?:(\Z.)|" + bare + b")")
    return re.compile(b"(?:" + _quoted_pattern(quote, escape) + ahead + b"|(?!" + re.escape(quote) + b")" + bare + b")")
