"""Spark gives what DuckDB gives: all cases of tests/conformance/, and random expressions over random rows."""

import hashlib
import hmac
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from octo_core.expressions import (
    SPARK_VARIABLES,
    TABLE,
    ExpressionError,
    Node,
    parse,
    paths,
    pseudonym_pads,
    to_spark,
)
from octo_core.expressions.tree import renamed
from tests.expressions.both_engines import Outcome, differences, on_duckdb, on_spark
from tests.expressions.running import field, schema
from tests.expressions.test_conformance import ALL
from tests.expressions.test_conformance import Case as Written
from tests.expressions.typed_expressions import FIELDS, ROWS, TEMPLATES, expression, row

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AT_ONCE = 90
"""Cases of one SELECT: Spark's analysis of one is the most of what a case costs."""
RUNNABLE = [(place, found.values[0]) for place, found in enumerate(ALL) if found.values[0].kind != "??"]


def moved(node: Node, prefix: str) -> Node:
    """The same expression over fields whose names begin with a prefix, so that many cases have room in one row."""
    return renamed(node, {path: prefix + path for path in paths(node)})


@pytest.fixture(scope="module")
def outcomes(spark: "SparkSession") -> dict[int, tuple[Outcome, str]]:
    """What Spark makes of every case, and its type."""
    found = {}
    for start in range(0, len(RUNNABLE), AT_ONCE):
        columns: dict[str, Node] = {}
        tokens: dict[str, pa.Array] = {"_row": pa.array([0])}
        for place, case in RUNNABLE[start : start + AT_ONCE]:
            node = parse(case.expression, schema(*case.fields))
            columns[str(place)] = moved(node, f"{place} ")
            for name in paths(node):
                tokens[f"{place} {name}"] = pa.array([case.tokens[name]], pa.string())
        done = on_spark(spark, columns, pa.table(tokens))
        found.update({int(name): (done[name][0], str(node.type)) for name, node in columns.items()})
    return found


@pytest.mark.parametrize(("place", "case"), [pytest.param(place, case, id=ALL[place].id) for place, case in RUNNABLE])
def test_the_case_holds_on_spark(place: int, case: Written, outcomes: dict[int, tuple[Outcome, str]]) -> None:
    (text, reason), kind = outcomes[place]
    if case.kind == "!!":
        assert reason == case.expected
    else:
        assert reason is None
        shown = "NULL" if text is None else text
        assert case.expected in (shown, f"{shown} : {kind}")


def test_every_function_has_a_rendering_for_both_engines() -> None:
    for name, function in TABLE.items():
        assert (function.duckdb is None) == (function.spark is None), name
        if function.duckdb is not None and function.spark is not None:
            assert (function.duckdb.fails is None) == (function.spark.fails is None), name


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as found:
        found.execute("SET VARIABLE octopipe_load_time = TIMESTAMPTZ '2026-11-21 10:00:00+00'")
        found.execute("SET VARIABLE octopipe_load_id = '7c1e'")
        yield found


@settings(
    max_examples=1, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32))
def test_random_expressions_over_random_rows_give_the_same_on_both_engines(
    seed: int, spark: "SparkSession", connection: duckdb.DuckDBPyConnection
) -> None:
    random = Random(seed)
    rows = [row(random) for _ in range(100)]
    columns: dict[str, Node] = {}
    words: dict[str, str] = {}
    kinds = [*TEMPLATES] * 4
    for place, kind in enumerate(kinds):
        text = expression(random, kind, depth=2)
        try:
            columns[f"c{place}"] = parse(text, ROWS)
        except ExpressionError:
            continue
        words[f"c{place}"] = text
    table = pa.table(
        {"_row": pa.array(range(len(rows))), **{name: pa.array([one[name] for one in rows]) for name in FIELDS}}
    )
    found = differences(words, rows, on_duckdb(connection, columns, table), on_spark(spark, columns, table))
    assert not found, f"seed {seed}: {found[:3]}"


def test_letters_are_the_same_on_both_engines(spark: "SparkSession", connection: duckdb.DuckDBPyConnection) -> None:
    rows = schema(field("t", "text"))
    columns = {name: parse(text, rows) for name, text in {"l": "lower(t)", "u": "upper(t)", "w": "initcap(t)"}.items()}
    codes = [code for code in range(1, 0x20000) if not 0xD800 <= code <= 0xDFFF]
    texts = [f"ab{chr(code)}Cd" for code in codes]
    table = pa.table({"_row": pa.array(range(len(codes))), "t": pa.array(texts)})
    duck, other = on_duckdb(connection, columns, table), on_spark(spark, columns, table)
    for name in columns:
        assert [texts[at] for at, pair in enumerate(duck[name]) if pair != other[name][at]] == []


def test_a_natively_typed_column_gives_the_same_on_both_engines(
    spark: "SparkSession", connection: duckdb.DuckDBPyConnection
) -> None:
    import datetime as dt
    from decimal import Decimal

    types = {
        "f": "float64", "d": "decimal(10,2)", "n": "list<decimal(6,2)>", "day": "date", "z": "timestamptz",
        "rec": "record{a: int32, b: record{c: decimal(4,2), d: text}, e: list<text>}",
    }  # fmt: skip
    rows = schema(*(field(name, kind, carrier="typed") for name, kind in types.items()))
    texts = [
        "f + 1", "f = f", "f < 0", "cast(f as text)", "sign(f)", "floor(f)",
        "cast(f as decimal(10,2))", "cast(f as bigint)",
        "cast(n as text)", "cast(n as json)", "cast(rec as json)", "cast(z as text)", "d / f", "least(f, 0.0)", "-f",
    ]  # fmt: skip
    columns = {f"c{place}": parse(text, rows) for place, text in enumerate(texts)}
    record = {"a": 1, "b": {"c": Decimal("1.10"), "d": 'x"\n'}, "e": ["é", None]}
    zone = dt.UTC
    table = pa.table(
        {
            "_row": pa.array(range(5)),
            "f": pa.array([float("nan"), float("inf"), -0.0, 2.675, None]),
            "d": pa.array(
                [Decimal("1.10"), Decimal("-0.05"), None, Decimal("99.00"), Decimal(0)], pa.decimal128(10, 2)
            ),
            "n": pa.array([[Decimal("1.10")], [], None, [None], [Decimal(0)]], pa.list_(pa.decimal128(6, 2))),
            "day": pa.array([dt.date(2013, 1, 31), None, dt.date(1, 1, 1), dt.date(9999, 12, 31), None]),
            "z": pa.array([dt.datetime(2013, 1, 31, 5, 17, 0, 500, zone)] * 4 + [None], pa.timestamp("us", "UTC")),
            "rec": pa.array(
                [record, None, {"a": None, "b": None, "e": []}, record, record],
                pa.struct(
                    {
                        "a": pa.int32(),
                        "b": pa.struct({"c": pa.decimal128(4, 2), "d": pa.string()}),
                        "e": pa.list_(pa.string()),
                    }
                ),
            ),
        }
    )
    words = {name: texts[int(name[1:])] for name in columns}
    shown = [{name: str(table[name][at]) for name in types} for at in range(5)]
    assert differences(words, shown, on_duckdb(connection, columns, table), on_spark(spark, columns, table)) == []


def test_pseudonyms_are_the_same_and_the_key_is_in_no_plan(spark: "SparkSession") -> None:
    key = b"a key of this project"
    own = spark.newSession()
    for name, value in (("spark.sql.ansi.enabled", "true"), ("spark.sql.session.timeZone", "UTC")):
        own.conf.set(name, value)
    pads = pseudonym_pads(key)
    own.createDataFrame([tuple(pads.values())], ", ".join(f"{name} BINARY" for name in pads)).createOrReplaceTempView(
        SPARK_VARIABLES
    )
    rendered = to_spark(parse("pseudonym(t)", schema(field("t", "text"))))
    found = own.sql(f"SELECT {rendered.lets[0][1]} AS value FROM (SELECT 'ana@airline.example' AS t)")
    assert found.collect()[0].value == hmac.new(key, b"ana@airline.example", hashlib.sha256).hexdigest()
    explained = own.sql(f"EXPLAIN EXTENDED SELECT {rendered.lets[0][1]} FROM (SELECT 'x' AS t)").collect()[0][0]
    for pad in pads.values():
        assert pad[:8].hex() not in explained.lower()
        assert pad[:8].decode("latin-1") not in explained
