"""What a source has to know of its project: the folder and the secrets; and how a reader hears of progress."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Progress = Callable[[int, int, str], None]
"""Called now and then with rows so far, bytes so far (as they came), and a note such as the file's name."""


class Revealer(Protocol):
    """Replaces `${secret:…}` in a text by what it stands for."""

    def reveal(self, text: str) -> str: ...


class Place(Protocol):
    """The part of a Project that sources use."""

    @property
    def root(self) -> Path: ...

    @property
    def secrets(self) -> Revealer: ...


def silent(rows: int, size: int, note: str) -> None:
    """Progress that nobody watches."""
