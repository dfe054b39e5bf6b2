"""Group commit: requests that wait at the same moment become durable by one fsync.

A thread takes all that was handed in since its last transaction, writes it as one, and tells all of them together. So
the disk's fsyncs a second bound how many groups there are, not how many requests.
"""

import logging
import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from octo_core.errors import OctopipeError
from octo_resources.redaction import redact
from octo_resources.sources.push.queue import Entry, KeyTaken, Pushed, Queue

Result = Pushed | KeyTaken | OctopipeError
Deliver = Callable[[Sequence[tuple[Any, Result]]], None]
"""Called in the writer's thread with what became of a group: (what `submit` was given, the result)."""

Onward = Callable[[Queue, Collection[tuple[str, str]]], Mapping[tuple[str, str], OctopipeError]]
"""Brings what was queued of these (pipeline, source) to where it goes on to; what went wrong, by place."""

_LOG: Final = logging.getLogger(__name__)
_GROUP: Final = 1000
"""Requests of one transaction, at most."""


class Committer:
    """The queue's writing thread. Nothing is lost of what was delivered as `Pushed`."""

    def __init__(self, target: Queue, deliver: Deliver, onward: Onward | None = None) -> None:
        self._queue, self._deliver, self._onward = target, deliver, onward
        self._inbox: queue.SimpleQueue[tuple[Entry, Any] | Callable[[Queue], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="push-queue", daemon=True)
        self._thread.start()

    def submit(self, entry: Entry, ticket: Any) -> None:
        """Hand a request in; `ticket` comes back with its result."""
        self._inbox.put((entry, ticket))

    def between(self, job: Callable[[Queue], None]) -> None:
        """Have something done with the queue between two groups."""
        self._inbox.put(job)

    def close(self) -> None:
        """Write what was handed in, and end."""
        self._inbox.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            taken = self._inbox.get()
            group: list[tuple[Entry, Any]] = []
            while isinstance(taken, tuple):
                group.append(taken)
                if len(group) >= _GROUP or self._inbox.empty():
                    break
                taken = self._inbox.get()
            if group:
                self._commit(group)
            if taken is None:
                return
            if not isinstance(taken, tuple):
                self._do(taken)

    def _do(self, job: Callable[[Queue], None]) -> None:
        try:
            job(self._queue)
        except OctopipeError as error:  # upkeep waits for the next time; pushes go on
            _LOG.warning("%s", redact(str(error)))

    def _commit(self, group: Sequence[tuple[Entry, Any]]) -> None:
        try:
            results: Sequence[Result] = self._queue.append([entry for entry, _ in group])
        except OctopipeError as error:
            results = [error] * len(group)
        if self._onward is not None:
            failed = self._onward(self._queue, {(entry.pipeline, entry.source) for entry, _ in group})
            results = [
                failed.get((entry.pipeline, entry.source), result)
                for (entry, _), result in zip(group, results, strict=True)
            ]
        self._deliver([(ticket, result) for (_, ticket), result in zip(group, results, strict=True)])
