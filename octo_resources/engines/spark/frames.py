"""A mapping over landed files as one DataFrame: read by tasks, evaluated by Spark's own expressions, parted later.

Parquet whose types Spark holds as they are is read by Spark's reader; everything else by our readers in the tasks.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pyarrow as pa

from octo_core.expressions import Node, path_parts
from octo_core.expressions.spark_names import name as identifier
from octo_core.schema import Field, SourceSchema
from octo_core.types import arrow_type
from octo_resources.engines.duckdb import Input, LoadVariables, Tally, Tombstones
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.select import ROW
from octo_resources.engines.elsewhere import Stored
from octo_resources.engines.spark import s3a
from octo_resources.engines.spark.footers import Footer, footers
from octo_resources.engines.spark.notes import NOTE
from octo_resources.engines.spark.select import Evaluation, evaluation
from octo_resources.engines.spark.settle import Settling
from octo_resources.engines.spark.splits import Marks, cut, marks_of, part_size, tasks
from octo_resources.engines.spark.tokens import Task, Wanted, part_numbers, reading, relation_of
from octo_resources.engines.spark.types import same_in_spark, spark_schema
from octo_resources.engines.spark.variables import set_variables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader, SparkSession

_PLAIN_NAME: Final = re.compile(r"/[A-Za-z0-9/._+-]+")
"""Paths without letters that Spark takes for patterns or writes otherwise in `_metadata`."""
_FEW_FILES: Final = 16
"""Files up to which a row's file is told by comparing names: that costs less than a join."""
_COUNT_HERE: Final = 512 << 20
"""Bytes whose lines the driver counts by itself, in a fraction of the second that a job takes to start."""


@dataclass(frozen=True)
class Frame:
    """The evaluated rows: targets as `!v0` …, `!row`, `!failure`, `!note`."""

    rows: "DataFrame"
    settling: Settling
    counted: dict[str, Tally]
    """What is known of the batches before a row is read: fields that whole Parquet files lack or have beside."""
    expected: dict[str, int]
    """Batch → rows that its files' footers promise, where all of them are read by Spark's reader."""


class Frames:
    """Makes frames in one session. `cores`: tasks that run at a time. `by_s3a`: Spark reads Parquet in S3 by itself."""

    def __init__(self, spark: "SparkSession", cores: int, *, by_s3a: bool = False) -> None:
        self._spark, self._cores, self._by_s3a = spark, cores, by_s3a

    def frame(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        keys: Sequence[str] = (),
        tombstones: Tombstones | None = None,
    ) -> Frame:
        """The rows of all inputs through a mapping: target column → typed expression."""
        mapping = evaluation(schema, columns, tombstones)
        set_variables(self._spark, variables)
        counted: dict[str, Tally] = {one.batch.id: Tally() for one in inputs}
        known = footers({n: one for n, one in enumerate(inputs) if self._by_spark(one)})
        natives = {n: footer for n, footer in known.items() if _native(footer, mapping, schema)}
        parts = [part for part in cut(inputs, self._cores, self.marks) if part.ordinal not in natives]
        lanes = [(form, list(group)) for form, group in groupby(parts, key=lambda part: part.input.file.format)]
        size = part_size(inputs, self._cores)
        found = [
            self._evaluated(self._tokens(group, mapping, schema, size), mapping, form == "csv")
            for form, group in (lanes or ([] if natives else [("jsonl", [])]))
        ]
        if natives:
            files = [Numbered(n, inputs[n]) for n in sorted(natives)]
            self._spark.conf.set("spark.sql.files.maxPartitionBytes", str(size))
            here = [one for one in files if one.input.elsewhere is None]
            lanes_of = (here, [one for one in files if one.input.elsewhere is not None])
            found += [
                self._evaluated(self._parquet(lane, mapping, schema), mapping, False) for lane in lanes_of if lane
            ]
            for one in files:
                _count(natives[one.ordinal], schema, counted[one.input.batch.id])
        batches = tuple(one.batch.id for one in inputs)
        ours = Counter(batches)
        theirs = Counter(batches[n] for n in natives)
        expected = {
            batch: sum(footer.rows for n, footer in natives.items() if batches[n] == batch)
            for batch, files_of in ours.items()
            if files_of == theirs[batch]
        }
        settling = Settling(
            mapping.schema, mapping.fields, batches, tuple(keys), tombstones is not None and tombstones.passed_over
        )
        return Frame(reduce(lambda a, b: a.unionAll(b), found), settling, counted, expected)

    def _evaluated(self, tokens: "DataFrame", mapping: Evaluation, delimited: bool) -> "DataFrame":
        view = f"octo_tokens_{uuid4().hex}"
        tokens.createOrReplaceTempView(view)  # it stays: by Connect a name is looked up when the query runs
        return self._spark.sql(mapping.over(view, delimited=delimited))

    # --- read by our readers in tasks --------------------------------------------------------------------------

    def _tokens(self, parts: Sequence[Numbered], mapping: Evaluation, schema: SourceSchema, size: int) -> "DataFrame":
        typed = bool(parts) and parts[0].input.file.format == "parquet"
        kinds = {path: _kind_at(schema, path) if typed else pa.string() for path in mapping.paths}
        wanted = Wanted(mapping.paths, schema, relation_of(kinds))
        numbers = self._spark.range(0, len(parts), 1, tasks(parts, size, self._cores))
        return numbers.mapInArrow(reading(parts, wanted), spark_schema(wanted.relation))

    def marks(self, parts: Sequence[Numbered]) -> Sequence[Marks]:
        """Count newlines and quotes of parts: here, or by a job where they are many."""
        spans = [part.input.span for part in parts]
        if sum(span.end - span.start for span in spans if span is not None) <= _COUNT_HERE:
            return [marks_of(part) for part in parts]
        schema = pa.schema({"part": pa.int64(), "newlines": pa.int64(), "quotes": pa.int64()})
        counting = marking(parts, schema)
        rows = self._spark.range(0, len(parts), 1, len(parts)).mapInArrow(counting, spark_schema(schema)).collect()
        return [(row.newlines, row.quotes) for row in sorted(rows, key=lambda row: int(row.part))]

    # --- read by Spark's own reader ----------------------------------------------------------------------------

    def _by_spark(self, one: Input) -> bool:
        """Whether Spark's reader finds the file, and it is the one that landed."""
        if one.file.format != "parquet" or one.origin is not None or not _PLAIN_NAME.fullmatch(_location(one)):
            return False
        if one.path.name.startswith((".", "_")):
            return False
        return one.elsewhere is None or (self._by_s3a and isinstance(one.elsewhere, Stored))

    def _reader(self, one: Input) -> "DataFrameReader":
        if not isinstance(one.elsewhere, Stored):
            return self._spark.read
        return self._spark.read.options(**s3a.options(one.elsewhere, lambda name: self._spark.conf.get(name, None)))

    def _parquet(self, files: Sequence[Numbered], mapping: Evaluation, schema: SourceSchema) -> "DataFrame":
        """Tokens of Parquet files, each row with its number: the file's place and the row's index.

        All of them lie on a disk, or all of them in S3.
        """
        from pyspark.sql import functions as fn

        fields = {path: schema.field(str(path_parts(path)[0])) for path in mapping.paths}
        kinds = pa.schema(
            {field.name: arrow_type(field.type) for field in fields.values() if field is not None}
            or {"!none": pa.string()}
        )
        reader = self._reader(files[0].input).schema(spark_schema(kinds))
        read = reader.parquet(*(_address(one.input) for one in files))
        index = fn.col("_metadata.row_index") + fn.lit(1)
        names = [one.input.path.name for one in files]
        if len(files) == 1:
            base = fn.lit(files[0].base)
        elif len(files) <= _FEW_FILES and len(set(names)) == len(names):
            file = fn.col("_metadata.file_name")
            base = fn.coalesce(*(fn.when(file == name, one.base) for name, one in zip(names, files, strict=True)))
        else:
            # A row's file is looked up as it stands, in both spellings of a URL: cutting it to a path took longer than
            # all the rest of it.
            places = [(url, one.base) for one in files for url in (_address(one.input), f"file:{one.input.path}")]
            known = self._spark.createDataFrame(places, "`!file` string, `!base` long")
            read = read.withColumn("!file", fn.col("_metadata.file_path")).withColumn("!index", index)
            read = read.join(fn.broadcast(known), "!file", "left")
            base, index = fn.col("`!base`"), fn.col("`!index`")
        tokens = [fn.col(identifier(str(path_parts(path)[0]))).alias(path) for path in mapping.paths]
        row = base.bitwiseOR(index).alias(ROW)
        return read.select(row, *tokens, fn.lit(None).cast("string").alias(NOTE))


def _location(one: Input) -> str:
    """Where Spark's reader finds the file, without what stands before its path."""
    return f"/{one.elsewhere.location.partition('://')[2]}" if isinstance(one.elsewhere, Stored) else str(one.path)


def _address(one: Input) -> str:
    """What Spark's reader is told to read.

    Without its scheme a path is one of the cluster's own file system, where Hadoop's configuration names one.
    """
    return s3a.address(one.elsewhere) if isinstance(one.elsewhere, Stored) else f"file://{one.path}"


def _count(footer: Footer, schema: SourceSchema, tally: Tally) -> None:
    """Fields that the file has not, or has beside the schema's: those of all its rows."""
    if footer.rows:
        names = footer.schema.names
        tally.missing.update({field.name: footer.rows for field in schema.fields if field.name not in names})
        tally.add_new({name: footer.rows for name in names if schema.field(name) is None})


def marking(parts: Sequence[Numbered], schema: pa.Schema) -> Task:
    """The task that counts lines and quotes of parts."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in part_numbers(batch):
                newlines, quotes = marks_of(parts[number])
                yield pa.record_batch([pa.array([n], pa.int64()) for n in (number, newlines, quotes)], schema=schema)

    return count


def _native(footer: Footer, mapping: Evaluation, schema: SourceSchema) -> bool:
    """Whether Spark's reader gives of a file what ours would."""
    there = footer.schema
    if len(set(there.names)) < len(there.names):
        return False
    for path in mapping.paths:
        parts = path_parts(path)
        field = schema.field(str(parts[0]))
        if len(parts) > 1 or field is None or field.carrier != "typed" or field.name not in there.names:
            return False
        kind = there.field(field.name).type
        if kind != arrow_type(field.type) or not same_in_spark(kind):
            return False
    return True


def _kind_at(schema: SourceSchema, path: str) -> pa.DataType:
    """The Arrow type of a path's values in typed files."""
    first, *rest = path_parts(path)
    field: Field | None = schema.field(str(first))
    # Texts are read by the expressions: what is no value of the type is a row's fault there, not a task's.
    if field is not None and not rest and field.carrier != "typed":
        return pa.string()
    for part in rest:
        field = field.child("[]" if isinstance(part, int) else part) if field is not None else None
    found = arrow_type(field.type) if field is not None else pa.string()
    return pa.time64("ns") if pa.types.is_time64(found) else found  # the one unit that Spark takes from Arrow
