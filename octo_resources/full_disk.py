"""A full disk, whoever ran into it first: the landing zone, DuckDB's spill, the registry's or Dagster's SQLite."""

import errno
from collections.abc import Iterator
from typing import Final

from octo_core.errors import OctopipeError

_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)
_WORDS: Final = (
    "No space left on device", "database or disk is full", "Disk quota exceeded", "max_temp_directory_size",
)  # fmt: skip
_FAILED: Final = "disk I/O error"
"""What SQLite says where the file beside its database that readers share cannot grow: the disk is full, or broken."""


def full_disk(error: BaseException) -> OctopipeError | None:
    """What to say of an error that comes of a full disk; None for any other."""
    for one in _chain(error):
        if isinstance(one, OctopipeError):
            return None  # it says itself what happened
        text = str(one)
        full = isinstance(one, OSError) and one.errno in _NUMBERS
        if full or any(word in text for word in _WORDS) or _FAILED in text:
            what = "the disk is full" if full or _FAILED not in text else f"the disk is full or fails ({_FAILED})"
            where = getattr(one, "filename", None)
            return OctopipeError(
                what,
                where=where if isinstance(where, str) else None,
                hint="Make room where .octopipe is (octopipe history clean --older-than 30d), then run it again:"
                " what has landed stays, and what was loaded is not loaded twice.",
            )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came of."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop(0)
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [one.__cause__, one.__context__]
