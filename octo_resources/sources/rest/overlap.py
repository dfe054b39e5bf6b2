"""What an incremental read brings again: servers answer `since` with the records at it, and a lag asks for more.

A merge takes them for unchanged. Where rows are appended they would be there twice, so those that came before are left
out: the digests of the records from the newest cursor value on, less the lag, lie beside the batch's files.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.spec.sources import Cursor
from octo_resources.landing.disk import landing_errors
from octo_resources.landing.manifest import BESIDE
from octo_resources.sources.cursor import less, newest
from octo_resources.sources.rest.page import Page

MOST: Final = 5_000_000
_SIZE: Final = 8


def digests_of(batch: Batch | None) -> frozenset[bytes]:
    """What lies beside a batch; nothing where it has none."""
    path = Path(batch.folder) / BESIDE if batch is not None else None
    if path is None or not path.is_file():
        return frozenset()
    with landing_errors(path):
        body = path.read_bytes()
    return frozenset(body[place : place + _SIZE] for place in range(0, len(body), _SIZE))


class Overlap:
    """Leaves out the records that came before, and remembers those that the next read may bring again."""

    def __init__(self, cursor: Cursor, known: frozenset[bytes]) -> None:
        self._cursor, self._known = cursor, known
        self._edge: str | None = None
        self._bound: str | None = None
        self._kept: dict[str, set[bytes]] = {}

    def less_known(self, page: Page, values: Sequence[str | None]) -> Page:
        """The page without what came before. `values`: the cursor's value of each of its records."""
        digests = [blake2b(row, digest_size=_SIZE).digest() for row in page.rows]
        self._remember(values, digests)
        if not self._known:
            return page
        return replace(page, rows=[row for row, own in zip(page.rows, digests, strict=True) if own not in self._known])

    def write(self, folder: Path) -> None:
        """Put the digests beside the files of the batch in the making."""
        body = b"".join(sorted(set().union(*self._kept.values())))
        with landing_errors(folder):
            (folder / BESIDE).write_bytes(body)

    def _remember(self, values: Sequence[str | None], digests: Sequence[bytes]) -> None:
        said = {value for value in values if value}
        if not said:
            return
        best = newest([*said, *([self._edge] if self._edge is not None else [])], self._cursor.format)
        if best is not None and best != self._edge:
            self._edge, self._bound = best, less(best, self._cursor.lag, self._cursor.format)
            self._kept = {value: kept for value, kept in self._kept.items() if self._within(value)}
        within = {value for value in said if self._within(value)}
        for value, own in zip(values, digests, strict=True):
            if value in within:
                self._kept.setdefault(value, set()).add(own)
        if sum(map(len, self._kept.values())) > MOST:
            raise SourceError(
                f"more than {MOST:,} records lie within cursor.lag of the newest {self._cursor.field}",
                hint="which of them came before cannot be told; shorten the lag, or write `merge`",
                retryable=False,
            )

    def _within(self, value: str) -> bool:
        if value == self._edge or self._bound is None:
            return True
        return self._bound != self._edge and newest([value, self._bound], self._cursor.format) == value
