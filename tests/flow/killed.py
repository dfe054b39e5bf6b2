"""A process that loads and is killed at a point of it: `python -m tests.flow.killed PIPELINE POINT`."""

import os
import signal
import sys

from octo_resources.flow import Workspace, land, load


def main(name: str, point: str) -> None:
    """Kill this very process when the load reaches the point, or (`landing`) while the source is read."""

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
    main(*sys.argv[1:])
