"""Dead letters back to where they came from: as they were, each once, in one transaction of Kafka's.

How far the dead letters were replayed is kept by the brokers, for the group `octopipe.PIPELINE.replay`: a replay that
is killed has either sent a letter and remembers it, or has not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import UsageError
from octo_core.offsets import Place
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import PATIENCE, Said, broker_errors, client_settings, configured, quiet
from octo_resources.kafka.letters import LARGEST, PREFIX, place_of

if TYPE_CHECKING:
    from confluent_kafka import Message

    from octo_resources.flow.workspace import Workspace
    from octo_resources.project import Pipeline

_AT_ONCE: Final = 1_000
_LATE: Final = 120_000
"""Milliseconds that a transaction may take."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Topic → how many letters went back to it; how many have no message any more, but only what landed of it; and how
    many were replayed from that, or given up, already."""

    topics: dict[str, int]
    landed: int = 0
    settled: int = 0


def replay_letters(space: "Workspace", pipeline: "Pipeline") -> Sent:
    """Send the pipeline's dead letters that were not replayed yet back to their topics. Their rows are set aside no
    more: what loads, or is set aside again, is another message's.

    Raises UsageError where the pipeline has no dead letters, SourceError where the brokers fail.
    """
    topic = pipeline.spec.stream.dead_letters if pipeline.spec.stream is not None else None
    sources = [one for one in pipeline.spec.sources.values() if isinstance(one, KafkaSource)]
    if topic is None or not sources:
        hint = "add to its file: stream: {dead_letters: TOPIC}"
        raise UsageError(f"{pipeline.name} sends no dead letters to a topic", hint=hint)
    settings = client_settings(sources[0], space.project)
    said = Said()
    settled = space.quarantine.settled(pipeline.name)
    back: set[tuple[Place, int]] = set()
    try:
        with broker_errors(str(settings["bootstrap.servers"]), said):
            return _Replay(settings, pipeline.name, topic, said, settled, back).run()
    finally:
        _settle(space, pipeline.name, back)


def _settle(space: "Workspace", pipeline: str, back: Collection[tuple[Place, int]]) -> None:
    from octo_resources.flow.rows_aside import set_aside

    rows = (
        [(row.table, row.id) for _, row in set_aside(space, pipeline) if place_of(row.payload) in back] if back else []
    )
    if rows:
        space.quarantine.settle(pipeline, "replayed", rows, reason="sent back to their topics")


class _Replay:
    """One replay; for one use. `settled`: rows that need none any more; `back` is told of each message sent back."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        pipeline: str,
        topic: str,
        said: Said,
        settled: Collection[tuple[str, str]],
        back: set[tuple[Place, int]],
    ) -> None:
        from confluent_kafka import Consumer, Producer

        self._pipeline, self._topic = pipeline, topic
        own = {
            "group.id": f"octopipe.{pipeline}.replay",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
        more = {"enable.partition.eof": True, "auto.offset.reset": "earliest", "error_cb": said}
        name = {"transactional.id": f"octopipe-replay-{pipeline}", "transaction.timeout.ms": _LATE, "error_cb": said}
        with configured():
            self._consumer: Consumer = Consumer({**settings, **own, **more}, logger=quiet)
            self._producer: Producer = Producer({**LARGEST, **settings, **name}, logger=quiet)
        self._sent: dict[str, int] = {}
        self._landed = self._done = 0
        self._settled, self._back = settled, back
        self._origins: set[str] = set()

    def run(self) -> Sent:
        from confluent_kafka import TopicPartition

        try:
            found = self._consumer.list_topics(self._topic, timeout=PATIENCE).topics[self._topic]
            if found.error is not None:
                return Sent({})  # no letter was ever sent
            places = [TopicPartition(self._topic, one) for one in found.partitions]
            known = self._consumer.committed(places, timeout=PATIENCE)
            ends = {one.partition: self._consumer.get_watermark_offsets(one, timeout=PATIENCE) for one in places}
            starts = {one.partition: max(one.offset, ends[one.partition][0]) for one in known}
            left = {one: ends[one][1] for one, start in starts.items() if start < ends[one][1]}
            if left:
                self._producer.init_transactions(PATIENCE)
                self._consumer.assign([TopicPartition(self._topic, one, starts[one]) for one in left])
                self._replay(left)
            return Sent(self._sent, self._landed, self._done)
        finally:
            self._consumer.close()

    def _replay(self, left: dict[int, int]) -> None:
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        heard = monotonic()
        while left:
            messages = self._consumer.consume(_AT_ONCE, 1.0)
            heard = monotonic() if messages else heard
            if monotonic() - heard > PATIENCE:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            good: list[Message] = []
            for one in messages:
                error = one.error()
                if error is None:
                    good.append(one)
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.pop(one.partition() or 0, None)
                elif error.fatal() or not error.retriable():
                    raise KafkaException(error)
            if not good:
                continue
            self._producer.begin_transaction()
            try:
                sent = {stood for one in good if (stood := self._send(one)) is not None}
                reached = {one.partition() or 0: (one.offset() or 0) + 1 for one in good}
                moved = [TopicPartition(self._topic, place, offset) for place, offset in reached.items()]
                group = self._consumer.consumer_group_metadata()
                self._producer.send_offsets_to_transaction(moved, group, PATIENCE)
                self._producer.commit_transaction(PATIENCE)
            except BaseException:
                self._producer.abort_transaction(PATIENCE)
                raise
            self._back |= sent
            for place, offset in reached.items():
                if offset >= left.get(place, offset + 1):
                    left.pop(place, None)

    def _send(self, letter: "Message") -> tuple[Place, int] | None:
        """The message that a letter was made of, to its topic again; gives where it stood. Letters of other pipelines
        stay what they are."""
        headers = dict(letter.headers() or [])
        told = {name: _text(headers.get(PREFIX + name)) for name in ("pipeline", "topic", "id", "table", "row")}
        topic, origin = told["topic"], told["id"]
        if told["pipeline"] != self._pipeline or not topic:
            return None
        if (told["table"], told["row"]) in self._settled:
            self._done += 1
            return None
        if f"{PREFIX}landed" in headers:
            self._landed += 1
            return None
        if origin in self._origins:  # a load that was rolled back sent it twice
            return None
        self._origins.add(origin)
        kept = [(name, value) for name, value in letter.headers() or [] if not name.startswith(PREFIX)]
        kept.append((f"{PREFIX}replayed", headers[f"{PREFIX}id"]))
        self._producer.produce(topic, value=letter.value(), key=letter.key(), headers=kept)
        self._producer.poll(0)
        self._sent[topic] = self._sent.get(topic, 0) + 1
        return (topic, int(_text(headers[f"{PREFIX}partition"]))), int(_text(headers[f"{PREFIX}offset"]))


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw or "")
