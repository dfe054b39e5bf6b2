"""Extraction from Kafka: what came since the destination's position (or the newest landed batch) becomes a batch."""

from collections.abc import Sequence

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.offsets import OffsetRange, cut, said
from octo_core.spec.sources import KafkaSource, landing_of
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Limits, Reader
from octo_resources.landing import Landing
from octo_resources.sources.kafka.begin import Found, reached, to_read
from octo_resources.sources.kafka.formats import format_of
from octo_resources.sources.kafka.parts import Parts
from octo_resources.sources.kafka.unread import unread_batch
from octo_resources.sources.place import Place, Progress
from octo_resources.sources.resume import Resume


def extract_kafka(
    spec: KafkaSource,
    pipeline: str,
    source: str,
    place: Place,
    landing: Landing,
    since: str | None,
    full: bool,
    progress: Progress,
    *,
    resume: Resume | None = None,
    max_rows: int | None = None,
    max_bytes: int | None = None,
    ranges: Sequence[OffsetRange] | None = None,
    unread: bool = False,
) -> Batch | None:
    """See `octo_resources.sources.extract`; call it under the source's lock.

    Reads up to the ends as they are when it begins, or exactly `ranges`, those of a sensor, as far as `batch.bytes` go.
    With `unread` nothing is consumed: the batch says which ranges the tasks of its load will.
    """
    settings = client_settings(spec, place)
    try:
        with Cluster(settings) as cluster:
            position = reached(landing, pipeline, source, resume)
            found = to_read(spec, cluster, position, since=since, full=full, pipeline=pipeline)
        wanted = cut(found.ranges if ranges is None else still_there(found, ranges), max_rows)
        if not wanted and not found.fleeting:
            return None
        kept = landing_of(spec)
        if unread:
            with landing.begin(pipeline, source) as writer:
                return unread_batch(writer, found, wanted, resume, full=full and list(wanted) == list(found.ranges))
        with format_of(spec, place) as form, Reader(settings) as reader, landing.begin(pipeline, source) as writer:
            parts = Parts(writer.folder, durable=kept != "off")
            try:
                read = reader.read(
                    wanted,
                    lambda at, messages: parts.add(at, form.text(at, messages)),
                    Limits(bytes=max_bytes if ranges is None else spec.batch.bytes),
                    lambda rows, size: progress(rows, size, source),
                )
                files = parts.finish(read)
            finally:
                parts.abandon()
            return writer.commit(
                files,
                landing="off" if kept == "off" else "copy",
                rows=parts.rows,
                size=parts.bytes,
                cursor_from=said(read, end=False),
                cursor_to=said(read, end=True),
                full=full and list(read) == list(found.ranges),
                epochs=resume.epochs if resume is not None and kept == "off" else None,
                notes=(*found.findings, *form.said()),
                position={"offsets": found.reached(read).document()},
            )
    except SourceError as error:
        error.where = error.where or f"{pipeline}.{source}"
        raise


def still_there(found: Found, ranges: Sequence[OffsetRange]) -> list[OffsetRange]:
    """The ranges that a sensor asked for, as far as they go on from where things stand now."""
    there = {one.place: one for one in found.ranges}
    return [
        one
        for one in ranges
        if (now := there.get(one.place)) is not None
        and now.topic_id == one.topic_id
        and now.start == one.start
        and one.end <= now.end
    ]
