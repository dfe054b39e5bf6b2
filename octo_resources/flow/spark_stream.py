"""A stream on Spark: Structured Streaming offers how far topics may be read, and each offer is loaded as micro-batches.

The checkpoint writes an offer down before it is made, and that it was taken afterwards. What counts is the
destination's position all the same: an offer that a killed process had loaded already is known by it, and passes.
"""

import time
from typing import TYPE_CHECKING, Final

from octo_core.errors import UsageError
from octo_core.offsets import Offsets
from octo_core.spec.sources import KafkaSource
from octo_core.streaming import StreamState
from octo_resources.flow.offsets import kafka_sources
from octo_resources.sources.kafka.follow import KafkaFollower

if TYPE_CHECKING:
    from octo_resources.engines.spark.offers import Offer
    from octo_resources.flow.streaming import Follower, Streaming

LOOK: Final = 0.5
"""Seconds to wait for an offer before the switch and the files are looked at."""


def rounds(stream: "Streaming", followers: "dict[str, Follower]") -> StreamState:
    """Take offers until the stream stops, or the plan waits: the state that it ended in."""
    from octo_resources.engines.spark import Settings
    from octo_resources.engines.spark.offers import as_ends, forget_if_ahead, offers, refuse_connect
    from octo_resources.engines.spark.session import session
    from octo_resources.sources.kafka.ends import NewestEnds

    topics = _topics(stream, followers)
    for name in followers:  # what a process before this one read, and did not load
        waits, _ = _drained(stream, name, topics[name], None)
        if waits is not None:
            return stream.telling.ended("waiting_for_approval", waits)
    if stream.once and not _more(stream, topics):
        return stream.telling.ended("stopped", None)
    settings = Settings.of(stream.pipeline.engine, stream.space.project.secrets.reveal)
    refuse_connect(settings.remote)
    begins = {name: follower.there(stream.positions[name]).reached([]) for name, follower in topics.items()}
    first = as_ends({name: at.document() for name, at in begins.items()})
    newest = NewestEnds.of(_sources(stream), stream.space.project, stream.spec.max_rows)
    checkpoint = stream.space.landing.folder(stream.pipeline.name, min(topics)) / ".checkpoint"
    forget_if_ahead(checkpoint, first)
    with offers(session(settings), settings.place, first, newest, checkpoint) as found:
        while not stream.stopping.is_set():
            offer, began = found.next(LOOK), time.monotonic()
            if offer is None:
                for name in topics:
                    stream.telling.idle(name)
            elif (waits := _taken(stream, topics, offer, began)) is not None:
                return stream.telling.ended("waiting_for_approval", waits)
            if stream.changed():
                return stream.telling.ended("stopped", f"{stream.pipeline.name} was stopped or paused")
            if stream.once and not _more(stream, topics):
                break
    return stream.telling.ended("stopped", None)


def _sources(stream: "Streaming") -> dict[str, KafkaSource]:
    every = kafka_sources(stream.pipeline)
    return {name: every[name] for name in stream.sources}


def _topics(stream: "Streaming", followers: "dict[str, Follower]") -> dict[str, KafkaFollower]:
    found = {name: one for name, one in followers.items() if isinstance(one, KafkaFollower)}
    if len(found) < len(followers):
        hint = "Write `engine: duckdb`; a schedule loads what is pushed on Spark too."
        raise UsageError("a stream on Spark follows Kafka's topics only", where=stream.pipeline.name, hint=hint)
    return found


def _more(stream: "Streaming", topics: dict[str, KafkaFollower]) -> bool:
    return any(follower.there(stream.positions[name]).ranges for name, follower in topics.items())


def _taken(stream: "Streaming", topics: dict[str, KafkaFollower], offer: "Offer", began: float) -> str | None:
    """Load all up to an offer's ends; why the stream waits where the plan does."""
    behind = False
    for name, follower in topics.items():
        until = Offsets.of_position({"offsets": offer.ends.get(name)})
        waits, more = _drained(stream, name, follower, until)
        if waits is not None:
            return waits
        behind = behind or more
    offer.taken()
    if not behind:
        stream.pause(began)
    return None


def _drained(stream: "Streaming", name: str, follower: KafkaFollower, until: Offsets | None) -> tuple[str | None, bool]:
    """Micro-batches of one source until an offer's ends; without an offer only what waits already.

    Gives why the stream waits, where it does, and whether there is more beyond the offer.
    """
    follower.until, more = until if until is not None else Offsets(), False
    try:
        while True:
            waits, left = stream.micro_batch(name, follower)
            if waits is not None or left is None:
                return waits, more
            more = left
    finally:
        follower.until = None
