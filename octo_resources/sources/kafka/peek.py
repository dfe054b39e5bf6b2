"""A look at messages where they stand: nothing is landed, no position moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from octo_core.errors import UsageError
from octo_core.offsets import Ends, OffsetRange, Place
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Limits, Reader
from octo_resources.sources.kafka.formats import format_of
from octo_resources.sources.place import Place as ProjectPlace

if TYPE_CHECKING:
    from confluent_kafka import Message


@dataclass(frozen=True, slots=True)
class Peeked:
    """Lines as they would land, and what there is in all."""

    lines: tuple[bytes, ...]
    topics: tuple[str, ...]
    messages: int


def peek(
    spec: KafkaSource,
    place: ProjectPlace,
    rows: int,
    *,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
) -> Peeked:
    """Up to `rows` messages: from `offset` on, else the newest (a few of each partition, by offset). UsageError."""
    settings = client_settings(spec, place)
    with Cluster(settings) as cluster:
        topics = cluster.topics([topic] if topic is not None else spec.topic)
        ends = cluster.ends(topics)
    chosen = [one for one in ends if partition is None or one.partition == partition]
    if not chosen:
        there = ", ".join(str(one) for one in sorted({one.partition for one in ends}))
        raise UsageError(f"there is no partition {partition}", hint=f"There are: {there}")
    ranges = _ranges(chosen, rows, offset)
    lines: list[bytes] = []
    with format_of(spec, place) as form, Reader(settings) as reader:

        def take(at: Place, messages: "Sequence[Message]") -> int:
            lines.extend(form.lines(at, messages))
            return len(messages)

        reader.read(ranges, take, Limits(rows=rows))
    return Peeked(tuple(lines[:rows]), tuple(one.name for one in topics), sum(one.high - one.low for one in ends))


def _ranges(ends: Sequence[Ends], rows: int, offset: int | None) -> list[OffsetRange]:
    each = max(1, rows // len(ends))
    found = []
    for one in ends:
        start = max(one.low, one.high - each) if offset is None else max(one.low, offset)
        end = one.high if offset is None else min(one.high, start + each)
        if end > start:
            found.append(
                OffsetRange(topic=one.topic, topic_id=one.topic_id, partition=one.partition, start=start, end=end)
            )
    return found
