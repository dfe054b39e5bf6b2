"""Landed batches announced on a topic: who loads them learns of them there, in this instance or in another.

An announcement is JSON: `pipeline`, `source`, `batch`, `rows`, `bytes`, `landing`, `from`, `to`, `made_at`. It says
that there is something, no more: a load takes what the landing zone holds and the destination has not, so an
announcement that comes twice, late or out of order does no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.offsets import OffsetRange, Offsets, Place, going_on
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import PATIENCE, Said, broker_errors, client_settings, configured, quiet
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Limits, Reader
from octo_resources.pipeline import Pipeline

if TYPE_CHECKING:
    from confluent_kafka import Message

MOST: Final = 10_000
"""Announcements read at a time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Batch ids of one pipeline that were announced, and how far the topic was read."""

    batches: tuple[str, ...]
    read_to: Offsets


def announce(pipeline: Pipeline, batch: Batch) -> None:
    """Say that a batch has landed; durable when it returns. Raises SourceError."""
    from confluent_kafka import KafkaException, Producer

    settings, topic = _bus(pipeline)
    _make(settings, topic)
    said, refused = Said(), []
    brokers = str(settings["bootstrap.servers"])
    with broker_errors(brokers, said):
        with configured():
            producer = Producer({**settings, "enable.idempotence": True, "error_cb": said}, logger=quiet)
        producer.produce(
            topic,
            key=pipeline.name,
            value=msgspec.json.encode(_document(batch)),
            on_delivery=lambda error, _: refused.append(error) if error is not None else None,
        )
        left = producer.flush(PATIENCE)
        if refused:
            raise KafkaException(refused[0])
        if left:
            raise SourceError(
                f"batch {batch.id} landed, and could not be announced on {topic} ({said or 'no answer'})",
                where=brokers,
                hint="It is announced at the next run; to load it now: octopipe run " + pipeline.name,
                retryable=True,
            )


def heard(pipeline: Pipeline, since: Offsets) -> Heard:
    """What was announced of a pipeline since then. Raises SourceError."""
    settings, topic = _bus(pipeline)
    _make(settings, topic)
    with Cluster(settings) as cluster:
        topics = cluster.topics([topic])
        known = since if since.topics.get(topic) is not None and since.topics[topic].id == topics[0].id else Offsets()
        ends = cluster.ends(topics)
    low = {one.place: one.low for one in ends}
    ranges = [
        one if one.start >= low[one.place] else one.model_copy(update={"start": low[one.place]})
        for one in _ranges(known, ends)
    ]
    found: list[str] = []

    def take(_: Place, messages: "Sequence[Message]") -> int:
        found.extend(batch for message in messages if (batch := _batch_of(message, pipeline.name)) is not None)
        return 0

    with Reader(settings) as reader:
        read = reader.read(ranges, take, Limits(rows=MOST, seconds=20.0))
    return Heard(tuple(dict.fromkeys(found)), known.moved(read))


def _ranges(known: Offsets, ends: Any) -> list[OffsetRange]:
    """From where the topic was read to; what it has forgotten meanwhile is of no matter here."""
    moved = known.moved(
        OffsetRange(topic=one.topic, topic_id=one.topic_id, partition=one.partition, start=0, end=one.low)
        for one in ends
        if (at := known.next(*one.place)) is not None and not one.low <= at <= one.high
    )
    return going_on(moved, ends, {})[0]


def _bus(pipeline: Pipeline) -> tuple[dict[str, Any], str]:
    """The client's settings, and the topic."""
    said = pipeline.spec.transport
    assert said is not None
    if said.brokers is None:
        source = next(one for one in pipeline.spec.sources.values() if isinstance(one, KafkaSource))
    else:
        source = KafkaSource(
            kind="kafka", brokers=said.brokers, topic=(said.kafka,), security=said.security, settings=said.settings
        )
    return client_settings(source, pipeline.project), said.kafka


def _make(settings: Mapping[str, Any], topic: str) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    said = Said()
    with broker_errors(str(settings["bootstrap.servers"]), said):
        with configured():
            admin = AdminClient({**settings, "error_cb": said}, logger=quiet)
        if topic in admin.list_topics(timeout=PATIENCE).topics:
            return
        try:
            admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=-1)])[topic].result(PATIENCE)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _document(batch: Batch) -> dict[str, Any]:
    return {
        "pipeline": batch.pipeline,
        "source": batch.source,
        "batch": batch.id,
        "rows": batch.rows,
        "bytes": batch.bytes,
        "landing": batch.landing,
        "from": batch.cursor_from,
        "to": batch.cursor_to,
        "made_at": batch.made_at,
    }


def _batch_of(message: "Message", pipeline: str) -> str | None:
    """The batch that a message announces of a pipeline; None for what is none, which may be in the topic too."""
    try:
        found = msgspec.json.decode(message.value() or b"", type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    batch = found.get("batch")
    return batch if found.get("pipeline") == pipeline and isinstance(batch, str) else None
