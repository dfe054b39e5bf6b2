"""The account of a load: what became of every row that was read. The shape is the contract's (`run --json`)."""

import re
from typing import Final, Literal

from pydantic import ConfigDict, Field

from octo_core.schema import Frozen

_VALUES: Final = re.compile(r'\A-?".*"', re.DOTALL)
"""`"2460"`, or `"1" / "0"`: an expression's reason names what it was given before it says what is wrong."""
LoadStatus = Literal["loaded", "nothing_new", "already_loaded", "waiting_for_approval", "failed"]


class TableLedger(Frozen):
    """read = inserted + updated + unchanged + deduplicated + filtered + quarantined + tombstoned, always."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deduplicated: int = 0
    filtered: int = 0
    quarantined: int = 0
    tombstoned: int = 0
    soft_deleted: int = 0
    removed: int = 0
    seconds: float = 0.0

    @property
    def accounted(self) -> int:
        return (
            self.inserted
            + self.updated
            + self.unchanged
            + self.deduplicated
            + self.filtered
            + self.quarantined
            + self.tombstoned
        )

    @property
    def balanced(self) -> bool:
        return self.read == self.accounted


class SourceCount(Frozen):
    """What one extraction brought: rows, bytes as they came, and the positions it went from and to."""

    extracted: int = 0
    bytes: int = 0
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class ShapeCount(Frozen):
    """Rows in and out of what was made of sources (`each`, `join`) before a table's mapping."""

    relation: str
    rows_in: int = 0
    rows_out: int = 0
    unmatched: dict[str, int] = Field(default_factory=dict)
    """Joined source → rows that found none of it."""


class Phases(Frozen):
    """Seconds spent in each part of a load."""

    extract: float = 0.0
    transform: float = 0.0
    copy_: float = Field(default=0.0, alias="copy")
    merge: float = 0.0
    after: float = 0.0
    commit: float = 0.0

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class LoadResult(Frozen):
    """One load of a pipeline, as the command line, the run's metadata, the API and the registry all say it."""

    pipeline: str
    load_id: str
    batches: tuple[str, ...] = ()
    fingerprint: str
    engine: str = "duckdb"
    engine_why: str = ""
    status: LoadStatus
    sources: dict[str, SourceCount] = Field(default_factory=dict)
    tables: dict[str, TableLedger] = Field(default_factory=dict)
    shapes: dict[str, ShapeCount] = Field(default_factory=dict, exclude_if=lambda found: not found)
    """Table → what went in and out of the relation that it is made from; left out where each is a whole source."""
    phases: Phases = Phases()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


class QuarantinedRow(Frozen):
    """A row that was set aside: where it came from, why, and the payload exactly as it came."""

    id: str
    """Stable: batch id, file index and row number, e.g. `01J…:0:8114`."""
    batch: str
    source: str
    table: str
    row: int
    """Row number within the batch's file, from 1."""
    file: str
    reason: str
    """A code-like phrase: `not an integer`, `no such carrier in public.carrier`, `malformed JSON`."""
    column: str | None = None
    value: str | None = None
    payload: str

    @property
    def kind(self) -> str:
        """The reason without the row's own values, which it begins with where it tells any."""
        return _VALUES.sub("a value", self.reason)
