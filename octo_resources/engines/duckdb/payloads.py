"""Finds rows again: their original text by row number, and the first records as they stand in a file."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_resources.engines.duckdb import exact
from octo_resources.engines.duckdb.csv_records import Odd, Splitter, Stretch
from octo_resources.engines.duckdb.inputs import Input, Numbered, split_row
from octo_resources.engines.duckdb.lines import pieces

Rows = NDArray[np.int64]


def payloads(inputs: Sequence[Input], rows: Rows) -> Iterator[tuple[int, str]]:
    """(row, original text) for sorted row numbers. Each file that has one is read again, up to the last of them.

    Lines of JSON and records of CSV come without their line's end, bytes that are no UTF-8 as `\\xff`; rows of Parquet
    as JSON.
    """
    for ordinal, found in groupby(rows.tolist(), key=lambda row: split_row(row)[0]):
        numbered = Numbered(ordinal, inputs[ordinal])
        numbers = np.array([split_row(row)[1] for row in found], np.int64)
        for number, text in _texts(numbered, numbers):
            yield numbered.base | number, text


def _texts(numbered: Numbered, numbers: Rows) -> Iterator[tuple[int, str]]:
    form = numbered.input.file.format
    if form == "csv":
        return _records(numbered, numbers)
    return _parquet(numbered, numbers) if form == "parquet" else _lines(numbered, numbers)


def _lines(numbered: Numbered, numbers: Rows) -> Iterator[tuple[int, str]]:
    too_long: list[int] = []
    for piece in pieces(numbered, too_long.append):
        ends = piece.ends
        first, last = np.searchsorted(numbers, [piece.line, piece.line + len(ends)])
        for number in numbers[first:last].tolist():
            place = number - piece.line
            start = int(ends[place - 1]) if place else 0
            yield number, _text(piece.data[start : int(ends[place])])
        if piece.line + len(ends) > numbers[-1]:
            break
    for number in sorted(set(too_long) & set(numbers.tolist())):
        yield number, f"(line {number} of {numbered.input.path.name} is too long to be copied here)"


def _records(numbered: Numbered, numbers: Rows) -> Iterator[tuple[int, str]]:
    dialect = numbered.input.file.dialect
    assert dialect is not None  # evaluate would have refused the file
    for part in Splitter(numbered, dialect):
        if isinstance(part, Odd):
            if part.line in numbers:
                yield part.line, _text(part.data)
            continue
        ends = np.append(part.starts[1:], len(part.data))
        wanted = np.flatnonzero(np.isin(part.lines, numbers))
        for place in wanted.tolist():
            yield int(part.lines[place]), _text(part.data[part.starts[place] : ends[place]])
        if len(part.lines) and part.lines[-1] >= numbers[-1]:
            return


def _parquet(numbered: Numbered, numbers: Rows) -> Iterator[tuple[int, str]]:
    from pyarrow import parquet

    first = 1
    for batch in parquet.ParquetFile(numbered.input.path).iter_batches(16_384):
        start, end = np.searchsorted(numbers, [first, first + batch.num_rows])
        for number in numbers[start:end].tolist():
            row = _values(batch.slice(number - first, 1))[0]
            yield number, json.dumps(row, ensure_ascii=False, default=_plain)
        first += batch.num_rows
        if first > numbers[-1]:
            return


def _values(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as Python's values. Times at the calendar's ends, which its own have no place for in their zone, are in UTC;
    those past them, as text."""
    try:
        return batch.to_pylist()
    except (OverflowError, ValueError):
        columns = [_column(one) for one in batch.columns]
        return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(found: "pa.Array[Any]") -> list[Any]:
    zoned = pa.types.is_timestamp(found.type) and found.type.tz is not None
    for one in (found, found.cast(pa.timestamp(found.type.unit, "UTC")) if zoned else found):
        with suppress(OverflowError, ValueError):
            return one.to_pylist()
    return found.cast(pa.string()).to_pylist()


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _text(raw: bytes) -> str:
    return raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")


def records(inputs: Sequence[Input], limit: int) -> list[dict[str, Any]]:
    """The first records, each field's exact token by its name (Parquet's values as they are); no broken ones."""
    found: list[dict[str, Any]] = []
    for ordinal, one in enumerate(inputs):
        for record in _first(Numbered(ordinal, one)):
            if len(found) == limit:
                return found
            found.append(record)
    return found


def _first(numbered: Numbered) -> Iterator[dict[str, Any]]:
    form = numbered.input.file.format
    if form == "csv":
        yield from _csv_rows(numbered)
    elif form == "parquet":
        from pyarrow import parquet

        for batch in parquet.ParquetFile(numbered.input.path).iter_batches(1000):
            yield from _values(batch)
    else:
        for piece in pieces(numbered, lambda _: None):
            for raw in piece.data[: piece.size].splitlines():
                try:
                    record = exact.decode(raw.decode())
                    yield {key: exact.token(record, (key,)) for key in record}
                except (exact.UnfitError, UnicodeDecodeError):
                    continue


def _csv_rows(numbered: Numbered) -> Iterator[dict[str, Any]]:
    dialect = numbered.input.file.dialect
    assert dialect is not None
    splitter = Splitter(numbered, dialect)
    nulls = frozenset(word.encode() for word in dialect.null)
    for part in splitter:
        whole = [part] if isinstance(part, Odd) else _each(splitter, part)
        for record in whole:
            if record.fields is None or len(record.fields) != len(dialect.columns):
                continue
            values = [None if raw in nulls and not quoted else _text(raw) for raw, quoted in record.fields]
            yield dict(zip(dialect.columns, values, strict=True))


def _each(splitter: Splitter, part: Stretch) -> Iterator[Odd]:
    ends = np.append(part.starts[1:], len(part.data))
    for start, end, line in zip(part.starts, ends, part.lines, strict=True):
        yield splitter.record(part.data[start:end], int(line))
