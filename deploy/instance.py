"""A whole instance as processes of one machine, without containers: code server, webserver, daemon, API.

    python -m deploy.instance PROJECT [--home DIR]

It uses the settings of this folder as a deployment does, and the PostgreSQL and S3 that the environment names
(DAGSTER_PG_*, DAGSTER_LOGS_*, AWS_*); what it is not given it starts itself. Ctrl-C ends all of it.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from deploy import servers

HERE = Path(__file__).parent
_BIN = Path(sys.executable).parent
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
_LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"


class Instance:
    """Runs for the length of a `with`. `environment` is what its processes have; `home`/output what they print."""

    def __init__(self, project: Path, home: Path, given: Mapping[str, str] | None = None) -> None:
        self.project, self.home = project.resolve(), home.resolve()
        self.environment: dict[str, str] = dict(os.environ if given is None else given)
        self.webserver = f"http://127.0.0.1:{servers.free_port()}"
        self.api = f"http://127.0.0.1:{servers.free_port()}"
        self._stack = ExitStack()

    def __enter__(self) -> "Instance":
        (self.home / "output").mkdir(parents=True, exist_ok=True)
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copyfile(HERE / name, self.home / name)
        with ExitStack() as undo:
            undo.push(self._stack.__exit__)
            self._servers()
            self._processes()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL question to the webserver; its `data`."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.webserver}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found["data"] or {}

    def _servers(self) -> None:
        environment = self.environment
        if not environment.get("DAGSTER_PG_HOST"):
            found, stop = servers.postgres(self.home)
            environment |= found
            self._stack.callback(stop)
        if not environment.get("DAGSTER_LOGS_ENDPOINT"):
            found, process = servers.s3(self.home)
            environment |= found
            self._stack.callback(_end, process)
        servers.make_database(environment)
        servers.make_bucket(environment)
        pg = {name: environment[f"DAGSTER_PG_{name}"] for name in ("USER", "PASSWORD", "HOST", "PORT", "DB")}
        registry = f"postgresql://{pg['USER']}:{pg['PASSWORD']}@{pg['HOST']}:{pg['PORT']}/{pg['DB']}"
        environment.setdefault("OCTOPIPE_REGISTRY", registry)

    def _processes(self) -> None:
        """The code server and the webserver side by side, then, with the storage made, the daemon and the API."""
        port = str(servers.free_port())
        self.environment |= {
            "DAGSTER_HOME": str(self.home),
            "OCTOPIPE_HOME": str(self.project),
            "OCTOPIPE_CODE_HOST": "127.0.0.1",
            "OCTOPIPE_CODE_PORT": port,
        }
        workspace = ["-w", str(self.home / "workspace.yaml")]
        code = self._start(
            "code",
            [_BIN / "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", port, "-m", "octo_assets.definitions",
             "-d", self.project, "--location-name", "octo", "--use-python-environment-entry-point"],
        )  # fmt: skip
        servers.until(lambda: _listens(int(port)), "the code server", code)
        web = self._start(
            "webserver", [_BIN / "dagster-webserver", "-h", "127.0.0.1", "-p", _port(self.webserver), *workspace]
        )
        api = self._start("api", [sys.executable, "-m", "octo_api", "--port", _port(self.api)])
        servers.until(lambda: servers.answers(f"{self.webserver}/server_info"), "the webserver", web)
        daemon = self._start("daemon", [_BIN / "dagster-daemon", "run", *workspace])
        servers.until(lambda: servers.answers(f"{self.api}/health"), "the API", api)
        servers.until(self._loaded, "the code location", code)
        servers.until(self._healthy, "the daemon", daemon)

    def _loaded(self) -> bool:
        entries = self._asked(_LOCATIONS).get("workspaceOrError", {}).get("locationEntries", [])
        return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)

    def _healthy(self) -> bool:
        found = self._asked(_DAEMONS).get("instance", {}).get("daemonHealth", {}).get("allDaemonStatuses", [])
        return bool(found) and all(one["healthy"] for one in found if one["required"])

    def _asked(self, query: str) -> dict[str, Any]:
        try:
            return self.ask(query)
        except (urllib.error.URLError, OSError):
            return {}

    def _start(self, name: str, command: list[str | Path]) -> "subprocess.Popen[bytes]":
        with (self.home / "output" / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._stack.callback(_end, process)
        return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, and SIGKILL for what does not end."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def main() -> None:
    """Bring it up, say where it is, and end it at SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m deploy.instance", description=__doc__)
    parser.add_argument("project", type=Path, help="the project folder")
    parser.add_argument("--home", type=Path, help="its state: settings, logs, and the servers it starts itself")
    asked = parser.parse_args()
    ended = threading.Event()
    stop: Callable[..., None] = lambda *_: ended.set()  # noqa: E731
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with Instance(asked.project, asked.home or asked.project / ".octopipe" / "instance") as instance:
        print(
            f"Dagster   {instance.webserver}\nAPI       {instance.api}\nlogs      {instance.home / 'logs'}", flush=True
        )
        ended.wait()


if __name__ == "__main__":
    main()
