"""What was pushed to a Kafka topic, landed: the values as they were pushed, by exact offset ranges."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.offsets import Place as Partition
from octo_core.offsets import backlog, cut, said
from octo_core.spec.sources import PushTopic
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import Reader
from octo_resources.landing import Landing
from octo_resources.sources.json_records import one_line
from octo_resources.sources.kafka.begin import reached, to_read
from octo_resources.sources.kafka.bulk import text_of_lines
from octo_resources.sources.kafka.parts import Parts
from octo_resources.sources.place import Place, Progress

if TYPE_CHECKING:
    from confluent_kafka import Message


def extract_topic(
    to: PushTopic,
    pipeline: str,
    source: str,
    place: Place,
    landing: Landing,
    progress: Progress,
    max_rows: int | None = None,
) -> Batch | None:
    """A batch of all that came since the newest landed one; None where nothing did. Raises SourceError."""
    spec = to.source()
    settings = client_settings(spec, place)
    try:
        with Cluster(settings) as cluster:
            if to.topic not in cluster.names():
                return None  # it is made by the first push
            found = to_read(spec, cluster, reached(landing, pipeline, source, None), pipeline=pipeline)
        wanted = cut(found.ranges, max_rows)
        if not wanted:
            return None
        text = text_of_lines(_values)
        with Reader(settings) as reader, landing.begin(pipeline, source) as writer:
            parts = Parts(writer.folder, durable=True)
            try:
                read = reader.read(
                    wanted,
                    lambda at, messages: parts.add(at, text(at, messages)),
                    progress=lambda rows, size: progress(rows, size, source),
                )
                files = parts.finish(read)
            finally:
                parts.abandon()
            return writer.commit(
                files,
                landing="copy",
                rows=parts.rows,
                size=parts.bytes,
                cursor_from=said(read, end=False),
                cursor_to=said(read, end=True),
                full=False,
                notes=found.findings,
                position={"offsets": found.reached(read).document()},
            )
    except SourceError as error:
        error.where = error.where or f"{pipeline}.{source}"
        raise


def topic_backlog(to: PushTopic, pipeline: str, source: str, place: Place, landing: Landing) -> int:
    """About how many messages wait to land: offsets, some of which are the marks of transactions."""
    with Cluster(client_settings(to.source(), place)) as cluster:
        if to.topic not in cluster.names():
            return 0
        ends = cluster.ends(cluster.topics([to.topic]))
    return backlog(reached(landing, pipeline, source, None), ends)


def _values(_: Partition, messages: "Sequence[Message]") -> list[bytes]:
    """The items; a message that is none (others may write to the topic too) is left for the load's reader to refuse."""
    return [one_line(value) for message in messages if (value := message.value())]
