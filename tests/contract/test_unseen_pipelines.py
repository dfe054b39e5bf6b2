"""Pipelines that others would try: each was wrong once."""

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from octo_core import errors
from octo_resources.dagster import instance_of
from tests.contract.conftest import Made

Make = Callable[..., Made]


def test_a_first_load_makes_the_state_tables(made: Make) -> None:
    project = made("create table t(id int primary key, name text)", "write: merge", a_csv="id,name\n1,one\n")
    project.approve()
    assert project.run().result.status == "loaded"
    assert project.sql("select * from t") == [(1, "one")]


def test_a_file_written_over_before_its_first_load_loads_as_it_is_now(made: Make) -> None:
    project = made(
        "create table t(id int primary key, name text)",
        "write: merge",
        a_csv="id,name\n1,one\n2,two\n",
        b_csv="id,name\n7,seven\n",
    )
    project.approve()
    project.put("data/a.csv", "id,name\n1,uno\n3,three\n")
    first = project.run().result.tables["public.t"]
    assert (first.read, first.inserted) == (3, 3)
    assert project.sql("select * from t order by 1") == [(1, "uno"), (3, "three"), (7, "seven")]
    assert project.run().result.status == "nothing_new"


@pytest.mark.parametrize("key", ["id serial primary key", "id int generated always as identity primary key"])
@pytest.mark.parametrize("write", ["write: append", ""])
def test_a_table_with_a_key_of_its_own_making_is_appended_to(made: Make, key: str, write: str) -> None:
    project = made(f"create table t({key}, message text, size int)", write, a_csv="message,size\nhello,1\nbye,2\n")
    project.approve()
    assert project.run().result.tables["public.t"].inserted == 2
    assert project.sql("select message, size from t order by size") == [("hello", 1), ("bye", 2)]
    project.put("data/b.csv", "message,size\nhello,1\n")
    assert project.run().result.tables["public.t"].inserted == 1


def test_fields_may_have_the_names_that_the_engine_uses_itself(made: Make) -> None:
    names = ["id", "v", "h", "_row", "json", "line", "load_time", "select", 'quo"te', "dot.ted"]
    columns = ", ".join(f'"{name}" text'.replace('o"t', 'o""t') for name in names[1:] if name != "_row")
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    lines = "\n".join(",".join(f"{name[:1]}{row}" if name != "id" else str(row) for name in names) for row in (1, 2))
    project = made(f"create table t(id int primary key, {columns})", "write: merge", a_csv=f"{header}\n{lines}\n")
    project.approve()
    assert project.run().result.tables["public.t"].inserted == 2
    assert project.sql('select v, h, json, line, load_time, "select" from t order by id') == [
        (f"v{row}", f"h{row}", f"j{row}", f"l{row}", f"l{row}", f"s{row}") for row in (1, 2)
    ]


@pytest.mark.parametrize("write", ["write: append", ""])
def test_what_no_two_rows_shared_so_far_is_no_key(made: Make, write: str) -> None:
    project = made("create table t(message text, size int)", write, a_csv="message,size\nhello,1\nbye,2\n")
    project.approve()
    project.run()
    project.put("data/b.csv", "message,size\nhello,1\nhello,3\n")
    assert project.run().result.tables["public.t"].inserted == 2
    assert project.sql("select message, size from t order by 2, 1") == [
        ("hello", 1),
        ("hello", 1),
        ("bye", 2),
        ("hello", 3),
    ]


def test_fields_named_like_words_of_the_language_are_fields(made: Make) -> None:
    names = ["select", "null", "true", "false", "end", "case", "in", "order", "from"]
    columns = ", ".join(f'"{name}" text' for name in names)
    text = f"id,{','.join(names)}\n1,{','.join(f'{name}-1' for name in names)}\n"
    project = made(f"create table t(id int primary key, {columns})", "write: merge", a_csv=text)
    project.approve()
    project.run()
    assert project.sql("select * from t") == [(1, *(f"{name}-1" for name in names))]


def test_what_is_personal_is_masked_whatever_its_field_is_called(made: Make) -> None:
    project = made(
        "create table t(id int primary key, mail text, dotted text)",
        "write: merge",
        "fields: {'E-Mail': {pii: true}, 'dot.ted': {pii: true}}",
        a_csv="id,E-Mail,dot.ted\n1,ana@example.com,secret-1\n2,luis@example.com,secret-2\n",
    )
    said = project.plan().plan.model_dump_json()
    assert "ana@example.com" not in said
    assert "secret-1" not in said
    assert "masked" in said


def test_a_plan_shows_bytes_and_what_json_cannot_spell(made: Make) -> None:
    rows = pa.table({"id": [1], "raw": [b"\x00\xff"], "ratio": [float("inf")], "parts": [[b"\x01"]]})
    file = io.BytesIO()
    parquet.write_table(rows, file)
    ddl = "create table t(id bigint primary key, raw bytea, ratio double precision)"
    project = made(ddl, "write: merge", a_parquet=file.getvalue())
    plan = project.plan().plan
    after = plan.tables["public.t"].sample[0].after
    assert (after["raw"], after["ratio"]) == ("\\x00ff", "Infinity")
    assert plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
    project.approve()
    project.run()
    assert project.sql("select raw, ratio from t") == [(b"\x00\xff", float("inf"))]


def test_no_column_is_suggested_that_is_there_already(made: Make) -> None:
    project = made("create table t(id int primary key, took interval)", "write: merge", a_csv="id,took,extra\n1,5,x\n")
    ddl = project.plan().plan.tables["public.t"].suggested_ddl
    assert not any('"took"' in one for one in ddl)
    assert any('"extra"' in one for one in ddl)


def test_columns_are_suggested_for_fields_of_any_name(made: Make) -> None:
    project = made(
        "create table t(id int primary key)", "write: merge", a_csv='id,First Name,Größe,a.b,"q""t"\n1,x,2,3,4\n'
    )
    ddl = project.plan().plan.tables["public.t"].suggested_ddl
    project.sql(" ".join(ddl))
    columns = "select column_name from information_schema.columns where table_name = 't' order by ordinal_position"
    assert project.sql(columns) == [("id",), ("First Name",), ("Größe",), ("a.b",), ('q"t',)]


def test_a_european_csv_arrives_as_it_is_meant(made: Make) -> None:
    text = "Nr;Name;Datum;Betrag;PLZ\n007;Müller;01.02.1980;1.234,56;01067\n008;Groß;31.12.1999;0,10;80331\n"
    ddl = "create table t(nr text primary key, name text, datum date, betrag numeric, plz char(5))"
    project = made(ddl, "write: merge", a_csv=text.encode("latin-1"))
    project.approve()
    project.run()
    assert project.sql("select * from t order by 1") == [
        ("007", "Müller", date(1980, 2, 1), Decimal("1234.56"), "01067"),
        ("008", "Groß", date(1999, 12, 31), Decimal("0.10"), "80331"),
    ]


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("x"),
        errors.QuarantineLimit("x"),
        errors.DriftStop("x"),
        errors.LoadAborted("x"),
        errors.LedgerMismatch("x"),
        errors.LandingError("x"),
        errors.DestinationError("x"),
    ],
)
def test_what_waiting_cannot_mend_is_not_tried_again(error: errors.OctopipeError) -> None:
    assert not error.retryable


def test_dagster_leaves_nothing_in_a_folder_that_has_no_dagster_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with instance_of(tmp_path) as instance:
        assert not instance.telemetry_enabled
    assert [one.name for one in tmp_path.iterdir()] == [".octopipe"]
