"""What a mapping would do to real rows: counts a column, rows that would be refused and why, samples, repeated keys."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from octo_core.expressions import path_parts
from octo_resources.engines.cases import canonical_path
from octo_resources.engines.duckdb.distinct import Distinct, Hashes, Repeats
from octo_resources.engines.duckdb.inputs import Input, landed_row, split_row
from octo_resources.engines.duckdb.scan import Refused, Scan
from octo_resources.engines.duckdb.select import FAILURE, GONE, Evaluation

PAYLOAD_SHOWN: Final = 500
"""Characters of a malformed row's text that a preview carries."""


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Of one target column. Nulls and distinct values are of the rows that would be loaded, failures of all rows."""

    nulls: int
    distinct: int
    distinct_exact: bool
    failures: int
    truncated: int
    """Failures because the value is longer than the column: nothing is ever cut."""


@dataclass(frozen=True, slots=True)
class PreviewSample:
    """One row: the tokens of the fields that the mapping reads, and what the targets would get."""

    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PreviewReason:
    """Rows that would be refused for one reason; `reason`, `first_row` (in its file) and `row` are of the first one."""

    column: str | None
    reason: str
    kind: str
    """The reason without the row's own value."""
    rows: int
    first_row: int
    row: dict[str, Any]
    """Tokens of the fields that the mapping reads; empty where the row is malformed."""
    payload: str | None = None
    """The start of the original text of a malformed row: it may hold anything, also what is personal."""
    quotes: bool = False
    """Whether the reason may quote values of other columns: never the engine's own."""


@dataclass(frozen=True, slots=True)
class Preview:
    """All rows at a glance; `scan` has the counts that drift is judged by."""

    rows: int
    refused: int
    columns: dict[str, ColumnCounts]
    samples: tuple[PreviewSample, ...]
    reasons: tuple[PreviewReason, ...]
    """The most frequent first."""
    key_collisions: int
    """Rows to be loaded whose key an earlier one has; rows with a NULL in the key are not compared."""
    scan: Scan


@dataclass(slots=True)
class _First:
    row: int
    reason: str
    tokens: dict[str, Any]
    malformed: bool


class Previewing:
    """Takes evaluated batches with detail, one after the other."""

    def __init__(self, evaluation: Evaluation, key: Sequence[str], sample_rows: int, reasons: int, temp: Path) -> None:
        self._evaluation, self._most, self._sample_rows = evaluation, reasons, sample_rows
        self._names = list(evaluation.types)
        self._key = [self._names.index(column) for column in key]
        self._repeats = Repeats(temp) if key else None
        self._nulls = [0] * len(self._names)
        self._failures = [0] * len(self._names)
        self._truncated = [0] * len(self._names)
        self._distinct = [Distinct() for _ in self._names]
        self._samples: list[PreviewSample] = []
        self._first: dict[tuple[str | None, str], _First] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        for place in range(len(self._names)):
            failed = batch.column(f"!r{place}")
            self._failures[place] += len(failed) - failed.null_count
            if failed.null_count != len(failed):
                longer = pc.match_substring(failed, " is longer than ")
                self._truncated[place] += longer.true_count
        failures = batch.column("!failure")
        if failures.null_count != len(failures):
            self._add_refused(batch.filter(failures.is_valid()))
        self._add_good(batch.filter(failures.is_null()))

    def _add_good(self, good: pa.RecordBatch) -> None:
        if self._evaluation.tombstones is not None:
            good = good.filter(pc.invert(good.column(GONE)))
        for place, distinct in enumerate(self._distinct):
            values = good.column(f"!v{place}")
            self._nulls[place] += values.null_count
            hashes = good.column(f"!h{place}")
            distinct.add(_numpy(hashes.filter(values.is_valid()) if values.null_count else hashes))
        if self._repeats is not None:
            self._repeats.add(self._key_hashes(good))
        for row in good.slice(0, self._sample_rows - len(self._samples)).to_pylist():
            after = {name: row[f"!v{place}"] for place, name in enumerate(self._names)}
            self._samples.append(PreviewSample(self._tokens(row), after))

    def _key_hashes(self, good: pa.RecordBatch) -> Hashes:
        there = np.ones(good.num_rows, bool)
        mixed = np.zeros(good.num_rows, np.uint64)
        for place in self._key:
            there &= good.column(f"!v{place}").is_valid().to_numpy(zero_copy_only=False)
            mixed = (mixed ^ _numpy(good.column(f"!h{place}"))) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        return mixed[there]

    def _add_refused(self, bad: pa.RecordBatch) -> None:
        column, reason, kind, _ = (pc.list_element(bad.column("!failure"), place) for place in range(len(FAILURE)))
        pairs = pa.table({"column": column, "kind": kind, "at": np.arange(bad.num_rows)})
        for found in pairs.group_by(["column", "kind"]).aggregate([("at", "min")]).to_pylist():
            name = (found["column"], found["kind"])
            if name not in self._first and len(self._first) < 10 * self._most:
                at = found["at_min"]
                row = bad.slice(at, 1).to_pylist()[0]
                self._first[name] = _First(row["!row"], reason[at].as_py(), self._tokens(row), malformed=False)

    def _tokens(self, row: dict[str, Any]) -> dict[str, Any]:
        return {canonical_path(path): row[f"!p{place}"] for place, path in enumerate(self._evaluation.paths)}

    def malformed(self, refused: Iterable[Refused]) -> None:
        """The first malformed row for each reason, once the pass is over."""
        for one in refused:
            if one.column is None and (None, one.kind) not in self._first and len(self._first) < 10 * self._most:
                self._first[None, one.kind] = _First(one.row, one.reason, {}, malformed=True)

    def wanted_payloads(self) -> list[int]:
        return sorted(first.row for first in self._first.values() if first.malformed)

    def done(self, scan: Scan, inputs: Sequence[Input], payloads: dict[int, str]) -> Preview:
        """The whole preview over `inputs`; `payloads` are the texts of `wanted_payloads`."""
        columns = {
            name: ColumnCounts(
                self._nulls[place],
                self._distinct[place].count,
                self._distinct[place].exact,
                self._failures[place],
                self._truncated[place],
            )
            for place, name in enumerate(self._names)
        }
        reasons = [
            PreviewReason(
                column,
                first.reason,
                kind,
                rows,
                landed_row(inputs, first.row),
                first.tokens or self._typed_tokens(inputs, first.row, payloads.get(first.row)),
                _cut(payloads.get(first.row)),
            )
            for (column, kind), rows in scan.refused.reasons.most_common(self._most)
            if (first := self._first.get((column, kind))) is not None
        ]
        return Preview(
            rows=scan.rows_read,
            refused=len(scan.refused),
            columns=columns,
            samples=tuple(self._samples),
            reasons=tuple(reasons),
            key_collisions=self._repeats.count() if self._repeats is not None else 0,
            scan=scan,
        )

    def _typed_tokens(self, inputs: Sequence[Input], row: int, payload: str | None) -> dict[str, Any]:
        """Of a typed row that was refused as it was read: what its file has in the fields that the mapping reads."""
        if payload is None or inputs[split_row(row)[0]].file.format != "parquet":
            return {}
        wanted = {str(path_parts(path)[0]) for path in self._evaluation.paths}
        return {name: value for name, value in json.loads(payload).items() if name in wanted}


def _cut(payload: str | None) -> str | None:
    return payload[:PAYLOAD_SHOWN] if payload is not None else None


def _numpy(hashes: "pa.Array[Any]") -> Hashes:
    found: Hashes = hashes.to_numpy(zero_copy_only=False).astype(np.uint64, copy=False)
    return found
