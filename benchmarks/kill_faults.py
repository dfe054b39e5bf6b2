"""Faults of the kill matrix: brokers that die or are slow, Spark processes that die, two loads at once, a registry."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.kill_cells import Case
from benchmarks.killed import loaded
from benchmarks.spark import below
from demo.broker import Broker
from octo_core.errors import DestinationError, EngineError, SourceError, UsageError
from octo_resources.flow import Workspace
from octo_resources.flow.underway import Stage, unwatched

SLOW: Final = 2.0
"""Seconds that the broker answers nobody."""
_ATTEMPTS: Final = 20
_PAUSE: Final = 0.5
"""Seconds between attempts."""


def load_all(folder: Path, name: str, how: str, stage: Stage | None = None) -> None:
    """Load what waits; what may pass by itself is tried again, as a schedule's next run would.

    Beside a stream of the same folder it does nothing: a second one is refused.
    """
    space = Workspace.open(folder)
    try:
        for attempt in range(_ATTEMPTS):
            try:
                loaded(space, name, how, stage or unwatched)
            except (SourceError, DestinationError, EngineError) as error:
                if not error.retryable or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE)
            except UsageError as error:
                if "is streaming already" not in error.message:
                    raise
                return
            else:
                return
    finally:
        space.registry.close()


class Fault:
    """What breaks once, when a load of this process reaches a point."""

    def __init__(self, folder: Path, broker: Broker, case: Case) -> None:
        self._folder, self._broker, self._case = folder, broker, case
        self._over = not case.point
        self.met = not case.point or case.point in ("reading", "pushing")
        self._other: Other | None = None

    def reached(self, stage: str) -> None:
        """The load's word of where it is."""
        if stage == self._case.point and not self._over:
            self._over = True
            self.met = self._happens()

    def around(self, load: Callable[[], None]) -> None:
        """Load, with the other one that loads the same where that is the fault. Raises what failed."""
        if self._case.fault.startswith("another") and self._case.point == "reading":
            self._other = Other(self._folder, self._case)
        try:
            load()
        finally:
            if self._other is not None:
                self._other.ended()

    def _happens(self) -> bool:
        fault = self._case.fault
        if fault == "broker killed and restarted":
            self._broker.kill()
            self._broker.start()
        elif fault == "broker slow":
            self._broker.pause()
            threading.Timer(SLOW, self._broker.resume).start()
        elif fault.startswith("another"):
            self._other = Other(self._folder, self._case)
            self._other.wait(SLOW)  # as far as it comes: it may wait for this load's locks
        else:
            victims = running(fault.removesuffix("s killed"))
            for one in victims:
                os.kill(one, signal.SIGKILL)
            return bool(victims)
        return True


class Other:
    """The same load by another machine at the same moment: what a rebalance comes to where nobody joins a group.

    What is pushed lies on one machine: there the other is a second run in the same folder.
    """

    def __init__(self, folder: Path, case: Case) -> None:
        self._failed: list[Exception] = []
        place = folder
        if case.way.comes == "kafka":
            place = folder.with_name(f"{folder.name}-other")
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(folder, place)
        self._thread = threading.Thread(target=self._load, args=(place, case.way.how))
        self._thread.start()

    def _load(self, place: Path, how: str) -> None:
        try:
            load_all(place, "events", how)
        except Exception as error:  # noqa: BLE001 - it is raised in `ended`
            self._failed.append(error)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def ended(self) -> None:
        """Wait for it. Raises what it failed with."""
        self._thread.join()
        if self._failed:
            raise self._failed[0]


def while_slow(broker: Broker, load: Callable[[], None]) -> None:
    """Do it while the broker answers nobody for a time, from before the first question."""
    broker.pause()
    _until(broker.resume, load)


def while_away(broker: Broker, load: Callable[[], None]) -> None:
    """Do it while the broker is dead, from before the first question, and is begun anew after a time."""
    broker.kill()
    _until(broker.start, load)


def _until(mended: Callable[[], object], load: Callable[[], None]) -> None:
    timer = threading.Timer(SLOW, mended)
    timer.start()
    try:
        load()
    finally:
        timer.join()


def kill_midway(url: str, over: Callable[[], bool], which: str, driver: int = 0) -> None:
    """Kill the driver of a load, or all that work for this process's of a kind, while one of its tasks brings rows."""
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%' AND wait_event = 'PgSleep'"
    with psycopg.connect(url, autocommit=True) as connection:
        while not over():
            row = connection.execute(asleep).fetchone()
            found = [driver] if which == "driver" else running(which)
            if row is not None and row[0] and found:
                for one in found:
                    os.kill(one, signal.SIGKILL)
                return
            time.sleep(0.02)
    raise RuntimeError(f"the load was over before its {which} could be killed")


def running(which: str) -> list[int]:
    """The executors, or the Python workers of tasks, below this process."""
    told = {one: words(one) for one in below(os.getpid())}
    if which == "executor":
        return [one for one, said in told.items() if "CoarseGrainedExecutorBackend" in said]
    return [one for one, said in told.items() if "pyspark.daemon" in said and "pyspark.daemon" in words(parent(one))]


def words(pid: int) -> str:
    """What a process was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


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
