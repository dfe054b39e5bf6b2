"""Files that are on no disk here: objects of a landing zone in S3, key ranges of a table, offset ranges of a topic.

Each task brings its own to a folder of its machine, reads it there, and takes it away again: no path has to be shared,
and what is big never passes through the driver.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from octo_core.errors import SourceError

if TYPE_CHECKING:
    from octo_resources.engines.duckdb.inputs import Numbered


class Told(NamedTuple):
    """What is known of a file once it was brought."""

    sha256: str
    """Of its bytes: the same range read again has to give the same."""
    stamps: tuple[int, ...] = ()
    """When messages of it were produced, ms since 1970: some of them, spread over all."""
    notes: tuple[str, ...] = ()
    """What is worth knowing of it, in words: what it holds that is about no row."""


class Arrived(NamedTuple):
    """Files in the order of their rows, each with how many rows it has, where that has to be known."""

    files: tuple[tuple[Path, int], ...]
    told: Told


class Elsewhere(Protocol):
    """Brings one file. Picklable: it goes to the machines that read it, with the secrets that it needs there."""

    def bring(self, folder: Path) -> Arrived:
        """The file, or the files that it is made of, in `folder`. The same each time.

        Raises LandingError and SourceError; one that is `retryable` may pass by itself.
        """
        ...


class Stored(Elsewhere):
    """An object in S3, which others than our tasks find too."""

    endpoint: str | None
    """Of the server, where it is not Amazon's."""

    @property
    @abstractmethod
    def location(self) -> str:
        """s3://BUCKET/KEY."""

    @property
    @abstractmethod
    def region(self) -> str: ...

    @abstractmethod
    def end(self, count: int) -> bytes:
        """Its last bytes, or all of them where it is shorter. LandingError where it has not the size that landed."""


def brought(part: "Numbered", folder: Path) -> "tuple[list[Numbered], Told | None]":
    """The part as files that can be read here; as it is where it lies on a disk."""
    afar = part.input.elsewhere
    if afar is None:
        return [part], None
    found = afar.bring(folder)
    return list(_following(part, found)), found.told


def _following(part: "Numbered", found: Arrived) -> "Iterator[Numbered]":
    """The files one after the other, each with the number of its first row. Of several files all are Parquet."""
    from octo_resources.engines.duckdb.inputs import Span

    first = 1
    for path, rows in found.files:
        span = None
        if len(found.files) > 1:
            from pyarrow import parquet

            span = Span(0, parquet.read_metadata(path).num_row_groups, first)
        yield replace(part, input=replace(part.input, path=path, span=span, elsewhere=None))
        first += rows


def require_same(where: str, now: Told, before: Told | None) -> None:
    """SourceError where what was read a second time is not what was read first: row numbers would name other rows."""
    if before is not None and now.sha256 != before.sha256:
        raise SourceError(
            "it gave other rows, or the same in another order, when it was read again for what was set aside",
            where=where,
            hint="Run it again; where it happens again, write `landing: copy` at the source.",
            retryable=True,
        )
