"""Whether the process of a load lives: it holds a lock on a file for as long as it does.

A process number would not tell: in a container they are all the same. No import here costs `status` anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alive(state: Path, load_id: str) -> Iterator[None]:
    """Say that this process runs a load, until it ends in whatever way. What leaves with an error stays to be settled,
    unless it was `over` by then."""
    path = _path(state, load_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield
        over(state, load_id)


def over(state: Path, load_id: str) -> None:
    """Nobody has to find out any more what became of a load."""
    _path(state, load_id).unlink(missing_ok=True)


def is_gone(state: Path, load_id: str) -> bool:
    """Whether a load's process ended without a word. False where it runs, or ran on another machine."""
    path = _path(state, load_id)
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def _path(state: Path, load_id: str) -> Path:
    return state / "running" / f"{load_id}.lock"
