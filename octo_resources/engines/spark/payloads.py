"""Original texts of refused rows: read here where files lie here, by tasks where only tasks bring them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_core.errors import OctopipeError
from octo_resources.engines.duckdb import Input, split_row
from octo_resources.engines.duckdb.inputs import Numbered, row_of
from octo_resources.engines.duckdb.payloads import payloads
from octo_resources.engines.elsewhere import Told, brought, require_same
from octo_resources.engines.spark import notes
from octo_resources.engines.spark.splits import lightened
from octo_resources.engines.spark.tokens import Task, part_numbers
from octo_resources.engines.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_COLUMNS: Final[dict[str, pa.DataType]] = {"row": pa.int64(), "text": pa.string(), "error": pa.string()}
_FOUND: Final = pa.schema(_COLUMNS)
_AT_ONCE: Final = 500
"""Rows of one Arrow batch on their way back."""

Wanted = tuple[Numbered, list[int], Told | None]
"""A file, the numbers in it of the rows that are wanted, and what was told of it when it was read."""


def payloads_of(
    spark: Callable[[], "SparkSession"],
    inputs: Sequence[Input],
    rows: "NDArray[np.int64]",
    told: Mapping[tuple[str, str], Told],
) -> Iterator[tuple[int, str]]:
    """(row, original text) of sorted row numbers. `told`: by batch and file. SourceError where rows are others now."""
    every = groupby(rows.tolist(), key=lambda row: split_row(row)[0])
    for afar, files in groupby(
        ((ordinal, list(found)) for ordinal, found in every), key=lambda one: inputs[one[0]].elsewhere is not None
    ):
        if not afar:
            for _, numbers in files:
                yield from payloads(inputs, np.array(numbers, np.int64))
            continue
        wanted: list[Wanted] = []
        for ordinal, found in files:
            one = inputs[ordinal]
            numbers = [split_row(row)[1] for row in found]
            wanted.append((Numbered(ordinal, lightened(one)), numbers, told.get((one.batch.id, one.file.path))))
        yield from _by_tasks(spark(), wanted)


def _by_tasks(spark: "SparkSession", wanted: Sequence[Wanted]) -> Iterator[tuple[int, str]]:
    import json

    found = spark.range(0, len(wanted), 1, len(wanted)).mapInArrow(finding(wanted), spark_schema(_FOUND))
    for row in found.toLocalIterator(prefetchPartitions=True):
        if row.error is not None:
            raise notes.error_of(json.loads(row.error))
        yield int(row.row), str(row.text)


def finding(wanted: Sequence[Wanted]) -> Task:
    """The task that brings files again and gives the texts of some of their rows."""

    def find(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in part_numbers(batch):
                try:
                    yield from _found(*wanted[place])
                except OctopipeError as error:
                    yield pa.RecordBatch.from_pylist([{"error": notes.error_text(error)}], schema=_FOUND)

    return find


def _found(part: Numbered, numbers: list[int], told: Told | None) -> Iterator[pa.RecordBatch]:
    with TemporaryDirectory(prefix="octopipe-part-") as folder:
        files, now = brought(part, Path(folder))
        if now is not None:
            require_same(f"{part.input.batch.source}: {part.input.file.path}", now, told)
        waiting: list[dict[str, object]] = []
        for number, text in _texts(files, numbers):
            waiting.append({"row": row_of(part.ordinal, number), "text": text})
            if len(waiting) >= _AT_ONCE:
                yield pa.RecordBatch.from_pylist(waiting, schema=_FOUND)
                waiting = []
        yield pa.RecordBatch.from_pylist(waiting, schema=_FOUND)


def _texts(files: Sequence[Numbered], numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    """(number in the whole, text) of some rows of the files that it is made of."""
    firsts = [one.input.first for one in files]
    for place, one in enumerate(files):
        end = firsts[place + 1] if place + 1 < len(files) else None
        own = [n - firsts[place] + 1 for n in numbers if n >= firsts[place] and (end is None or n < end)]
        if own:
            wanted = np.array([row_of(0, n) for n in own], np.int64)
            for row, text in payloads([one.input], wanted):
                yield split_row(row)[1] + firsts[place] - 1, text
