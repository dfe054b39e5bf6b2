"""Reads a part of a landed file inside a task: the tokens that expressions take, and notes of what was counted.

The readers are the embedded engine's, because what is a row, what is malformed and what a number token is must not
depend on the engine: Spark's own JSON and CSV readers drop keys that stand twice, round and guess.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.deletes import TOMBSTONE
from octo_core.errors import NotSupportedYet, OctopipeError
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import Refused, Scan, Tally
from octo_resources.engines.duckdb.delimited import DelimitedFile
from octo_resources.engines.duckdb.evaluate import Flags, Reading, counted
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.jsonl import JsonLines
from octo_resources.engines.duckdb.parquet import parquet_batches
from octo_resources.engines.duckdb.scan import refused_batch
from octo_resources.engines.duckdb.select import ROW, identifier
from octo_resources.engines.duckdb.session import Session
from octo_resources.engines.elsewhere import brought
from octo_resources.engines.spark import notes
from octo_resources.engines.spark.notes import NOTE

MEMORY: Final = 256 << 20
"""Bytes that reading JSON may take in one task, beside Spark's own."""
_NOTED: Final = 1000
"""Refused rows of one note."""

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Wanted:
    """What is read of a source's rows. `relation`: the columns that come out, `!row` first and `!note` last."""

    paths: tuple[str, ...]
    schema: SourceSchema
    relation: pa.Schema

    @property
    def fields(self) -> list[str]:
        """The schema's; and the one that says that a record is gone, which no schema has and which is never new."""
        names = [field.name for field in self.schema.fields]
        return [*names, TOMBSTONE] if TOMBSTONE in self.paths and TOMBSTONE not in names else names


def relation_of(kinds: "dict[str, pa.DataType]") -> pa.Schema:
    """The relation of a source's tokens: path → Arrow type."""
    columns: dict[str, pa.DataType] = {ROW: pa.int64(), **kinds, NOTE: pa.string()}
    return pa.schema(columns)


def reading(parts: Sequence[Numbered], wanted: Wanted) -> Task:
    """The task for `mapInArrow` over the parts' numbers. An error of reading is a note: another try would not help."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in part_numbers(batch):
                try:
                    yield from read_part(parts[number], wanted)
                except OctopipeError as error:
                    if error.retryable:
                        raise  # Spark tries the task again
                    yield _noted([notes.of_error(error)], wanted)

    return read


def part_numbers(batch: pa.RecordBatch) -> list[int]:
    """The parts' numbers, of a range's rows."""
    return [int(str(one)) for one in batch.column(0).to_pylist()]


def read_part(part: Numbered, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """The part's tokens, then its notes."""
    with TemporaryDirectory(prefix="octopipe-part-") as folder:
        scan = Scan(Path(folder))
        files, told = brought(part, Path(folder))
        for file in files:
            for batch in _batches(file, wanted, scan, Path(folder)):
                columns = [batch.column(name).cast(wanted.relation.field(name).type) for name in (ROW, *wanted.paths)]
                empty = pa.nulls(batch.num_rows, pa.string())
                yield pa.record_batch([*columns, empty], schema=wanted.relation)
        if told is not None:
            scan.count(part.input.batch.id, Tally(told={part.input.file.path: told}))
        texts = [notes.of_tally(one, tally) for one, tally in scan.batches.items()]
        waiting: list[Refused] = []
        for row in scan.refused:
            waiting.append(row)
            if len(waiting) >= _NOTED:
                yield _noted([notes.of_refused(waiting)], wanted)
                waiting = []
        yield _noted([*texts, *([notes.of_refused(waiting)] if waiting else [])], wanted)


def _noted(texts: list[str], wanted: Wanted) -> pa.RecordBatch:
    nulls = [pa.nulls(len(texts), field.type) for field in wanted.relation][:-1]
    return pa.record_batch([*nulls, pa.array(texts, pa.string())], schema=wanted.relation)


def _batches(part: Numbered, wanted: Wanted, scan: Scan, folder: Path) -> Iterator[pa.RecordBatch]:
    batch, form = part.input.batch.id, part.input.file.format

    def refuse(rows: list[Refused]) -> None:
        if rows:
            scan.refuse(batch, refused_batch(rows), malformed=True)

    def count(rows: int, missing: Sequence[str], new: Sequence[str]) -> None:
        tally = Tally()
        tally.missing.update(dict.fromkeys(missing, rows))
        tally.add_new(dict.fromkeys(new, rows))
        scan.count(batch, tally)

    def unfit(fields: Mapping[str, int]) -> None:
        scan.count(batch, Tally(unfit=Counter(fields)))

    if form == "jsonl":
        yield from _json_lines(part, wanted, scan, folder)
    elif form == "csv":
        yield from DelimitedFile(part, wanted.paths, wanted.fields, refuse, count).batches()
    elif form == "parquet":
        yield from parquet_batches(part, wanted.paths, wanted.schema, refuse, count, unfit)
    else:
        raise NotSupportedYet(f"the engine does not read {form} files", where=str(part.input.path))


def _json_lines(part: Numbered, wanted: Wanted, scan: Scan, folder: Path) -> Iterator[pa.RecordBatch]:
    session = Session(memory=MEMORY, threads=1, temp=folder, variables=None)
    try:
        yield from JsonLines(_Tokens(session, wanted.paths, wanted.fields, scan), part.input.batch.id, [part]).good()
    finally:
        session.close()


class _Tokens(Reading):
    """Gives the tokens as they are, and evaluates nothing."""

    def query(self, source: str, extra: Sequence[str] = (), *, delimited: bool = False) -> str:  # noqa: ARG002
        shown = ", ".join(map(identifier, (ROW, *self.paths, *extra)))
        return f"SELECT {shown} FROM {source}"  # noqa: S608  (all quoted)

    def settle(
        self, batch: str, found: pa.RecordBatch, missing: Flags | None = None, new_fields: Flags | None = None
    ) -> Iterator[pa.RecordBatch]:
        if not found.num_rows:
            return
        tally = Tally()
        rows = found.filter(pc.invert(_gone(found))) if TOMBSTONE in self.paths else found
        tally.missing.update(counted(rows, missing or {}))  # a tombstone has no more than its key
        tally.add_new(counted(rows, new_fields or {}))
        self.scan.count(batch, tally)
        yield found.select([ROW, *self.paths])


def _gone(found: pa.RecordBatch) -> "pa.Array[Any]":
    """Which rows are tombstones, by their tokens."""
    return pc.is_in(pc.utf8_lower(found.column(TOMBSTONE)), value_set=pa.array(["true", "t", "1"]))  # a NULL is not
