"""The engine's profiles are those that Python makes of the same rows, whatever the format they landed in."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octo_core.batch import Batch, CsvDialect, FileFormat, LandedFile
from octo_core.errors import UsageError
from octo_core.inference import infer_rows
from octo_core.schema import Field, SourceSchema
from octo_core.spec.sources import FileSource, SampleLimits
from octo_resources.engines.duckdb.profile import profile_batches, typed_schema

RECORDS = [
    {
        "id": number,
        "zip": f"{number * 37 % 100000:05}",
        "amount": number % 997 + 0.25,
        "at": f"2021-0{number % 9 + 1}-1{number % 10}T0{number % 10}:{number % 60:02}:{number // 60 % 60:02}Z",
        "day": f"{number % 28 + 1:02}/0{number % 9 + 1}/2021",
        "state": ["new", "paid", "NA"][number % 3],
        "note": f"the {number}th note, with words",
        "who": {"name": f"n{number % 5}", "tags": ["a", "b"][: number % 3]}
        | ({"age": number % 90} if number % 2 else {}),
        **({"rare": True} if number % 1000 == 7 else {}),
    }
    for number in range(9000)
]


def batch(folder: Path, *files: LandedFile) -> Batch:
    rows = sum(file.rows or 0 for file in files) or None
    return Batch(
        id="01HX", pipeline="p", source="s", made_at=datetime(2021, 1, 1, tzinfo=UTC), landing="copy", files=files,
        folder=str(folder), rows=rows,
    )  # fmt: skip


def landed(path: Path, form: FileFormat, **more: object) -> LandedFile:
    return LandedFile.model_validate(
        {"path": path.name, "format": form, "bytes": path.stat().st_size, "sha256": "ab" * 32, **more}
    )


def infer(folder: Path, *files: LandedFile, limits: SampleLimits | None = None, **spec: object) -> SourceSchema:
    with duckdb.connect() as con:
        profiles, counts = profile_batches(con, [batch(folder, *files)], limits=limits)
    return typed_schema(profiles, counts, FileSource.model_validate({"kind": "file", "path": "x", **spec}), "s")


def facts(field: Field) -> tuple[object, ...]:
    inner = tuple(sorted(map(facts, field.children), key=str))
    stats = field.stats
    assert stats is not None
    counts = (stats.rows, stats.missing, stats.nulls, stats.min, stats.max, stats.min_length, stats.max_length)
    kind = None if field.children else str(field.type)
    return (field.name, kind, field.format, field.nullable, field.nulls, field.carrier, counts, inner)


def test_json_lines_have_the_schema_that_python_infers(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    schema = infer(tmp_path, landed(path, "jsonl"))
    assert {facts(field) for field in schema.fields} == {facts(field) for field in infer_rows(RECORDS)}
    assert (schema.rows_examined, schema.rows_total, schema.complete, schema.key) == (9000, 9000, True, ("id",))


def test_csv_has_the_schema_that_python_infers(tmp_path: Path) -> None:
    names = ["id", "zip", "amount", "at", "day", "state", "note"]
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(names)
        writer.writerows([record[name] for name in names] for record in RECORDS)
    dialect = CsvDialect(delimiter=";", columns=tuple(names))
    schema = infer(tmp_path, landed(path, "csv", compression="gzip", dialect=dialect))
    as_text = [{name: str(record[name]) for name in names} for record in RECORDS]
    assert [facts(field) for field in schema.fields] == [facts(field) for field in infer_rows(as_text)]


@pytest.mark.parametrize(
    ("template", "layout"),
    [("${:,.2f}", "$1,234.56"), ("{} USD", "1234.56 USD"), ("({:,.2f})", "(1,234.56)"), ("-$ {}", "$1234.56")],
)
def test_many_amounts_with_signs_around_them_are_counted_over_all_rows(
    tmp_path: Path, template: str, layout: str
) -> None:
    values = [template.format(number * 7) for number in range(9000)] + ["x"]
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["amount"], *([value] for value in values)])
    schema = infer(tmp_path, landed(path, "csv", dialect=CsvDialect(columns=("amount",))))
    found, python = schema.fields[0], infer_rows([{"amount": value} for value in values])[0]
    assert (found.format, found.type, found.why) == (layout, python.type, python.why)
    assert (found.stats and (found.stats.min, found.stats.max)) == (
        python.stats and (python.stats.min, python.stats.max)
    )


def test_malformed_lines_and_ragged_rows_are_counted_and_passed_over(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": 1}\nnot json\n{"a": 2, "b": [{"c": "x"}, null]}\n[1]\n{"a": \n"text"\n{"a": null}\n')
    schema = infer(tmp_path, landed(lines, "jsonl"))
    assert [(field.name, str(field.type)) for field in schema.fields] == [
        ("a", "int32"),
        ("b", "list<record{c: text}>"),
    ]
    a = schema.field("a")
    assert a is not None
    assert a.stats is not None
    assert (schema.rows_examined, a.stats.nulls, a.stats.missing) == (3, 1, 0)
    assert schema.warnings == ("4 malformed rows were passed over",)
    ragged = tmp_path / "a.csv"
    ragged.write_text('a,b\n1,x\n2\n3,y,z\n4,"q\nr"\n')
    schema = infer(tmp_path, landed(ragged, "csv", dialect=CsvDialect(columns=("a", "b"))))
    assert (schema.rows_examined, schema.warnings) == (2, ("2 malformed rows were passed over",))


@pytest.mark.parametrize(("head", "ends"), [("\n", "\r\n"), ("\r\n", "\n")])
@pytest.mark.parametrize("preamble", [0, 1])
@pytest.mark.parametrize("before", [0, 90_000])
def test_rows_whose_lines_end_otherwise_than_the_header_are_read(
    tmp_path: Path, head: str, ends: str, preamble: int, before: int
) -> None:
    """Files that one system began and another goes on writing; `before`: rows that still end as the header does."""
    path = tmp_path / "a.csv"
    rows = [f"{number},note {number}" for number in range(before + 40)]
    lines = [*["# an export"][:preamble], "id,note", *rows[:before]]
    path.write_bytes((head.join([*lines, ""]) + ends.join([*rows[before:], ""])).encode())
    dialect = CsvDialect(columns=("id", "note"), skip=preamble)
    schema = infer(tmp_path, landed(path, "csv", dialect=dialect))
    assert schema.rows_examined == before + 40
    assert [str(field.type) for field in schema.fields] == ["int32", "text"]


def test_numbers_that_a_double_would_round_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 12345678901234.123456789, "e": 1e5, "d": 100000.0}\n{"a": 1.5, "e": 2, "d": 2.5}\n')
    schema = infer(tmp_path, landed(path, "jsonl"))
    assert [str(field.type) for field in schema.fields] == ["decimal(38,9)", "float64", "decimal(18,2)"]


def test_what_parquet_s_lists_records_and_maps_hold_is_judged_for_personal_data(tmp_path: Path) -> None:
    mails = [f"kunde{number}@priv.example" for number in range(300)]
    held = {
        "list": pa.array([[one] for one in mails]),
        "record": pa.array([{"n": 1, "x": one} for one in mails]),
        "deep": pa.array([{"x": [{"y": [one]}]} for one in mails]),
        "map": pa.array([[("k", one)] for one in mails], pa.map_(pa.string(), pa.string())),
        "people": pa.array([{"x": f"Anna Weber{'abcdefghij'[int(one[5])]}", "y": 7} for one in mails]),
        "words": pa.array([["red", "blue"]] * 300),
        "things": pa.array([{"sku": f"A-{number}", "n": number} for number in range(300)]),
    }
    pq.write_table(pa.table(held), tmp_path / "a.parquet")
    fields = infer(tmp_path, landed(tmp_path / "a.parquet", "parquet")).fields
    assert [one.name for one in fields if one.pii] == ["list", "record", "deep", "map", "people"]


def test_parquet_keeps_its_own_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int16()),
            "d": pa.array([None, 5], pa.decimal128(9, 2)),
            "t": pa.array([0, 1], pa.timestamp("us", tz="UTC")),
            "r": pa.array([{"x": 1, "y": ["a"]}, None]),
            "mail": ["a@b.org", "c@d.org"],
        }
    )
    pq.write_table(table, path)
    schema = infer(tmp_path, landed(path, "parquet"))
    assert [str(field.type) for field in schema.fields] == [
        "int16", "decimal(9,2)", "timestamptz", "record{x: int64, y: list<text>}", "text",
    ]  # fmt: skip
    assert [field.nullable for field in schema.fields] == [True, True, False, True, False]
    assert {field.carrier for field in schema.fields} == {"typed"}
    assert [child.name for child in schema.fields[3].children] == ["x", "y"]
    assert schema.fields[4].pii


def test_a_duration_says_its_unit(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    kinds = {unit: pa.array([1, None, 5], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")}
    pq.write_table(pa.table(kinds), path)
    fields = infer(tmp_path, landed(path, "parquet")).fields
    assert [(str(field.type), field.unit) for field in fields] == [("int64", unit) for unit in kinds]


def test_keys_of_two_and_three_fields_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"store": s, "day": f"2021-01-{d:02}", "till": t} for s in range(1, 9) for d in range(1, 29) for t in range(4)
    ]
    path.write_text("".join(json.dumps({**row, "sold": 1.5}) + "\n" for row in rows))
    assert infer(tmp_path, landed(path, "jsonl")).key == ("store", "day", "till")
    path.write_text("".join(json.dumps({**row, "sold": 1.5}) + "\n" for row in rows if row["till"] == 1))
    assert infer(tmp_path, landed(path, "jsonl")).key == ("store", "day")


def test_a_sample_says_that_it_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"a": number}) + "\n" for number in range(1000)))
    schema = infer(tmp_path, landed(path, "jsonl", rows=1000), limits=SampleLimits(rows=100))
    assert (schema.rows_examined, schema.rows_total, schema.complete) == (100, 1000, False)


def test_fields_of_several_files_are_put_together(tmp_path: Path) -> None:
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    one.write_text('{"a": 1}\n{"a": 2}\n')
    two.write_bytes(gzip.compress(b'{"a": 3, "b": "x"}\n'))
    schema = infer(tmp_path, landed(one, "jsonl"), landed(two, "jsonl", compression="gzip"))
    b = schema.field("b")
    assert b is not None
    assert b.stats is not None
    assert (schema.rows_examined, b.stats.missing, b.nullable) == (3, 2, True)


def test_the_users_word_goes_over_what_was_inferred(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "03/04/2021", "r": {"x": 1}}\n')
    told = {"a": {"type": "date", "format": "%m/%d/%Y", "unit": "days"}, "r.x": {"type": "decimal(10,2)", "pii": True}}
    schema = infer(tmp_path, landed(path, "jsonl"), fields=told, key=["a"])
    assert (schema.fields[0].format, schema.fields[0].unit, schema.fields[0].confidence) == ("%m/%d/%Y", "days", 1.0)
    assert str(schema.fields[1].type) == "record{x: decimal(10,2)}"
    assert schema.key == ("a",)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"fields": {"aa": {"unit": "km"}}}, "no field 'aa'"),
        ({"fields": {"a": {"tpye": "text"}}}, "no 'tpye'"),
        ({"fields": {"a": {"type": "number"}}}, "is no type"),
        ({"fields": {"a": {"type": "date", "format": "%q"}}}, "no letter"),
        ({"fields": {"a": {"role": "numbers"}}}, "is no role"),
        ({"key": ["b"]}, "does not have"),
    ],
)
def test_a_wrong_word_of_the_user_is_refused(tmp_path: Path, spec: dict[str, object], said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(UsageError, match=said):
        infer(tmp_path, landed(path, "jsonl"), **spec)


def test_an_empty_source_has_no_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("")
    assert infer(tmp_path, landed(path, "jsonl")).fields == ()


def test_columns_whose_names_differ_only_in_case_keep_them(tmp_path: Path) -> None:
    for name, columns in {"a": {"ID": [1, 2], "id": ["x", "y"]}, "b": {"id": ["z"]}}.items():
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    found = infer(tmp_path, *(landed(tmp_path / f"{name}.parquet", "parquet") for name in "ab"))
    assert [(one.name, str(one.type), one.nullable) for one in found.fields] == [
        ("ID", "int64", True),
        ("id", "text", False),
    ]
