"""A project of a thousand pipelines in `dagster dev`: loading its code location, and the first step of a run of one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagster._core.errors import DagsterUserCodeUnreachableError

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, place

ROOT = Path(__file__).resolve().parents[1]
PIPELINES = 1000
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "octo") {
    ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename } } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STEPS = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status stepStats { startTime } } } }"""
_PIPELINE = """\
sources:
  sales: {{kind: file, path: "{path}", key: [id]}}
destination: {{kind: postgres, url: "${{secret:env/BENCH_URL}}"}}
tables:
  public.sale: {{from: sales, write: append}}
schedule: "15 6 * * *"
"""


class Dagster:
    """`dagster dev` on a project folder."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)["data"]

    def wait(self) -> None:
        """Until the code location is there."""
        until = time.monotonic() + 300
        while time.monotonic() < until:
            with suppress(urllib.error.URLError, ConnectionError):
                (entry,) = self.ask(LOADED)["workspaceOrError"]["locationEntries"]
                if entry["loadStatus"] == "LOADED":
                    if entry["locationOrLoadError"]["__typename"] != "RepositoryLocation":
                        raise SystemExit(f"the code location did not load: {entry}")
                    return
            time.sleep(0.1)
        raise SystemExit("the code location did not load within five minutes")

    def reload(self) -> float:
        """Seconds of a load of the code location, its new process included."""
        started = time.monotonic()
        found = self.ask(RELOAD)["reloadRepositoryLocation"]
        if found["loadStatus"] != "LOADED" or found["locationOrLoadError"]["__typename"] != "RepositoryLocation":
            raise SystemExit(f"the code location did not load: {found}")
        return time.monotonic() - started

    def first_step(self, name: str) -> float:
        """Seconds from launching a pipeline's run to the start of its first step."""
        selector = {
            "repositoryLocationName": "octo",
            "repositoryName": "__repository__",
            "pipelineName": "propose",
            "assetSelection": [{"path": [name, "raw", "sales"]}],
        }
        asked = time.time()
        launched = self.ask(LAUNCH, params={"selector": selector, "mode": "default"})["launchRun"]
        if launched["__typename"] != "LaunchRunSuccess":
            raise SystemExit(f"the run was not launched: {launched}")
        until = time.monotonic() + 120
        while time.monotonic() < until:
            run = self.ask(STEPS, id=launched["run"]["runId"])["runOrError"]
            started = [step["startTime"] for step in run["stepStats"] if step["startTime"]]
            if started and run["status"] in ("SUCCESS", "FAILURE"):
                return float(min(started)) - asked
            time.sleep(0.2)
        raise SystemExit("no step started within two minutes")


def _environment(root: Path, here: Place) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"OCTOPIPE_HOME": str(root), "DAGSTER_HOME": str(root), "BENCH_URL": here.url}


def _served(root: Path, here: Place) -> float:
    """Seconds from the start of a code server until a client has the whole location from it."""
    from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._grpc.client import DagsterGrpcClient

    socket_file = str(root / "code.sock")
    command = [Path(sys.executable).with_name("dagster"), "api", "grpc", "-m", "octo_assets.definitions"]
    started = time.monotonic()
    with (root / "code.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-s", socket_file], cwd=root, env=_environment(root, here), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        client = DagsterGrpcClient(socket=socket_file)
        while True:
            with suppress(DagsterUserCodeUnreachableError):
                client.ping("")
                break
            if process.poll() is not None:
                raise SystemExit(f"the code server ended: see {log.name}")
            time.sleep(0.1)
        origin = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", socket=socket_file), "__repository__")
        if len(client.external_repository(origin, defer_snapshots=True)) < 1_000_000:
            raise SystemExit(f"the code server has no thousand pipelines: see {log.name}")
        return time.monotonic() - started
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _dagster(root: Path, here: Place) -> Iterator[Dagster]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [Path(sys.executable).with_name("dagster"), "dev", "-p", str(port), "-w", "workspace.yaml"]
    with (root / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=_environment(root, here),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        dagster = Dagster(port)
        dagster.wait()
        yield dagster
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _project(here: Place, pipelines: int) -> Path:
    root = here.folder / "many"
    (root / "drop").mkdir(parents=True)
    source = root / "drop" / "sales.jsonl"
    source.write_text('{"id": 1, "customer": "C-1"}\n')
    for number in range(pipelines):
        folder = root / "pipelines" / f"p{number:04d}"
        folder.mkdir(parents=True)
        (folder / "pipeline.yaml").write_text(_PIPELINE.format(path=source))
    for name in ("workspace.yaml", "dagster.yaml"):
        shutil.copy(ROOT / name, root / name)
    return root


def run_many(times: int = 5, pipelines: int = PIPELINES) -> None:
    with place() as here:
        root = _project(here, pipelines)
        served = by_turns({"a code server has loaded": lambda: _served(root, here)}, times)
        with _dagster(root, here) as dagster:
            names = iter(f"p{number:04d}" for number in range(pipelines))
            seen = by_turns({"a run's first step": lambda: dagster.first_step(next(names))}, times)
            acts = {
                "loaded again in the UI": dagster.reload,
                "a run's first step right then": lambda: dagster.first_step(next(names)),
            }
            seen |= by_turns(acts, times)
    figures = [
        Figure(name, "s", values, required=wanted)
        for (name, values), wanted in zip((served | seen).items(), ("< 20 s", "< 5 s", "", ""), strict=True)
    ]
    report(f"many: a project of {pipelines:,} pipelines, and in `dagster dev`", figures)
