"""Nasty files are read on Spark as on the embedded engine: rows, refusals, reasons and counts, whatever the format."""

import io
import json
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from octo_core.expressions import parse
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import Tombstones
from octo_resources.engines.duckdb.shapes.each import ElementMaker
from octo_resources.engines.duckdb.shapes.made import Maker, PlainMaker
from octo_resources.engines.protocol import Engine
from octo_resources.engines.spark import SparkEngine, frames, splits
from tests.engine.landed import VARIABLES, Land, schema
from tests.engine.test_agreement import CARRIERS, FIELDS, made_up

BROKEN = (
    b'{"id": 1, "flag": "\xff"}\n[1]\n\n{"id": 2,}\n{"id": 3, "id": 4}\n{"id": "\\u0000"}\n{"id": NaN}\n'
    b'{"id": 7, "amount": 1.10}\n'
)


@pytest.fixture
def land(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Land:
    """Files of a few kilobytes are cut into parts already."""
    monkeypatch.setattr(splits, "SMALLEST", 60_000)
    return Land(tmp_path)


def outcome(
    engine: Engine, land: Land, fields: SourceSchema, columns: Mapping[str, str], gone: Tombstones | None = None
) -> dict[str, Any]:
    nodes = {name: parse(text, fields) for name, text in columns.items()}
    scan = engine.scan(keys=list(columns)[:1])
    table = engine.evaluate(land.inputs, fields, nodes, VARIABLES, scan, gone).read_all()
    keys = scan.refused_keys
    return {
        "types": table.schema,
        "rows": [repr(row) for row in sorted(table.to_pylist(), key=lambda row: int(row["_row"]))],  # NaN is no NaN
        "refused": sorted(scan.refused, key=lambda one: one.row),
        "reasons": scan.refused.reasons,
        "counts": scan.batches,
        "keys": sorted(map(str, keys.to_pylist())) if keys is not None else [],
    }


def same(
    spark: SparkEngine, land: Land, fields: SourceSchema, columns: Mapping[str, str], gone: Tombstones | None = None
) -> dict[str, Any]:
    """What both engines give, once it is known to be the same."""
    wanted = outcome(land.engine, land, fields, columns, gone)
    assert outcome(spark, land, fields, columns, gone) == wanted
    return wanted


def test_lines_of_json(land: Land, spark: SparkEngine) -> None:
    for seed in range(2):
        land.add("\n".join(made_up(random.Random(seed), 1200)), batch=f"b{seed}")
    land.add(BROKEN, batch="b1").add(BROKEN, batch="b2", compression="gzip")
    land.add(b"\xef\xbb\xbf" + BROKEN, batch="b2", compression="zstd")
    fields = schema(FIELDS | {"amount": "decimal(9,2)"}, CARRIERS)
    columns = {
        "a": "cast(id as text)",
        "b": '"customer name"',
        "c": "amount",
        "d": "flag",
        "r": "json_value(r, 'a')",
        "l": "l",
    }
    found = same(spark, land, fields, columns)
    assert len(found["rows"]) > 800
    assert len(found["refused"]) > 800


def test_texts_that_hold_json_and_lists_where_records_were(land: Land, spark: SparkEngine) -> None:
    fields = schema(
        {"l": "list<record{x: int64}>", "r": "record{n: int64}", "t": "list<text>"},
        {"l": "array", "r": "object", "t": "array"},
    )
    texts = ["[1]", '["a"]', '{"n": 1}', "[x", "{x", "[1] ", "[1] 2", "[NaN]", "[1,]", "{}", "x", "", "[[[[[1]]]]]"]
    values = [*texts, "{} {", [], [1], [[1]], {}, {"n": 1}, {"n": []}, 5, None]
    land.add("".join(json.dumps({name: value}) + "\n" for value in values for name in ("l", "r", "t")))
    found = same(spark, land, fields, {"l": "l", "r": "cast(r as json)", "t": "cast(t as json)"})
    assert len(found["rows"]) + len(found["refused"]) == 3 * len(values)
    found = same(spark, land, fields, {"n": "r.n", "t": "t"})
    assert len(found["rows"]) > 30


def test_fields_that_differ_only_in_case(land: Land, spark: SparkEngine) -> None:
    land.add("".join(f'{{"id": "x{n}", "ID": {n}, "r": {{"K": 1, "k": {n}}}}}\n' for n in range(50)))
    land.add(written(3, ID=pa.array([1, 2, 3]), id=pa.array(["a", "b", "c"])), "parquet", batch="b1")
    lines = schema({"id": "text", "ID": "int64", "r": "record{K: int64, k: int64}"}, {"r": "object"})
    typed = schema({"id": "text", "ID": "int64"}, {"id": "typed", "ID": "typed"})
    texts = {"a": "id", "b": '"ID"', "c": 'r."K" + r.k'}
    both, inputs = [], land.inputs
    for fields, files in ((lines, inputs[:1]), (typed, inputs[1:])):
        land.inputs = files
        both += same(spark, land, fields, texts if fields is lines else {"a": "id", "b": '"ID"'})["rows"]
    assert "{'a': 'x7', 'b': 7, 'c': 8, '_row': 8}" in both
    assert "'a': 'c', 'b': 3" in both[-1]


GONE = """{"id": 1, "name": "a", "_deleted": false}
{"id": 2, "_deleted": true}
{"id": "x", "_deleted": true}
{"id": null, "name": "c", "_deleted": null}
{"id": 5, "name": "d", "odd": 1}
{"id": 6, "_deleted": false}
{"id": 7, "name": 7, "_deleted": "true"}
{"_deleted": true, "id": 8, "id": 9}
"""


@pytest.mark.parametrize("passed_over", [False, True])
def test_tombstones(land: Land, spark: SparkEngine, passed_over: bool) -> None:
    land.add(GONE)
    land.add(b"id,name,_deleted\n1,a,\n2,,true\n3,c,no\n,d,t\n", "csv", batch="b1", columns=("id", "name", "_deleted"))
    fields = schema({"id": "int64", "name": "text"})
    gone = Tombstones(frozenset({"key"}), passed_over)
    found = same(spark, land, fields, {"key": "id", "name": "upper(name)"}, gone)
    assert sum(tally.gone for tally in found["counts"].values()) == 5


def test_delimited_files(land: Land, spark: SparkEngine) -> None:
    ab = {"columns": ("a", "b")}
    many = "".join(f"{n},w{n}\n" if n % 50 else f"{n},w,3\n" for n in range(20_000))
    land.add("a,b\n" + many, "csv", **ab)
    quoted = "".join(f'{n},"x, ""y""\nz"\n' if n % 7 else f'{n},"x"y\n' for n in range(3000))
    land.add("a,b\n" + quoted, "csv", **ab)
    land.add(b"a;b\n1;\xe9\n2;\n;NA\n\nx;y\n", "csv", **ab, delimiter=";", encoding="latin-1", null=("", "NA"))
    land.add(b'said\na,b\n1,\xff\n2,q\x00\n3,"r\n4,s\n', "csv", **ab, skip=1, compression="gzip")
    fields = schema({"a": "int64", "b": "text", "c": "text"})
    found = same(spark, land, fields, {"a": "a", "b": "b"})
    assert len(found["rows"]) > 22_000
    assert len(found["refused"]) > 800


def written(rows: int, **columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, row_group_size=rows)
    return sink.getvalue()


@pytest.mark.parametrize("few", [16, 0], ids=["by-name", "joined"])
def test_parquet(land: Land, spark: SparkEngine, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_FEW_FILES", few)  # files up to which a row's file is told by its name
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    plain = {
        "i": pa.array([1, None, 3, 2_000_000], pa.int32()),
        "d": pa.array([Decimal("1.10"), None, Decimal("9.99"), Decimal("12345678901234.12")], pa.decimal128(38, 2)),
        "t": pa.array([at, None, datetime(1500, 1, 1, tzinfo=UTC), at], pa.timestamp("us", tz="UTC")),
        "n": pa.array([1_000, 2_000, -3_000, None], pa.timestamp("us")),
        "s": pa.array(["x", None, "é\\'", ""]),
        "b": pa.array([b"\x00\xff", None, b"", b"q"]),
        "f": pa.array([1.5, None, float("nan"), -0.0]),
        "day": pa.array([date(1, 1, 1), None, date(1582, 10, 10), date(9999, 12, 31)]),
        "w": pa.array([time(1, 2, 3, 4), None, time(23, 59, 59, 999999), time(0)], pa.time64("us")),
    }
    fields = schema(
        {"i": "int16", "d": "decimal(38,2)", "t": "timestamptz", "n": "timestamp", "s": "text", "b": "bytes",
         "f": "float64", "day": "date", "w": "time"},
        dict.fromkeys(plain, "typed"),
    )  # fmt: skip
    wider = schema(
        {field.name: str(field.type) for field in fields.fields} | {"i": "int32"}, dict.fromkeys(plain, "typed")
    )
    read = {name: f'"{name}"' for name in plain if name != "w"}
    for number in range(2):
        land.add(written(2, **plain), "parquet", batch=f"b{number}")
    same(spark, land, wider, read)  # Spark's own reader
    land.add(written(3, **plain | {"n": pa.array([1_001, 2_000, None, 3_000], pa.timestamp("ns"))}), "parquet")
    land.add(written(3, **{name: plain[name] for name in ("i", "t")}, extra=plain["s"]), "parquet", batch="b3")
    found = same(spark, land, fields, {name: f'"{name}"' for name in plain})  # and ours, in the tasks
    assert len(found["refused"]) == 4  # what is no int16 in each of four files


def test_parquet_beside_a_cluster_whose_own_file_system_is_another(land: Land, spark: SparkEngine) -> None:
    hadoop = spark.spark.sparkContext._jsc.hadoopConfiguration()
    usual = hadoop.get("fs.defaultFS")
    hadoop.set("fs.defaultFS", "hdfs://name.node.example:8020")  # as Hadoop's configuration files have it
    try:
        land.add(written(2, i=pa.array([1, 2, 3])), "parquet")
        assert len(same(spark, land, schema({"i": "int64"}, {"i": "typed"}), {"i": "i"})["rows"]) == 3
    finally:
        hadoop.set("fs.defaultFS", usual)


def test_texts_in_parquet_are_read_as_texts_are(land: Land, spark: SparkEngine) -> None:
    """Databases' numerics of any precision and intervals land so; what is no value of the type is its row's fault."""
    texts = {"n": ["1.5", "NaN", None, "-0.000000001"], "span": ["P-1M2DT-5M", "PT1S", "soon", None]}
    nul = pa.array(["a", "b\x00", None, "c"])
    fields = schema({"n": "decimal(38,9)", "span": "interval", "s": "text"}, {"s": "typed"})
    land.add(written(2, **{name: pa.array(values) for name, values in texts.items()}, s=nul), "parquet")
    found = same(spark, land, fields, {"n": "n", "span": "span", "s": "s"})
    assert len(found["refused"]) == 2


def made(engine: Engine, land: Land, maker: Maker, name: str) -> dict[str, Any]:
    """What was made of files: every line with where it comes from, and what was counted."""
    folder = land.folder / name
    folder.mkdir()
    found, tallies = engine.make(land.inputs, maker, folder)
    lines = []
    for one in found.inputs:
        assert one.origin is not None
        texts = one.path.read_text().splitlines()
        assert len(texts) == one.file.rows
        lines += [
            (one.batch.id, one.origin.file.path, one.origin.place(number), text, one.origin.reason(number))
            for number, text in enumerate(texts, start=1)
        ]
    return {"lines": sorted(lines, key=str), "rows": (found.rows_in, found.rows_out), "tallies": tallies}


def test_elements_of_lists_and_lines_of_any_format(land: Land, spark: SparkEngine) -> None:
    order = '{{"id": {0}, "note": "{1}", "items": [{{"sku": "a{0}"}}, 5, {{"sku": 1, "sku": 2}}, {{"sku": "\u20ac"}}]}}'
    land.add("\n".join(order.format(n, "x" * 100) if n % 9 else '{"id": 1, ' for n in range(3000)))
    land.add('{"id": 1}\n{"id": 2, "items": "none"}\n' + order.format(3, "y"), batch="b2", compression="gzip")
    fields = schema({"id": "int64", "note": "text", "items": "json"}, {"items": "array", "id": "number"})
    maker = ElementMaker(fields, ("items",), False, frozenset({"id"}))
    wanted = made(land.engine, land, maker, "here")
    assert made(spark, land, maker, "there") == wanted
    assert len([line for line in wanted["lines"] if line[-1]]) > 5000
    land.inputs.clear()
    land.add(written(7, i=pa.array(range(20)), s=pa.array(["é", None] * 10)), "parquet", batch="b3")
    plain = PlainMaker(schema({"i": "int64", "s": "text"}, {"i": "typed", "s": "typed"}))
    assert made(spark, land, plain, "plain there") == made(land.engine, land, plain, "plain here")
