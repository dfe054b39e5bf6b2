"""From the queue on to a Kafka topic, each request once and in order: in transactions whose messages name their place.

What is in the topic says how far the forwarding came: the newest message of this queue's holds its position (headers
`octopipe.queue`, `octopipe.seq`). A server that dies between the topic's commit and the queue's own note of it finds
that out when it begins again, and its transactional id ends whatever the dead one still had under way.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import OctopipeError, SourceError
from octo_core.offsets import Ends, OffsetRange
from octo_core.spec.sources import PushSource
from octo_resources.kafka.client import PATIENCE, Said, broker_errors, client_settings, configured, quiet
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Reader
from octo_resources.sources.place import Place
from octo_resources.sources.push.queue import Pushed, Queue, QueueReader

if TYPE_CHECKING:
    from confluent_kafka import Message

ITEM_BYTES: Final = 900_000
"""Of one item, at most: a broker takes messages of a megabyte unless it is told otherwise."""
_AT_ONCE: Final = 5000
"""Requests of one transaction, at most."""
_TAIL: Final = 1000
"""Offsets at the end of a partition that are looked at first for what was forwarded."""

Marks = dict[int, dict[int, int]]
"""Request's position in the queue → partition → the last offset of its items."""


class Forwarder:
    """Takes one source's requests from the queue to its topic. Use it from the thread that writes the queue."""

    def __init__(self, spec: PushSource, pipeline: str, source: str, place: Place) -> None:
        assert spec.to is not None
        self._pipeline, self._source, self._keys, self._topic = pipeline, source, spec.key, spec.to.topic
        self._settings = client_settings(spec.to.source(), place)
        self._brokers = str(self._settings["bootstrap.servers"])
        self._said = Said()
        self._producer: Any = None

    def forward(self, queue: Queue) -> None:
        """Bring all that waits into the topic. Raises SourceError where Kafka does not take it: it goes on waiting."""
        try:
            if self._producer is None:
                self._begin(queue)
            reader = QueueReader(queue.path)
            while group := self._waiting(reader):
                marks = self._send(queue.id, group)
                queue.mark({seq: marker(self._topic, found) for seq, found in marks.items()})
        except OctopipeError:
            self.close()  # what became of the transaction is found out by beginning anew
            raise

    def close(self) -> None:
        """Give the connection back."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                producer.purge()

    def _waiting(self, reader: QueueReader) -> list[tuple[Pushed, bytes]]:
        rows = reader.after(self._pipeline, self._source, 0)
        group = [one for one, _ in zip(rows, range(_AT_ONCE), strict=False)]
        rows.close()
        return group

    def _begin(self, queue: Queue) -> None:
        """Connect, end what an earlier server left under way, and note what of it is in the topic."""
        from confluent_kafka import Producer

        said = {
            "transactional.id": f"octopipe-push-{queue.id}-{self._pipeline}-{self._source}",
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "linger.ms": 0,
            "transaction.timeout.ms": 60_000,
        }
        self._said = Said()
        with broker_errors(self._brokers, self._said):
            ends = self._ends()
            with configured():
                producer = Producer({**self._settings, **said, "error_cb": self._said}, logger=quiet)
            producer.init_transactions(PATIENCE)
            there = forwarded(self._settings, ends(), queue.id)
        queue.mark(
            {
                row.seq: marker(self._topic, {})
                for row, _ in QueueReader(queue.path).after(self._pipeline, self._source, 0, there)
            }
        )
        self._producer = producer

    def _ends(self) -> Any:
        """What asks for the topic's ends; the topic is made where it is missing."""

        def ends() -> list[Ends]:
            with Cluster(self._settings) as cluster:
                return cluster.ends(cluster.topics([self._topic]))

        with Cluster(self._settings) as cluster:
            if self._topic not in cluster.names():
                _make(self._settings, self._topic)
        return ends

    def _send(self, queue_id: str, group: Sequence[tuple[Pushed, bytes]]) -> Marks:
        """One transaction with all items of these requests; where they stand in the topic."""
        marks: Marks = {row.seq: {} for row, _ in group}
        failed: list[str] = []

        def told(seq: int) -> Any:
            def delivered(error: Any, message: "Message") -> None:
                if error is not None:
                    failed.append(str(error.str()))
                    return
                place, offset = message.partition() or 0, message.offset() or 0
                marks[seq][place] = max(offset, marks[seq].get(place, 0))

            return delivered

        with broker_errors(self._brokers, self._said):
            self._producer.begin_transaction()
            for row, body in group:
                headers = [("octopipe.queue", queue_id), ("octopipe.seq", str(row.seq)), ("octopipe.batch", row.id)]
                for line in body.split(b"\n"):
                    self._produce(line, headers, told(row.seq))
            left = self._producer.flush(PATIENCE)
            if left or failed:
                said = failed[0] if failed else str(self._said) or "no answer"
                with suppress(Exception):
                    self._producer.abort_transaction(PATIENCE)
                raise SourceError(f"the topic {self._topic} does not take what was pushed: {said}", where=self._brokers)
            self._producer.commit_transaction(PATIENCE)
        return marks

    def _produce(self, line: bytes, headers: list[tuple[str, str]], told: Any) -> None:
        key = _key(line, self._keys)
        while True:
            try:
                self._producer.produce(self._topic, value=line, key=key, headers=headers, on_delivery=told)
                return
            except BufferError:
                self._producer.poll(0.1)


def forwarded(settings: Mapping[str, Any], ends: Iterable[Ends], queue_id: str) -> int:
    """The newest position of a queue whose items are in the topic; 0 where none are."""
    newest = 0
    with Reader(settings) as reader:
        for one in ends:
            begin, wide, found = one.high, _TAIL, 0
            while begin > one.low and not found:
                begin, end = max(one.low, one.high - wide), begin
                found = _newest(reader, one, begin, end, queue_id)
                wide *= 10
            newest = max(newest, found)
    return newest


def _newest(reader: Reader, one: Ends, begin: int, end: int, queue_id: str) -> int:
    seen = [0]

    def take(_: Any, messages: "Sequence[Message]") -> int:
        for message in messages:
            headers = dict(message.headers() or ())
            if headers.get("octopipe.queue") == queue_id.encode():
                seen[0] = max(seen[0], int(headers["octopipe.seq"]))
        return 0

    place = OffsetRange(topic=one.topic, topic_id=one.topic_id, partition=one.partition, start=begin, end=end)
    reader.read([place], take)
    return seen[0]


def marker(topic: str, offsets: Mapping[int, int]) -> str:
    """What the queue keeps of a request that is in a topic."""
    return "kafka:" + json.dumps({"topic": topic, "offsets": {str(part): at for part, at in offsets.items()}})


def marked(text: str) -> dict[str, Any] | None:
    """What `marker` wrote; None for the id of a landed batch."""
    found: dict[str, Any] | None = json.loads(text[6:]) if text.startswith("kafka:") else None
    return found


def _key(line: bytes, names: Sequence[str]) -> bytes | None:
    """An item's key: what has one key stays in one partition, in the order in which it was pushed."""
    if not names:
        return None
    item = json.loads(line, parse_float=str, parse_int=str)
    return json.dumps([item.get(name) for name in names], ensure_ascii=False).encode()


def _make(settings: Mapping[str, Any], topic: str) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient(dict(settings), logger=quiet)
    try:
        admin.create_topics([NewTopic(topic)])[topic].result(PATIENCE)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
