"""Files: what they are is found by their content, only new ones land, and a batch says exactly what it holds."""

import gzip
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from octo_core.errors import LandingError, NotSupportedYet, SourceError, UsageError
from octo_resources.landing import Landing
from octo_resources.project import Project
from tests.sources.support import LandFile, content


def _noise() -> str:
    """What hardly compresses, and is the same whenever the tests are collected."""
    return random.Random(5).randbytes(9000).hex()


@pytest.fixture
def folder(project: Project) -> Path:
    (project.root / "in").mkdir()
    return project.root / "in"


def test_a_csv_is_referred_to_and_described(folder: Path, land_file: LandFile, landing: Landing) -> None:
    (folder / "a.csv").write_text("id;name\n1;Ana\n2;Bo\n")
    batch = land_file("in/a.csv")
    assert batch is not None
    file = batch.files[0]
    assert (batch.landing, batch.full, file.path, file.format) == ("reference", True, str(folder / "a.csv"), "csv")
    assert file.dialect is not None
    assert (file.dialect.delimiter, file.dialect.header, file.dialect.columns) == (";", True, ("id", "name"))
    assert landing.batches("p", "s") == [batch]
    landing.verify(batch)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_that_end_as_on_old_macs_get_newlines(
    encoding: str, folder: Path, land_file: LandFile, landing: Landing
) -> None:
    (folder / "a.csv").write_bytes("id,name\r1,Zoë\r2,Bo\r".encode(encoding))
    batch = land_file("in/a.csv")
    assert batch is not None
    assert content(landing, batch) == "id,name\n1,Zoë\n2,Bo\n".encode()


def test_a_referenced_file_that_changed_is_refused(folder: Path, land_file: LandFile, landing: Landing) -> None:
    (folder / "a.csv").write_text("id,name\n1,Ana\n")
    batch = land_file("in/a.csv")
    assert batch is not None
    (folder / "a.csv").write_text("id,name\n1,Eva\n")
    with pytest.raises(LandingError, match="checksum differs") as caught:
        landing.verify(batch)
    assert "landing: copy" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "kept", "compression"),
    [
        ("a.csv", b"a,b\n1,2\n", b"a,b\n1,2\n", "zstd"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0), b"a,b\n1,2\n", "gzip"),
        ("a.jsonl", b'{"a": 1.10}\n', b'{"a": 1.10}\n', "zstd"),
        ("noname", zstandard.compress(b'{"a": 1.10}\n{"a":2}\n'), b'{"a": 1.10}\n{"a":2}\n', "zstd"),
    ],
)
def test_copies_keep_the_bytes_as_they_came(
    folder: Path, land_file: LandFile, landing: Landing, name: str, data: bytes, kept: bytes, compression: str
) -> None:
    (folder / name).write_bytes(data)
    batch = land_file(f"in/{name}", landing="copy")
    assert batch is not None
    (folder / name).unlink()
    assert (batch.landing, batch.files[0].compression) == ("copy", compression)
    assert content(landing, batch) == kept
    landing.verify(batch)


def test_only_new_files_land(folder: Path, land_file: LandFile) -> None:
    for name in "ab":
        (folder / f"{name}.csv").write_text(f"x,y\n1,{name}\n")
    first = land_file("in")
    assert first is not None
    assert [Path(file.path).name for file in first.files] == ["a.csv", "b.csv"]
    assert land_file("in") is None
    (folder / "c.csv").write_text("x,y\n1,c\n")
    second = land_file("in")
    assert second is not None
    assert ([Path(file.path).name for file in second.files], second.full) == (["c.csv"], False)
    again = land_file("in", full=True)
    assert again is not None
    assert (len(again.files), again.full) == (3, True)
    assert land_file("in") is None


def test_touched_and_renamed_files_do_not_land_again_and_changed_ones_do(folder: Path, land_file: LandFile) -> None:
    path = folder / "a.csv"
    path.write_text("x,y\n1,2\n")
    assert land_file("in") is not None
    os.utime(path, (1, 1))
    assert land_file("in") is None
    path = path.rename(folder / "b.csv")
    assert land_file("in") is None
    path.write_text("x,y\n1,3\n")
    assert land_file("in") is not None
    path.write_text("x,y\n1,2\n")
    assert land_file("in") is not None, "it changed back, which is a change"


def test_two_files_of_the_same_content_both_land(folder: Path, land_file: LandFile) -> None:
    (folder / "monday.csv").write_text("x,y\n1,2\n")
    assert land_file("in") is not None
    (folder / "tuesday.csv").write_text("x,y\n1,2\n")
    assert land_file("in") is not None


def test_what_landed_stays_known_after_retention(folder: Path, land_file: LandFile, landing: Landing) -> None:
    from datetime import timedelta

    for name in "ab":
        (folder / f"{name}.csv").write_text(f"x,y\n1,{name}\n")
        assert land_file("in") is not None
    assert len(landing.clean(timedelta(0)).batches) == 1
    assert land_file("in") is None


def test_hidden_unfinished_and_empty_files_are_left_alone(folder: Path, land_file: LandFile) -> None:
    for name in (".hidden.csv", "b.csv.part", "c.csv.tmp", "_SUCCESS"):
        (folder / name).write_text("x,y\n1,2\n")
    (folder / "empty.csv").write_text("")
    (folder / "blank.csv").write_text("\n\n")
    with pytest.raises(SourceError, match="no files"):
        land_file("in/*.parquet")
    assert land_file("in") is None
    (folder / "a.csv").write_text("x,y\n1,2\n")
    batch = land_file("in")
    assert batch is not None
    assert [Path(file.path).name for file in batch.files] == ["a.csv"]


def test_patterns_go_into_folders_in_order(folder: Path, land_file: LandFile) -> None:
    for name in ("2024/b.csv", "2023/z.csv", "2023/deep/a.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"x,y\n1,{name}\n")
    batch = land_file("in/**/*.csv")
    assert batch is not None
    assert [str(Path(file.path).relative_to(folder)) for file in batch.files] == [
        "2023/deep/a.csv",
        "2023/z.csv",
        "2024/b.csv",
    ]


def test_two_extractions_at_once_land_one_batch(folder: Path, land_file: LandFile, landing: Landing) -> None:
    (folder / "a.csv").write_text("x,y\n1,2\n")
    with ThreadPoolExecutor(4) as pool:
        landed = [run.result() for run in [pool.submit(land_file, "in") for _ in range(4)]]
    assert [batch for batch in landed if batch is not None] == landing.batches("p", "s")
    assert len(landing.batches("p", "s")) == 1


@pytest.mark.parametrize(
    ("name", "text", "format_"),
    [
        ("a.jsonl", '{"a": tru}\n{"a": 1}\n', "jsonl"),
        ("a.json", '{"a": 1}\n{"a": }\n{"a": 2}\n', "jsonl"),
        ("a.txt", '{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.csv", "{id},name\n1,x\n", "csv"),
        ("a.csv", "[id],name\n1,x\n", "csv"),
        ("a", '{"rows": [\n{"a": 1},\n{"a": 2}\n]}\n', "jsonl"),
    ],
)
def test_a_spoilt_line_does_not_change_what_the_file_is(
    folder: Path, land_file: LandFile, name: str, text: str, format_: str
) -> None:
    (folder / name).write_text(text)
    batch = land_file(f"in/{name}")
    assert batch is not None
    assert batch.files[0].format == format_


def test_an_empty_file_beside_them_leaves_a_first_batch_full(folder: Path, land_file: LandFile) -> None:
    (folder / "a.csv").write_text("x,y\n1,2\n")
    (folder / "b.csv").write_text("")
    batch = land_file("in")
    assert batch is not None
    assert batch.full


def test_mixed_formats_in_one_source_are_refused(folder: Path, land_file: LandFile) -> None:
    (folder / "a.csv").write_text("x,y\n1,2\n")
    (folder / "b.jsonl").write_text('{"x": 1}\n')
    with pytest.raises(SourceError, match=r"a.csv is CSV, b.jsonl is JSON"):
        land_file("in")


def test_parquet_has_its_rows(folder: Path, land_file: LandFile) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3]}), folder / "no_ending")
    batch = land_file("in/no_ending")
    assert batch is not None
    assert (batch.files[0].format, batch.rows) == ("parquet", 3)


@pytest.mark.parametrize(
    ("text", "records", "lines"),
    [
        ('[{"a": 1.10, "b": "x\\n"}, {"a":1e5}]', None, ['{"a": 1.10, "b": "x\\n"}', '{"a":1e5}']),
        ('{"count": 2, "data": {"items": [{"a": 1}, {"a": 2}]}}', "data.items", ['{"a": 1}', '{"a": 2}']),
        ('{"count": 2, "flights": [{"a": 1}, {"a": 2}]}', None, ['{"a": 1}', '{"a": 2}']),
        ('{"id": 7, "lines": [{"a": 1}, {"a": 2}]}', None, ['{"id": 7, "lines": [{"a": 1}, {"a": 2}]}']),
        ('{\n  "a": 1,\n  "b": [1,\r\n 2]\n}', None, ['{   "a": 1,   "b": [1,  2] }']),
        ('{\n "a": 1\n}\n{\n "a": 2\n}\n', None, ['{  "a": 1 }', '{  "a": 2 }']),
        ("[]", None, []),
    ],
)
def test_json_documents_become_lines_exactly_as_they_came(
    folder: Path, land_file: LandFile, landing: Landing, text: str, records: str | None, lines: list[str]
) -> None:
    (folder / "a.json").write_text(text, newline="")
    batch = land_file("in/a.json", options={"records": records})
    assert batch is not None
    file = batch.files[0]
    assert content(landing, batch).decode().splitlines() == lines
    assert (file.format, file.rows, batch.rows) == ("jsonl", len(lines), len(lines))
    assert file.position["path"] == str(folder / "a.json")
    landing.verify(batch)


def test_json_lines_are_referred_to(folder: Path, land_file: LandFile) -> None:
    (folder / "a.json").write_text('{"a": {"b": [1]}}\n{"a": null}\n')
    batch = land_file("in/a.json")
    assert batch is not None
    assert (batch.files[0].format, batch.files[0].path) == ("jsonl", str(folder / "a.json"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-16", "name;town\nJosé;Málaga\n"),
        ("utf-16-le", "name;town\nJosé;Málaga\n"),
        ("utf-16-be", "name;town\nJosé;Málaga\n"),
        ("utf-32", "name;town\nJosé;Málaga\n"),
        ("cp1252", "name;town\nJosé Núñez;Málaga\nFrançois Lefèvre;Besançon\nJürgen Groß;Köln – “Süd”\n"),
        ("latin-1", "name;town\nJosé Núñez;Málaga\nFrançois Lefèvre;Besançon\nJürgen Groß;Köln\n"),
        ("cp1250", "imię;miasto\nŁukasz Żółw;Częstochowa\nGrażyna Dąbrowska;Łódź\nPaweł Święty;Gdańsk\n"),
        ("cp1251", "имя;город\nИван Петров;Москва\nАнна Смирнова;Санкт-Петербург\nОльга Кузнецова;Новосибирск\n"),
        ("shift_jis", "名前;都市\n田中太郎;東京都千代田区\n鈴木花子;大阪府大阪市\n佐藤一郎;北海道札幌市\n"),
    ],
)
def test_other_encodings_are_found_and_land_as_utf8(
    folder: Path, land_file: LandFile, landing: Landing, encoding: str, text: str
) -> None:
    (folder / "a.csv").write_bytes(text.encode(encoding))
    batch = land_file("in/a.csv")
    assert batch is not None
    assert content(landing, batch).decode() == text
    dialect = batch.files[0].dialect
    assert dialect is not None
    assert (dialect.encoding, dialect.columns) == ("utf-8", tuple(text.splitlines()[0].split(";")))


def test_a_foreign_letter_far_behind_the_sample_is_found(folder: Path, land_file: LandFile, landing: Landing) -> None:
    text = "id,name\n" + "1,plain\n" * 200_000 + "2,José Núñez\n3,Málaga\n"
    (folder / "a.csv").write_bytes(text.encode("cp1252"))
    batch = land_file("in/a.csv")
    assert batch is not None
    assert content(landing, batch).decode() == text


def test_utf8_with_a_spoilt_byte_stays_utf8(folder: Path, land_file: LandFile) -> None:
    (folder / "a.csv").write_bytes("id,name\n1,José\n2,Zoë\n3,Núñez\n".encode() + b"4,\xff\n")
    batch = land_file("in/a.csv")
    assert batch is not None
    assert batch.files[0].path == str(folder / "a.csv")


def test_json_with_a_byte_order_mark_lands_without_it(folder: Path, land_file: LandFile, landing: Landing) -> None:
    (folder / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a":1}\n{"a":2}\n')
    (folder / "b.json").write_bytes('[{"a":"é"}]'.encode("utf-16"))
    batch = land_file("in")
    assert batch is not None
    assert content(landing, batch, 0) == b'{"a":1}\n{"a":2}\n'
    assert content(landing, batch, 1) == '{"a":"é"}\n'.encode()


def test_the_told_encoding_that_does_not_fit_is_an_error(folder: Path, land_file: LandFile, landing: Landing) -> None:
    (folder / "a.csv").write_bytes("a,b\né,1\n".encode("latin-1"))
    with pytest.raises(SourceError, match="not shift_jis") as caught:
        land_file("in/a.csv", options={"encoding": "shift_jis"})
    assert caught.value.where == str(folder / "a.csv")
    assert landing.batches("p", "s") == []


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", b'[{"a": 1}, {"a": ', "broken JSON"),
        ("a.json", b"hello", "the name says json"),
        ("a.csv.gz", gzip.compress(b"a,b\n" + _noise().encode(), mtime=0)[:3000], "cut short"),
        ("a.csv.zst", zstandard.compress(b"a,b\n" + _noise().encode())[:3000], "cut short"),
        ("a.parquet", b"PAR1nonsense", "Parquet file is damaged"),
        ("a.csv", b"<html><body>Log in</body></html>", "HTML"),
        ("a.csv", bytes(range(1, 65)) + b"\x00" * 64, "binary"),
    ],
)
def test_damaged_files_are_one_clear_error(
    folder: Path, land_file: LandFile, landing: Landing, name: str, data: bytes, said: str
) -> None:
    (folder / name).write_bytes(data)
    with pytest.raises(SourceError, match=said) as caught:
        land_file(f"in/{name}")
    assert caught.value.where == str(folder / name)
    assert landing.batches("p", "s") == []
    assert list(landing.folder("p", "s").glob(".tmp-*")) == []


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("in/flihgts.csv", SourceError, "Did you mean flights.csv"),
        ("inn/flights.csv", SourceError, "no such folder"),
        ("gs://bucket/a.csv", NotSupportedYet, "gs://"),
        ("https://example.com/a.csv", UsageError, "kind: rest"),
    ],
)
def test_a_missing_path_says_what_is_near(
    folder: Path, land_file: LandFile, path: str, error: type[Exception], said: str
) -> None:
    (folder / "flights.csv").write_text("a,b\n1,2\n")
    with pytest.raises(error) as caught:
        land_file(path)
    assert said in str(caught.value)


def test_a_workbook_is_not_supported_yet(folder: Path, land_file: LandFile) -> None:
    (folder / "a.xlsx").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(NotSupportedYet, match="Excel"):
        land_file("in/a.xlsx")


def test_landing_off_is_refused(folder: Path, land_file: LandFile) -> None:
    with pytest.raises(UsageError, match="has to land"):
        land_file("in", landing="off")


def test_big_json_is_scanned_like_small(
    folder: Path, land_file: LandFile, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"n": number, "s": 'x"}]\\', "nested": [{"a": [1, {"b": 2}]}]} for number in range(500)]
    (folder / "a.json").write_text(json.dumps({"meta": {"x": 1}, "rows": rows}, indent=1))
    small = land_file("in/a.json")
    monkeypatch.setattr("octo_resources.sources.file.convert.IN_MEMORY", 1000)
    big = land_file("in/a.json", full=True)
    assert small is not None
    assert big is not None
    assert content(landing, big) == content(landing, small)
    assert [json.loads(line) for line in content(landing, big).splitlines()] == rows


def test_decimals_of_more_digits_than_engines_count_land_as_text(
    project: Project, land_file: LandFile, landing: Landing
) -> None:
    exact = [Decimal("1234567890123456789012345678901234567890.12345"), None]
    table = pa.table({"id": [1, 2], "big": pa.array(exact, pa.decimal256(60, 5))})
    pq.write_table(table, project.root / "big.parquet")
    batch = land_file("big.parquet")
    assert batch is not None
    landed = pq.read_table(landing.open_file(batch, batch.files[0]))
    assert landed["big"].to_pylist() == ["1234567890123456789012345678901234567890.12345", None]
    assert batch.rows == 2
    assert land_file("big.parquet") is None
