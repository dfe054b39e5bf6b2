"""Ends a load from outside while it runs: because somebody asked, or because its time is over."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from octo_core.errors import LandingError, LoadAborted, OctopipeError, OutOfTime, RegistryError
from octo_core.spec.units import duration_text
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.load import Load
    from octo_resources.engines.protocol import Engine

EVERY = 1.0
"""Seconds between two looks. What runs in the destination meanwhile is cancelled."""


class Deadline:
    """`limits.time` from now on, for one extraction or one load."""

    def __init__(self, pipeline: Pipeline, what: str) -> None:
        self._pipeline, self._what = pipeline.name, what
        self._limit = pipeline.spec.limits.time
        self._until = time.monotonic() + (self._limit or timedelta()).total_seconds()

    def check(self) -> None:
        """Raises OutOfTime past the limit."""
        if self._limit is not None and time.monotonic() > self._until:
            raise OutOfTime(
                f"{self._what} takes longer than limits.time: {duration_text(self._limit)}; it was ended",
                where=self._pipeline,
                hint="give it more time in pipeline.yaml, or run it again: what landed stays, and no table has changed",
            )


class Asked:
    """Whether somebody asked, from now on, to end what a pipeline does; for what has no load yet."""

    def __init__(self, space: Workspace, pipeline: Pipeline, said: str) -> None:
        self._controls, self._pipeline, self._said = space.registry.controls, pipeline.name, said
        self._since = datetime.now(UTC)
        self._looked = time.monotonic()

    def check(self) -> None:
        """Raises LoadAborted. Asks the registry at most every second."""
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        with suppress(RegistryError):
            if not self._controls.abort_asked(self._pipeline, "", self._since):
                return
            raise LoadAborted(self._said, where=self._pipeline, hint=f"run it again: octopipe run {self._pipeline}")


def reading(space: Workspace, pipeline: Pipeline) -> list[str]:
    """The sources that are being read for the landing zone at this moment."""
    begun = {one.part for one in space.registry.steps.of(pipeline.name) if one.step == "raw" and one.state == "running"}
    found = []
    for source in sorted(begun & set(pipeline.spec.sources)):
        try:  # a process that was killed left the step running, but not the lock
            with space.landing.lock(pipeline.name, source, timedelta()):
                pass
        except LandingError:
            found.append(source)
    return found


class Watch:
    """Looks after one load from a thread of its own: asked to end by somebody, or past `limits.time`."""

    def __init__(
        self,
        space: Workspace,
        pipeline: Pipeline,
        load_id: str,
        began: datetime,
        stopping: Callable[[], bool] | None = None,
    ) -> None:
        """`stopping`: whether what runs the load is being cancelled."""
        self._stopping = stopping
        self._controls, self._pipeline = space.registry.controls, pipeline.name
        self._load_id, self._began = load_id, began
        self._deadline = Deadline(pipeline, "the load")
        self._near_the_end = threading.Event()
        self._reason: OctopipeError | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, transaction: "Load", engine: "Engine") -> Iterator[None]:
        """Cancel what both do once there is a reason to; that reason is raised, not what it broke."""
        self._thread = threading.Thread(
            target=self._look, args=(transaction, engine), name="octopipe-watch", daemon=True
        )
        self._thread.start()
        try:
            yield
        except Exception as error:
            # a driver may make a failed statement of the signal that cancels a run, and that may not be tried again
            with suppress(RegistryError):
                self._ask()
            if self._reason is not None and error is not self._reason:
                raise self._reason from error
            raise
        finally:
            self._stop()

    def last_look(self) -> None:
        """Right before the commit: raises the reason to end, if there is one; from here on nothing is cancelled."""
        self._stop()
        self._ask()
        if self._reason is not None:
            raise self._reason

    def _stop(self) -> None:
        self._near_the_end.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self, transaction: "Load", engine: "Engine") -> None:
        while not self._near_the_end.wait(EVERY):
            with suppress(RegistryError):  # the registry may be busy; the last look asks it again
                self._ask()
            if self._reason is not None:  # again and again: between two statements there is nothing to cancel
                transaction.cancel()
                with suppress(OctopipeError):
                    engine.cancel()

    def _ask(self) -> None:
        cancelled = self._stopping is not None and self._stopping()
        if self._reason is None and (
            cancelled or self._controls.abort_asked(self._pipeline, self._load_id, self._began)
        ):
            if not cancelled:
                self._controls.abort_done(self._pipeline)
            self._reason = LoadAborted(
                "the load was ended before its commit; nothing of it is in the destination",
                where=self._pipeline,
                hint=f"load it again: octopipe run {self._pipeline}",
            )
        try:
            self._deadline.check()
        except OutOfTime as error:
            self._reason = self._reason or error
