"""The Spark engine: the same plan as the embedded one over the same batches, on as many machines as there are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from octo_core.errors import LandingError
from octo_core.expressions import Node
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import Input, LoadVariables, Scan, Tally
from octo_resources.engines.duckdb.inputs import split_row
from octo_resources.engines.duckdb.payloads import payloads
from octo_resources.engines.spark.frames import Frame, Frames
from octo_resources.engines.spark.missing import explained
from octo_resources.engines.spark.notes import error_of
from octo_resources.engines.spark.packing import PACKED, counts_of, packing, unpacked
from octo_resources.engines.spark.session import Settings, session
from octo_resources.engines.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkEngine:
    """Spark as `settings` reach it. `temp`: a folder of the driver's; `tag`: what its jobs are called and cancelled by.

    Files are read by the executors, so the landing zone has to be at the same path for all of them.
    """

    name: Final[Literal["spark"]] = "spark"

    def __init__(self, settings: Settings, *, temp: Path, tag: str = "octopipe") -> None:
        self._settings, self._temp, self._tag = settings, temp, tag
        self._session: SparkSession | None = None

    @property
    def spark(self) -> "SparkSession":
        """The process's session, opened at first use. EngineError where it cannot be."""
        if self._session is None:
            self._session = session(self._settings)
        return self._session

    def scan(self, keys: Sequence[str] = ()) -> Scan:
        """An empty account for one evaluation that keeps the `keys` of refused rows."""
        return Scan(self._temp, keys=keys)

    def evaluate(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        scan: Scan,
    ) -> pa.RecordBatchReader:
        """The good rows by way of the driver, part by part: for destinations that tasks cannot write to themselves.

        As the embedded engine's: target columns in their Arrow types, and `_row`; `scan` is complete when the reader
        is. LandingError where a file cannot be read, EngineError where Spark fails.
        """
        with explained(self._settings.place):
            frame = self.frame(inputs, schema, columns, variables, scan.keys)
        return pa.RecordBatchReader.from_batches(frame.settling.schema, self._rows(frame, inputs, scan))

    def frame(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        keys: Sequence[str] = (),
    ) -> Frame:
        return Frames(self.spark, self.cores).frame(inputs, schema, columns, variables, keys)

    @property
    def cores(self) -> int:
        """Tasks that run at a time, as far as Spark says."""
        if self._settings.remote:
            return int(self.spark.conf.get("spark.sql.shuffle.partitions", "8") or 8) // 25 or 2
        return max(2, self.spark.sparkContext.defaultParallelism)

    def payloads(self, inputs: Sequence[Input], rows: "NDArray[np.int64]") -> Iterator[tuple[int, str]]:
        """(row, original text) of sorted row numbers."""
        return payloads(inputs, rows)

    def cancel(self) -> None:
        """End this engine's jobs, from any thread; without effect where none runs."""
        if self._session is not None:
            with explained(self._settings.place):
                self._session.interruptTag(self._tag)

    @contextmanager
    def tagged(self) -> "Iterator[None]":
        """Jobs started inside can be found and cancelled by the engine's tag."""
        spark = self.spark
        spark.addTag(self._tag)
        try:
            with explained(self._settings.place):
                yield
        finally:
            spark.removeTag(self._tag)

    def _rows(self, frame: Frame, inputs: Sequence[Input], scan: Scan) -> Iterator[pa.RecordBatch]:
        with self.tagged():
            begin(frame, scan)
            parted = frame.rows.mapInArrow(packing(frame.settling), spark_schema(PACKED))
            for row in parted.toLocalIterator(prefetchPartitions=True):
                data = bytes(row.data)
                if row.kind == "rows":
                    yield from unpacked(data)
                elif row.kind == "error":
                    raise error_of(json.loads(data))
                elif row.kind == "keys":
                    for keys in unpacked(data):
                        scan.keep_keys(keys)
                elif row.kind == "refused":
                    for refused in unpacked(data):
                        refuse(scan, inputs, refused)
                else:
                    count(scan, counts_of(data.decode()))
            check(frame, scan)


def begin(frame: Frame, scan: Scan) -> None:
    """What is known before the rows are read."""
    count(scan, frame.counted)


def count(scan: Scan, tallies: Mapping[str, Tally]) -> None:
    for batch, tally in tallies.items():
        scan.count(batch, tally)


def refuse(scan: Scan, inputs: Sequence[Input], rows: pa.RecordBatch) -> None:
    """Take in rows that a task refused: those without a column are malformed."""
    bad = pc.is_null(rows.column("column"))
    for malformed, part in ((True, rows.filter(bad)), (False, rows.filter(pc.invert(bad)))):
        ordinals = [split_row(row)[0] for row in part.column("row").to_pylist()]
        names = [inputs[ordinal].batch.id for ordinal in ordinals]
        for batch in dict.fromkeys(names):
            ours = part.filter(pa.array([name == batch for name in names]))
            scan.refuse(batch, ours, malformed=malformed)


def check(frame: Frame, scan: Scan) -> None:
    """Nothing is dropped in silence. LandingError where Spark's reader gave other rows than the footers promise."""
    for batch, rows in frame.expected.items():
        read = scan.batches[batch].rows_read
        if read != rows:
            hint = "a file changed while it was read, or Spark left one out; run it again"
            raise LandingError(f"Spark read {read:,} rows of {rows:,}", where=f"batch {batch}", hint=hint)
