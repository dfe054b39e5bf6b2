"""What a stream says of itself: its micro-batches, how late rows are, and whether too many are set aside."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pydantic import ConfigDict, Field

from octo_core.ledger import TableLedger
from octo_core.schema import Frozen
from octo_core.spec.pipeline import QuarantineLimits

WINDOW: Final = 10_000
"""Rows of a stream, the newest, over which the limits of `quarantine` hold."""
RATIO_FROM: Final = 1_000
"""A ratio says nothing of a few rows: it counts from so many on."""
DEFAULT_RATIO: Final = 0.5
"""Where a pipeline sets no limit, a stream ends all the same once most of its newest rows are set aside."""
DRIFT_FROM: Final = 1_000
"""Rows that a share of drifted ones is taken of at least: one odd message in a small micro-batch is no drift."""

StreamStatus = Literal["starting", "running", "retrying", "stopped", "waiting_for_approval", "failed"]


class Delay(Frozen):
    """Seconds from a message's timestamp to the commit that made its row visible."""

    p50: float
    p99: float
    max: float


class MicroBatch(Frozen):
    """One micro-batch of a stream that is committed."""

    event: Literal["micro_batch"] = "micro_batch"
    load_id: str
    batch: str
    source: str
    from_: str = Field(alias="from")
    to: str
    rows: int
    bytes: int
    behind: int
    """Messages that were there already when it was read, and are for the next ones."""
    seconds: float
    tables: dict[str, TableLedger]
    delay: Delay | None = None
    dead_letters: int = 0
    warnings: tuple[str, ...] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class StreamState(Frozen):
    """A stream as `octopipe status` shows it; kept beside the pipeline's other state, and written anew now and then."""

    event: Literal["stream"] = "stream"
    pipeline: str
    status: StreamStatus
    since: datetime
    at: datetime
    fingerprint: str | None = None
    micro_batches: int = 0
    rows: int = 0
    tables: dict[str, TableLedger] = Field(default_factory=dict)
    behind: int = 0
    """Of all its sources together, as each was read last."""
    delay: Delay | None = None
    """Of the last five minutes."""
    message: str | None = None


def added(one: TableLedger, other: TableLedger) -> TableLedger:
    """Two ledgers as one."""
    mine, theirs = one.model_dump(), other.model_dump()
    return TableLedger.model_validate({name: mine[name] + theirs[name] for name in mine})


@dataclass(slots=True)
class Window:
    """The newest rows of a stream's tables, micro-batch by micro-batch: (read, set aside)."""

    limits: QuarantineLimits
    _seen: dict[str, deque[tuple[int, int]]] = field(default_factory=dict)

    def add(self, ledgers: Mapping[str, TableLedger]) -> None:
        """Take the ledgers of a micro-batch that is committed."""
        for table, ledger in ledgers.items():
            seen = self._seen.setdefault(table, deque())
            seen.append((ledger.read, ledger.quarantined))
            while sum(read for read, _ in seen) - seen[0][0] >= WINDOW:
                seen.popleft()

    def over(self, ledgers: Mapping[str, TableLedger]) -> str | None:
        """Why a micro-batch with these ledgers may not be committed; None where it may."""
        ratio, rows = self.limits.max_ratio, self.limits.max_rows
        if ratio is None and rows is None:
            ratio = DEFAULT_RATIO
        for table, ledger in ledgers.items():
            if not ledger.quarantined:
                continue
            read, aside = ledger.read, ledger.quarantined
            for before, out in reversed(self._seen.get(table, ())):
                if read >= WINDOW:
                    break
                read, aside = read + before, aside + out
            said = f"{aside:,} of the last {read:,} rows of {table} are set aside"
            if rows is not None and aside > rows:
                return f"{said}, and `quarantine: {{max_rows: {rows}}}` allows fewer"
            if ratio is not None and read >= RATIO_FROM and aside > ratio * read:
                what = f"`quarantine: {{max_ratio: {ratio}}}`" if self.limits.max_ratio is not None else "a stream"
                return f"{said}, and {what} allows fewer"
        return None
