"""How fast and how often to ask: the rate a pipeline allows itself, and what a server says about trying again."""

import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from octo_core.errors import UsageError

_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+\s*)?(s|sec|second|m|min|minute|h|hour|d|day)s?\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried: attempts, seconds between them (growing, with jitter) and in total."""

    attempts: int = 8
    first_wait: float = 0.5
    longest_wait: float = 30.0
    jitter: float = 1.0
    longest_retry_after: float = 300.0
    total: float = 900.0


PATIENCE: Final = Patience()
WATCHED: Final = Patience(attempts=3, longest_wait=2.0, longest_retry_after=10.0, total=30.0)
"""Where a person waits for it."""


class Pace:
    """Keeps requests at least so far apart; with no rate it never waits."""

    def __init__(self, rate: str | None) -> None:
        self._gap = _gap(rate)
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            pause = self._next - now
            self._next = max(now, self._next) + self._gap
        if pause > 0:
            time.sleep(pause)


def retry_after(text: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date (RFC 9110); None where it says nothing."""
    if not text:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _gap(rate: str | None) -> float:
    if rate is None:
        return 0.0
    match = _RATE.fullmatch(rate)
    if match is None or not float(match.group(1)):
        raise UsageError(f"rate: {rate!r} is no rate", hint="Write for example 10/s, 600/min or 5000/h.")
    return _SECONDS[match.group(3)[0]] * int(match.group(2) or 1) / float(match.group(1))
