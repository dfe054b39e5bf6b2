"""`serve`: the HTTP API, in a process of its own."""

import os
import sys
from typing import Annotated

import typer

from octo_cli import console


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens.")] = 8000,
    host: Annotated[
        str, typer.Option(help="The address it listens on; others than this machine come through a proxy with TLS.")
    ] = "127.0.0.1",
) -> None:
    """Serve the HTTP API of this project: what is pushed to it is durable before it is acknowledged.

    Example:  octopipe serve --port 8000
    """
    project = console.open_project()
    # The API is a floor beside this one, and a server needs nothing of the command line: it takes over the process, so
    # that a signal to it is a signal to the server. Its database is SQLite's own, so nothing open here is in its way.
    sys.stderr.flush()
    environment = {**os.environ, "OCTOPIPE_HOME": str(project.root)}
    command = [sys.executable, "-m", "octo_api", "--host", host, "--port", str(port)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own module, with our own interpreter
