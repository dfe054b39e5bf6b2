"""Takes requests into the queue: one committing thread for all of them, and a count of what waits to land."""

import asyncio
import logging
import os
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from octo_api.bodies import Room
from octo_api.doors import Door
from octo_api.onward import Onward
from octo_api.problems import put_off
from octo_core.errors import OctopipeError
from octo_resources.landing import Landing
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Project
from octo_resources.redaction import redact
from octo_resources.sources.push.committer import Committer, Result
from octo_resources.sources.push.queue import Entry, KeyTaken, Pushed, Queue, QueueReader
from octo_resources.sources.push.upkeep import Upkeep

_LOG: Final = logging.getLogger("octopipe.push")
_UPKEEP_SECONDS: Final = 2.0
_FREE: Final = 200_000_000
"""Bytes that have to be free on the queue's disk."""
_RETRY: Final = 10
"""Seconds after which a client may try again where too much waits."""

Place = tuple[str, str]


class Intake:
    """Open while the server runs; made in its event loop."""

    def __init__(self, project: Project, queue: Queue) -> None:
        self.room = Room()
        self.taken: dict[Place, int] = defaultdict(int)
        """Items taken since the server began."""
        self._loop = asyncio.get_running_loop()
        self._queue, self._path = queue, queue.path
        self.reader = QueueReader(self._path)
        self._waiting: dict[Place, int] = defaultdict(int)
        for place in self._queue.sources():
            self._waiting[place] = self.reader.waiting(*place).bytes
        self._disk_full = False
        # Seeded once: asking the system lets other threads in, and waits for them: half a millisecond an id.
        self._random = random.Random(os.urandom(32))  # noqa: S311 - ids are names and no secrets
        self._upkeep = Upkeep(Landing(project.landing_path), self._freed)
        self._onward = Onward(project, queue)
        self._committer = Committer(self._queue, self._deliver, self._onward)
        self._listening: asyncio.Task[None] | None = None
        self._tending = asyncio.create_task(self._tend())

    async def close(self) -> None:
        """Let what was handed in be written, and give the queue back."""
        self._tending.cancel()
        await asyncio.to_thread(self._committer.close)
        self._onward.close()
        self._queue.close()

    def new_id(self) -> str:
        """A new id for a request."""
        return new_ulid(bits=self._random.getrandbits(80))

    def has_room(self, door: Door) -> None:
        """Raises Refused (503) where too much waits to land."""
        place = (door.pipeline, door.source)
        if self._waiting[place] + self._onward.held_back.get(place, 0) >= door.spec.max_waiting:
            raise put_off(503, "Too much waits to land", _RETRY, "More than the source's `max_waiting`")
        if self._disk_full:
            raise put_off(503, "The queue's disk is full", _RETRY)

    async def put(self, entry: Entry, door: Door) -> Pushed | KeyTaken:
        """Queue a request; it is on the disk, and in its topic where it has one, when this returns.

        Raises LandingError, and SourceError where the topic did not take it.
        """
        self._onward.expect(door)
        self._onward.refuse(door)
        ticket: asyncio.Future[Result] = self._loop.create_future()
        self._committer.submit(entry, ticket)
        result = await ticket  # a client that goes away does not take its items back
        if isinstance(result, OctopipeError):
            raise result
        if isinstance(result, Pushed) and result.id == entry.id:
            if not self._onward.goes_on(entry.pipeline, entry.source):
                self._waiting[entry.pipeline, entry.source] += len(entry.body)
            self.taken[entry.pipeline, entry.source] += entry.items
        return result

    def waiting(self) -> dict[Place, int]:
        """Bytes that wait to land, by pipeline and source."""
        return dict(self._waiting)

    def _deliver(self, results: Sequence[tuple[Any, Result]]) -> None:
        self._loop.call_soon_threadsafe(_resolve, results)

    def _freed(self, pipeline: str, source: str, size: int) -> None:
        self._loop.call_soon_threadsafe(self._give_back, (pipeline, source), size)

    def _give_back(self, place: Place, size: int) -> None:
        self._waiting[place] = max(0, self._waiting[place] - size)

    async def _tend(self) -> None:
        """Upkeep now and then, between two groups of requests."""
        while True:
            started = time.monotonic()
            self._committer.between(self._upkeep)
            self._committer.between(self._onward.left)
            if self._listening is None or self._listening.done():
                self._listening = asyncio.create_task(asyncio.to_thread(self._onward.listen))
            try:
                self._disk_full = shutil.disk_usage(self._path.parent).free < _FREE
            except OSError as error:
                _LOG.warning("the queue's folder cannot be looked at: %s", redact(str(error)))
            await asyncio.sleep(max(0.0, started + _UPKEEP_SECONDS - time.monotonic()))


def _resolve(results: Sequence[tuple[Any, Result]]) -> None:
    for ticket, result in results:
        if not ticket.done():
            ticket.set_result(result)
