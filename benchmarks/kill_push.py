"""The kill matrix's cells for what is pushed: a server that dies around its commit, a drain, loads of what landed."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.kill_faults import load_all
from benchmarks.kill_matrix import POINTS, ROOT, Case, Ground
from demo.broker import free_port

TOKEN: Final = "of-the-matrix"
_SERVER: Final = {"server killed before its commit": "committing", "server killed after its commit": "committed"}
_DRAIN: Final = {"drain killed before its batch is there": "landing", "drain killed after it": "landed"}
PUSH_CASES: Final = (
    *(Case(fault, "", "push") for fault in (*_SERVER, "server killed between 202 and the load", *_DRAIN)),
    *(Case("process killed", point, "push") for point in POINTS),
    Case("duplicate delivery", "", "push"),
)


@dataclass
class PushGround(Ground):
    """The same two tables, fed by requests to a server that is begun anew as often as it dies."""

    port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    fault: tuple[str, Path] | None = None
    """What the next server meets, and the file that says that it did."""

    @contextmanager
    def served(self) -> Iterator["PushGround"]:
        """Prepared; the server ends with the block."""
        try:
            self.prepare()
            yield self
        finally:
            self.end(signal.SIGTERM)

    def _pipeline(self) -> dict[str, Any]:
        tables = {"public.event": {"write": "append"}, "public.sale": {"key": ["id"], "version": "at"}}
        return {
            "sources": {"events": {"kind": "push", "token": TOKEN}},
            "destination": {"kind": "postgres", "url": self.url},
            "tables": tables,
        }

    def begin(self) -> None:
        """Start the server, with the fault that waits for one."""
        point, flag = self.fault or ("-", self.folder / "no-fault")
        words = [sys.executable, "-m", "benchmarks.killed", "serve", str(self.port), point, "killed", str(flag)]
        environment = os.environ | {"OCTOPIPE_HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                words, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:  # half a second, one, two …
            client.get(f"http://127.0.0.1:{self.port}/health")

    def end(self, how: signal.Signals) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.send_signal(how)
            server.wait(30)

    def send(self, ids: Sequence[int] | range, *, poison: int = 0) -> None:
        """Push each id by a request with a key of its own, until it is acknowledged."""
        assert not poison, "a server refuses what is no JSON"
        for number in ids:
            item = {"id": number, "amount": f"{number}.50", "at": f"2026-03-01T10:00:{number % 60:02d}Z"}
            headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f"event-{number}"}
            while True:
                if self.server is None or self.server.poll() is not None:
                    self.begin()
                try:
                    answer = httpx.post(f"http://127.0.0.1:{self.port}/push/events", json=item, headers=headers)
                except httpx.HTTPError:  # it died before it answered: whether it took the item, the key finds out
                    assert self.server is not None
                    self.server.wait(30)
                    continue
                answer.raise_for_status()
                break
        self.sent = sorted({*self.sent, *ids})

    def run(self, case: Case, flag: Path) -> None:
        """Load what was pushed. The faults of the server came while it was sent."""
        if case.fault.endswith("the load"):
            self.end(signal.SIGKILL)
        if case.fault in _DRAIN or case.point:
            super().run(
                replace(case, fault="process killed", point=_DRAIN.get(case.fault, case.point), mode="batch"), flag
            )
        load_all(self.folder, "events", "batch")

    def before(self, case: Case) -> None:
        """Set the fault that the server meets while it is sent to."""
        self.fault = None
        if case.fault in _SERVER:
            self.end(signal.SIGTERM)
            self.fault = _SERVER[case.fault], self.folder / f"fault-{uuid.uuid4().hex[:8]}"
