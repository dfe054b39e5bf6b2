"""Rows that Spark's tasks bring to a destination themselves; the driver believes what came back, and nothing else."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.errors import OctopipeError
from octo_resources.engines.duckdb import Input, Scan
from octo_resources.engines.duckdb.scan import REFUSED
from octo_resources.engines.protocol import Brought, Depot
from octo_resources.engines.spark import notes
from octo_resources.engines.spark.account import check, count, refuse
from octo_resources.engines.spark.frames import Frame
from octo_resources.engines.spark.packing import counts_of, counts_text, packed_rows, unpacked
from octo_resources.engines.spark.settle import Settled, Settling
from octo_resources.engines.spark.tokens import Task
from octo_resources.engines.spark.types import spark_schema

if TYPE_CHECKING:
    from octo_resources.engines.spark.engine import SparkEngine

_COLUMNS: Final[dict[str, pa.DataType]] = {
    "part": pa.int32(), "place": pa.string(), "rows": pa.int64(), "counts": pa.string(), "keys": pa.binary(),
    "error": pa.string(),
}  # fmt: skip
_TOLD: Final = pa.schema(_COLUMNS)
"""What a task says when it is done: one row."""


def delivering(settling: Settling, depot: Depot) -> Task:
    """The task that parts evaluated rows and brings them to a place of its attempt's own."""

    def deliver(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None  # it runs in a task
        part, attempt = context.partitionId(), context.taskAttemptId()
        with TemporaryDirectory(prefix="octopipe-part-") as folder:
            settled = Settled(settling, Path(folder))
            try:
                yield _delivered(settled, batches, depot, part, attempt)
            except OctopipeError as error:
                if error.retryable:
                    raise  # Spark tries the task again
                yield _told(part, error=notes.error_text(error))

    return deliver


def _delivered(
    settled: Settled, batches: Iterator[pa.RecordBatch], depot: Depot, part: int, attempt: int
) -> pa.RecordBatch:
    good = settled.good(batches)
    first = next(good, None)
    if broken := settled.broken():
        return _told(part, error=broken)
    if first is None and not len(settled.scan.refused):
        return _told(part, counts=counts_text(settled.tallies))
    schema = settled.settling.schema
    with depot.delivery(part, attempt) as delivery:
        rows = delivery.rows(pa.RecordBatchReader.from_batches(schema, _with(first, good))) if first else 0
        if broken := settled.broken():
            return _told(part, error=broken)
        refused = settled.scan.refused
        if len(refused):
            delivery.refused(pa.RecordBatchReader.from_batches(REFUSED, refused.batches()))
        keys = settled.scan.refused_keys
        told = packed_rows(keys.schema, keys.to_batches()) if keys is not None else None
        counts = counts_text(settled.tallies)
        return _told(part, delivery.keep(), rows, counts, told)


def _with(first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
    yield from rest


def _told(
    part: int, place: str = "", rows: int = 0, counts: str = "{}", keys: bytes | None = None, error: str | None = None
) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{"part": part, "place": place, "rows": rows, "counts": counts, "keys": keys, "error": error}], schema=_TOLD
    )


class SparkBringing:
    """One evaluation whose rows the tasks bring. Fills `scan`."""

    def __init__(self, engine: "SparkEngine", frame: Frame, inputs: Sequence[Input], scan: Scan) -> None:
        self._engine, self._frame, self._inputs, self._scan = engine, frame, inputs, scan
        self._told: list[Any] = []

    @property
    def schema(self) -> pa.Schema:
        return self._frame.settling.schema

    def bring(self, depot: Depot) -> list[Brought]:
        """Run the tasks. EngineError where Spark fails, LandingError where a file cannot be read.

        What they counted is taken in with what they refused, so that they may be run again for another depot.
        """
        frame = self._frame
        task = delivering(frame.settling, depot)
        with self._engine.watched():
            told = frame.rows.mapInArrow(task, spark_schema(_TOLD)).collect()
        for one in told:
            if one.error is not None:
                raise notes.error_of(json.loads(one.error))
        self._told = told
        brought = [Brought(one.part, one.place, one.rows) for one in told if one.place]
        return sorted(brought, key=lambda one: one.part)

    def refuse(self, rows: Iterator[pa.RecordBatch]) -> None:
        scan = self._scan
        count(scan, self._frame.counted)
        for one in self._told:
            count(scan, counts_of(one.counts))
            if one.keys is not None:
                for keys in unpacked(bytes(one.keys)):
                    scan.keep_keys(keys)
        for batch in rows:
            refuse(scan, self._inputs, batch)
        self._engine.remember(scan)
        check(self._frame, scan)
