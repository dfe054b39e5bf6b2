"""Kafka sources in the flow: what waits at the brokers, what retention threatens, and what is left there meanwhile."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from octo_core.errors import OctopipeError
from octo_core.offsets import (
    Ends,
    OffsetRange,
    Offsets,
    Place,
    backlog,
    cut,
    going_on,
    lost_messages,
    require_there,
)
from octo_core.spec.sources import KafkaSource
from octo_resources.flow.spooling import is_spooled, resume_from
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.kafka.cluster import Cluster, Keeping, Topic
    from octo_resources.sources.resume import Resume

IN_TIME: Final = 0.75
"""How much of a topic's retention may pass over an unread message before somebody is told."""
_SKEW: Final = timedelta(seconds=5)
"""How far clocks of producers may be ahead of this machine's."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one Kafka source has at its brokers that the destination has not."""

    source: str
    position: Offsets
    topics: "tuple[Topic, ...]"
    ends: tuple[Ends, ...]
    keeping: "Mapping[str, Keeping]"
    old: Mapping[Place, int]
    """Per partition the first offset that is younger than IN_TIME of its topic's retention."""
    seen: Offsets
    """Where a first look began, if nothing was read since."""

    @property
    def messages(self) -> int:
        return backlog(self.position, self.ends)

    @property
    def lost(self) -> int:
        return lost_messages(self.position or self.seen, self.ends)

    @property
    def threatened(self) -> int:
        """Unread messages that retention removes before long."""
        found = 0
        for one in self.ends:
            bound = self.old.get(one.place)
            if bound is not None:
                found += max(0, min(bound, one.high) - max(one.low, self.position.next(*one.place) or 0))
        return found


def kafka_sources(pipeline: Pipeline) -> dict[str, KafkaSource]:
    """The pipeline's Kafka sources by name."""
    return {name: one for name, one in pipeline.spec.sources.items() if isinstance(one, KafkaSource)}


def position_of(space: Workspace, pipeline: Pipeline, source: str) -> Offsets:
    """How far a source was read: by the destination where nothing is kept, else by what landed. Nothing is changed."""
    from octo_resources.sources.kafka.begin import least, reached

    if not is_spooled(pipeline, source) and space.landing.history(pipeline.name, source):
        return reached(space.landing, pipeline.name, source, None)
    at = _resume(space, pipeline, source)
    if at is None:
        return Offsets()
    every = [Offsets.of_position(at.positions.get(table)) for table in at.epochs]
    return least(every) if every and all(every) else Offsets()


def _resume(space: Workspace, pipeline: Pipeline, source: str) -> "Resume | None":
    """How far the destination is; None where it does not say."""
    with suppress(OctopipeError):
        return resume_from(space, pipeline, source)
    return None


def never_read(space: Workspace, pipeline: Pipeline, source: str, at: "Resume | None") -> bool:
    """Whether no table has anything of a source, by `at`, and nothing of it landed that is kept."""
    if at is not None and any(at.positions.values()):
        return False
    return is_spooled(pipeline, source) or not space.landing.history(pipeline.name, source)


def waiting_at(space: Workspace, pipeline: Pipeline, source: str) -> Waiting:
    """What waits at the brokers, by ends and times alone: nothing is consumed. Raises SourceError."""
    from octo_resources.kafka.client import client_settings
    from octo_resources.kafka.cluster import Cluster

    spec = kafka_sources(pipeline)[source]
    with Cluster(client_settings(spec, space.project)) as cluster:
        topics = tuple(cluster.topics(spec.topic))
        keeping = cluster.keeping(topics)
        ends = tuple(cluster.ends(topics))
        position = position_of(space, pipeline, source)
        seen = Offsets()
        if not position and never_read(space, pipeline, source, _resume(space, pipeline, source)):
            seen = seen_at_first(space, pipeline, source)
        return Waiting(source, position, topics, ends, keeping, _old(cluster, topics, keeping, ends), seen)


def _old(
    cluster: "Cluster", topics: "Sequence[Topic]", keeping: "Mapping[str, Keeping]", ends: Sequence[Ends]
) -> dict[Place, int]:
    found: dict[Place, int] = {}
    high = {one.place: one.high for one in ends}
    for one in topics:
        kept = keeping.get(one.name)
        if kept is None or kept.retention_ms is None:
            continue
        moment = datetime.now(UTC) - timedelta(milliseconds=kept.retention_ms * IN_TIME)
        younger = cluster.at([one], moment)
        found |= {(one.name, part): younger.get((one.name, part), high[one.name, part]) for part in one.partitions}
    return found


def retention_warnings(space: Workspace, pipeline: Pipeline) -> tuple[str, ...]:
    """What a pipeline that does not load has to be told before its topics forget what it has not read."""
    said: list[str] = []
    for name in kafka_sources(pipeline):
        with suppress(OctopipeError):  # a warning; whether the brokers answer shows where they are read
            found = waiting_at(space, pipeline, name)
            try:
                going_on(found.position, found.ends, {}, pipeline.name)
                require_there(found.seen, found.ends, pipeline.name)
            except OctopipeError as error:
                said.append(f"{name}: {error.message}; the next load will say so and refuse")
            sizes = [kept.retention_bytes for kept in found.keeping.values() if kept.retention_bytes is not None]
            if sizes and found.messages and leaves_with_broker(space, pipeline, name):
                said.append(
                    f"{name}: its topic keeps {min(sizes):,} bytes a partition, read or not: approve the plan before "
                    "more comes, or write `landing: copy`"
                )
            if found.threatened:
                said.append(
                    f"{name}: retention removes {found.threatened:,} unread messages before long: approve the plan, "
                    "write `landing: copy`, or lengthen the topic's retention.ms"
                )
    return tuple(said)


def seen_at_first(space: Workspace, pipeline: Pipeline, source: str) -> Offsets:
    """Where the look began by which the plan was made; of nothing where the source does not begin at the earliest."""
    if kafka_sources(pipeline)[source].start != "earliest":
        return Offsets()
    looks = space.samples.batches(pipeline.name, source)
    begins = [OffsetRange.model_validate(one.position) for one in (looks[-1].files if looks else ()) if one.position]
    return Offsets().moved([one.model_copy(update={"end": one.start}) for one in begins])


def require_unlost(space: Workspace, pipeline: Pipeline, source: str) -> None:
    """Raises SourceError where retention took messages between the look that made the plan and the first load."""
    from octo_resources.kafka.client import client_settings
    from octo_resources.kafka.cluster import Cluster

    spec = kafka_sources(pipeline).get(source)
    if spec is None or not (seen := seen_at_first(space, pipeline, source)):
        return
    with Cluster(client_settings(spec, space.project)) as cluster:
        require_there(seen, cluster.ends(cluster.topics(spec.topic)), pipeline.name)


def leaves_with_broker(space: Workspace, pipeline: Pipeline, source: str) -> bool:
    """Whether a source's messages stay at the brokers because no plan was ever approved and nothing of it is kept."""
    if source not in kafka_sources(pipeline) or not is_spooled(pipeline, source):
        return False
    return space.registry.decisions.last_approved(pipeline.name) is None


def first_position(space: Workspace, pipeline: Pipeline, source: str) -> "Resume | None":
    """Where a Kafka source goes on of which the landing zone knows nothing, though the destination has some of it."""
    if source not in kafka_sources(pipeline) or space.landing.history(pipeline.name, source):
        return None
    found = _resume(space, pipeline, source)
    return found if found is not None and any(found.positions.values()) else None


def due_ranges(space: Workspace, pipeline: Pipeline) -> dict[str, list[OffsetRange]]:
    """Source → the ranges that a run is to be started for now: `batch.rows` of them wait, or the oldest waits too long.

    Looks at ends and times only. Raises SourceError where messages are lost, or a topic is not the one it was.
    """
    found = {name: _due(space, pipeline, name, spec) for name, spec in kafka_sources(pipeline).items()}
    return {name: ranges for name, ranges in found.items() if ranges}


def _due(space: Workspace, pipeline: Pipeline, source: str, spec: KafkaSource) -> list[OffsetRange]:
    from octo_resources.kafka.client import client_settings
    from octo_resources.kafka.cluster import Cluster
    from octo_resources.sources.kafka.begin import to_read

    with Cluster(client_settings(spec, space.project)) as cluster:
        found = to_read(spec, cluster, position_of(space, pipeline, source), pipeline=pipeline.name)
        if not found.ranges:
            return list(found.begins) if found.fleeting else []
        if sum(one.end - one.start for one in found.ranges) < spec.batch.rows:
            now = datetime.now(UTC)
            younger = cluster.at(found.topics, now - spec.batch.age)
            # Brokers name the first message of a partition that is as young. Behind one whose clock was ahead, read or
            # not, nothing would ever be old: there no time is believed.
            ahead = cluster.at(found.topics, now + spec.batch.age + _SKEW)
            if all(one.start >= younger.get(one.place, one.end) and one.place not in ahead for one in found.ranges):
                return []
    return cut(found.ranges, spec.batch.rows)
