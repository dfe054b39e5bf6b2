"""Offsets of Kafka: ranges of partitions, how far a table has come, and what a topic's ends say about going on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from octo_core.errors import SourceError
from octo_core.schema import Frozen

Place = tuple[str, int]
"""Topic and partition."""
MESSAGE_FIELDS: Final = ("_topic", "_partition", "_offset", "_timestamp", "_key", "_headers", "_deleted")
"""What Kafka knows of a message, as fields of its record."""


class OffsetRange(Frozen):
    """The messages `[start, end)` of one partition. `topic_id` is Kafka's own: another one is another topic."""

    topic: str
    topic_id: str
    partition: int
    start: int
    end: int

    @property
    def place(self) -> Place:
        return self.topic, self.partition


class TopicOffsets(Frozen):
    """How far one topic was read: partition → the first offset that was not."""

    id: str
    next: dict[int, int] = Field(default_factory=dict)


class Offsets(Frozen):
    """How far a source was read, topic by topic: what a position holds of it."""

    topics: dict[str, TopicOffsets] = Field(default_factory=dict)

    def moved(self, ranges: Iterable[OffsetRange]) -> "Offsets":
        """The offsets after these ranges. A topic with another id is a new one: what was known of the old one goes."""
        topics = dict(self.topics)
        for one in ranges:
            known = topics.get(one.topic)
            before = known.next if known is not None and known.id == one.topic_id else {}
            topics[one.topic] = TopicOffsets(id=one.topic_id, next={**before, one.partition: one.end})
        return Offsets(topics=topics)

    def next(self, topic: str, partition: int) -> int | None:
        known = self.topics.get(topic)
        return known.next.get(partition) if known is not None else None

    def knows(self, one: "Ends") -> bool:
        """Whether it says where this partition, of the topic that it is now, goes on."""
        known = self.topics.get(one.topic)
        return known is not None and known.id == one.topic_id and one.partition in known.next

    def __bool__(self) -> bool:
        return bool(self.topics)

    @classmethod
    def of_position(cls, value: Mapping[str, Any] | None) -> "Offsets":
        """From the `offsets` of a position's value; none where it has none."""
        return cls.model_validate({"topics": (value or {}).get("offsets") or {}})

    def document(self) -> dict[str, Any]:
        """What a position's value keeps under `offsets`."""
        return {name: one.model_dump(mode="json") for name, one in self.topics.items()}


@dataclass(frozen=True, slots=True)
class Ends:
    """One partition as it is now: `[low, high)` can be read; `high` is the end of what is committed."""

    topic: str
    topic_id: str
    partition: int
    low: int
    high: int

    @property
    def place(self) -> Place:
        return self.topic, self.partition


def going_on(
    position: Offsets, ends: Sequence[Ends], first: Mapping[Place, int], pipeline: str = "PIPELINE"
) -> tuple[list[OffsetRange], list[str]]:
    """The ranges from `position` to the ends, empty ones left out, and what is worth knowing of them.

    `first`: where a partition begins of which nothing was read, if not at its low end.

    Raises SourceError where messages are lost, or the topic is not the one that was read before.
    """
    findings: list[str] = []
    found: list[OffsetRange] = []
    gaps: list[tuple[Ends, int]] = []
    for one in ends:
        known = position.topics.get(one.topic)
        if known is not None and known.id != one.topic_id:
            raise _another(one, known, pipeline)
        start = _start(position, one, first)
        if known is not None and not position.knows(one):
            findings.append(f"{one.topic} has a new partition, {one.partition}: it is read from its beginning")
        if start > one.high:
            raise _rewound(one, start, pipeline)
        if start < one.low:
            gaps.append((one, start))
        elif one.high > start:
            found.append(_range(one, start))
    if gaps:
        raise _lost(gaps, pipeline)
    return found, findings


def beginnings(position: Offsets, ends: Sequence[Ends], first: Mapping[Place, int]) -> list[OffsetRange]:
    """Where the partitions begin of which `position` says nothing, as empty ranges: a position that has them knows
    that they were there, and what comes into them later is not taken for what a new partition holds."""
    found = [(one, _start(position, one, first)) for one in ends if not position.knows(one)]
    return [_range(one, start).model_copy(update={"end": start}) for one, start in found]


def _start(position: Offsets, one: Ends, first: Mapping[Place, int]) -> int:
    """Where a partition goes on; one that came to a topic which is known begins at its beginning."""
    start = position.next(*one.place)
    if start is not None:
        return start
    return 0 if one.topic in position.topics else max(one.low, first.get(one.place, one.low))


def require_there(seen: Offsets, ends: Sequence[Ends], pipeline: str = "PIPELINE") -> None:
    """Raises SourceError where retention took messages that a first look saw, and nothing has read yet."""
    gaps = [(one, start) for one in ends if (start := _seen_at(seen, one)) is not None and start < one.low]
    if gaps:
        raise _lost(gaps, pipeline)


def _seen_at(seen: Offsets, one: Ends) -> int | None:
    known = seen.topics.get(one.topic)
    return seen.next(*one.place) if known is not None and known.id == one.topic_id else None


def lost_messages(position: Offsets, ends: Sequence[Ends]) -> int:
    """How many offsets between the position and the low ends retention has taken away."""
    return sum(
        one.low - start
        for one in ends
        if position.knows(one) and (start := position.next(*one.place)) is not None and start < one.low
    )


def backlog(position: Offsets, ends: Sequence[Ends]) -> int:
    """Offsets between the position and the ends; of a partition that was not read yet all that it has."""
    return sum(behind(position, one) for one in ends)


def behind(position: Offsets, one: Ends) -> int:
    """Offsets of one partition between the position and its end; all of a topic that was made anew."""
    start = position.next(*one.place) if position.knows(one) else None
    return max(0, one.high - max(one.low, start or 0))


def cut(ranges: Sequence[OffsetRange], rows: int | None) -> list[OffsetRange]:
    """The beginnings of the ranges, in proportion to their lengths, of at most `rows` offsets together (one each)."""
    total = sum(one.end - one.start for one in ranges)
    if rows is None or total <= rows:
        return list(ranges)
    cut_to = [max(1, (one.end - one.start) * rows // total) for one in ranges]
    return [one.model_copy(update={"end": one.start + length}) for one, length in zip(ranges, cut_to, strict=True)]


def said(ranges: Sequence[OffsetRange], *, end: bool) -> str:
    """The starts (or ends) of ranges in a line: `flights 0:1000 1:990`."""
    topics: dict[str, list[str]] = {}
    for one in sorted(ranges, key=lambda one: one.place):
        topics.setdefault(one.topic, []).append(f"{one.partition}:{one.end if end else one.start}")
    parts = [f"{topic} {' '.join(offsets[:12])}{' …' * (len(offsets) > 12)}" for topic, offsets in topics.items()]
    return ", ".join(parts)


def _range(one: Ends, start: int) -> OffsetRange:
    return OffsetRange(topic=one.topic, topic_id=one.topic_id, partition=one.partition, start=start, end=one.high)


def _another(one: Ends, known: TopicOffsets, pipeline: str) -> SourceError:
    return SourceError(
        f"the topic {one.topic} was made anew: it has the id {one.topic_id}, and what was loaded came from {known.id}",
        hint=f"Read the new one from its beginning: octopipe run {pipeline} --full. What is loaded stays.",
        retryable=False,
    )


def _rewound(one: Ends, start: int, pipeline: str) -> SourceError:
    return SourceError(
        f"the topic {one.topic} was rewound: partition {one.partition} ends at {one.high:,}, "
        f"and {start:,} was loaded already",
        hint="Look at the brokers (an unclean election or a restored backup?), then read again from a time or from "
        f"the beginning: octopipe run {pipeline} --since 2026-01-31T00:00:00Z, or --full.",
        retryable=False,
    )


def _lost(gaps: Sequence[tuple[Ends, int]], pipeline: str) -> SourceError:
    places = ", ".join(f"{one.topic} {one.partition} from {start:,} to {one.low:,}" for one, start in gaps)
    lost = sum(one.low - start for one, start in gaps)
    return SourceError(
        f"{lost:,} messages are lost: retention removed them before they were read ({places})",
        hint=f"To go on with what is still there: octopipe run {pipeline} --since earliest. For the next time: "
        "lengthen the topic's retention.ms, or write `landing: copy` and start the pipeline's schedule.",
        retryable=False,
    )
