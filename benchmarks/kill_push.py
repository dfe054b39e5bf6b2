"""The ground of the kill matrix for what is pushed: a server that dies around its commits, begun anew as often."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.kill_cells import BETWEEN, SERVER, Case
from benchmarks.kill_faults import while_away, while_slow
from benchmarks.kill_ground import ROOT, Ground, item
from demo.broker import free_port

TOKEN: Final = "of-the-matrix"
_AGAIN: Final = 0.2
"""Seconds until a client tries again what was answered by 503."""
_LONGEST: Final = 120.0
"""Seconds that a server may take to answer: as long as the brokers let it wait."""


@dataclass
class PushGround(Ground):
    """The same two tables, fed by requests to a server."""

    messages: int = 24
    """Each is a request of its own."""
    onward: bool = False
    """Whether the server brings them into a topic before it answers, and they are loaded from there."""
    port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    fault: tuple[str, Path] | None = None
    """What the next server meets, and the file that says that it did."""
    sending: Callable[[Callable[[], None]], None] | None = None
    """What happens while items are pushed."""
    client: httpx.Client | None = None

    @contextmanager
    def served(self) -> Iterator["PushGround"]:
        """Prepared; the server ends with the block."""
        head = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=head, timeout=_LONGEST) as client:
            self.client = client
            try:
                self.prepare()
                yield self
            finally:
                self.stop(signal.SIGTERM)

    def _make_topic(self) -> None:
        """The server makes its own."""

    def _pipeline(self) -> dict[str, Any]:
        to = {"to": {"topic": self.topic, "brokers": self.broker.address}} if self.onward else {}
        return {
            "sources": {"events": {"kind": "push", "token": TOKEN, **to}},
            "destination": {"kind": "postgres", "url": self.url},
            "tables": {"public.event": {"write": "append"}, "public.sale": {"key": ["id"], "version": "at"}},
            # A stream on Spark is not of what is pushed: there it is loaded by runs.
            **({"engine": self.engine} if self.engine is not None else {"stream": {"trigger": "continuous"}}),
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
        assert self.client is not None
        until = time.monotonic() + _LONGEST
        while True:
            try:
                self.client.get("/health")
            except httpx.ConnectError:
                if self.server.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(_AGAIN)
            else:
                return

    def stop(self, how: signal.Signals) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.send_signal(how)
            server.wait(_LONGEST)

    def send(self, ids: Sequence[int] | range, *, poison: int = 0) -> None:
        """Push each id by a request with a key of its own, until it is acknowledged; what is no JSON is refused."""
        around, self.sending = self.sending, None

        def push() -> None:
            for number in ids:
                self._push(number)

        push() if around is None else around(push)
        for _ in range(poison):
            self._refused()
        self.sent = sorted({*self.sent, *ids})

    def _push(self, number: int) -> None:
        """One item, as often as it takes."""
        headers = {"Idempotency-Key": f"event-{number}"}
        until, said = time.monotonic() + 2 * _LONGEST, "nothing"
        while time.monotonic() < until:
            if self.server is None or self.server.poll() is not None:
                self.begin()
            try:
                answer = self._post(json=item(number), headers=headers)
            except httpx.HTTPError:  # it died before it answered: whether it took the item, the key finds out
                assert self.server is not None
                self.server.wait(_LONGEST)
                continue
            if answer.status_code != 503:  # the brokers do not answer: it says when to come again
                answer.raise_for_status()
                return
            said = answer.text
            time.sleep(_AGAIN)
        raise RuntimeError(f"item {number} was never taken; the server says {said}")

    def _refused(self) -> None:
        answer = self._post(content=b'{"id": 1, "amount"', headers={"Content-Type": "application/json"})
        if answer.status_code != 400:
            raise RuntimeError(f"what is no JSON was answered by {answer.status_code}")

    def _post(self, **what: Any) -> httpx.Response:
        assert self.client is not None
        return self.client.post("/push/events", **what)

    def run(self, case: Case) -> None:
        """Load what was pushed. The faults of the server came while it was sent."""
        if case.fault == BETWEEN:
            self.stop(signal.SIGKILL)
        if case.fault in SERVER:
            assert self.fault is not None
            self.met = self.fault[1].exists()
        super().run(case)

    def before(self, case: Case) -> None:
        """Set the fault that comes while it is sent."""
        super().before(case)
        self.fault = None
        if case.fault in SERVER:
            self.stop(signal.SIGTERM)
            self.fault = SERVER[case.fault], self.folder / f"fault-{uuid.uuid4().hex[:8]}"
        if case.point == "pushing":
            how = while_slow if case.fault == "broker slow" else while_away
            self.sending = lambda push: how(self.broker, push)
