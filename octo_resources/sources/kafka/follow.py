"""Follows a Kafka source: micro-batches one after the other over connections that stay open."""

from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from octo_core.offsets import OffsetRange, Offsets, cut, said
from octo_core.offsets import Place as Partition
from octo_core.spec.sources import KafkaSource, landing_of
from octo_resources.kafka.client import Late, client_settings, unheard
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Limits, Reader
from octo_resources.landing import Landing
from octo_resources.sources.caught import Caught
from octo_resources.sources.kafka.begin import Found, reached, to_read
from octo_resources.sources.kafka.ends import within
from octo_resources.sources.kafka.formats import format_of
from octo_resources.sources.kafka.parts import Parts
from octo_resources.sources.kafka.unread import unread_batch
from octo_resources.sources.place import Place
from octo_resources.sources.resume import Resume

if TYPE_CHECKING:
    from confluent_kafka import Message

SILENCE = 15.0
"""Seconds without a message that is known to be there, after which the brokers are asked anew."""


class KafkaFollower:
    """One source, for the length of a `with`. It joins no group and commits nothing: where to go on from, the
    destination's position says."""

    def __init__(
        self, spec: KafkaSource, pipeline: str, source: str, place: Place, landing: Landing, late: Late = unheard
    ) -> None:
        self._spec, self._pipeline, self._source, self._landing = spec, pipeline, source, landing
        settings = client_settings(spec, place)
        self._cluster, self._reader = Cluster(settings, late), Reader(settings, late)
        self._format = format_of(spec, place)
        self.kept = landing_of(spec) != "off"
        self.until: Offsets | None = None
        """How far a micro-batch may go, where somebody says."""

    def __enter__(self) -> "KafkaFollower":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._format.__exit__(kind, error, trace)
        self._reader.__exit__(kind, error, trace)
        self._cluster.__exit__(kind, error, trace)

    def position(self, resume: Resume | None) -> Offsets:
        """How far the source was read: by the destination, or by what landed where that is kept."""
        return reached(self._landing, self._pipeline, self._source, resume)

    def catch(self, position: Offsets, resume: Resume | None, max_rows: int, max_bytes: int) -> Caught | None:
        """What came since `position`, at most so much of it, as a landed batch; None where nothing did.

        Raises SourceError: messages are lost, the topic is another one, the brokers fail.
        """
        with self._landing.lock(self._pipeline, self._source):
            found = to_read(self._spec, self._cluster, position, pipeline=self._pipeline)
            wanted = cut(within(found.ranges, self.until), max_rows)
            return self._read(wanted, found, resume, max_bytes) if wanted or found.fleeting else None

    def there(self, position: Offsets) -> Found:
        """What there is since `position`. Raises SourceError."""
        return to_read(self._spec, self._cluster, position, pipeline=self._pipeline)

    def _read(self, wanted: list[OffsetRange], found: Found, resume: Resume | None, max_bytes: int) -> Caught:
        stamps: list[int] = []
        self._format.notes.clear()
        with self._landing.begin(self._pipeline, self._source) as writer:
            parts = Parts(writer.folder, durable=self.kept)

            def take(at: Partition, messages: "list[Message]") -> int:
                stamps.extend(time for kind, time in (one.timestamp() for one in messages) if kind)
                return parts.add(at, self._format.text(at, messages))

            try:
                read = self._reader.read(wanted, take, Limits(bytes=max_bytes, silence=SILENCE))
                files = parts.finish(read)
            finally:
                parts.abandon()
            batch = writer.commit(
                files,
                landing="copy" if self.kept else "off",
                rows=parts.rows,
                size=parts.bytes,
                cursor_from=said(read, end=False),
                cursor_to=said(read, end=True),
                full=False,
                epochs=resume.epochs if resume is not None else None,
                position={"offsets": found.reached(read).document()},
                notes=(*found.findings, *self._format.said()),
            )
        left = sum(one.end - one.start for one in found.ranges) - sum(one.end - one.start for one in read)
        return Caught(batch, np.array(stamps, np.int64), left, found.findings)


class UnreadFollower(KafkaFollower):
    """Consumes nothing: its micro-batches say which ranges the tasks of their loads will."""

    def _read(
        self,
        wanted: list[OffsetRange],
        found: Found,
        resume: Resume | None,
        max_bytes: int,  # noqa: ARG002 - nobody knows the bytes of what was not read
    ) -> Caught:
        with self._landing.begin(self._pipeline, self._source) as writer:
            batch = unread_batch(writer, found, wanted, resume)
        left = sum(one.end - one.start for one in found.ranges) - sum(one.end - one.start for one in wanted)
        return Caught(batch, np.array([], np.int64), left, found.findings)
