"""Where to read from: the destination's position or the newest landed batch, and what the topics' ends say to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from octo_core.errors import SourceError, UsageError
from octo_core.offsets import Ends, OffsetRange, Offsets, Place, beginnings, going_on
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.cluster import Cluster, Topic
from octo_resources.landing import Landing
from octo_resources.sources.resume import Resume


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read of a source now."""

    ranges: tuple[OffsetRange, ...]
    position: Offsets
    """How far it was read before."""
    topics: tuple[Topic, ...]
    ends: tuple[Ends, ...]
    findings: tuple[str, ...] = ()
    """What is worth knowing: new partitions, topics that are gone."""
    begins: tuple[OffsetRange, ...] = ()
    """Where partitions begin of which the position says nothing: empty ranges."""
    fleeting: bool = False
    """Whether `begins` would be later the next time, as with `start: latest`: it is to be written down by a batch, an
    empty one if need be."""

    def reached(self, read: Sequence[OffsetRange]) -> Offsets:
        """How far the source is read once these ranges are."""
        return self.position.moved([*self.begins, *read])


def reached(landing: Landing, pipeline: str, source: str, resume: Resume | None) -> Offsets:
    """How far a source was read: by the destination where nothing is kept, else by the newest landed batch.

    UsageError where tables whose rows are appended are not equally far.
    """
    if resume is not None:
        return _earliest(resume)
    history = landing.history(pipeline, source)
    return Offsets.of_position(history[-1].position) if history else Offsets()


def to_read(
    spec: KafkaSource,
    cluster: Cluster,
    position: Offsets,
    *,
    since: str | None = None,
    full: bool = False,
    pipeline: str = "PIPELINE",
) -> Found:
    """The ranges from the position to the ends. Looks at ends only. Raises SourceError, UsageError."""
    topics = cluster.topics(spec.topic)
    if not topics:
        raise SourceError(
            f"no topic fits {', '.join(spec.topic)}", hint="Look at the pattern: it begins with ^.", retryable=False
        )
    ends = cluster.ends(topics)
    begin = "earliest" if full else since
    first, said = _first(cluster, topics, ends, begin or spec.start)
    known = Offsets() if begin is not None else position
    new = sorted({one.name for one in topics} - set(known.topics) - set(spec.topic)) if known else []
    first = {place: offset for place, offset in first.items() if place[0] not in new}
    ranges, findings = going_on(known, ends, first, pipeline)
    findings += [*said, *(f"{name} is a new topic: it is read from its beginning" for name in new)]
    unknown = [one for one in ends if not position.knows(one)]
    gone = sorted(set(position.topics) - {one.name for one in topics})
    findings += [f"the topic {name} is gone; what was loaded from it stays" for name in gone]
    return Found(
        ranges=tuple(ranges),
        position=position,
        topics=tuple(topics),
        ends=tuple(ends),
        findings=tuple(findings),
        begins=tuple(beginnings(known, unknown, first)),
        fleeting=not position and begin is None and spec.start != "earliest",
    )


def moment_of(text: str) -> datetime | None:
    """An ISO time; one without a zone is UTC. None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _first(
    cluster: Cluster, topics: Sequence[Topic], ends: Sequence[Ends], begin: str
) -> tuple[Mapping[Place, int], list[str]]:
    """Where partitions begin that have no position: earliest, latest, a time, or offsets: `flights 0:1000 1:990`; and
    what is worth knowing of that."""
    if begin == "earliest":
        return {}, []
    high = {one.place: one.high for one in ends}
    if begin == "latest":
        return high, []
    told = _told(begin)
    if told is not None:
        return {**high, **told}, _looked_up(told, ends)
    moment = moment_of(begin)
    if moment is None:
        raise UsageError(
            f"{begin!r} is no place to begin in a topic",
            hint="write earliest, latest, a time (2026-01-31T00:00:00Z), or offsets: 'flights 0:1000 1:990'",
        )
    return {**high, **cluster.at(topics, moment)}, []


def _looked_up(told: Mapping[Place, int], ends: Sequence[Ends]) -> list[str]:
    """Offsets that were asked for and are not there any more. UsageError for those that never were."""
    there = {one.place: one for one in ends}
    for (topic, partition), offset in told.items():
        found = there.get((topic, partition))
        if found is None:
            names = ", ".join(f"{one.topic} {one.partition}" for one in ends[:12])
            raise UsageError(f"the source reads no partition {partition} of '{topic}'", hint=f"There are: {names}.")
        if offset > found.high:
            raise UsageError(
                f"offset {offset:,} is beyond the end of {topic} {partition}, which is {found.high:,}",
                hint="See the ends: octopipe kafka lag PIPELINE",
            )
    return [
        f"{topic} {partition} begins at {low:,}: retention removed what was asked for from {offset:,} on"
        for (topic, partition), offset in told.items()
        if offset < (low := there[topic, partition].low)
    ]


def _told(text: str) -> dict[Place, int] | None:
    """Offsets as a batch's `from` and `to` write them; None where these are none."""
    found: dict[Place, int] = {}
    for part in text.split(","):
        topic, *offsets = part.split() or [""]
        for one in offsets:
            partition, _, offset = one.partition(":")
            if not (partition.isdigit() and offset.isdigit()):
                return None
            found[topic, int(partition)] = int(offset)
    return found or None


def _earliest(resume: Resume) -> Offsets:
    """The earliest offsets of the tables: what one of them has, another may still need."""
    every = [Offsets.of_position(resume.positions.get(table)) for table in resume.epochs]
    if all(one == every[0] for one in every):
        return every[0] if every else Offsets()
    if resume.appended:
        raise UsageError(
            f"its tables are not equally far, and rows of {min(resume.appended)} are appended: some would come twice",
            hint="write: merge with a key, a source of its own for the table that is behind, or landing: copy",
        )
    return least(every)


def least(every: Sequence[Offsets]) -> Offsets:
    """Of each partition the smallest of several positions; none of what one of them does not know."""
    found = every[0]
    for other in every[1:]:
        known = [
            OffsetRange(topic=name, topic_id=one.id, partition=part, start=0, end=min(at, theirs))
            for name, one in found.topics.items()
            for part, at in one.next.items()
            if (theirs := other.next(name, part)) is not None
        ]
        found = Offsets().moved(known)
    return found
