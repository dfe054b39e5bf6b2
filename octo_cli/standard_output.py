"""Standard output whose reader may go away, as in `octopipe status | head -1`: the command's work goes on to its end,
and the exit code says what came of the work and not of who read it.
"""

import os
import sys
from pathlib import Path
from typing import Any, TextIO


class ReaderGone(Exception):  # noqa: N818  # it is no error
    """Nobody reads what is printed. No error: the reader has what it wanted."""


class Patient:
    """A stream's `write` and `flush` that outlive its reader; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.unread = False
        """Whether the reader has gone."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._to_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._to_nowhere()

    def _to_nowhere(self) -> None:
        """What is left in the stream's buffer, too, goes where it disturbs nobody at the interpreter's end."""
        self.unread = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def outlive_readers() -> None:
    """Make standard output and standard error such streams; one that is closed (`>&-`) leads nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for good
        setattr(sys, name, Patient(stream))


def stop_if_unread() -> None:
    """For what has no end of its own (`logs -f`, a stream's answers). Raises ReaderGone."""
    if getattr(sys.stdout, "unread", False):
        raise ReaderGone
