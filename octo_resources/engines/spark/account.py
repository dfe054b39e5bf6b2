"""What came back from tasks, taken into the scan of a load; and that nothing was dropped on the way."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.errors import LandingError
from octo_resources.engines.duckdb import Input, Scan, Tally
from octo_resources.engines.duckdb.inputs import split_row
from octo_resources.engines.spark.frames import Frame


def count(scan: Scan, tallies: Mapping[str, Tally]) -> None:
    """Add counts by batch."""
    for batch, tally in tallies.items():
        scan.count(batch, tally)


def refuse(scan: Scan, inputs: Sequence[Input], rows: pa.RecordBatch) -> None:
    """Take in rows that a task refused: those without a column are malformed."""
    bad = pc.is_null(rows.column("column"))
    for malformed, part in ((True, rows.filter(bad)), (False, rows.filter(pc.invert(bad)))):
        ordinals = [split_row(int(str(row)))[0] for row in part.column("row").to_pylist()]
        names = [inputs[ordinal].batch.id for ordinal in ordinals]
        for batch in dict.fromkeys(names):
            ours = part.filter(pa.array([name == batch for name in names]))
            scan.refuse(batch, ours, malformed=malformed)


def check(frame: Frame, scan: Scan) -> None:
    """Nothing is dropped in silence. LandingError where Spark's reader gave other rows than the footers promise."""
    for batch, rows in frame.expected.items():
        read = scan.batches[batch].rows_read
        if read != rows:
            hint = "a file changed while it was read, or Spark left one out; run it again"
            raise LandingError(f"Spark read {read:,} rows of {rows:,}", where=f"batch {batch}", hint=hint)
