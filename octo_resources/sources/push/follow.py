"""Follows a queue of pushed items: micro-batches one after the other."""

from types import TracebackType

import numpy as np

from octo_core.offsets import Offsets
from octo_core.spec.sources import PushSource
from octo_resources.landing import Landing
from octo_resources.sources.caught import Caught
from octo_resources.sources.place import Place, silent
from octo_resources.sources.push.drain import extract_push
from octo_resources.sources.resume import Resume


class PushFollower:
    """One source, for the length of a `with`. What came lands first: the queue is read once."""

    def __init__(self, spec: PushSource, pipeline: str, source: str, place: Place, landing: Landing) -> None:
        self._spec, self._pipeline, self._source = spec, pipeline, source
        self._place, self._landing = place, landing

    def __enter__(self) -> "PushFollower":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def position(self, resume: Resume | None) -> Offsets:
        """A queue knows by what landed how far it was read."""
        del resume
        return Offsets()

    def catch(self, position: Offsets, resume: Resume | None, max_rows: int, max_bytes: int) -> Caught | None:
        """What was pushed since the newest landed batch, as one batch; None where nothing was."""
        del position, resume, max_bytes  # an item is small, and a request that was accepted is never taken apart
        most = min(max_rows, self._spec.batch.rows)
        with self._landing.lock(self._pipeline, self._source):
            batch = extract_push(
                self._spec, self._pipeline, self._source, self._place, self._landing, silent, max_rows=most
            )
        if batch is None:
            return None
        full = (batch.rows or 0) >= most
        return Caught(batch, np.empty(0, np.int64), 1 if full else 0, ())
