"""One table's part of a load: its batches, what was read of them, and what became of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from octo_core.batch import Batch
from octo_core.ledger import SourceCount, TableLedger
from octo_resources.destinations.writing import WriteOutcome
from octo_resources.engines.duckdb import Input, Scan
from octo_resources.flow.shaping import Shaped


@dataclass
class Work:
    """One table of a load: the batches that it has not got yet, and what becomes of their rows."""

    table: str
    batches: list[Batch]
    """Of the sources that drive the table."""
    shaped: Shaped
    scan: Scan
    started: float
    beside: list[Batch] = field(default_factory=list)
    """What the sources that rows are joined with hold now, as far as the table has no record of it yet."""
    skipped: list[Batch] = field(default_factory=list)
    """Older whole reads that a `replace` passes over: recorded, so that no later load takes them for new."""
    passes_over: bool = False
    """Whether the engine counts tombstones and lets none of them through."""
    seconds: float = 0.0
    outcome: WriteOutcome | None = None

    @property
    def inputs(self) -> list[Input]:
        return self.shaped.inputs

    def recorded(self) -> list[Batch]:
        return [*self.skipped, *self.batches, *self.beside]

    def newest(self) -> dict[str, Batch]:
        """Source → its newest batch of those that are recorded."""
        return {batch.source: batch for batch in sorted(self.recorded(), key=lambda batch: batch.id)}

    @property
    def passed_over(self) -> int:
        """Tombstones that nothing marks: the engine counts them, and the destination never sees them."""
        return self.scan.total.gone if self.passes_over else 0

    def ledger(self) -> TableLedger:
        """The account of the table: what the engine refused, and what the destination did and refused."""
        done = self.outcome
        if done is None:
            return TableLedger()
        return TableLedger(
            read=self.scan.rows_read,
            inserted=done.inserted,
            updated=done.updated,
            unchanged=done.unchanged,
            deduplicated=done.deduplicated,
            quarantined=len(self.scan.refused) + len(done.rejected),
            tombstoned=done.tombstoned + self.passed_over,
            soft_deleted=done.soft_deleted,
            removed=done.removed,
            seconds=round(self.seconds, 3),
        )

    def reasons(self) -> dict[str, int]:
        """Reason → rows, of what the engine refused."""
        found: dict[str, int] = {}
        for (_, reason), rows in self.scan.refused.reasons.most_common(20):
            found[reason] = found.get(reason, 0) + rows
        return found


def counted(works: Sequence[Work], source: str) -> SourceCount:
    """What a load read of one source, however many tables it feeds."""
    every = {one.id: one for work in works for one in (*work.batches, *work.beside) if one.source == source}
    ordered = [every[key] for key in sorted(every)]
    read = max((_rows_read(work, source) for work in works), default=0)
    return SourceCount(
        extracted=sum(one.rows for one in ordered if one.rows is not None) or read,
        bytes=sum(one.bytes for one in ordered),
        from_=ordered[0].cursor_from,
        to=ordered[-1].cursor_to,
    )


def _rows_read(work: Work, source: str) -> int:
    """Records of a source that a table's pass read."""
    if work.shaped.counts is not None and source in {batch.source for batch in work.batches}:
        return work.shaped.counts.rows_in
    own = {batch.id for batch in (*work.batches, *work.beside) if batch.source == source}
    looked_at = [seen.batches for seen in work.shaped.seen if seen.source == source] or [work.scan.batches]
    return max(sum(tally.rows_read for batch, tally in found.items() if batch in own) for found in looked_at)
