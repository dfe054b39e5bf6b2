"""What one evaluation leaves for the next of the same stream: its session, with what was learned and planned there."""

import threading
from collections.abc import Callable

from octo_resources.engines.duckdb.session import Session
from octo_resources.engines.duckdb.variables import LoadVariables

Settings = tuple[int | None, int | None]
"""Memory and threads."""


class Remembered:
    """One session at most; who finds it taken opens one of his own."""

    def __init__(self) -> None:
        self._left: tuple[Settings, Session] | None = None
        self._lock = threading.Lock()

    def take(self, settings: Settings, variables: LoadVariables, made: Callable[[], Session]) -> Session:
        """The session that was left, with these variables; a new one where there is none of these settings."""
        with self._lock:
            left, self._left = self._left, None
        if left is None:
            return made()
        if left[0] != settings:
            left[1].close()
            return made()
        left[1].set(variables)
        return left[1]

    def leave(self, settings: Settings, session: Session) -> None:
        """Keep a session whose work came to its end, for the next."""
        with self._lock:
            keep = self._left is None and not session.worn
            if keep:
                self._left = settings, session
        if not keep:
            session.close()

    def close(self) -> None:
        """Give up what is kept."""
        with self._lock:
            left, self._left = self._left, None
        if left is not None:
            left[1].close()
