"""Lays expressions over the same rows on DuckDB and on Spark, and says where their texts or reasons differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from pyspark.sql import SparkSession

from octo_core.expressions import Node, select_duckdb, select_spark, to_duckdb, to_spark
from octo_core.expressions.duckdb_convert import CONVERTING

VIEW = "octopipe_rows"
Outcome = tuple[str | None, str | None]
"""The value's one text (None for NULL, or for a row that fails), and the reason."""
Outcomes = dict[str, list[Outcome]]


@dataclass(frozen=True)
class Difference:
    """What the engines made of one row by one expression: the value's text and the reason."""

    expression: str
    row: Mapping[str, object]
    duckdb: Outcome
    spark: Outcome


def on_duckdb(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Node], rows: pa.Table) -> Outcomes:
    """Name → text and reason of each row. `rows` has `_row` and a column per path."""
    rendered = {name: to_duckdb(node) for name, node in columns.items()}
    connection.register(VIEW, rows)
    found = connection.sql(select_duckdb(rendered, VIEW, keep=["_row"])).to_arrow_table()
    return _outcomes(found, columns)


def on_spark(session: SparkSession, columns: Mapping[str, Node], rows: pa.Table) -> Outcomes:
    rendered = {name: to_spark(node) for name, node in columns.items()}
    session.createDataFrame(rows).createOrReplaceTempView(VIEW)
    return _outcomes(session.sql(select_spark(rendered, VIEW, keep=["_row"])).toArrow(), columns)


def _outcomes(found: pa.Table, columns: Mapping[str, Node]) -> Outcomes:
    shown = []
    for name, node in columns.items():
        value = f'"{name}"'
        if node.type.kind == "interval" and pa.types.is_struct(found.schema.field(name).type):
            value = f"(to_months({value}.months) + to_days({value}.days) + to_microseconds({value}.micros))"
        shown.append(
            f'CASE WHEN "{name}" IS NOT NULL THEN {CONVERTING.text_of_value(value, node.type)} END AS "{name}"'
        )
    with duckdb.connect() as own:
        own.execute("SET TimeZone = 'UTC'")
        own.register("found", found)
        texts = own.sql(f"SELECT {', '.join(shown)} FROM found ORDER BY _row").to_arrow_table()
    ordered = found.sort_by("_row")
    return {name: _pairs(name, texts, ordered) for name in columns}


def _pairs(name: str, texts: pa.Table, found: pa.Table) -> list[Outcome]:
    reasons = found.column(name + "!").to_pylist() if name + "!" in found.column_names else [None] * found.num_rows
    # A reason takes the value away: what a row that fails has there is nobody's business.
    pairs = zip(texts.column(name).to_pylist(), reasons, strict=True)
    return [(None, reason) if reason is not None else (text, None) for text, reason in pairs]


def differences(
    words: Mapping[str, str], rows: Sequence[Mapping[str, object]], duck: Outcomes, spark: Outcomes
) -> list[Difference]:
    return [
        Difference(text, row, one, two)
        for name, text in words.items()
        for row, one, two in zip(rows, duck[name], spark[name], strict=True)
        if one != two
    ]
