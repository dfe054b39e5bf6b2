"""Takes what was queued on to Kafka, for the sources that say `to`, in the thread that writes the queue.

That thread serves every pipeline, and brokers that are gone keep it for as long as they are waited for. So it finds out
once that they are: until another thread has heard of them again, nothing is brought there, and nothing is taken for it.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from octo_api.doors import Door
from octo_core.errors import OctopipeError, SourceError
from octo_core.spec.sources import PushSource
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.cluster import Cluster
from octo_resources.project import Project
from octo_resources.redaction import redact
from octo_resources.sources.push.forward import Forwarder
from octo_resources.sources.push.queue import Queue, QueueReader

_LOG: Final = logging.getLogger("octopipe.push")
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 30.0
"""Seconds until a topic that took nothing is tried again: twice as long each time."""
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Down:
    """A source's topic took nothing. `until`: when its brokers are asked again; `heard`: whether they answered since,
    so that it is tried."""

    spec: PushSource
    error: OctopipeError
    wait: float
    until: float
    heard: bool = False


class Onward:
    """Knows which sources go on to a topic: by the doors that requests came through, and at first by the files."""

    def __init__(self, project: Project, queue: Queue) -> None:
        self._project = project
        self._specs: dict[Place, PushSource] = {}
        self._forwarders: dict[Place, tuple[PushSource, Forwarder]] = {}
        self._down: dict[Place, _Down] = {}
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

    def refuse(self, door: Door) -> None:
        """Raises SourceError where the source's topic takes nothing now."""
        down = self._down.get((door.pipeline, door.source))
        if down is not None and down.spec == door.spec and not down.heard:
            raise SourceError(down.error.message, where=down.error.where, retryable=True)

    def listen(self) -> None:
        """Ask the brokers of topics that took nothing whether they answer again: for a thread that nobody waits for."""
        for place, down in list(self._down.items()):
            if down.heard or time.monotonic() < down.until or down.spec.to is None:
                continue
            try:
                with Cluster(client_settings(down.spec.to.source(), self._project)) as cluster:
                    cluster.names()
                self._down[place] = replace(down, heard=True)
            except OctopipeError:
                self._down[place] = _later(down)

    def __call__(self, queue: Queue, places: Collection[Place]) -> dict[Place, OctopipeError]:
        """Bring what waits of these sources into their topics; what went wrong, by source."""
        failed: dict[Place, OctopipeError] = {}
        for place in places:
            if self.goes_on(*place):
                down = self._down.get(place)
                if down is not None and down.spec == self._specs[place] and not down.heard:
                    failed[place] = down.error
                    continue
                try:
                    self._forwarder(place).forward(queue)
                    self.held_back.pop(place, None)
                    self._down.pop(place, None)
                except OctopipeError as error:
                    failed[place] = error
                    self._down[place] = _failed(self._specs[place], error, down)
                    self.held_back[place] = QueueReader(queue.path).waiting(*place).bytes
        return failed

    def left(self, queue: Queue) -> None:
        """Bring what is left of an earlier failure into its topic: nobody may ever push again."""
        reader = QueueReader(queue.path)
        waiting = [place for place in self._specs if self.goes_on(*place) and reader.waiting(*place).requests]
        known = {place for place, down in self._down.items() if not down.heard}
        for place, error in self(queue, waiting).items():
            if place not in known:
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


def _failed(spec: PushSource, error: OctopipeError, before: _Down | None) -> _Down:
    if before is not None and before.spec == spec:
        return replace(_later(before), error=error, heard=False)
    return _Down(spec, error, _FIRST_WAIT, time.monotonic() + _FIRST_WAIT)


def _later(down: _Down) -> _Down:
    wait = min(_LONGEST_WAIT, down.wait * 2)
    return replace(down, wait=wait, until=time.monotonic() + wait)
