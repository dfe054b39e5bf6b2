"""Parts evaluated rows inside a task: good ones in the targets' types, refused ones with their reasons, and counts."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.deletes import TOMBSTONE
from octo_resources.engines.duckdb import Scan, Tally
from octo_resources.engines.duckdb.inputs import ROW_BITS, split_row
from octo_resources.engines.duckdb.scan import REFUSED, refused_batch
from octo_resources.engines.duckdb.select import FAILURE, GONE, ROW
from octo_resources.engines.spark.notes import NOTE, Notes
from octo_resources.engines.spark.types import to_target


@dataclass(frozen=True)
class Settling:
    """What a task needs to part rows. `schema`: the good rows', `_row` last; `batches`: of the inputs, by ordinal."""

    schema: pa.Schema
    fields: tuple[str, ...]
    """Whose own contract each `!failure` tells of, behind its first texts."""
    batches: tuple[str, ...]
    keys: tuple[str, ...] = ()
    """Target columns whose values are kept of refused rows that have them all."""
    passes_over: bool = False
    """Whether tombstones are counted, and do not come out."""


class Settled:
    """One task's rows as they pass. What was refused waits on the disk of the task's machine."""

    def __init__(self, settling: Settling, temp: Path) -> None:
        self.settling = settling
        self.scan = Scan(temp, keys=settling.keys)
        self.notes = Notes()

    def good(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The good rows. Ends at once where reading broke: see `notes.error`."""
        for batch in batches:
            rows = self._without_notes(batch)
            if self.notes.error is not None:
                return
            for found in self._settle(rows):
                if found.num_rows:
                    yield found

    def broken(self) -> str | None:
        """What reading broke on, as text; None where it did not."""
        return json.dumps(self.notes.error) if self.notes.error is not None else None

    @property
    def tallies(self) -> dict[str, Tally]:
        """Batch → counts without those of refused rows, which are counted where they are gathered."""
        counts: dict[str, Tally] = {}
        for found in (self.scan.batches, self.notes.tallies):
            for batch, tally in found.items():
                counts.setdefault(batch, Tally()).add(tally)
        for tally in counts.values():
            tally.rows_read -= tally.malformed
            tally.refused = tally.malformed = 0
        return counts

    def _without_notes(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if NOTE not in batch.schema.names:
            return batch
        texts = batch.column(NOTE)
        if texts.null_count == batch.num_rows:
            return batch
        for text in texts.drop_null().to_pylist():
            refused = self.notes.read(str(text))
            if refused:
                self._refuse(refused_batch(refused), malformed=True)
        return batch.filter(texts.is_null())

    def _settle(self, found: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if not found.num_rows:
            return
        for batch, ours in self._by_batch(found):
            tally = Tally(rows_read=ours.num_rows, gone=_gone(ours))
            failures = ours.column("!failure")
            bad = ours.filter(failures.is_valid()) if failures.null_count != ours.num_rows else None
            good = ours.filter(failures.is_null()) if bad is not None else ours
            if bad is not None:
                told = bad.column("!failure")
                for place, name in enumerate(self.settling.fields, len(FAILURE)):
                    broken = pc.equal(pc.list_element(told, place), pa.scalar("1")).true_count
                    if broken:
                        tally.contract_failures[name] += broken
                columns = [bad.column(ROW), *(pc.list_element(told, n) for n in range(len(FAILURE)))]
                refused = [column.cast(kind.type) for column, kind in zip(columns, REFUSED, strict=True)]
                self._refuse(pa.record_batch(refused, schema=REFUSED), malformed=False)
                self._keep_keys(bad)
            self.scan.count(batch, tally)
            if tally.gone and self.settling.passes_over:
                good = good.filter(pc.invert(good.column(GONE)))
            if good.num_rows:
                yield self._target(good)

    def _by_batch(self, found: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rows of each batch: nearly always all of one."""
        ordinals = pc.shift_right(found.column(ROW), pa.scalar(ROW_BITS, pa.int64()))
        there = [int(str(one)) for one in pc.unique(ordinals).to_pylist()]
        for ordinal in there:
            part = found if len(there) == 1 else found.filter(pc.equal(ordinals, pa.scalar(ordinal, pa.int64())))
            yield self.settling.batches[ordinal], part

    def _refuse(self, rows: pa.RecordBatch, *, malformed: bool) -> None:
        ordinal, _ = split_row(int(rows.column("row")[0].as_py()))
        self.scan.refuse(self.settling.batches[ordinal], rows, malformed=malformed)

    def _keep_keys(self, bad: pa.RecordBatch) -> None:
        names = self.settling.keys
        if not names:
            return
        schema = self.settling.schema
        arrays: list[pa.Array[Any]] = [
            to_target(bad.column(f"!v{schema.get_field_index(name)}"), schema.field(name).type) for name in names
        ]
        keys = pa.record_batch(arrays, names=list(names))
        self.scan.keep_keys(keys.filter(reduce(pc.and_, (array.is_valid() for array in arrays))))

    def _target(self, good: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.settling.schema
        own = [ROW, *([GONE] if TOMBSTONE in schema.names else [])]
        names: Sequence[str] = [*(f"!v{place}" for place in range(len(schema) - len(own))), *own]
        arrays = [to_target(good.column(name), one.type) for name, one in zip(names, schema, strict=True)]
        return pa.record_batch(arrays, schema=schema)


def _gone(rows: pa.RecordBatch) -> int:
    """How many are tombstones."""
    return int(pc.sum(rows.column(GONE)).as_py() or 0) if GONE in rows.schema.names else 0
