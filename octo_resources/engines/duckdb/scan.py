"""What a pass over the rows counted, filled while its rows are consumed; refused rows wait on disk, not in memory."""

import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import IOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from octo_resources.engines.elsewhere import Told

_TEXT: Final[pa.DataType] = pa.string()
REFUSED: Final = pa.schema(
    {"row": cast(pa.DataType, pa.int64()), "column": _TEXT, "reason": _TEXT, "kind": _TEXT, "value": _TEXT}
)
VALUE_LENGTH: Final = 200
"""Characters of an offending value that are kept; the payload has all of it."""
NEW_FIELDS: Final = 1000
"""Distinct unknown keys that are counted by name; further ones are counted together."""
OTHER_FIELDS: Final = "(further new fields)"


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that was set aside: `column` is the target whose expression failed, None where the row is malformed."""

    row: int
    column: str | None
    reason: str
    """Why, for a person; may quote the value, cut short."""
    kind: str
    """The same without the row's own value: what rows are grouped by."""
    value: str | None
    """The token that did not fit, cut to VALUE_LENGTH characters."""


@dataclass(slots=True)
class Tally:
    """Counts of rows: of one batch, or of all of them. Fields are the source's, by name."""

    rows_read: int = 0
    refused: int = 0
    malformed: int = 0
    gone: int = 0
    """Tombstones."""
    missing: Counter[str] = field(default_factory=Counter)
    contract_failures: Counter[str] = field(default_factory=Counter)
    new_fields: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    """Of the malformed: rows of typed files in which the field has a value of another type."""
    told: dict[str, Told] = field(default_factory=dict)
    """File → what the task that brought it here from elsewhere tells of it."""

    def add_new(self, counts: Mapping[str, int]) -> None:
        for name, rows in counts.items():
            known = name in self.new_fields or len(self.new_fields) < NEW_FIELDS
            self.new_fields[name if known else OTHER_FIELDS] += rows

    def add(self, other: "Tally") -> None:
        self.rows_read += other.rows_read
        self.refused += other.refused
        self.malformed += other.malformed
        self.gone += other.gone
        self.missing.update(other.missing)
        self.contract_failures.update(other.contract_failures)
        self.unfit.update(other.unfit)
        self.add_new(other.new_fields)
        self.told |= other.told


class RefusedRows:
    """The refused rows, on disk: countable and iterable any number of times once the pass is over."""

    def __init__(self, temp: Path) -> None:
        self._temp = temp
        self._file: IOBase | None = None
        self._writer: Any = None
        self._ended = False
        self.reasons: Counter[tuple[str | None, str]] = Counter()
        """(column, kind of reason) → rows."""

    def __len__(self) -> int:
        return self.reasons.total()

    def __iter__(self) -> Iterator[Refused]:
        for batch in self.batches():
            yield from (Refused(**row) for row in batch.to_pylist())

    def rows(self) -> NDArray[np.int64]:
        """The refused rows' numbers, sorted: what `payloads` takes. 8 bytes a row."""
        parts = [batch.column("row").to_numpy() for batch in self.batches()]
        found = np.concatenate(parts) if parts else np.empty(0, np.int64)
        found.sort()
        return cast("NDArray[np.int64]", found)

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep rows of schema REFUSED."""
        if not batch.num_rows:
            return
        if self._writer is None:
            self._temp.mkdir(parents=True, exist_ok=True)
            self._file = cast(IOBase, TemporaryFile(dir=self._temp))  # noqa: SIM115  (lives as long as the rows)
            weakref.finalize(self, self._file.close)
            self._writer = pa.ipc.new_stream(self._file, REFUSED)
        self._writer.write_batch(batch)
        pairs = pa.table({"column": batch.column("column"), "kind": batch.column("kind")})
        for pair in pairs.group_by(["column", "kind"]).aggregate([([], "count_all")]).to_pylist():
            self.reasons[pair["column"], pair["kind"]] += pair["count_all"]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of schema REFUSED."""
        if self._file is None:
            return
        if not self._ended:
            self._writer.close()  # the end mark; writing is over once someone reads
            self._ended = True
        self._file.seek(0)
        yield from pa.ipc.open_stream(pa.PythonFile(self._file, mode="r"))


class Scan:
    """Filled while an evaluation's reader is consumed. rows_read = good rows + refused rows, always.

    `temp`: the folder in which refused rows are kept until the scan is dropped. Past `limit` rows no further batch of
    them is read: what is looked at is a sample.
    """

    def __init__(self, temp: Path, limit: int | None = None, keys: Sequence[str] = ()) -> None:
        self.limit = limit
        self.keys = tuple(keys)
        """Target columns whose values are kept of the refused rows that have them all."""
        self._refused_keys: list[pa.RecordBatch] = []
        self.batches: dict[str, Tally] = {}
        """Batch id → what was counted in it: drift is judged batch by batch."""
        self.refused = RefusedRows(temp)
        self._lock = threading.Lock()

    @property
    def total(self) -> Tally:
        """The counts of all batches together."""
        total = Tally()
        for tally in self.batches.values():
            total.add(tally)
        return total

    @property
    def rows_read(self) -> int:
        return sum(tally.rows_read for tally in self.batches.values())

    def keep_keys(self, rows: pa.RecordBatch) -> None:
        """Keep the keys of refused rows."""
        with self._lock:
            self._refused_keys.append(rows)

    @property
    def refused_keys(self) -> pa.Table | None:
        """The keys of the refused rows, by the target columns' names and in their types; None where there are none."""
        return pa.Table.from_batches(self._refused_keys) if self._refused_keys else None

    @property
    def enough(self) -> bool:
        return self.limit is not None and self.rows_read >= self.limit

    @property
    def malformed(self) -> int:
        return sum(tally.malformed for tally in self.batches.values())

    @property
    def missing(self) -> Counter[str]:
        return self.total.missing

    @property
    def contract_failures(self) -> Counter[str]:
        return self.total.contract_failures

    @property
    def new_fields(self) -> Counter[str]:
        return self.total.new_fields

    def count(self, batch: str, tally: Tally) -> None:
        """Add to a batch's counts; safe from any thread."""
        with self._lock:
            self.batches.setdefault(batch, Tally()).add(tally)

    def refuse(self, batch: str, rows: pa.RecordBatch, *, malformed: bool) -> None:
        """Keep and count rows of schema REFUSED; safe from any thread. They count as read where they are malformed."""
        with self._lock:
            tally = self.batches.setdefault(batch, Tally())
            tally.refused += rows.num_rows
            if malformed:
                tally.malformed += rows.num_rows
                tally.rows_read += rows.num_rows
            self.refused.append(rows)


def malformed(row: int, reason: str, value: str | None = None) -> Refused:
    """A row that is no record at all."""
    return Refused(row, None, reason, reason, value)


def refused_batch(rows: list[Refused]) -> pa.RecordBatch:
    """Rows as a batch of schema REFUSED; values are cut to VALUE_LENGTH characters."""
    return pa.record_batch(
        [
            pa.array([one.row for one in rows], pa.int64()),
            pa.array([one.column for one in rows], pa.string()),
            pa.array([one.reason for one in rows], pa.string()),
            pa.array([one.kind for one in rows], pa.string()),
            pc.utf8_slice_codeunits(pa.array([one.value for one in rows], pa.string()), 0, VALUE_LENGTH),
        ],
        schema=REFUSED,
    )
