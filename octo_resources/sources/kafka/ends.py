"""How far topics may be read now, from how far they were: what a Spark stream is offered for its next micro-batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from octo_core.offsets import Ends, OffsetRange, Offsets, cut
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.cluster import Cluster
from octo_resources.sources.place import Place

_clusters: Final[dict[str, Cluster]] = {}
"""By their clients' settings, of the process that is asked for ends: connections stay open between two questions."""


@dataclass(frozen=True)
class NewestEnds:
    """Asks brokers for the ends of some sources' topics. Picklable; `settings` have the secrets in them."""

    settings: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Source → its clients' settings."""
    topics: Mapping[str, tuple[str, ...]]
    most: int
    """Messages that a source's ends move at a time."""

    @classmethod
    def of(cls, sources: Mapping[str, KafkaSource], place: Place, most: int) -> "NewestEnds":
        settings = {name: client_settings(spec, place) for name, spec in sources.items()}
        return cls(settings, {name: spec.topic for name, spec in sources.items()}, most)

    def __call__(self, start: Mapping[str, Any]) -> dict[str, Any]:
        """Source → topic → its offsets (see `offers.Ends`), from those of the micro-batch before. SourceError."""
        return {name: self._of(name, start.get(name) or {}) for name in self.settings}

    def _of(self, name: str, start: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings[name]
        known = repr(sorted(settings.items()))
        cluster = _clusters.get(known)
        if cluster is None:
            cluster = _clusters[known] = Cluster(settings)
        return moved(
            Offsets.of_position({"offsets": start}), cluster.ends(cluster.topics(self.topics[name])), self.most
        )


def moved(position: Offsets, ends: list[Ends], most: int) -> dict[str, Any]:
    """The offsets `most` messages on, as a document. What was there before a topic was made anew does not count."""
    ranges = []
    for one in ends:
        known = position.topics.get(one.topic)
        at = position.next(*one.place) if known is not None and known.id == one.topic_id else None
        start = one.low if at is None else min(at, one.high)
        if one.high > start or at is None:
            ranges.append(
                OffsetRange(topic=one.topic, topic_id=one.topic_id, partition=one.partition, start=start, end=one.high)
            )
    found = position.moved(cut(ranges, most))
    return {
        name: {"id": topic.id, "next": {str(part): at for part, at in topic.next.items()}}
        for name, topic in found.topics.items()
    }


def within(ranges: tuple[OffsetRange, ...], until: Offsets | None) -> tuple[OffsetRange, ...]:
    """The ranges as far as an offer goes; all of them where there is none."""
    if until is None:
        return ranges
    found = []
    for one in ranges:
        known = until.topics.get(one.topic)
        end = until.next(*one.place) if known is not None and known.id == one.topic_id else None
        if end is not None and min(end, one.end) > one.start:
            found.append(one.model_copy(update={"end": min(end, one.end)}))
    return tuple(found)
