"""Parquet keeps its types; what a field's type cannot hold is refused."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from octo_resources.files import infer_file
from tests.engine.landed import Land, schema


def written(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, row_group_size=2)
    return sink.getvalue()


def typed(**kinds: str) -> Any:
    return schema(kinds, dict.fromkeys(kinds, "typed"))


def test_values_arrive_in_their_types(land: Land) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    content = written(
        i=pa.array([1, None, 3], pa.int32()),
        d=pa.array([Decimal("1.10"), None, Decimal("12345678901234.12")], pa.decimal128(38, 2)),
        t=pa.array([at, None, at], pa.timestamp("us", tz="UTC")),
        s=pa.array(["x", None, "é"]),
        b=pa.array([b"\x00\xff", None, b""]),
        f=pa.array([1.5, None, 0.1]),
    )
    fields = typed(i="int32", d="decimal(38,2)", t="timestamptz", s="text", b="bytes", f="float64")
    found = land.add(content, "parquet").evaluate(fields)
    assert found.rows[0] == {"i": 1, "d": Decimal("1.10"), "t": at, "s": "x", "b": b"\x00\xff", "f": 1.5, "_row": 1}
    assert [row["_row"] for row in found.rows] == [1, 2, 3]
    assert found.rows[1]["i"] is None


def test_a_value_that_the_field_does_not_hold_is_refused_with_its_row(land: Land) -> None:
    content = written(n=pa.array([1, 70_000, 2], pa.int32()), s=pa.array(["x", "y", "z"]))
    found = land.add(content, "parquet").evaluate(typed(n="int16", s="text"))
    assert found.column("s") == ["x", "z"]
    assert found.reasons == ["n holds a value that is no int16"]
    assert json.loads(found.payloads[2])["s"] == "y"


def test_a_row_with_times_at_the_ends_of_the_calendar_may_be_refused(land: Land) -> None:
    """Year 1 in New York is before Python's calendar, and Arrow's goes on past the year 9999."""
    least, most, past = -62_135_596_800, 253_402_300_799, 253_402_300_800
    content = written(
        n=pa.array([70_000] * 3, pa.int32()),
        west=pa.array([least, most, 0], pa.timestamp("s", "America/New_York")),
        east=pa.array([least, most, 0], pa.timestamp("s", "Asia/Tokyo")),
        past=pa.array([0, 0, past], pa.timestamp("s")),
        day=pa.array([0, 0, 2_932_897], pa.date32()),
    )
    found = land.add(content, "parquet").evaluate(typed(n="int16"))
    assert found.reasons == ["n holds a value that is no int16"] * 3
    first, second, third = (json.loads(found.payloads[row]) for row in (1, 2, 3))
    assert (first["west"], second["west"][:10]) == ("0001-01-01 00:00:00+00:00", "9999-12-31")
    assert (second["east"], third["past"], third["day"]) == (
        "9999-12-31 23:59:59+00:00", "10000-01-01 00:00:00.000", "10000-01-01",
    )  # fmt: skip


def test_parts_of_structs_and_missing_columns(land: Land) -> None:
    content = written(r=pa.array([{"n": 1}, None]), z=pa.array([1, 2]))
    fields = typed(r="record{n: int64}", gone="text")
    found = land.add(content, "parquet").evaluate(fields, {"n": "r.n"})
    assert found.column("n") == [1, None]
    assert found.scan.missing == {"gone": 2}
    assert found.scan.new_fields == {"z": 2}


def test_a_decimal_of_another_scale_arrives_exactly_or_is_refused(land: Land) -> None:
    numbers = ["1.50", "24726410334488782090365654250.00", None, "12345678901234567890.25"]
    content = written(
        d=pa.array([None if one is None else Decimal(one) for one in numbers], pa.decimal128(38, 2)),
        i=pa.array([1, 2, 3, 2**63 - 1]),
        many=pa.array([[Decimal("1.5"), None], [], None, []], pa.list_(pa.decimal128(38, 2))),
    )
    fields = typed(d="decimal(38,18)", i="decimal(38,20)", many="list<decimal(38,18)>")
    found = land.add(content, "parquet").evaluate(fields)
    assert found.column("d") == [Decimal("1.5"), None]
    assert found.column("i") == [Decimal(1), Decimal(3)]
    assert found.column("many") == [[Decimal("1.5"), None], None]
    assert found.reasons == [
        "d holds a value that is no decimal(38,18)",
        "i holds a value that is no decimal(38,20)",
    ]


def test_a_decimal_in_a_list_is_exact_too(land: Land) -> None:
    numbers = [[Decimal(1)], [Decimal("24726410334488782090365654250.00")]]
    content = written(many=pa.array(numbers, pa.list_(pa.decimal128(38, 2))))
    found = land.add(content, "parquet").evaluate(typed(many="list<decimal(38,18)>"))
    assert found.column("many") == [[Decimal(1)]]
    assert found.reasons == ["many holds a value that is no list<decimal(38,18)>"]


def test_durations_inside_of_records_are_numbers_as_those_at_the_top_are(land: Land, tmp_path: Path) -> None:
    took = pa.array([timedelta(seconds=5), None], pa.duration("ms"))
    path = tmp_path / "took.parquet"
    parquet.write_table(pa.table({"took": took, "run": pa.StructArray.from_arrays([took], ["took"])}), path)
    land.add(path.read_bytes(), "parquet")
    found = land.evaluate(infer_file(path), {"top": "took", "inside": "run.took"})
    assert found.column("top") == found.column("inside") == [5000, None]


MIDNIGHT = 20_455 * 86_400_000_000
"""In microseconds since 1970."""


@pytest.mark.parametrize(
    ("kind", "values", "lost"),
    [
        ("timestamp", pa.array([5, 6], pa.int64()), 2),  # Arrow takes them for microseconds of 1970
        ("int64", pa.array([MIDNIGHT, None], pa.timestamp("us")), 1),
        ("date", pa.array([MIDNIGHT + 1, MIDNIGHT], pa.timestamp("us")), 1),
        ("timestamptz", pa.array([MIDNIGHT, None], pa.timestamp("us")), 1),  # whose midnight?
        ("boolean", pa.array([5, None], pa.int8()), 1),
        ("int64", pa.array([True, None]), 1),
    ],
)
def test_a_value_of_another_meaning_is_refused_and_counts_as_drift(
    land: Land, kind: str, values: pa.Array, lost: int
) -> None:
    found = land.add(written(v=values, s=pa.array(["x", "y"])), "parquet").evaluate(typed(v=kind, s="text"))
    assert found.reasons == [f"v holds a value that is no {kind}"] * lost
    assert found.scan.total.unfit == {"v": lost}
