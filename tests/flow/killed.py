"""Processes that load, and one that is killed at a point of it: `python -m tests.flow.killed PIPELINE POINT`."""

import os
import signal
import sys

from octo_resources.flow import Workspace, land, load


def load_once() -> None:
    """Load the pipeline of the command line; say how that ended."""
    space = Workspace.open()
    sys.stdout.write(load(space, space.pipeline(sys.argv[1])).result.status)


def killed() -> None:
    """Kill this very process when the load of a pipeline reaches a point, or (`landing`) while the source is read."""
    name, point = sys.argv[1:]

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    space = Workspace.open()
    pipeline = space.pipeline(name)
    if point == "landing":
        from octo_resources.landing import writer

        setattr(writer, "write_manifest", die)  # noqa: B010  # right before the batch would be there
        land(space, pipeline)
    else:
        load(space, pipeline, stage=lambda reached: die() if reached == point else None)


if __name__ == "__main__":
    killed()
