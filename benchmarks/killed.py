"""A process of the kill matrix: loads what waits, and meets a fault at a point: `python -m benchmarks.killed …`.

PIPELINE (batch|continuous|spark) POINT FAULT FLAG. The fault comes once: FLAG is a file that is made then.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from octo_core.streaming import MicroBatch
from octo_resources.flow import Workspace, land, load
from octo_resources.flow.streaming import Streaming
from octo_resources.flow.underway import Stage, unwatched

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

    loaded(Workspace.open(), name, mode, reached)


if __name__ == "__main__":
    main(*sys.argv[1:])
