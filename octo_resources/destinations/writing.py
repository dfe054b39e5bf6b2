"""What a load hands to a destination and gets back: the job for one table, what became of its rows, and the record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import pyarrow as pa

from octo_core.catalog import Column, Table
from octo_core.ledger import LoadStatus, TableLedger

WriteMode = Literal["append", "merge", "replace"]


@dataclass(frozen=True, slots=True)
class Deletes:
    """How a table takes what its source took away."""

    tombstones: bool = False
    """Whether the rows come with `_deleted` boolean: where it is true the row is gone, and only its key and version
    mean anything."""
    absence: bool = False
    """Whether the rows are all that the source has: what is not among them is gone."""
    mark: Column | None = None
    """The column that is set on a row that is gone, a timestamp or a boolean; without one nothing is marked, and
    tombstones are only counted."""
    at: datetime | None = None
    """What a timestamp is set to: the load's time."""
    unread: Callable[[], int] = lambda: 0
    """For `absence`: rows whose keys nobody could read. Then no row can be called absent. Asked when all were read."""


@dataclass(frozen=True, slots=True)
class WriteJob:
    """One table's part of a load. Its rows have `columns` by name, each of `arrow_type(column.type)`, and `_row`."""

    table: Table
    columns: tuple[Column, ...]
    """The columns written; the table's others take their default, or keep what they have."""
    key: tuple[str, ...] = ()
    version: str | None = None
    """Of two rows with one key the one with the larger version wins, also against what is loaded; without it the last
    read does."""
    write: WriteMode = "merge"
    load_columns: tuple[str, ...] = ()
    """Columns fed by load_time() or load_id(): written with a change, but no change by themselves."""
    refused_keys: Callable[[], pa.Table | None] | None = None
    """For `replace`: the keys of the rows that never came, because the engine set them aside. Their rows stay as they
    are: the source has them still. Asked once the rows were read."""
    direct: bool = False
    """COPY straight into the table where it is empty and nothing has to be looked at first: the caller vouches that the
    keys are distinct. Where it turns out otherwise the rows are asked for again."""
    deletes: Deletes | None = None
    """Only with `merge`."""
    attach: bool = False
    """What tasks bring may take the place of the table's empty partitions."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that the destination would not take. `row` is its `_row`."""

    row: int
    column: str | None
    reason: str
    value: str | None
    quotes: bool = False
    """Whether the reason is the database's own words, which may quote any value of the row."""


class RejectedRows(Protocol):
    """Sized and iterable, in the rows' order, while the load is open; read in pages, so any number will do."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Rejected]: ...


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """read = inserted + updated + unchanged + deduplicated + tombstoned + len(rejected). Seconds by phase."""

    read: int
    inserted: int
    updated: int
    unchanged: int
    deduplicated: int
    removed: int
    rejected: RejectedRows
    copy_seconds: float
    merge_seconds: float
    direct: bool = False
    tombstoned: int = 0
    soft_deleted: int = 0
    """Rows of the table that were marked, by a tombstone or because they are absent."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """A batch that is in a table now."""

    source: str
    table: str
    batch: str


@dataclass(frozen=True, slots=True)
class Move:
    """Where a (source, table) is now. `seen_epoch` is the epoch it was at when the load began, 0 for none."""

    source: str
    table: str
    to: Mapping[str, Any]
    seen_epoch: int = 0


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """The file that holds the payloads of a table's quarantined rows; it was durable before this is recorded."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """What is written of a load beside its rows, in the same transaction."""

    started: datetime
    ledgers: Mapping[str, TableLedger]
    """table → its whole ledger, the engine's counts (filtered, quarantined before the destination …) included."""
    batches: Sequence[LoadedBatch] = ()
    moves: Sequence[Move] = ()
    quarantine: Mapping[str, QuarantineFile] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """table → tombstones in its ledger that nothing marks: they never reached the destination."""
    replayed: Sequence[tuple[str, str]] = ()
    """(table, quarantined row's id) of the rows that this load replays."""
    status: LoadStatus = "loaded"
