"""Takes what was queued on to Kafka, for the sources that say `to`, in the thread that writes the queue."""

import logging
from collections.abc import Collection
from typing import Final

from octo_api.doors import Door
from octo_core.errors import OctopipeError
from octo_core.spec.sources import PushSource
from octo_resources.project import Project
from octo_resources.redaction import redact
from octo_resources.sources.push.forward import Forwarder
from octo_resources.sources.push.queue import Queue, QueueReader

_LOG: Final = logging.getLogger("octopipe.push")
Place = tuple[str, str]


class Onward:
    """Knows which sources go on to a topic: by the doors that requests came through, and at first by the files."""

    def __init__(self, project: Project, queue: Queue) -> None:
        self._project = project
        self._specs: dict[Place, PushSource] = {}
        self._forwarders: dict[Place, tuple[PushSource, Forwarder]] = {}
        self.held_back: dict[Place, int] = {}
        """Bytes that a topic did not take yet."""
        for place in queue.sources():
            spec = self._written(*place)
            if spec is not None:
                self._specs[place] = spec

    def expect(self, door: Door) -> None:
        """A request of this door is about to come."""
        self._specs[door.pipeline, door.source] = door.spec

    def goes_on(self, pipeline: str, source: str) -> bool:
        spec = self._specs.get((pipeline, source))
        return spec is not None and spec.to is not None

    def __call__(self, queue: Queue, places: Collection[Place]) -> dict[Place, OctopipeError]:
        """Bring what waits of these sources into their topics; what went wrong, by source."""
        failed: dict[Place, OctopipeError] = {}
        for place in places:
            if self.goes_on(*place):
                try:
                    self._forwarder(place).forward(queue)
                    self.held_back.pop(place, None)
                except OctopipeError as error:
                    failed[place] = error
                    self.held_back[place] = QueueReader(queue.path).waiting(*place).bytes
        return failed

    def left(self, queue: Queue) -> None:
        """Bring what is left of an earlier failure into its topic: nobody may ever push again."""
        reader = QueueReader(queue.path)
        waiting = [place for place in self._specs if self.goes_on(*place) and reader.waiting(*place).requests]
        for place, error in self(queue, waiting).items():
            _LOG.warning("%s.%s: %s", *place, redact(error.message))

    def close(self) -> None:
        for _, forwarder in self._forwarders.values():
            forwarder.close()

    def _forwarder(self, place: Place) -> Forwarder:
        spec, known = self._specs[place], self._forwarders.get(place)
        if known is None or known[0] != spec:
            if known is not None:
                known[1].close()
            known = self._forwarders[place] = (spec, Forwarder(spec, *place, self._project))
        return known[1]

    def _written(self, pipeline: str, source: str) -> PushSource | None:
        try:
            spec = self._project.pipeline(pipeline).spec.sources.get(source)
        except OctopipeError:
            return None
        return spec if isinstance(spec, PushSource) else None
