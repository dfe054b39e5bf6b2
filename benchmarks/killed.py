"""A process of the kill matrix: loads what waits, and meets a fault at a point: `python -m benchmarks.killed …`.

PIPELINE (batch|continuous|spark) POINT FAULT FLAG, or: serve PORT POINT FAULT FLAG.
The fault comes once: FLAG is a file that is made then. Points: those of a load; `landing` and `landed` around the
appearing of a batch; `committing` and `committed` around the commit of the queue of what is pushed.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from octo_core.batch import Batch
from octo_core.streaming import MicroBatch
from octo_resources.flow import Workspace, land, load
from octo_resources.flow.streaming import Streaming
from octo_resources.flow.underway import Stage, unwatched
from octo_resources.landing.writer import BatchWriter
from octo_resources.sources.push.queue import Entry, Outcome, Queue

PATIENCE = 120.0


def loaded(space: Workspace, name: str, mode: str, stage: Stage = unwatched) -> None:
    """Load what waits, in one of the ways."""
    pipeline = space.pipeline(name)
    if mode != "continuous":
        land(space, pipeline)
        load(space, pipeline, stage=stage)
        return

    def told(_: MicroBatch) -> None:
        """Nobody listens."""

    Streaming(space, pipeline, told=told, stopping=threading.Event(), stage=stage, once=True).run()


def main(name: str, mode: str, point: str, fault: str, flag: str) -> None:
    """Load until nothing waits, and meet the fault on the way."""
    there = Path(flag)

    def reached(stage: str) -> None:
        if stage != point or there.exists():
            return
        there.write_text(fault)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        until = time.monotonic() + PATIENCE  # the parent does something to the broker, and writes into the file
        while there.read_text() == fault and time.monotonic() < until:
            time.sleep(0.05)

    _reach_between(reached)
    if name == "serve":
        from octo_api.__main__ import main as serve

        sys.argv = ["octo_api", "--port", mode]
        sys.exit(serve())
    loaded(Workspace.open(), name, mode, reached)


def _reach_between(reached: Stage) -> None:
    """Tell of the points that nobody else tells of."""
    appear, append = BatchWriter._appear, Queue.append

    def appearing(self: BatchWriter, batch: Batch) -> None:
        reached("landing")
        appear(self, batch)
        reached("landed")

    def appending(self: Queue, entries: Sequence[Entry]) -> list[Outcome]:
        reached("committing")
        made = append(self, entries)
        reached("committed")
        return made

    BatchWriter._appear = appearing  # type: ignore[method-assign]  # faults come from outside
    Queue.append = appending  # type: ignore[method-assign]  # faults come from outside


if __name__ == "__main__":
    main(*sys.argv[1:])
