"""Rows of tasks as bytes: how they come to the driver where the destination cannot take them from the tasks."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa

from octo_resources.engines.duckdb import Tally
from octo_resources.engines.spark.notes import counted_as, counts_told
from octo_resources.engines.spark.settle import Settled, Settling
from octo_resources.engines.spark.tokens import Task

_COLUMNS: Final[dict[str, pa.DataType]] = {"kind": pa.string(), "data": pa.binary()}
PACKED: Final = pa.schema(_COLUMNS)
_BYTES: Final = 4 << 20


def packing(settling: Settling) -> Task:
    """The task that parts evaluated rows: packs of good rows, of refused ones, of keys, and the counts last."""

    def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with TemporaryDirectory(prefix="octopipe-part-") as folder:
            settled = Settled(settling, Path(folder))
            for data in _packs(settled.good(batches)):
                yield packed("rows", data)
            if settled.notes.error is not None:
                yield packed("error", json.dumps(settled.notes.error).encode())
                return
            for data in _packs(refused_batches(settled)):
                yield packed("refused", data)
            if (keys := settled.scan.refused_keys) is not None:
                yield packed("keys", packed_rows(keys.schema, keys.to_batches()))
            yield packed("counts", counts_text(settled.tallies).encode())

    return pack


def packed(kind: str, data: bytes) -> pa.RecordBatch:
    return pa.record_batch([pa.array([kind], pa.string()), pa.array([data], pa.binary())], schema=PACKED)


def packed_rows(schema: pa.Schema, batches: list[pa.RecordBatch]) -> bytes:
    """Batches as Arrow's stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def unpacked(data: bytes) -> Iterator[pa.RecordBatch]:
    """The batches of a pack."""
    yield from pa.ipc.open_stream(data)


def refused_batches(settled: Settled) -> Iterator[pa.RecordBatch]:
    """What a task refused, schema REFUSED; malformed rows have no column."""
    yield from settled.scan.refused.batches()


def counts_text(tallies: dict[str, Tally]) -> str:
    """Counts by batch as text."""
    return json.dumps(
        {
            batch: {"rows_read": tally.rows_read, "gone": tally.gone, **counts_told(tally)}
            for batch, tally in tallies.items()
        }
    )


def counts_of(text: str) -> dict[str, Tally]:
    """The inverse of counts_text."""
    found: dict[str, dict[str, Any]] = json.loads(text)
    counts = {batch: counted_as(one) for batch, one in found.items()}
    for batch, one in found.items():
        counts[batch].rows_read, counts[batch].gone = one["rows_read"], one["gone"]
    return counts


def _packs(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= _BYTES:
            yield packed_rows(batch.schema, waiting)
            waiting, size = [], 0
    if waiting:
        yield packed_rows(waiting[0].schema, waiting)
