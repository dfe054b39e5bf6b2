"""Whether what was pushed to a pipeline is to be loaded now: enough of it waits, or it has waited long enough."""

import time

from octo_core.spec.pipeline import PipelineSpec
from octo_core.spec.sources import PushSource
from octo_resources.flow.workspace import Workspace
from octo_resources.sources.push.drain import landed_to
from octo_resources.sources.push.queue import QueueReader, queue_path


def push_sources(spec: PipelineSpec) -> dict[str, PushSource]:
    """The sources that are pushed to."""
    return {name: source for name, source in spec.sources.items() if isinstance(source, PushSource)}


def pushed_due(space: Workspace, spec: PipelineSpec) -> list[str]:
    """Why what waits is to be loaded now, a line a source; nothing where all of it may wait on (`batch: {rows, age}`).

    Reads the queue (or the ends of the topic that it goes to) and the newest manifests only.
    """
    queue = QueueReader(queue_path(space.project.root))
    sources = push_sources(spec).items()
    return [said for name, source in sources if (said := _due(space, queue, spec, name, source))]


def _due(space: Workspace, queue: QueueReader, spec: PipelineSpec, name: str, source: PushSource) -> str | None:
    if source.to is not None:
        from octo_resources.sources.push.from_topic import topic_backlog  # confluent-kafka

        there = topic_backlog(source.to, spec.name, name, space.project, space.landing)
        return f"{name}: messages wait in {source.to.topic}" if there else None
    queue_id = queue.id
    if queue_id is None:
        return None
    landed = landed_to(space.landing.newest(spec.name, name), queue_id)
    waiting = queue.waiting(spec.name, name, landed)
    old = time.time() - waiting.oldest if waiting.oldest is not None else 0.0
    if waiting.items >= source.batch.rows or (waiting.items and old >= source.batch.age.total_seconds()):
        return f"{name}: {waiting.items:,} items wait, the oldest for {old:.0f} s"
    return None
