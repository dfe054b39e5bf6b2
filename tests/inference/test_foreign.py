"""Fields named in other languages: what is personal, dates as Chinese writes them, digits of other scripts."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from octo_core.expressions.formats import token_sql
from octo_core.inference import infer_column
from octo_core.inference.names import words
from octo_core.reading import read_token
from octo_core.types import DATE
from octo_resources.files import infer_file


@pytest.mark.parametrize(
    ("name", "values", "semantic"),
    [
        ("Geburtsdatum", ["18.11.1983", "02.03.1971"], "birth_date"),
        ("date de naissance", ["1983-11-18", "1971-03-02"], "birth_date"),
        ("出生日期", ["1983年11月18日", "1971年3月2日"], "birth_date"),
        ("姓名", ["王伟", "李娜"], "person_name"),
        ("客户名称", ["王伟", "李娜"], "person_name"),
        ("اسم العميل", ["أحمد علي", "فاطمة حسن"], "person_name"),
        ("手机号", ["13800138000", "15912345678"], "phone"),
        ("رقم الهاتف", ["0501234567", "0559876543"], "phone"),
        ("身份证号", ["360426199101010071"], "cn_ric"),
        ("性别", ["男", "女"], "gender"),
        ("Straße", ["Lange Gasse 12", "Am Markt 3"], "address"),
    ],
)
def test_what_is_personal_is_so_in_any_language(name: str, values: list[str], semantic: str) -> None:
    field = infer_column(values, name)
    assert (field.semantic, field.pii) == (semantic, True)


@pytest.mark.parametrize("name", ["اسم المنتج", "文件名", "品名", "Werktag"])
def test_names_of_things_are_not(name: str) -> None:
    assert not infer_column(["Lampe", "Tisch"], name).pii


def test_telephone_numbers_stay_text() -> None:
    assert infer_column(["13800138000", "15912345678"], "手机号").type.kind == "text"


def test_chinese_dates_are_dates_in_python_and_in_the_engine() -> None:
    field = infer_column(["2020年3月5日", "2021年12月31日"], "日期")
    assert (field.type, field.format) == (DATE, "%Y年%-m月%-d日")
    assert read_token("2020年3月5日", DATE, field.format) == date(2020, 3, 5)
    with duckdb.connect() as engine:
        sql = f"SELECT {token_sql(chr(34) + 't' + chr(34), DATE, field.format)} FROM (SELECT '2020年3月5日' AS t)"
        assert engine.execute(sql).fetchall() == [(date(2020, 3, 5),)]


def test_digits_of_other_scripts_are_text_as_no_cast_reads_them() -> None:
    for values in (["١", "٢", "٣"], ["２０２０-０１-０２"], ["१२:३०"]):
        assert infer_column(values, "x").type.kind == "text"


def test_keys_of_any_spelling_are_fields(tmp_path: Path) -> None:
    place = tmp_path / "odd.jsonl"
    place.write_text('{"": 1, "*": "u", "a/b": 1.5, "t~u": true, "m": {"": 2, "*": 3}}\n' * 2, encoding="utf-8")
    fields = infer_file(place).fields
    assert {one.name: str(one.type) for one in fields} == {
        "": "int32",
        "*": "text",
        "a/b": "decimal(18,2)",
        "t~u": "boolean",
        "m": 'record{"": int32, "*": int32}',
    }


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Straße", ("straße",)), ("numéroDeTéléphone", ("numéro", "de", "téléphone")), ("ÉtatCivil", ("état", "civil")),
     ("姓名x2", ("姓名", "x", "2")), ("arrDelay_km2", ("arr", "delay", "km", "2")), ("HTTPServer", ("http", "server"))],
)  # fmt: skip
def test_words_are_not_parted_at_letters_with_accents(name: str, parts: tuple[str, ...]) -> None:
    assert words(name) == parts


@pytest.mark.parametrize(
    ("name", "value"),
    [("Imię", "Anna"), ("Příjmení", "Novák"), ("Müşteri soyadı", "Kaya"), ("Adres", "ul. Długa 5"),
     ("Doğum tarihi", "1980-01-01"), ("Születési dátum", "1980-01-01"), ("Født", "1980-01-01")],
)  # fmt: skip
def test_what_is_called_for_a_person_in_further_languages_is_personal(name: str, value: str) -> None:
    assert infer_column([value] * 3, name).pii
