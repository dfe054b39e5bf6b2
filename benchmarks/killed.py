"""A process of the kill matrix: loads what waits, and meets a fault at a point: `python -m benchmarks.killed …`.

PIPELINE (batch|continuous) POINT FAULT FLAG, or: serve PORT POINT FAULT FLAG.
The fault comes once: FLAG is a file that is made then. With FAULT `killed` the process dies, else only the file is
made. Points: those of a load; `landing` and `landed` around the appearing of a batch; `committing` and `committed`
around the commit of the queue of what is pushed; `produced` when an item is with Kafka's producer and its transaction
is not committed, `noting` when it is and the queue does not know.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from octo_core.batch import Batch
from octo_core.streaming import MicroBatch
from octo_resources.flow import Workspace, land, load
from octo_resources.flow.streaming import Streaming
from octo_resources.flow.underway import Stage, unwatched
from octo_resources.landing.writer import BatchWriter
from octo_resources.sources.push.forward import Forwarder
from octo_resources.sources.push.queue import Entry, Outcome, Queue


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

    _reach_between(reached)
    if name == "serve":
        from octo_api.__main__ import main as serve

        sys.argv = ["octo_api", "--port", mode]
        sys.exit(serve())
    loaded(Workspace.open(), name, mode, reached)


def _reach_between(reached: Stage) -> None:
    """Tell of the points that nobody else tells of."""
    appear, append, produce, mark = BatchWriter._appear, Queue.append, Forwarder._produce, Queue.mark

    def appearing(self: BatchWriter, batch: Batch) -> None:
        reached("landing")
        appear(self, batch)
        reached("landed")

    def appending(self: Queue, entries: Sequence[Entry]) -> list[Outcome]:
        reached("committing")
        made = append(self, entries)
        reached("committed")
        return made

    def producing(self: Forwarder, line: bytes, headers: list[tuple[str, str]], told: Any) -> None:
        produce(self, line, headers, told)
        reached("produced")

    def noting(self: Queue, landed: Mapping[int, str]) -> None:
        if landed:
            reached("noting")
        mark(self, landed)

    BatchWriter._appear = appearing  # type: ignore[method-assign]  # faults come from outside
    Queue.append = appending  # type: ignore[method-assign]  # faults come from outside
    Queue.mark = noting  # type: ignore[method-assign]  # faults come from outside
    Forwarder._produce = producing  # type: ignore[method-assign]  # faults come from outside


if __name__ == "__main__":
    main(*sys.argv[1:])
