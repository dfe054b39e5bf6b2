"""One pass of a mapping over rows: runs the SQL, parts good rows from bad ones, and keeps the counts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.deletes import TOMBSTONE
from octo_resources.engines.duckdb.lines import Feed
from octo_resources.engines.duckdb.scan import REFUSED, Refused, Scan, Tally, refused_batch
from octo_resources.engines.duckdb.select import FAILURE, GONE, ROW, Evaluation
from octo_resources.engines.duckdb.session import Session, at_once

BATCH: Final = 65_536
"""Rows of an Arrow batch: a million at a time doubles the memory and is slower."""
FEW_BYTES: Final = 4 << 20
"""Of what is read: up to here all results are taken at once, as planning twice takes longer than the rows do."""
Flags = Mapping[str, str | bool]


class Reading(ABC):
    """What the readers of the formats share: the session, the paths and fields that are wanted, the scan."""

    def __init__(self, session: Session, paths: Sequence[str], fields: Sequence[str], scan: Scan) -> None:
        self.session = session
        self.paths = tuple(paths)
        self.fields = tuple(fields)
        """The schema's, by name."""
        self.scan = scan

    @abstractmethod
    def query(self, source: str, extra: Sequence[str] = (), *, delimited: bool = False) -> str:
        """What is asked of a relation (a name, or a query in brackets) of `!row`, the paths and `extra`."""

    @abstractmethod
    def settle(
        self, batch: str, found: pa.RecordBatch, missing: Flags | None = None, new_fields: Flags | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Count what the query gave, and give of it what goes on."""

    def stream(self, feed: Feed, name: str, query: str) -> Iterator[pa.RecordBatch]:
        """The query's batches while DuckDB pulls the feed, registered as `name`. The feed's own error is raised."""
        first = feed.peek()
        if first is None:
            return
        connection = self.session.main
        connection.register(name, pa.RecordBatchReader.from_batches(first.schema, feed.segment()))
        try:
            if feed.ends_within(FEW_BYTES):
                yield from at_once(connection, query).to_batches(BATCH)
            else:
                # The relation form: con.execute(q).to_arrow_reader() would hold all rows in memory.
                with closing(connection.sql(query).to_arrow_reader(BATCH)) as reader:
                    yield from reader
        finally:
            connection.unregister(name)
        feed.raise_error()

    def held(self, feed: Feed, query: str) -> Iterator[pa.RecordBatch]:
        """The same for a few lines, by a plan that the session keeps for the next ones."""
        lines = list(feed.segment())
        feed.raise_error()
        if lines:
            yield from self.session.held(pa.Table.from_batches(lines), query).to_batches()

    def side(self, batch: str, tokens: pa.Table) -> Iterator[pa.RecordBatch]:
        """Evaluate tokens that were read in Python, beside the stream that is under way."""
        connection = self.session.side
        connection.register("octo_side", tokens)
        found = at_once(connection, self.query("octo_side"))
        connection.unregister("octo_side")
        for part in found.to_batches(BATCH):
            yield from self.settle(batch, part)

    def refuse(self, batch: str, rows: list[Refused]) -> None:
        """Keep malformed rows: they count as read."""
        if rows:
            self.scan.refuse(batch, refused_batch(rows), malformed=True)


class Pass(Reading):
    """Evaluates a mapping over what is read."""

    def __init__(
        self, session: Session, evaluation: Evaluation, fields: Sequence[str], scan: Scan, *, detail: bool = False
    ) -> None:
        # That a record is gone is said in a field of its own, which no schema has and which is never new.
        own = (TOMBSTONE,) if evaluation.tombstones is not None and TOMBSTONE not in fields else ()
        super().__init__(session, evaluation.paths, (*fields, *own), scan)
        self.evaluation = evaluation
        self.schema = evaluation.schema
        self.detail = detail
        """Whether bad rows are given too, with every column's own reason: for previews."""

    def query(self, source: str, extra: Sequence[str] = (), *, delimited: bool = False) -> str:
        return self.evaluation.over(source, extra, delimited=delimited, detail=self.detail)

    def settle(
        self, batch: str, found: pa.RecordBatch, missing: Flags | None = None, new_fields: Flags | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Count a batch of evaluated rows, keep its refused ones, and give the good ones in the target's types."""
        if not found.num_rows:
            return
        tally = Tally(rows_read=found.num_rows)
        rows = found
        if self.evaluation.tombstones is not None:  # a tombstone has no more than its key
            rows = found.filter(pc.invert(found.column(GONE)))
        tally.gone = found.num_rows - rows.num_rows
        tally.missing.update(counted(rows, missing or {}))
        tally.add_new(counted(rows, new_fields or {}))
        failures = found.column("!failure")
        good = found
        if failures.null_count != found.num_rows:
            bad = found.filter(failures.is_valid())
            good = found.filter(failures.is_null())
            for place, name in enumerate(self.evaluation.fields, len(FAILURE)):
                broken = pc.equal(pc.list_element(bad.column("!failure"), place), pa.scalar("1")).true_count
                if broken:
                    tally.contract_failures[name] += broken
            columns = [bad.column(ROW), *(pc.list_element(bad.column("!failure"), n) for n in range(len(FAILURE)))]
            refused = [column.cast(kind.type) for column, kind in zip(columns, REFUSED, strict=True)]
            self.scan.refuse(batch, pa.record_batch(refused, schema=REFUSED), malformed=False)
            if self.scan.keys:
                self.scan.keep_keys(self._keys(bad))
        self.scan.count(batch, tally)
        if tally.gone and not self.evaluation.gives_tombstones:
            good = good.filter(pc.invert(good.column(GONE)))
        if self.detail:
            yield found
        elif good.num_rows:
            yield self._target(good)

    def _keys(self, bad: pa.RecordBatch) -> pa.RecordBatch:
        """Of rows that have all columns of the key: those, in the target's types."""
        places = [self.schema.get_field_index(name) for name in self.scan.keys]
        arrays = [bad.column(f"!v{place}").cast(self.schema.field(place).type) for place in places]
        keys = pa.record_batch(arrays, names=list(self.scan.keys))
        return keys.filter(reduce(pc.and_, (array.is_valid() for array in arrays)))

    def _target(self, good: pa.RecordBatch) -> pa.RecordBatch:
        own = [ROW, *([GONE] if self.evaluation.gives_tombstones else [])]
        names = [*(f"!v{place}" for place in range(len(self.evaluation.types))), *own]
        arrays = [good.column(name).cast(one.type) for name, one in zip(names, self.schema, strict=True)]
        return pa.record_batch(arrays, schema=self.schema)


def counted(found: pa.RecordBatch, flags: Flags) -> dict[str, int]:
    """Name → rows of which its flag is true."""
    counts = {
        name: found.num_rows if flag is True else pc.sum(found.column(flag)).as_py() or 0
        for name, flag in flags.items()
        if flag is not False
    }
    return {name: count for name, count in counts.items() if count}
