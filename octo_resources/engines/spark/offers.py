"""A Structured Streaming query whose one row a micro-batch says how far topics may be read: the ends that its
checkpoint has written down before. Who takes the offer reads and loads the ranges, and answers.
"""

import json
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import EngineError, SourceError
from octo_resources.engines.spark.missing import engine_error, explained

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
    from pyspark.sql.streaming.datasource import ReadLimit
    from pyspark.sql.streaming.query import StreamingQuery

Ends = dict[str, Any]
"""Source → topic → {"id": Kafka's id of it, "next": {partition: the first offset that is not offered}}."""
Newest = Callable[[Ends], Ends]
"""From ends to the newest ones, at most so much further as a micro-batch may be. Picklable: it is asked in a process
of Spark's beside the driver."""
_POLL: Final = "200ms"
"""Between two looks for something new."""
_NAME: Final = "octopipe_ends"


@dataclass
class Offer:
    """The ends of one micro-batch; Spark goes on once it is `taken`."""

    number: int
    ends: Ends
    _answered: threading.Event = field(default_factory=threading.Event)
    _refused: bool = False

    def taken(self) -> None:
        """All up to the ends is loaded: the checkpoint may say so."""
        self._answered.set()

    def refuse(self) -> None:
        """It is not loaded: the same is offered by the next query."""
        self._refused = True
        self._answered.set()

    def wait(self) -> None:
        self._answered.wait()
        if self._refused:
            raise RuntimeError("the micro-batch was not taken")


class Offers:
    """The running query, as its driver sees it."""

    def __init__(self, spark: "SparkSession", place: str) -> None:
        self._spark, self._place = spark, place
        self._waiting: queue.Queue[Offer] = queue.Queue()
        self._open: Offer | None = None
        self.query: StreamingQuery | None = None

    def next(self, seconds: float) -> Offer | None:
        """The next offer; None where none comes for so long. Raises SourceError, EngineError where the query ended."""
        try:
            return self._waiting.get(timeout=seconds)
        except queue.Empty:
            self._failed()
            return None

    def _failed(self) -> None:
        query = self.query
        if query is None or query.isActive:
            return
        error = query.exception()
        said = str(error) if error is not None else "the query ended"
        told = next((line for line in said.splitlines() if "octo_core.errors." in line), None)
        if told is not None:  # what reads the ends raised it: brokers that do not answer
            raise SourceError(told.partition("octo_core.errors.")[2].partition(": ")[2], retryable=True)
        raise engine_error(self._place, said)

    def offer(self, rows: "DataFrame", number: int) -> None:
        """What Spark calls for each micro-batch, in a thread of its own."""
        for row in rows.collect():
            offer = Offer(number, json.loads(row.ends))
            self._open = offer
            self._waiting.put(offer)
            offer.wait()
            self._open = None

    def end(self) -> None:
        """End the query. An offer that nobody took is not in its checkpoint."""
        query, offer = self.query, self._open
        if query is None:
            return
        with suppress(Exception):  # a session that is gone has no query either
            if offer is not None:  # it fails then, as it should, and need not tell a person
                self._spark.sparkContext.setLogLevel("OFF")
                offer.refuse()
                query.awaitTermination(30)
            query.stop()
        if offer is not None:
            with suppress(Exception):
                self._spark.sparkContext.setLogLevel("ERROR")


@contextmanager
def offers(spark: "SparkSession", place: str, first: Ends, newest: Newest, checkpoint: Path) -> Iterator[Offers]:
    """A query from `checkpoint` on, or from `first` where there is none. EngineError where Spark cannot run it."""
    made = Offers(spark, place)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with explained(place):
        spark.dataSource.register(source_of(first, newest))
        spark.conf.set("spark.sql.streaming.pollingDelay", _POLL)
        stream = spark.readStream.format(_NAME).load()
        writer = stream.writeStream.foreachBatch(made.offer).option("checkpointLocation", checkpoint.as_uri())
        made.query = writer.trigger(processingTime="0 seconds").start()
    try:
        yield made
    finally:
        made.end()


def source_of(first: Ends, newest: Newest) -> "type[DataSource]":
    """The source that the query reads: made here, so that it goes to Spark's processes by value."""
    from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition

    class Reader(DataSourceStreamReader):
        def initialOffset(self) -> Ends:  # noqa: N802 - the names are PySpark's
            return first

        def latestOffset(self, start: Ends, limit: "ReadLimit") -> Ends:  # noqa: N802, ARG002
            return newest(start)

        def partitions(self, start: Ends, end: Ends) -> "list[InputPartition]":  # noqa: ARG002
            return [InputPartition(json.dumps(end))]

        def read(self, partition: "InputPartition") -> Iterator[tuple[str]]:
            yield (partition.value,)

    class Source(DataSource):
        @classmethod
        def name(cls) -> str:
            return _NAME

        def schema(self) -> str:
            return "ends string"

        def streamReader(self, schema: Any) -> "DataSourceStreamReader":  # noqa: N802, ARG002
            return Reader()

    return Source


def refuse_connect(remote: str | None) -> None:
    """EngineError by Spark Connect, whose server would run what takes the offers."""
    if remote:
        hint = "Use `master`, or `engine: duckdb` for the stream."
        where = remote.partition(";")[0]
        raise EngineError("a stream needs Spark's driver in its own process, not Spark Connect", where=where, hint=hint)


def as_ends(offsets: Mapping[str, Mapping[str, Any]]) -> Ends:
    """Positions by source as JSON has them: partitions are texts."""
    found: Ends = json.loads(json.dumps(offsets))
    return found


def forget_if_ahead(checkpoint: Path, first: Ends) -> None:
    """Take the checkpoint away where it is further than the destination, which was restored, or is another one: what
    lies between would not be offered."""
    taken = [int(one.name) for one in (checkpoint / "commits").glob("*") if one.name.isdigit()]
    if not taken:
        return
    try:
        said: Ends = json.loads((checkpoint / "offsets" / str(max(taken))).read_text().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        said = {}
    ahead = any(
        end > first.get(source, {}).get(topic, {}).get("next", {}).get(part, 0)
        for source, topics in said.items()
        for topic, offsets in topics.items()
        for part, end in offsets["next"].items()
    )
    if ahead or not said:
        shutil.rmtree(checkpoint, ignore_errors=True)
