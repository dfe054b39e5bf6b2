"""What `infer_column` makes of columns as people write them: a case is a line of data."""

import doctest
import json
from decimal import Decimal
from typing import Any

import pytest

import octo_core.inference.columns
from octo_core.expressions.formats import check_format
from octo_core.expressions.times import EPOCHS
from octo_core.inference import choose, infer_column, infer_rows
from octo_core.inference.observe import profile_records
from octo_core.inference.together import decide_together

MANY = [str(number) for number in range(1, 200)]
CLOCK = [str(hour * 100 + minute) for hour in range(24) for minute in range(0, 60, 7)]

CASES = [
    # name, values, type, format
    ("n", ["1", "2", "300"], "int32", None),
    ("n", ["1", "3000000000"], "int64", None),
    ("n", ["12345678901234567890"], "decimal(38,0)", None),
    ("n", ["1.5", "2", "-.25"], "decimal(18,2)", None),
    ("n", ["12345678901234.123456789"], "decimal(38,9)", None),
    ("n", ["0.1234567890123456", "0.12345678901234567"], "float64", None),
    ("n", ["1e5", "2.5"], "float64", None),
    ("zip", ["00501", "10001", "02139"], "text", None),
    ("price", ["1.234,56", "12,50"], "decimal(18,2)", "1.234,56"),
    ("price", ["0,5", "12,50"], "decimal(18,2)", "1234,56"),
    ("price", ["1,234.56", "12.5"], "decimal(18,2)", "1,234.56"),
    ("price", ["1,234", "999"], "int32", "1,234.56"),
    ("weight", ["1,017", "0,102"], "decimal(18,3)", "1234,56"),
    ("price", ["1\u2009234,56", "2,5"], "decimal(18,2)", "1 234,56"),
    ("price", ["1.200,00\u00a0€", "3,50\u00a0€"], "decimal(18,2)", "1.234,56€"),
    ("price", ["1.200,50-", "3,50", "1.000,00"], "decimal(18,2)", "1.234,56-"),
    ("n", ["12-", "3", "4"], "int32", "1234.56-"),
    ("n", ["12-", "3-", "4-"], "text", None),
    ("price", ["R$ 1.200,00", "R$ 3,50"], "decimal(18,2)", "R$1.234,56"),
    ("n", [*MANY, "1e3"], "int32", None),
    ("day", [f"24-{month:02}-{month + 2:02}" for month in range(1, 13)], "date", "%y-%m-%d"),
    ("day", ["24-01-03", "25-06-07", "11-12-05"], "date", "%d-%m-%y"),
    ("price", ["1 234,56", "2,5"], "decimal(18,2)", "1 234,56"),
    ("tutar", ["1.234,56 ₺", "99,00 ₺"], "decimal(18,2)", "1.234,56₺"),
    ("cena", ["1 234,56 zł", "99,00 zł"], "decimal(18,2)", "1 234,56 zł"),
    ("pris", ["1.234 kr", "1.234.567 kr"], "int32", "1.234,56 kr"),
    ("uriage", ["￥1,234", "￥1,234,567"], "int32", "￥1,234.56"),
    ("uriage", ["1,234円", "1,234,567円"], "int32", "1,234.56 円"),
    ("odendi", ["Evet", "Hayır", "Evet"], "boolean", "Evet|Hayır"),
    ("price", ["1'234.50", "2.5"], "decimal(18,2)", "1'234.56"),
    ("price", ["1,23,456.78", "12,345.50", "999.00"], "decimal(18,2)", "12,34,567.89"),
    ("price", ["12,34,567", "1,234", "-5"], "int32", "12,34,567.89"),
    ("price", ["₹1,00,000", "₹99,999.5"], "decimal(18,2)", "₹12,34,567.89"),
    ("price", ["Rs 1,00,000", "Rs 250"], "int32", "Rs 12,34,567.89"),
    ("price", ["$1,234.50", "$3.00"], "decimal(18,2)", "$1,234.56"),
    ("price", ["3,50 €", "1.200,00 €"], "decimal(18,2)", "1.234,56€"),
    ("share", ["12.5%", "3 %"], "decimal(18,2)", "1234.56%"),
    ("net", ["(1,234.56)", "12.00"], "decimal(18,2)", "(1,234.56)"),
    ("net", ["($1,234.56)", "$12.00"], "decimal(18,2)", "($1,234.56)"),
    ("net", ["(1.234,56)", "12,50"], "decimal(18,2)", "(1.234,56)"),
    ("net", ["(12)", "7"], "int32", "(1234.56)"),
    ("note", ["(1)", "(2)", "(3)"], "text", None),
    ("net", ["-$1.50", "$2.50"], "decimal(18,2)", "$1234.56"),
    ("net", ["$-1.50", "$2.50"], "decimal(18,2)", "$1234.56"),
    ("phone", ["(555) 123-4567"], "text", None),
    ("at", ["10/Oct/2000:13:55:36 -0700"], "timestamptz", "%d/%b/%Y:%H:%M:%S %z"),
    ("at", ["2020-01-02T10:00:00.123456789"], "timestamp", "%Y-%m-%dT%H:%M:%S.%9f"),
    ("at", ["2020-01-02T10:00:00.123456789+01:00"], "timestamptz", "%Y-%m-%dT%H:%M:%S.%9f%z"),
    (
        "at",
        ["2020-01-02T10:00:00.1234567Z", "2020-01-02T10:00:00.5Z"],
        "timestamptz",
        "%Y-%m-%dT%H:%M:%S.%9fZ | %Y-%m-%dT%H:%M:%S.%fZ",
    ),
    ("t", ["10:00:00.123456789"], "time", "%H:%M:%S.%9f"),
    ("b", ["true", "false"], "boolean", "true|false"),
    ("b", ["Y", "N", "Y"], "boolean", "Y|N"),
    ("is_open", ["1", "0"], "boolean", "1|0"),
    ("count", ["1", "0"], "int32", None),
    ("answer", ["yes", "no", "unsure"], "text", None),
    ("geprueft", ["ja", "nein"], "boolean", "ja|nein"),
    ("pagado", ["sí", "no"], "boolean", "sí|no"),
    ("aktiv", ["J", "N"], "boolean", "J|N"),
    ("valide", ["vrai", "faux"], "boolean", "vrai|faux"),
    ("проверено", ["да", "нет"], "boolean", "да|нет"),
    ("richting", ["N", "S"], "text", None),
    ("d", ["2020-01-02", "2020-12-31"], "date", "%Y-%m-%d"),
    ("d", ["13/01/2020", "01/02/2020"], "date", "%d/%m/%Y"),
    ("d", ["01/13/2020", "01/02/2020"], "date", "%m/%d/%Y"),
    ("d", ["1/2/2020", "13/12/2020"], "date", "%-d/%-m/%Y"),
    ("d", ["3.4.21", "24.12.21"], "date", "%-d.%-m.%y"),
    ("d", ["5 May 2020", "12 March 2021"], "date", "%-d %B %Y"),
    ("d", ["05-Jan-20", "17-Feb-21"], "date", "%d-%b-%y"),
    ("d", ["Jan 05, 2020", "Dec 31, 2021"], "date", "%b %d, %Y"),
    ("day", ["20200101", "20191231"], "date", "%Y%m%d"),
    ("d", ["2020-01-02", "02/01/2020", "2020-02-03", "25/12/2020"], "date", "%Y-%m-%d | %d/%m/%Y"),
    ("t", ["10:00", "23:59"], "time", "%H:%M"),
    ("t", ["05h12", "23h59"], "time", "%Hh%M"),
    ("t", ["5h12", "23h59"], "text", None),
    ("t", ["05h12", "25h10"], "text", None),
    ("at", ["31/12/2023 05h12"], "timestamp", "%d/%m/%Y %Hh%M"),
    ("at", ["2 mars 2024 05h12", "13 avril 2024 17h45"], "timestamp", "%-d %B %Y %Hh%M @fr"),
    ("t", ["9:05 AM", "11:30 PM"], "time", "%-I:%M %p"),
    ("dep_time", CLOCK, "time", "hhmm"),
    ("air_time", MANY, "int32", None),
    ("t", ["10:00:00", "26:30:00"], "interval", "hms"),
    ("t", ["P1DT2H", "PT90.5S"], "interval", "iso"),
    ("at", ["2013-01-01T10:00:00Z", "2013-06-01T00:00:00Z"], "timestamptz", "%Y-%m-%dT%H:%M:%SZ"),
    ("at", ["2013-01-01T10:00:00+0100", "2013-06-01T00:00:00+0000"], "timestamptz", "%Y-%m-%dT%H:%M:%S%z"),
    ("at", ["2013-01-01T10:00:00Z", "2013-06-01T00:00:00.123+02:00"], "timestamptz", "iso"),
    ("at", ["2013-01-01 10:00:00 UTC"], "timestamptz", "%Y-%m-%d %H:%M:%S UTC"),
    ("at", ["2013-01-01 10:00:00", "2013-01-01 10:00:00.5"], "timestamp", "iso"),
    ("at", ["1/2/2020 5:07 PM", "12/20/2020 11:00 AM"], "timestamp", "%-m/%-d/%Y %-I:%M %p"),
    ("at", ["Mon, 06 Jan 2020 10:00:00 +0000"], "timestamptz", "%a, %d %b %Y %H:%M:%S %z"),
    ("created_at", ["1577836800", "1577836900"], "timestamptz", "epoch_s"),
    ("updated_ms_ts", ["1577836800000"], "timestamptz", "epoch_ms"),
    ("lastSeen", ["1577836800.25", "1577836801"], "timestamptz", "epoch_s"),
    ("ts", ["1577836800123456"], "timestamptz", "epoch_us"),
    ("iat", ["1577836800"], "timestamptz", "epoch_s"),
    ("ts", ["77836800", "77836801"], "int32", None),
    ("ts", ["1577836800.1234567"], "decimal(38,7)", None),
    ("amount", ["1577836800", "1577836900"], "int64", None),
    ("u", ["123e4567-e89b-12d3-a456-426614174000"], "uuid", None),
    ("payload", ['{"a": 1}', "[1, 2]"], "json", None),
    ("d", ["2020-02-30", "2020-13-01"], "text", None),
    ("d", ["12 août 2024", "3 mars 2024", "7 décembre 2023"], "date", "%-d %B %Y @fr"),
    ("d", ["12 août 2024", "3 mars 2024", "1er mai 2024"] * 5, "date", "%-d %B %Y @fr | %-der %B %Y @fr"),
    ("d", ["12-AOU-2024", "03-FEV-2024", "07-AVR-2023"], "date", "%d-%b-%Y @fr"),
    ("d", ["3. März 2024", "12. Januar 2023"], "date", "%-d. %B %Y @de"),
    ("d", ["5 de enero de 2023", "31 de diciembre de 2022"], "date", "%-d de %B de %Y @es"),
    ("d", ["12 Ara 2023", "15 Şub 2024"], "date", "%d %b %Y @tr"),
    ("d", ["12 ARALIK 2023 SALI", "1 Ocak 2024 Pazartesi"], "date", "%-d %B %Y %A @tr"),
    ("d", ["1 maja 2024", "15 sierpnia 2023"], "date", "%-d %B %Y @pl"),
    ("d", ["1 listopada 2024", "15 listopada 2023"], "text", None),
    ("d", ["1 listopada 2024", "15 listopada 2023", "3 maja 2024"], "date", "%-d %B %Y @pl"),
    ("d", ["1 mars 2024", "15 januari 2023"], "date", "%-d %B %Y @sv"),
    ("d", ["12 mars 2024", "13 mars 2024"], "date", "%d %B %Y @fr | %d %B %Y @nb | %d %B %Y @sv"),
    ("d", ["12 august 2024", "13 april 2024"], "date", "%d %B %Y"),
    ("d", ["2024年3月5日(火)", "2024年12月6日(金)"], "date", "%Y年%-m月%-d日(%a) @ja"),
    ("d", ["2024년 3월 5일", "2024년 12월 6일"], "date", "%Y년 %-m월 %-d일"),
    ("d", ["lun. 12/08/2024", "jeu. 07/03/2024"], "date", "%a %d/%m/%Y @fr"),
    ("d", ["mar. 12/08/2024", "ven. 01/03/2024"], "text", None),
    ("d", ["2024. március 5.", "2023. december 24."], "date", "%Y. %B %-d. @hu"),
    ("d", ["5 марта 2024 г.", "17 мая 2023 г."], "date", "%-d %B %Y г. @ru"),
    ("d", ["6 בינואר 2023", "5 במרץ 2024"], "date", "%-d ב%B %Y @he"),
    ("d", ["12 août 2024 à 14:30", "3 mars 2023 à 04:05"], "timestamp", "%-d %B %Y à %H:%M @fr"),
    ("d", ["Mo, 12. Aug. 2024 14:30:00 +0200"], "timestamptz", "%a, %d. %b %Y %H:%M:%S %z @de"),
    ("d", ["12 août 2024", "3 März 2024"] * 10, "date", "%d %B %Y @fr | %-d %B %Y @de"),
    ("d", ["12 Main 2024", "3 Elm 2023"], "text", None),
    ("x", ["abc", "d"], "text", None),
    ("x", [None, None], "text", None),
    ("x", [], "text", None),
]


@pytest.mark.parametrize(("name", "values", "kind", "layout"), CASES)
def test_type_and_format(name: str, values: list[str | None], kind: str, layout: str | None) -> None:
    field = infer_column(values, name)
    assert (str(field.type), field.format) == (kind, layout)


@pytest.mark.parametrize("case", [case for case in CASES if case[3]])
def test_formats_are_those_that_expressions_read(case: tuple[str, list[str | None], str, str | None]) -> None:
    field = infer_column(case[1], case[0])
    check_format(field.type, field.format)


def test_ambiguous_dates_say_so_and_are_doubted() -> None:
    field = infer_column(["01/02/2020", "03/04/2020", "05/06/2020"] * 20, "day")
    assert field.format == "%d/%m/%Y"
    assert "%m/%d/%Y" in (field.why or "")
    assert field.confidence < 0.7


CLEAR = {"sent": "12/25/2021", "paid": "01/02/2021"}


def test_the_order_of_day_and_month_is_that_of_the_other_fields() -> None:
    sent, paid = infer_rows([CLEAR, {"sent": "01/02/2021", "paid": "03/04/2021"}])
    assert (sent.format, paid.format) == ("%m/%d/%Y", "%m/%d/%Y")
    assert paid.why == "written as %m/%d/%Y; months come first, as in sent"
    assert decide_together(profile_records([CLEAR]).children or {}).warnings == {}


def test_numbers_that_may_be_thousands_are_thousands_beside_decimal_commas() -> None:
    rows = [{"seats": f"1.{number:03}", "in": {"kg": "17.422"}, "price": f"{number},50"} for number in range(200)]
    found = decide_together(profile_records(rows).children or {})
    seats, inside, _ = found.fields
    (weight,) = inside.children
    assert (str(seats.type), seats.format, str(weight.type), weight.format) == (
        "int32",
        "1.234,56",
        "int32",
        "1.234,56",
    )
    assert list(found.warnings) == ["seats", "in.kg"]
    assert "fields: {seats: {type: 'decimal(18,3)'}}" in found.warnings["seats"]
    plain = [{"weight": row["seats"], "price": "2.50"} for row in rows]
    assert decide_together(profile_records(plain).children or {}).warnings == {}
    numbers = [{"weight": 1.125, "price": "2,50"}] * 20
    typed = decide_together(profile_records(numbers).children or {})
    assert (str(typed.fields[0].type), typed.warnings) == ("decimal(18,3)", {})
    places = [{"lat": f"48.{number}", "price": "2,50"} for number in range(100, 200)]
    assert decide_together(profile_records(places).children or {}).warnings == {}
    fractions = [{"weight": f"{number % 2}.{number:03}", "price": "2,50"} for number in range(1, 90)]
    assert str(decide_together(profile_records(fractions).children or {}).fields[0].type) == "decimal(18,3)"


def test_where_no_other_field_tells_the_order_a_warning_says_how_to_say_it() -> None:
    rows = [{"paid": "01/02/2021", "at": {"sent": "1.2.21 10:00"}}]
    said = decide_together(profile_records(rows).children or {}).warnings
    assert list(said) == ["paid", "at.sent"]
    assert "03/04/2021 reads as 3 April" in said["paid"]
    assert "fields: {paid: {format: '%m/%d/%Y'}}" in said["paid"]
    assert "3.4.21 reads as 3 April" in said["at.sent"]
    assert "format: '%-m.%-d.%y %H:%M'" in said["at.sent"]


def test_fields_that_differ_settle_nothing() -> None:
    rows = [{"a": "12/25/2021", "b": "25/12/2021", "c": "01/02/2021"}]
    assert list(decide_together(profile_records(rows).children or {}).warnings) == ["c"]


def test_epochs_have_the_decimals_that_formats_take() -> None:
    assert choose._EPOCHS == EPOCHS


def test_fractions_that_are_cut_off_are_told() -> None:
    rows = [{"at": "2020-01-02T10:00:00.123456789Z"}]
    assert "finer than a microsecond" in decide_together(profile_records(rows).children or {}).warnings["at"]


def test_one_bad_value_does_not_make_text_of_numbers() -> None:
    field = infer_column([*MANY, "n.n."], "n")
    assert str(field.type) == "int32"
    assert "1 of 200 values do not fit" in (field.why or "")


def test_more_than_five_percent_bad_values_do() -> None:
    assert str(infer_column([*MANY[:90], *["x"] * 10], "n").type) == "text"


def test_words_for_null_are_nulls_of_typed_fields_and_text_elsewhere() -> None:
    number = infer_column(["1", "NA", "2", "N/A", "NA"], "n")
    assert (str(number.type), number.nulls, number.nullable) == ("int32", ("NA", "N/A"), True)
    word = infer_column(["Namibia", "NA", "Nepal"], "country")
    assert (str(word.type), word.nulls, word.nullable) == ("text", (), False)


def test_zero_dates_are_no_dates_and_values_elsewhere() -> None:
    for zero, value in (("00000000", "20240131"), ("0000-00-00", "2024-01-31"), ("00.00.0000", "31.01.2024")):
        field = infer_column([zero, value, value], "day")
        assert (str(field.type), field.nulls) == ("date", (zero,))
    code = infer_column(["00000000", *MANY], "amount")
    assert (str(code.type), code.nulls) == ("int32", ())


def test_leading_zeros_of_one_value_are_enough_to_stay_text() -> None:
    assert str(infer_column(["00501", "10001"], "zip").type) == "text"


def test_json_carriers_and_nesting() -> None:
    fields = infer_rows(
        [
            {"id": 1, "who": {"name": "a", "tags": ["x", None]}, "mixed": 1, "ok": True},
            {"id": 2, "who": {"name": "b", "tags": []}, "mixed": "2", "extra": Decimal("1.50")},
        ]
    )
    found = {field.name: field for field in fields}
    assert [field.name for field in fields] == ["id", "who", "mixed", "ok", "extra"]
    assert str(found["who"].type) == "record{name: text, tags: list<text>}"
    assert found["who"].children[1].children[0].name == "[]"
    assert found["who"].children[1].children[0].nullable
    assert (found["id"].carrier, found["mixed"].carrier, found["ok"].carrier) == ("number", "mixed", "boolean")
    assert (str(found["mixed"].type), str(found["ok"].type)) == ("int32", "boolean")
    assert (found["extra"].nullable, found["extra"].stats.missing if found["extra"].stats else 0) == (True, 1)


def test_different_structures_become_json() -> None:
    assert str(infer_column([{"a": 1}, [1], "x"], "x").type) == "json"


def test_a_map_with_very_many_keys_is_json() -> None:
    assert str(infer_column([{f"key{number}": 1} for number in range(1500)], "x").type) == "json"


def test_units_are_read_from_names_and_signs() -> None:
    named = {
        "distance_km": "km", "Weight (kg)": "kg", "temp_f": "°F", "price_usd": "USD", "latency_ms": "milliseconds",
        "load_pct": "percent", "min_price": None, "age": None, "arrMinutes": "minutes",
    }  # fmt: skip
    assert {name: infer_column(["1", "2"], name).unit for name in named} == named
    assert infer_column(["3 €", "4 €"], "x").unit == "EUR"


def test_description_holds_facts_and_no_values_of_persons() -> None:
    field = infer_column(["ann@example.org", "bob@example.org"], "contact")
    assert field.pii
    assert "ann" not in (field.description or "")
    assert infer_column(["1", "5"], "distance_km").description == (
        "Distance km: integer, in km, from 1 to 5, 2 distinct values."
    )


ADDRESSES = [f"kunde{number}@priv.example" for number in range(60)]


@pytest.mark.parametrize(
    "held",
    [
        [json.dumps({"mail": one}) for one in ADDRESSES],
        [json.dumps([7, one]) for one in ADDRESSES],
        [json.dumps({one: 1}) for one in ADDRESSES],
        [json.dumps({"note": "x" * 200, "who": {"mail": one + "x" * 200}}) for one in ADDRESSES],
        [{"mail": one} if number % 2 else [one] for number, one in enumerate(ADDRESSES)],
        [one if number % 2 else [one] for number, one in enumerate(ADDRESSES)],
        [[[[[[[[[[one]]]]]]]]] for one in ADDRESSES],
        [[one, {"n": 1}] for one in ADDRESSES],
        [{f"{one}{number}": 1 for number in range(20)} for one in ADDRESSES],
        [json.dumps({"person": "Anna Weber"})] * 60,
    ],
)
def test_what_json_holds_is_judged_for_personal_data(held: list[Any]) -> None:
    assert infer_column(held, "c7").pii


@pytest.mark.parametrize(
    "held",
    [
        [json.dumps({"sku": f"A-{number}", "n": number, "at": "2026-01-05T10:00:00Z"}) for number in range(60)],
        [[number, "red"] if number % 2 else {"n": number} for number in range(60)],
        [json.dumps([])] * 60,
        ["[draft] the first of them", "[final] and the second", "plain"],
    ],
)
def test_what_is_nobody_s_in_json_is_not_personal(held: list[Any]) -> None:
    assert not infer_column(held, "c7").pii


def test_doctests() -> None:
    assert doctest.testmod(octo_core.inference.columns).failed == 0


def test_whole_numbers_with_a_plus_that_telephones_may_have_are_no_integers() -> None:
    found = infer_column(["+4930123456", "+33142685300", "+14155552671"] * 4, "c9")
    assert (str(found.type), found.semantic, found.pii) == ("text", "phone", True)
    for values in (["+12", "+7", "-3"], ["+4930123456", "-33142685300"], ["4930123456", "33142685300"]):
        found = infer_column(values, "c9")
        assert (found.type.is_integer, found.semantic) == (True, None), values
    assert infer_column([4930123456, 33142685300], "c9").type.is_integer
