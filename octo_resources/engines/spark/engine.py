"""The Spark engine: the same plan as the embedded one over the same batches, on as many machines as there are."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_core.expressions import Node
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import Input, LoadVariables, Scan, Tally, Tombstones
from octo_resources.engines.elsewhere import Told
from octo_resources.engines.spark.account import check, count, refuse
from octo_resources.engines.spark.bringing import SparkBringing
from octo_resources.engines.spark.frames import Frame, Frames
from octo_resources.engines.spark.making import make
from octo_resources.engines.spark.missing import explained
from octo_resources.engines.spark.notes import error_of
from octo_resources.engines.spark.packing import PACKED, counts_of, packing, unpacked
from octo_resources.engines.spark.payloads import payloads_of
from octo_resources.engines.spark.progress import saying
from octo_resources.engines.spark.session import Settings, alive, give_up, session, settled, web_url
from octo_resources.engines.spark.splits import cut
from octo_resources.engines.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from octo_resources.engines.duckdb.shapes.made import Made, Maker


REMOTE_CORES: Final = 16
"""Tasks at a time that a Spark Connect server is taken to run, unless spark.default.parallelism says otherwise."""


def unsaid(_text: str) -> None:
    """Nobody follows the jobs."""


class SparkEngine:
    """Spark as `settings` reach it. `temp`: a folder of the driver's; `tag`: what its jobs are called and cancelled by.

    Files are read by the executors: those that are no `elsewhere` of an input have to be at the same path for all.
    """

    name: Final[Literal["spark"]] = "spark"

    def __init__(
        self, settings: Settings, *, temp: Path, tag: str = "octopipe", say: Callable[[str], None] = unsaid
    ) -> None:
        self._settings, self._temp, self._tag, self._say = settings, temp, tag, say
        self._session: SparkSession | None = None
        self._waiting: int | None = None
        """The thread that waits for a session."""
        self._told: dict[tuple[str, str], Told] = {}

    @property
    def spark(self) -> "SparkSession":
        """A session of the engine's own, with views that no other load sees, in the process's Spark.

        Opened at first use. EngineError where it cannot be.
        """
        self._waiting = threading.get_ident()
        try:
            whole = session(self._settings)
        finally:
            self._waiting = None
        if self._session is None or not alive(self._session):
            with explained(self._settings.place):
                # By Connect a client has one session; loads of one process come one after the other there.
                self._session = whole if self._settings.remote else settled(whole.newSession())
        return self._session

    def scan(self, *, keys: Sequence[str] = ()) -> Scan:
        """An empty account for one evaluation that keeps the `keys` of refused rows."""
        return Scan(self._temp, keys=keys)

    def evaluate(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        scan: Scan,
        tombstones: Tombstones | None = None,
    ) -> pa.RecordBatchReader:
        """The good rows by way of the driver, part by part: for destinations that tasks cannot write to themselves.

        As the embedded engine's: target columns in their Arrow types, and `_row`; `scan` is complete when the reader
        is. LandingError where a file cannot be read, EngineError where Spark fails.
        """
        with explained(self._settings.place):
            frame = self.frame(inputs, schema, columns, variables, scan.keys, tombstones)
        return pa.RecordBatchReader.from_batches(frame.settling.schema, self._rows(frame, inputs, scan))

    def bringing(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        scan: Scan,
        tombstones: Tombstones | None = None,
    ) -> SparkBringing:
        """The same rows, which the tasks bring to the destination by themselves."""
        with explained(self._settings.place):
            frame = self.frame(inputs, schema, columns, variables, scan.keys, tombstones)
        return SparkBringing(self, frame, inputs, scan)

    def frame(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        keys: Sequence[str] = (),
        tombstones: Tombstones | None = None,
    ) -> Frame:
        frames = Frames(self.spark, self.cores, by_s3a=self._settings.by_s3a)
        return frames.frame(inputs, schema, columns, variables, keys, tombstones)

    @property
    def cores(self) -> int:
        """Tasks that run at a time, as far as Spark says."""
        if self._settings.remote:  # its server does not say; a setting may
            return int(self.spark.conf.get("spark.default.parallelism", None) or REMOTE_CORES)
        return max(2, self.spark.sparkContext.defaultParallelism)

    def make(self, inputs: Sequence[Input], maker: "Maker", folder: Path) -> "tuple[Made, dict[str, Tally]]":
        """Files of the landed ones, by tasks; `folder` is at one path for all of them. As `evaluate` it may raise."""
        with self.watched():
            parts = cut(inputs, self.cores, Frames(self.spark, self.cores).marks)
            return make(self.spark, parts, inputs, maker, folder)

    def payloads(self, inputs: Sequence[Input], rows: "NDArray[np.int64]") -> Iterator[tuple[int, str]]:
        """(row, original text) of sorted row numbers."""
        return payloads_of(lambda: self.spark, inputs, rows, self._told)

    def remember(self, scan: Scan) -> None:
        """Keep what tasks told of the files that they brought: those are brought once more for what was refused."""
        self._told |= {(batch, file): one for batch, tally in scan.batches.items() for file, one in tally.told.items()}

    def cancel(self) -> None:
        """End this engine's jobs, or its waiting for YARN, from any thread; without effect where there is neither."""
        if (waiting := self._waiting) is not None:
            give_up(waiting)
        elif self._session is not None:
            with explained(self._settings.place):
                if self._settings.remote:
                    self._session.interruptTag(self._tag)
                else:  # a session knows its tags in the thread alone that gave them; its context knows its jobs by them
                    self._session.sparkContext.cancelJobsWithTag(self._tag)

    def links(self) -> dict[str, str]:
        """The session's own pages, where it has some that it knows of."""
        found = web_url(self._session) if self._session is not None else None
        return {"Spark's jobs": found} if found else {}

    @contextmanager
    def watched(self) -> "Iterator[None]":
        """Jobs started inside are cancelled by `cancel`, and said of how far they are."""
        spark = self.spark
        add, remove = self._tagging(spark)
        add(self._tag)
        try:
            with explained(self._settings.place), saying(spark, self._say):
                yield
        except BaseException:  # also an interrupt, of a person or of Dagster: Spark would go on without us
            with suppress(Exception):
                self.cancel()
            raise
        finally:
            remove(self._tag)

    def _tagging(self, spark: "SparkSession") -> "tuple[Callable[[str], None], Callable[[str], None]]":
        """What gives jobs of this thread a tag, and what takes it away again."""
        if self._settings.remote:
            return spark.addTag, spark.removeTag
        return spark.sparkContext.addJobTag, spark.sparkContext.removeJobTag

    def _rows(self, frame: Frame, inputs: Sequence[Input], scan: Scan) -> Iterator[pa.RecordBatch]:
        with self.watched():
            count(scan, frame.counted)
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
            self.remember(scan)
            check(frame, scan)
