"""Reads delimited files: records cut by `csv_records`, fields by Arrow's reader, odd ones here, with one meaning."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from pyarrow import csv

from octo_core.errors import LandingError
from octo_core.expressions.tree import path_parts
from octo_resources.engines.duckdb.csv_records import Odd, Positions, Splitter, Stretch
from octo_resources.engines.duckdb.exact import UnfitError
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.records import token_in_text, token_schema
from octo_resources.engines.duckdb.scan import Refused, malformed

Refuse = Callable[[list[Refused]], None]
Count = Callable[[int, Sequence[str], Sequence[str]], None]
"""(rows, columns that the file has not, columns that the schema has not)"""
_ODD_ROWS: Final = 10_000


class DelimitedFile:
    """One CSV or TSV file as tokens. What is malformed goes to `refuse` with its reason."""

    def __init__(
        self, numbered: Numbered, paths: Sequence[str], fields: Sequence[str], refuse: Refuse, count: Count
    ) -> None:
        dialect = numbered.input.file.dialect
        if dialect is None:
            raise LandingError("the manifest does not say how the file is written", where=str(numbered.input.path))
        self._numbered, self._dialect, self._refuse, self._count = numbered, dialect, refuse, count
        self._paths = {path: path_parts(path) for path in paths}
        self._schema = token_schema(paths)
        self._names = dialect.columns
        self._used = [name for name in self._names if any(parts[0] == name for parts in self._paths.values())]
        self._missing = [name for name in fields if name not in self._names]
        self._new = [name for name in self._names if name not in fields]
        self._nulls = frozenset(text.encode() for text in dialect.null)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of `!row` and one text column a path, in the file's order but for odd records."""
        odd: list[Odd] = []
        for part in Splitter(self._numbered, self._dialect):
            if isinstance(part, Stretch):
                yield from self._stretch(part)
            else:
                odd.append(part)
                if len(odd) >= _ODD_ROWS:
                    yield from self._odd(odd)
                    odd = []
        yield from self._odd(odd)

    def _stretch(self, part: Stretch) -> Iterator[pa.RecordBatch]:
        if b"\x00" in part.data:
            yield from self._one_by_one(part)
            return
        ragged: dict[int, int] = {}
        try:
            table = csv.read_csv(io.BytesIO(part.data), *self._options(part, ragged))
        except pa.ArrowInvalid:  # bytes that are no UTF-8, or a record that Arrow cannot cut
            yield from self._one_by_one(part)
            return
        if table.num_rows + len(ragged) != len(part.starts):  # a carriage return by itself ends Arrow's records
            yield from self._one_by_one(part)
            return
        ends = np.append(part.starts[1:], len(part.data))
        sizes = ends - part.starts
        keep = np.ones(len(part.starts), bool)
        keep[[number - 1 for number in ragged]] = False
        rows = self._numbered.base + part.lines
        if len(self._names) > 1:
            blank = (sizes == 1) | ((sizes == 2) & (np.frombuffer(part.data, np.uint8)[part.starts] == 13))
            ragged = {number: fields for number, fields in ragged.items() if not blank[number - 1]}
            table = table.filter(pa.array(~blank[keep])) if blank.any() else table
            keep &= ~blank
        self._refuse([self._ragged(int(rows[number - 1]), fields) for number, fields in ragged.items()])
        yield from self._tokens(rows[keep], {name: table.column(name).combine_chunks() for name in self._used})

    def _options(
        self, part: Stretch, ragged: dict[int, int]
    ) -> tuple[csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
        dialect = self._dialect

        def skip(row: csv.InvalidRow) -> Literal["skip", "error"]:
            ragged[row.number or 0] = row.actual_columns
            return "skip"

        return (
            csv.ReadOptions(use_threads=False, column_names=list(self._names), block_size=len(part.data) + 1),
            csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=False,  # stretches with escapes are cut one by one
                newlines_in_values=bool(dialect.quote) and dialect.quote.encode() in part.data,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(self._used, pa.string()),
                include_columns=self._used or list(self._names[:1]),
                null_values=list(dialect.null),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _one_by_one(self, part: Stretch) -> Iterator[pa.RecordBatch]:
        splitter = Splitter(self._numbered, self._dialect)
        ends = np.append(part.starts[1:], len(part.data))
        yield from self._odd(
            [
                splitter.record(part.data[start:end], int(line))
                for start, end, line in zip(part.starts, ends, part.lines, strict=True)
            ]
        )

    def _odd(self, records: list[Odd]) -> Iterator[pa.RecordBatch]:
        rows: list[int] = []
        columns: dict[str, list[str | None]] = {name: [] for name in self._used}
        places = {name: self._names.index(name) for name in self._used}
        refused: list[Refused] = []
        for record in records:
            row = self._numbered.base | record.line
            if len(self._names) > 1 and record.fields == [(b"", False)]:
                continue
            try:
                values = self._values(record)
            except UnfitError as error:
                refused.append(malformed(row, error.reason, error.detail))
                continue
            rows.append(row)
            for name, place in places.items():
                columns[name].append(values[place])
        self._refuse(refused)
        arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        yield from self._tokens(np.array(rows, np.int64), arrays)

    def _values(self, record: Odd) -> list[str | None]:
        if record.fields is None:
            raise UnfitError(f"malformed CSV: {record.broken}", record.data[:200].decode("utf-8", "replace"))
        if b"\x00" in record.data:
            raise UnfitError("a NUL character")
        if len(record.fields) != len(self._names):
            raise UnfitError(self._ragged(0, len(record.fields)).reason)
        try:
            return [None if not quoted and raw in self._nulls else raw.decode() for raw, quoted in record.fields]
        except UnicodeDecodeError as error:
            raise UnfitError("not UTF-8", record.data[:200].decode("utf-8", "replace")) from error

    def _ragged(self, row: int, fields: int) -> Refused:
        wanted = len(self._names)
        return malformed(row, f"malformed CSV: {fields} field{'' if fields == 1 else 's'} instead of {wanted}")

    def _tokens(self, rows: Positions, columns: Mapping[str, "pa.Array[Any]"]) -> Iterator[pa.RecordBatch]:
        if not len(rows):
            return
        self._count(len(rows), self._missing, self._new)
        arrays: list[pa.Array[Any]] = [pa.array(rows)]
        for parts in self._paths.values():
            found = columns.get(str(parts[0]))
            if found is None:
                found = pa.nulls(len(rows), pa.string())
            elif len(parts) > 1:
                found = pa.array([token_in_text(text, parts) for text in found.to_pylist()], pa.string())
            arrays.append(found)
        yield pa.record_batch(arrays, schema=self._schema)
