"""Files that are made of landed ones before a mapping is laid over them, by tasks: each makes one of a part of a file.

They go to a folder that the driver and all machines of the cluster see at one path, as what landed does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from octo_core.batch import LandedFile
from octo_core.errors import OctopipeError
from octo_resources.engines.duckdb import Input, Tally
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.shapes.made import Made, Maker, made_of
from octo_resources.engines.spark import notes
from octo_resources.engines.spark.packing import counts_of, counts_text
from octo_resources.engines.spark.tokens import Task, part_numbers
from octo_resources.engines.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_COLUMNS: Final[dict[str, pa.DataType]] = {"part": pa.int64(), "told": pa.string(), "error": pa.string()}
_TOLD: Final = pa.schema(_COLUMNS)


def make(
    spark: "SparkSession", parts: Sequence[Numbered], inputs: Sequence[Input], maker: Maker, folder: Path
) -> tuple[Made, dict[str, Tally]]:
    """The files of all parts in their order, with what was counted. LandingError where a file cannot be read."""
    made, tallies = Made(), dict[str, Tally]()
    if not parts:
        return made, tallies
    task = making(parts, maker, folder)
    rows = spark.range(0, len(parts), 1, len(parts)).mapInArrow(task, spark_schema(_TOLD)).collect()
    for row in sorted(rows, key=lambda row: int(row.part)):
        if row.error is not None:
            raise notes.error_of(json.loads(row.error))
        told = json.loads(row.told)
        made.inputs.append(_input(inputs[parts[row.part].ordinal], told))
        made.rows_in += told["rows_in"]
        made.rows_out += told["rows_out"]
        for batch, tally in counts_of(told["counts"]).items():
            tally.malformed = told["malformed"]
            tallies.setdefault(batch, Tally()).add(tally)
    return made, tallies


def _input(landed: Input, told: Mapping[str, Any]) -> Input:
    file = LandedFile.model_validate(told["file"])
    return made_of(landed, file, np.array(told["refused"], np.int64), tuple(told["reasons"]))


def making(parts: Sequence[Numbered], maker: Maker, folder: Path) -> Task:
    """The task that makes files of parts, in a folder of its attempt's own."""

    def make_parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None  # it runs in a task
        for batch in batches:
            for number in part_numbers(batch):
                own = folder / f"{number}-{context.taskAttemptId()}"
                own.mkdir(parents=True)
                try:
                    told, error = _made(maker, parts[number], own), None
                except OctopipeError as problem:
                    if problem.retryable:
                        raise
                    told, error = None, notes.error_text(problem)
                yield pa.RecordBatch.from_pylist([{"part": number, "told": told, "error": error}], schema=_TOLD)

    return make_parts


def _made(maker: Maker, part: Numbered, folder: Path) -> str:
    """Make one file; what the driver has to know of it, as text."""
    made, tallies = maker.make([part.input], folder)
    (found,) = made.inputs
    assert found.origin is not None
    told = {
        "file": found.file.model_dump(mode="json"),
        "refused": found.origin.refused.tolist(),
        "reasons": found.origin.reasons,
        "rows_in": made.rows_in,
        "rows_out": made.rows_out,
        "counts": counts_text(tallies),
        "malformed": sum(tally.malformed for tally in tallies.values()),
    }
    return json.dumps(told)
