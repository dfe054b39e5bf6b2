"""Dead letters: messages that were set aside go to a topic too, as they came, with where they stood and why.

They are sent before the commit of the load that sets them aside, so that none is missing; a load that is rolled back
after it sends them again with the next attempt. `octopipe.id` names a message wherever it came from, for who has to
tell them apart.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import SourceError
from octo_core.ledger import QuarantinedRow
from octo_core.offsets import OffsetRange, Place
from octo_core.refusals import read_refusal
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import PATIENCE, Said, broker_errors, client_settings, configured, quiet
from octo_resources.kafka.reader import Reader

if TYPE_CHECKING:
    from confluent_kafka import Message

    from octo_resources.flow.workspace import Workspace
    from octo_resources.project import Pipeline

PREFIX: Final = "octopipe."
LARGEST: Final = {"message.max.bytes": 1_000_000_000}
"""For producers of what came from topics: librdkafka's own limit is below that of brokers, and these know theirs."""
_ORIGIN: Final = ("_topic", "_partition", "_offset")


class DeadLetters:
    """Writes a pipeline's dead letters to one topic, which is made where it is missing."""

    def __init__(self, space: "Workspace", pipeline: "Pipeline", topic: str) -> None:
        self._pipeline, self._topic = pipeline.name, topic
        sources = {name: one for name, one in pipeline.spec.sources.items() if isinstance(one, KafkaSource)}
        self._settings = {name: client_settings(one, space.project) for name, one in sources.items()}
        own = next(iter(self._settings.values()))
        self._brokers = str(own["bootstrap.servers"])
        self._own = own
        self._producer: Any = None
        self._said = Said()

    def send(self, rows: Iterable[QuarantinedRow]) -> int:
        """How many messages were sent; they are durable when this returns. Raises SourceError where they are not."""
        letters: dict[str, dict[tuple[Place, int], QuarantinedRow]] = {}
        for row in rows:
            stood = place_of(row.payload)
            if stood is not None:
                letters.setdefault(row.source, {}).setdefault(stood, row)
        failed: list[str] = []
        large: list[_Letter] = []
        sent = 0
        with broker_errors(self._brokers, self._said):
            for source, found in letters.items():
                messages = self._fetch(source, list(found))
                for (place, offset), row in found.items():
                    self._produce(self._letter(place, offset, row, messages.get((place, offset))), failed, large)
                    sent += 1
            left = self._connected().flush(PATIENCE) if sent else 0
            for letter in large:
                self._produce(letter.without_message(), failed, None)
            left += self._connected().flush(PATIENCE) if large else 0
        if left or failed:
            raise SourceError(
                f"{left or len(failed):,} dead letters were not taken: {failed[0] if failed else self._said}",
                where=f"{self._topic} at {self._brokers}",
                hint="nothing was committed; they are sent again with their rows",
            )
        return sent

    def _fetch(self, source: str, wanted: Sequence[tuple[Place, int]]) -> "dict[tuple[Place, int], Message]":
        """The messages at these places, as far as the topic still has them."""
        offsets: dict[Place, set[int]] = {}
        for place, offset in wanted:
            offsets.setdefault(place, set()).add(offset)
        ranges = [
            OffsetRange(topic=place[0], topic_id="", partition=place[1], start=min(every), end=max(every) + 1)
            for place, every in offsets.items()
        ]
        found: dict[tuple[Place, int], Message] = {}

        def take(place: Place, messages: "list[Message]") -> int:
            found.update({(place, one.offset()): one for one in messages if one.offset() in offsets[place]})
            return 0

        with Reader(self._settings[source]) as reader:
            reader.read(ranges, take)
        return found

    def _letter(self, place: Place, offset: int, row: QuarantinedRow, message: "Message | None") -> "_Letter":
        headers: list[tuple[str, bytes]] = list(message.headers() or []) if message is not None else []
        said: Mapping[str, Any] = {
            "id": f"{place[0]}/{place[1]}/{offset}",
            "topic": place[0],
            "partition": place[1],
            "offset": offset,
            "timestamp": message.timestamp()[1] if message is not None and message.timestamp()[0] else "",
            "pipeline": self._pipeline,
            "source": row.source,
            "table": row.table,
            "row": row.id,
            "column": row.column or "",
            "reason": row.reason,
            **({} if message is not None else {"landed": "true"}),
        }
        return _Letter(
            key=message.key() if message is not None else None,
            value=message.value() if message is not None else row.payload.encode(),
            headers=[(name, value) for name, value in headers if not name.startswith(PREFIX)],
            said=[(PREFIX + name, str(value).encode()) for name, value in said.items()],
        )

    def _produce(self, letter: "_Letter", failed: list[str], large: "list[_Letter] | None") -> None:
        """`large` takes what is more than the topic, or the client, lets through."""
        from confluent_kafka import KafkaError, KafkaException

        def delivered(error: Any, _: Any) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE and large is not None:
                large.append(letter)
            elif error is not None:
                failed.append(str(error.str()))

        producer, headers = self._connected(), [*letter.headers, *letter.said]
        while True:
            try:
                producer.produce(self._topic, letter.value, letter.key, headers=headers, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.5)
            except KafkaException as error:
                delivered(error.args[0], None)
                break
        producer.poll(0)

    def _connected(self) -> Any:
        if self._producer is None:
            from confluent_kafka import Producer

            make_topic(self._own, self._topic)
            settings = {**LARGEST, **self._own, "enable.idempotence": True, "linger.ms": 5, "error_cb": self._said}
            with configured():
                self._producer = Producer(settings, logger=quiet)
        return self._producer


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message that was set aside; `said`: headers of why, and where it stood."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    said: list[tuple[str, bytes]]

    def without_message(self) -> "_Letter":
        """Of a message that the topic is too narrow for, what tells of it: it is where it came from, and it landed."""
        size = str(len(self.value or b"")).encode()
        kept = [one for one in self.said if one[0] != f"{PREFIX}landed"]
        return _Letter(None, None, [], [*kept, (f"{PREFIX}landed", b"true"), (f"{PREFIX}bytes", size)])


def make_topic(settings: Mapping[str, Any], topic: str) -> None:
    """Make a topic with the brokers' own defaults, where it is missing. Raises KafkaException."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient(dict(settings), logger=quiet)
    if topic in admin.list_topics(timeout=PATIENCE).topics:
        return
    made = admin.create_topics([NewTopic(topic, num_partitions=-1, replication_factor=-1)])
    try:
        made[topic].result(PATIENCE)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def place_of(payload: str) -> tuple[Place, int] | None:
    """Where a landed line's message stood; None where it says nothing of that."""
    refusal = read_refusal(payload)
    if refusal is not None:
        at = refusal.at
        return ((str(at["topic"]), int(at["partition"])), int(at["offset"])) if "offset" in at else None
    head = payload.find('"_timestamp":')  # what follows may be broken; it was written by this project up to here
    try:
        found = json.loads(payload[:head].rstrip(",") + "}") if head > 0 else {}
    except ValueError:
        return None
    if not all(name in found for name in _ORIGIN):
        return None
    return (str(found["_topic"]), int(found["_partition"])), int(found["_offset"])
