"""Task attempts that bring rows to a destination, without a cluster: which of them count, which commit and lose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa

from octo_core.catalog import Table
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.writing import WriteMode
from octo_resources.engines.protocol import Brought, Depot
from tests.destination.support import FINGERPRINT, Loaded, job, reader, record

Rows = Sequence[Mapping[str, Any]]
_numbers = count(1)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a part: `counts` is whether the driver hears of it, `commits` whether it got so far."""

    part: int
    rows: Rows
    counts: bool = True
    commits: bool = True


class Attempts:
    """What Spark's tasks do, one attempt after the other, in this process."""

    def __init__(self, table: Table, columns: Sequence[str], attempts: Sequence[Attempt]) -> None:
        self._table, self._columns, self._attempts = table, columns, attempts
        self.schema: pa.Schema = reader(table, columns, []).schema
        self.depots: list[str] = []
        self.refused = 0

    def bring(self, depot: Depot) -> list[Brought]:
        self.depots.append(type(depot).__name__)
        brought = []
        for number, attempt in enumerate(self._attempts):
            with depot.delivery(attempt.part, number) as delivery:
                rows = delivery.rows(reader(self._table, self._columns, attempt.rows))
                place = delivery.keep() if attempt.commits else ""
            if attempt.counts:
                brought.append(Brought(attempt.part, place, rows))
        return brought

    def refuse(self, rows: Iterator[pa.RecordBatch]) -> None:
        self.refused += sum(batch.num_rows for batch in rows)


def bring(
    destination: PostgresDestination,
    name: str,
    columns: Sequence[str],
    attempts: Sequence[Attempt],
    write: WriteMode = "append",
    **settings: Any,
) -> tuple[Loaded, Attempts]:
    """Load what the attempts bring into one table, record, commit."""
    destination.prepare()
    catalog = destination.pull([name])
    table = next(iter(catalog.tables.values()))
    tasks = Attempts(table, columns, attempts)
    with destination.load(
        load_id=f"tasks-{next(_numbers)}",
        pipeline="p",
        fingerprint=FINGERPRINT,
        tables=[table],
        expected_signature=catalog.signature,
    ) as load:
        outcome = load.write(job(table, columns, write=write, **settings), tasks)
        rejected = list(outcome.rejected)
        load.record(record({table.name: outcome}))
        load.commit()
    return Loaded(outcome, rejected), tasks
