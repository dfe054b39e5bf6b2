"""`octopipe infer` on files of every format, and on what is none."""

import gzip
import io
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from octo_cli.commands.understand import print_schemas
from octo_cli.screen import Screen
from octo_core.inference import infer_rows
from octo_core.schema import Field, SourceSchema
from octo_core.types import DataType, parse_type
from tests.cli_files.conftest import Cli

ROWS = [{"id": n, "day": f"{n % 28 + 1:02}/0{n % 9 + 1}/2021", "to": f"u{n}@example.org"} for n in range(40)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def _separated(mark: str) -> bytes:
    body = [mark.join(map(str, row.values())) for row in ROWS]
    return "\n".join([mark.join(ROWS[0]), *body, ""]).encode()


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


FILES = {
    "a.csv": _separated(","),
    "a.tsv": _separated("\t"),
    "a.json": json.dumps(ROWS).encode(),
    "a.jsonl": LINES,
    "a.parquet": _parquet(),
    "a.csv.gz": gzip.compress(_separated(";")),
    "a.jsonl.zst": zstandard.compress(LINES),
    "no_suffix": LINES,
}
NOISE = random.Random(1).randbytes(6000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_fields_that_its_values_have(cli: Cli, folder: Path, name: str) -> None:
    (folder / name).write_bytes(FILES[name])
    said = cli("infer", name, "--json")
    assert said.code == 0
    found = said.json["files"][name]
    typed = {field.name: (str(field.type), field.format, field.semantic, field.pii) for field in infer_rows(ROWS)}
    if name == "a.parquet":
        typed |= {"id": ("int64", None, None, False), "day": ("text", None, None, False)}  # as the file types them
    shown = {one["name"]: (one["type"], one["format"], one["semantic"], one["pii"]) for one in found["fields"]}
    assert shown == typed
    assert (found["rows_examined"], found["complete"], found["key"]) == (40, True, ["id"])


@pytest.mark.parametrize("place", [0, 1, 20])
def test_a_cell_may_be_of_any_length(cli: Cli, folder: Path, place: int) -> None:
    rows = [f"{number},{'x' * 1_500_000 if number == place else 'y'}\n" for number in range(40)]
    (folder / "a.csv").write_text("id,page\n" + "".join(rows))
    [found] = cli("infer", "a.csv", "--json").json["files"].values()
    assert [(one["name"], one["type"]) for one in found["fields"]] == [("id", "int32"), ("page", "text")]
    assert found["rows_examined"] == 40


def test_several_files_are_shown_one_after_the_other(cli: Cli, folder: Path) -> None:
    for name in ("a.csv", "a.jsonl"):
        (folder / name).write_bytes(FILES[name])
    said = cli("infer", "a.csv", "a.jsonl")
    assert said.code == 0
    assert said.out.index("a.csv  40 rows") < said.out.index("a.jsonl  40 rows")
    assert "%d/%m/%Y" in said.out
    assert list(cli("infer", "a.csv", "a.csv", "a.jsonl", "--json").json["files"]) == ["a.csv", "a.jsonl"]
    assert {one.name for one in folder.iterdir()} == {"a.csv", "a.jsonl"}, "nothing is left behind"


def test_dates_that_fit_two_orders_are_told(cli: Cli, folder: Path) -> None:
    (folder / "a.csv").write_text("day,n\n01/02/2021,1\n03/04/2021,2\n")
    said = cli("infer", "a.csv", "--json")
    assert "if months come first" in said.json["files"]["a.csv"]["warnings"][0]


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("a.csv", b"", 1, "the file is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), 1, "the file is empty"),
        ("a.csv.gz", gzip.compress(LINES, mtime=0)[:90], 1, "damaged or cut short"),
        ("a.csv", NOISE, 1, "binary and of no known format"),
        ("a.csv.gz", gzip.compress(NOISE, mtime=0), 1, "binary and of no known format"),
        ("a.jsonl", NOISE, 1, "binary and of no known format"),
        ("a.json", b"[]", 1, "no records"),
        ("a.json", b"[" * 100_000, 1, "nested too deeply"),
        ("a.json", b'{"a":' * 100_000, 1, "nested too deeply"),
        ("a.json", b'[{"a":' + b"[" * 5000 + b"]" * 5000 + b"}]", 1, "nested too deeply"),
        ("a.html", b"<html></html>", 1, "HTML or XML"),
        ("a.parquet", b"PAR1" + NOISE, 1, "a.parquet"),
    ],
)
def test_what_is_no_table_is_said_in_words(
    cli: Cli, folder: Path, name: str, content: bytes, code: int, message: str
) -> None:
    (folder / name).write_bytes(content)
    said = cli("infer", name)
    assert (said.code, said.out) == (code, "")
    assert message in said.err
    assert "bug" not in said.err


def test_a_missing_file_and_a_folder_are_bad_usage(cli: Cli, folder: Path) -> None:
    (folder / "orders.csv").write_bytes(FILES["a.csv"])
    missing = cli("infer", "order.csv")
    assert missing.code == 2
    assert "Did you mean orders.csv?" in missing.err
    (folder / "more").mkdir()
    inside = cli("infer", "more", "--json")
    assert inside.code == 2
    assert "this is a folder" in inside.err
    assert cli("infer").code == 2


def test_nothing_in_a_name_is_a_pattern_or_a_secret(cli: Cli, folder: Path) -> None:
    for name in ("a[1].csv", "${env:HOME}.csv", "a b'.csv"):
        (folder / name).write_bytes(FILES["a.csv"])
        assert cli("infer", name, "--json").code == 0


@pytest.mark.parametrize(("width", "described"), [(80, False), (140, True)])
def test_a_narrow_terminal_gets_no_column_of_shreds(
    width: int, described: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    about = "An order's number, as the shop's till gives it out, without the year."
    one = Field(name="order_no", type=parse_type("int32"), nullable=False, description=about)
    print_schemas(Screen(colour=False, width=width), {"orders": SourceSchema(source="orders", fields=(one,))})
    said = capsys.readouterr().out
    assert (about in said) is described
    assert len(said.splitlines()) == 3


def test_a_type_of_many_fields_does_not_widen_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    kind = parse_type("record{" + ", ".join(f"user_{number}: int32" for number in range(180)) + "}")
    fields = (Field(name="by_user", type=kind), Field(name="lists", type=DataType("list", element=kind)))
    found = SourceSchema(source="orders", fields=fields)
    print_schemas(Screen(colour=False, width=200), {"orders": found})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 150
    assert all("…" in line and "(180 fields)" in line for line in lines[-2:])
    assert str(kind) in found.model_dump_json()
