"""How a stream stands, in a file that `status` reads: written anew at most each second; and the lock that it holds."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from octo_core.errors import UsageError
from octo_core.streaming import Delay, MicroBatch, StreamState, StreamStatus, added
from octo_resources.redaction import redact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EVERY: Final = 1.0
_MINUTES: Final = 300.0
"""Seconds over which delays are told."""
_KEPT: Final = 2_000
"""Delays that are kept of one micro-batch."""


@contextmanager
def stream_lock(state: Path, pipeline: str) -> Iterator[None]:
    """Only one stream of a pipeline at a time on this machine; elsewhere the positions' compare-and-set decides."""
    path = _path(state, pipeline).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"{pipeline} is streaming already",
            hint=f"See it: octopipe status {pipeline}. End it: octopipe stop {pipeline}",
        ) from None
    try:
        yield
    finally:
        lock.release()


def stream_state(state: Path, pipeline: str) -> StreamState | None:
    """How the pipeline's stream stands; None where there never was one. One whose process is gone is said to have
    failed."""
    path = _path(state, pipeline)
    try:
        found = StreamState.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if found.status in ("starting", "running", "retrying") and not _is_held(path.with_suffix(".lock")):
        said = "its process ended without a word; what it had not committed loads when it is started again"
        return found.model_copy(update={"status": "failed", "message": said})
    return found


def delay_of(stamps: "NDArray[np.int64]") -> Delay | None:
    """From timestamps (ms since 1970) to now."""
    if not len(stamps):
        return None
    import numpy as np

    seconds = np.maximum(0, time.time() * 1000 - stamps) / 1000
    p50, p99 = np.percentile(seconds, [50, 99])
    return Delay(p50=round(float(p50), 3), p99=round(float(p99), 3), max=round(float(seconds.max()), 3))


class Telling:
    """Keeps a stream's state, and writes it down."""

    def __init__(self, state: Path, pipeline: str) -> None:
        self._path = _path(state, pipeline)
        now = datetime.now(UTC)
        self.state = StreamState(pipeline=pipeline, status="starting", since=now, at=now)
        self._written = 0.0
        self._unwritten = False
        """Whether the newest is kept here only: micro-batches follow one another faster than the file is written."""
        self._delays: deque[tuple[float, Any]] = deque()
        self._behind: dict[str, int] = {}

    def running(self, fingerprint: str) -> None:
        """The plan stands. What is tried again is not over by that: its source has not answered yet."""
        if self.state.status == "retrying":
            self._put(fingerprint=fingerprint)
        else:
            self._put(status="running", fingerprint=fingerprint, message=None)

    def retrying(self, why: str) -> None:
        """Something failed that may pass, or has not answered for a while."""
        self._put(status="retrying", message=redact(why))

    def idle(self, source: str) -> None:
        """The source answered, and nothing new came."""
        self._behind[source] = 0
        behind = sum(self._behind.values())
        if self.state.behind != behind or self.state.status != "running":
            self._put(status="running", behind=behind, message=None)
        elif time.monotonic() - self._written > (_EVERY if self._unwritten else 10 * _EVERY):
            self._put()

    def committed(self, made: MicroBatch, stamps: "NDArray[np.int64] | None") -> None:
        tables = dict(self.state.tables)
        for name, ledger in made.tables.items():
            tables[name] = added(tables[name], ledger) if name in tables else ledger
        self._behind[made.source] = made.behind
        self._put(
            now=self.state.status != "running" or time.monotonic() - self._written > _EVERY,
            status="running",
            micro_batches=self.state.micro_batches + 1,
            rows=self.state.rows + made.rows,
            tables=tables,
            behind=sum(self._behind.values()),
            delay=self._delay(stamps),
            message=None,
        )

    def ended(self, status: StreamStatus, why: str | None) -> StreamState:
        self._put(status=status, message=redact(why) if why else None)
        return self.state

    def _delay(self, stamps: "NDArray[np.int64] | None") -> Delay | None:
        import numpy as np

        now = time.monotonic()
        if stamps is not None and len(stamps):
            late = np.maximum(0, time.time() * 1000 - stamps[:: max(1, len(stamps) // _KEPT)]) / 1000
            self._delays.append((now, late))
        while self._delays and now - self._delays[0][0] > _MINUTES:
            self._delays.popleft()
        if not self._delays:
            return None
        every = np.concatenate([late for _, late in self._delays])
        p50, p99 = np.percentile(every, [50, 99])
        return Delay(p50=round(float(p50), 3), p99=round(float(p99), 3), max=round(float(every.max()), 3))

    def _put(self, *, now: bool = True, **changed: Any) -> None:
        self.state = self.state.model_copy(update={**changed, "at": datetime.now(UTC)})
        self._unwritten = not now
        if now:
            self._written = time.monotonic()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.write_text(self.state.model_dump_json(), encoding="utf-8")
            beside.replace(self._path)


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _path(state: Path, pipeline: str) -> Path:
    return state / "streams" / f"{pipeline}.json"
