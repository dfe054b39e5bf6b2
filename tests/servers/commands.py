"""Commands in processes of their own, forked from one that has imported what they import: that is most of their time.

`python -m tests.servers.commands SOCKET` is that process; it ends with its standard input. A command is a function
`module:name` that reads sys.argv. It gets an environment, a folder and standard streams of its own, and ends as any
process does; what starts a real interpreter instead is tests/cli_files/test_door.py.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

PROJECT = Path(__file__).parents[2]
OCTOPIPE = "octo_cli.main:run"
PACKAGES = (
    "octo_cli",
    "octo_cli.commands",
    "octo_core.inference",
    "octo_core.mapping",
    "octo_core.plan",
    "octo_resources.engines.duckdb",
    "octo_resources.flow",
    "octo_resources.destinations.postgres",
    "octo_resources.sources",
    "octo_resources.sources.file",
)
MODULES = (
    "pgpq",
    "octo_assets.launch",
    "octo_assets.report",
    "octo_core.expressions",
    "dagster._core.storage.sqlite_storage",
    "dagster._daemon",
    "alembic.command",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "duckdb",
    "psycopg",
    "pyarrow.dataset",  # with pandas, for which pyarrow looks as soon as it makes an array
    "rapidfuzz.process",
    "scipy.optimize",
    "upath",
)


# --- the side of the tests ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A command that was begun."""

    words: tuple[str, ...]
    connection: socket.socket
    out: Any
    err: Any

    def done(self) -> "subprocess.CompletedProcess[str]":
        """Wait for its end. A signal that ended it is a negative code, as with subprocess."""
        with self.connection, self.out, self.err:
            said = self.connection.recv(64)
            assert said, f"{self.words}: the server of commands ended"
            texts = [file.read().decode() for file in (self.out, self.err) if not file.seek(0)]
        return subprocess.CompletedProcess(self.words, int(said), *texts)


class Commands:
    """The server of commands, begun with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "commands")
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, entry: str, words: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Running:
        """Begin a command: several may run at once."""
        self._start()
        asked = {"entry": entry, "words": list(words), "folder": str(folder), "environment": dict(environment)}
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self._address)
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is done
        socket.send_fds(connection, [json.dumps(asked).encode()], [out.fileno(), err.fileno()])
        return Running(tuple(words), connection, out, err)

    def run(
        self, entry: str, *words: str, folder: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        return self.begin(entry, words, folder=folder, environment=environment).done()

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()

    def _start(self) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "tests.servers.commands", self._address]
            self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self._process.stdout is not None
            assert self._process.stdout.readline(), "the server of commands did not start"


# --- the server -----------------------------------------------------------------------------------------------------


def preload() -> None:
    for name in PACKAGES:
        for found in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(found.name)
    for name in MODULES:
        importlib.import_module(name)


def serve(address: str) -> None:
    """Answer until standard input ends."""
    preload()
    gc.collect()
    gc.freeze()  # what was imported is not looked through again in each command's process
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, selectors.DefaultSelector() as waiting:
        listener.bind(address)
        listener.listen(64)
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while all(key.fileobj is listener for key, _ in waiting.select()):
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    attend(connection)
            _reap()
    while _reap(wait=True):
        pass
    gc.unfreeze()


def attend(connection: socket.socket) -> NoReturn:
    """In a process for one command: starts it, waits for it, and tells how it ended."""
    asked, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
    process = get_context("fork").Process(target=become, args=(json.loads(asked), streams))
    process.start()
    process.join()
    connection.send(str(process.exitcode).encode())
    os._exit(0)


def become(asked: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Be the command; multiprocessing sees to the process's end."""
    for place, stream in enumerate(streams, 1):
        os.dup2(stream, place)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    module, _, name = asked["entry"].partition(":")
    sys.argv = [name, *asked["words"]]
    getattr(importlib.import_module(module), name)()


def _reap(*, wait: bool = False) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(-1, 0 if wait else os.WNOHANG)[0] > 0
    return False


if __name__ == "__main__":
    serve(sys.argv[1])
