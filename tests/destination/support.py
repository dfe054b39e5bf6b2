"""Short ways to say a load in a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pyarrow as pa

from octo_core.catalog import Table
from octo_core.ledger import TableLedger
from octo_core.types import arrow_type
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.writing import (
    LoadedBatch,
    LoadRecord,
    Move,
    QuarantineFile,
    Rejected,
    WriteJob,
    WriteMode,
    WriteOutcome,
)

_numbers = count(1)
FINGERPRINT = "f" * 64


@dataclass(frozen=True)
class Loaded:
    outcome: WriteOutcome
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        names = ("read", "inserted", "updated", "unchanged", "deduplicated", "removed")
        found = {name: getattr(self.outcome, name) for name in names} | {"rejected": len(self.rejected)}
        return {name: value for name, value in found.items() if value}


def reader(
    table: Table, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], batch: int = 3
) -> pa.RecordBatchReader:
    """Rows as the engine hands them over: each column of its contract's Arrow type, and `_row` from 1 on."""
    kinds = {name: arrow_type(_column(table, name).type) for name in columns} | {"_row": pa.int64()}
    arrays = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items() if name != "_row"}
    arrays["_row"] = pa.array([row.get("_row", number) for number, row in enumerate(rows, start=1)], pa.int64())
    whole = pa.table(arrays, schema=pa.schema(list(kinds.items())))
    return pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(max_chunksize=batch))


def _column(table: Table, name: str) -> Any:
    return table.column(name)


def job(table: Table, columns: Sequence[str], **settings: Any) -> WriteJob:
    settings.setdefault("key", table.primary_key)
    return WriteJob(table, tuple(_column(table, name) for name in columns), **settings)


def ledger(outcome: WriteOutcome) -> TableLedger:
    return TableLedger(
        read=outcome.read,
        inserted=outcome.inserted,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        deduplicated=outcome.deduplicated,
        quarantined=len(outcome.rejected),
        removed=outcome.removed,
    )


def record(outcomes: Mapping[str, WriteOutcome], batches: Sequence[str] = (), moves: Sequence[Move] = ()) -> LoadRecord:
    return LoadRecord(
        started=datetime(2026, 1, 1, tzinfo=UTC),
        ledgers={name: ledger(outcome) for name, outcome in outcomes.items()},
        batches=[LoadedBatch("source", table, batch) for batch in batches for table in outcomes],
        moves=moves,
        quarantine={
            name: QuarantineFile("q.jsonl.zst", "0" * 64) for name, one in outcomes.items() if len(one.rejected)
        },
    )


def load_rows(
    destination: PostgresDestination,
    name: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    write: WriteMode = "merge",
    **settings: Any,
) -> Loaded:
    """Pull, load these rows into one table, record, commit; what became of them."""
    destination.prepare()
    catalog = destination.pull([name])
    table = next(iter(catalog.tables.values()))
    with destination.load(
        load_id=f"load-{next(_numbers)}",
        pipeline="p",
        fingerprint=FINGERPRINT,
        tables=[table],
        expected_signature=catalog.signature,
    ) as load:
        outcome = load.write(job(table, columns, write=write, **settings), lambda: reader(table, columns, rows))
        rejected = list(outcome.rejected)
        load.record(record({table.name: outcome}))
        load.commit()
    return Loaded(outcome, rejected)
