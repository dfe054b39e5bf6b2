"""Faults of the kill matrix that need no process of their own: a slow broker, two readers, a registry that is gone."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from benchmarks.killed import loaded
from demo.broker import Broker
from octo_core.errors import DestinationError, SourceError
from octo_resources.flow import Workspace

SLOW: Final = 2.0
"""Seconds that the broker answers nobody."""
_ATTEMPTS: Final = 10


def load_all(folder: Path, name: str, mode: str) -> None:
    """Load what waits; what may pass by itself is tried again, as a schedule's next run would."""
    space = Workspace.open(folder)
    try:
        for attempt in range(_ATTEMPTS):
            try:
                loaded(space, name, mode)
            except (SourceError, DestinationError) as error:
                if not error.retryable or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return
    finally:
        space.registry.close()


def while_slow(broker: Broker, load: Callable[[], None]) -> None:
    """Load while the broker answers nobody for a time, from before the first question."""
    broker.pause()
    timer = threading.Timer(SLOW, broker.resume)
    timer.start()
    try:
        load()
    finally:
        timer.join()


def by_two(folder: Path, name: str, mode: str) -> None:
    """Two machines load the same at once: what a rebalance comes to where nobody joins a group. Raises what failed."""
    other = folder.with_name(f"{folder.name}-other")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(folder, other)
    failed: list[Exception] = []

    def load(place: Path) -> None:
        try:
            load_all(place, name, mode)
        except Exception as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    threads = [threading.Thread(target=load, args=(place,)) for place in (folder, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


class Registry:
    """A schema registry that calls every number a JSON schema, and can be gone for a number of questions."""

    def __init__(self) -> None:
        self.gone_for = 0
        self.refused = 0
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gone = registry.gone_for > 0
                registry.gone_for -= gone
                registry.refused += gone
                said = {"error_code": 50301, "message": "gone"} if gone else {"schema": "{}", "schemaType": "JSON"}
                body = json.dumps(said).encode()
                self.send_response(503 if gone else 200)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def served(self) -> Iterator["Registry"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
