"""Upkeep of the queue, done by the server that writes it: items that landed go, and after a time their keys."""

import time
from collections.abc import Callable

from octo_resources.landing import Landing
from octo_resources.sources.push.drain import landed_to
from octo_resources.sources.push.queue import REMEMBERED, Queue

Freed = Callable[[str, str, int], None]
"""Told of (pipeline, source, bytes) that wait no more."""


class Upkeep:
    """What landed is noted by the manifests of the landing zone, each of which is read once."""

    def __init__(self, landing: Landing, freed: Freed) -> None:
        self._landing, self._freed = landing, freed
        self._read: dict[tuple[str, str], str | None] = {}

    def __call__(self, queue: Queue) -> None:
        """Raises LandingError."""
        for pipeline, source in queue.sources():
            self._settle(queue, pipeline, source)
        queue.forget(time.time() - REMEMBERED)

    def _settle(self, queue: Queue, pipeline: str, source: str) -> None:
        place = (pipeline, source)
        noted, batch = queue.landed_to(pipeline, source) if place not in self._read else (0, self._read[place])
        for landed in self._landing.after(pipeline, source, batch):
            reached = landed_to(landed, queue.id)
            if reached > noted:
                self._freed(pipeline, source, queue.land(pipeline, source, noted + 1, reached, landed.id))
                noted = reached
            batch = landed.id
        self._read[place] = batch
