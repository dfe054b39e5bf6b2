"""Python reads tokens as the engine's SQL does: every type and format, over tokens that fit, nearly fit and do not."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from octo_core.calendar_names import Letter, languages, names
from octo_core.expressions.formats import token_sql
from octo_core.reading import read_token
from octo_core.types import parse_type

TOKENS = [
    "0", "-0", "+5", "7", "007", "127", "128", "-128", "-129", "2147483648", "9223372036854775807",
    "9223372036854775808",
    "1.0", "1.", ".5", "-.5", "1.10", "12.345", "1.230000", "1e5", "1E-2", "1.5e1", ".5e1", "1e-400", "1e39", "1e400",
    "0e5", "12e-1", "1_000", "0x10", "NaN", "inf", "", " ", " 5 ", "\t5", "5\n", "--5", "1,234", "1,234.56", "1.234,56",
    "12,5", "1.234.567", "1 234,5", "12,34,567.5", "1,23,456", "123,45,678", "1,2,345", "-1,00,000", "12,34",
    "1,234,567", "0,102", "0.102", "1.234,5-", "5−", "-5-", "12 -", "-0,102.5", "0 102", "1\u2009234,5", "1'234.5",
    "(12.00)", "(12",
    "-(12)", "$5", "-$1,234.50", "$-5.5", "$ 5", "5 %", "5%",
    "12.5 %", "−5", "5-", "true", "false", "TRUE", "True", "t", "Y", "n", "yes", "1", "on", "null", "NA",
    "2020-01-31", "2020-02-30", "2020-1-5", "31/01/2020", "1/2/2020", "30/02/2020", "13/13/2020", "01.02.21",
    "31.12.68",
    "31.12.69", "20200131", "2020031", "2020366", "2021366", "366-2020", "366-2021", "Jan 5, 2020", "jan 05, 2020",
    "January 05, 2020", "Fri, 31 Jan 2020", "Mon, 31 Jan 2020", "0000-01-01", "9999-12-31", "10000-01-01",
    "05:17", "5:17", "24:00", "23:59:60", "05:17:30", "05:17:30.123456", "05:17:30.1234567", "05:17:30.1200000000",
    "05:17:30.123456789", "05:17 PM", "5:17 am", "12:05 AM", "12:05 PM", "13:05 PM", "517", "5", "2400", "2401", "1260",
    "2020-01-31T05:17:30Z", "2020-01-31 05:17:30", "2020-01-31T05:17", "2020-01-31T05:17:30+02:00",
    "2020-01-31T05:17:30.5+0230", "2020-01-31T05:17:30-16:00", "2020-01-31T05:17:30+15:59",
    "2020-01-31T05:17:30.123456789Z",
    "2020-01-31 05:17:30 UTC", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2020-01-31T05:17:30+02",
    "10/Oct/2000:13:55:36 -0700", "2020-03-29 02:30:00", "2020-10-25 02:30:00", "2020-07-01 12:00:00",
    "1577836800", "-1577836800", "1577836800.5", "1577836800.1234567", "1577836800.1234560", "1577836800123",
    "253402300800",
    "-62135596801", "1577836800123456", "1577836800123.5", "999999999999999999",
    "123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000", "123e4567-e89b-12d3-a456-42661417400",
    "P1DT2H", "PT90.5S", "P2W", "P", "PT", "P1Y2M3D", "-P1D", "P1DT", "26:03:04", "26:03:04.5", "26:63:04", "-1:00:00",
    "aGk=", "aGk", "aGk==", "6869", "686", "zz",
    "12 août 2024", "12 AOUT 2024", "lundi 12 août 2024", "mardi 12 août 2024", "31 février 2024", "3. Mär. 2024",
    "Sat, 27 Feb 1999 00:35:00 +0200", "Fri, 26 Feb 1999 23:35:00 -0330", "Sun, 27 Feb 1999 00:35:00 +0200",
    "Sat, 27 Feb 1999 00:35:00 Z", "samedi 27 février 1999 00:35+02:00", "vendredi 27 février 1999 00:35+02:00",
    "2024-366 23:30-0330", "2023-366 23:30-0330", "2023-365 23:30-0330", "2024-001 00:30+02", "2024-366 00:30+02",
    "05h12", "5h12", "05H12", "24h00", "05h12:00",
    "1 HAZİRAN 2023", "1 haziran 2023 11:59 PM", "5 listopada 2024", "2024/03/05(火)", "2024/03/05(水)",
]  # fmt: skip
READINGS = [
    *((kind, None) for kind in ("int8", "int16", "int32", "int64", "decimal(18,2)", "decimal(38,0)", "decimal(5,5)")),
    *((kind, None) for kind in ("float32", "float64", "boolean", "date", "time", "timestamp", "timestamptz", "uuid")),
    ("decimal(18,2)", "1.234,56"), ("decimal(18,2)", "1,234.56"), ("decimal(18,2)", "1234,56"), ("int32", "1,234.56"),
    ("decimal(18,2)", "1 234,56"), ("decimal(18,2)", "1'234.56"), ("decimal(18,2)", "(1,234.56)"),
    ("decimal(18,2)", "12,34,567.89"), ("decimal(18,2)", "1.234,56-"), ("int32", "1234.56-"),
    ("int32", "12,34,567"), ("decimal(18,2)", "₹12,34,567.89"),
    ("decimal(18,2)", "$1,234.56"), ("decimal(18,2)", "($1,234.56)"), ("decimal(18,2)", "1234.56%"),
    ("float64", "1.234,56"),
    ("boolean", "Y|N"), ("boolean", "yes,y,1|no,n,0"), ("date", "%d/%m/%Y"), ("date", "%-d/%-m/%Y"), ("date", "%Y%m%d"),
    ("date", "%d.%m.%y"), ("date", "%b %-d, %Y"), ("date", "%B %d, %Y"), ("date", "%a, %d %b %Y"), ("date", "%Y%j"),
    ("date", "%j-%Y"), ("date", "%Y-%m-%d | %d/%m/%Y"), ("time", "%H:%M"),
    ("time", "%Hh%M"), ("time", "%I:%M %p"), ("time", "%-I:%M %p"),
    ("time", "hhmm"), ("time", "%H:%M:%S.%f"), ("time", "%H:%M:%S.%9f"), ("timestamp", "%Y-%m-%d %H:%M:%S"),
    ("timestamptz", "%Y-%m-%dT%H:%M:%SZ"), ("timestamptz", "%Y-%m-%dT%H:%M:%S%z"),
    ("timestamptz", "%Y-%m-%dT%H:%M:%S.%9fZ"),
    ("timestamptz", "%Y-%m-%d %H:%M:%S UTC"), ("timestamptz", "%d/%b/%Y:%H:%M:%S %z"),
    ("timestamptz", "%Y-%m-%d %H:%M:%S @Europe/Madrid"), ("timestamptz", "iso @Europe/Madrid"),
    ("timestamptz", "%a, %d %b %Y %H:%M:%S %z"), ("timestamptz", "%A %-d %B %Y %H:%M%z @fr"),
    ("timestamptz", "%Y-%j %H:%M%z"), ("timestamptz", "epoch_s"),
    ("timestamptz", "epoch_ms"), ("timestamptz", "epoch_us"), ("timestamp", "epoch_s"), ("interval", None),
    ("date", "%d %B %Y @fr"), ("date", "%A %-d %B %Y @fr"), ("date", "%-d. %b %Y @de"), ("date", "%-d %B %Y @hr"),
    ("date", "%-d %B %Y @pl | %-d %B %Y @hr"), ("date", "%Y/%m/%d(%a) @ja"), ("timestamp", "%-d %B %Y %I:%M %p @tr"),
    ("interval", "hms"), ("bytes", None), ("bytes", "hex"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tokens() -> list[str]:
    """The list, and as many with one letter changed, left out or added."""
    dice = random.Random(3)
    found = list(TOKENS)
    for token in TOKENS * 3:
        at = dice.randrange(len(token) + 1)
        found.append(token[:at] + dice.choice(["", *"0159-+.,:/ TZe%"]) + token[at + dice.randrange(2) :])
    return sorted(set(found))


def _read(token: str, kind: str, fmt: str | None) -> Any:
    try:
        return read_token(token, parse_type(kind), fmt)
    except ValueError:
        return None


@pytest.mark.parametrize(("kind", "fmt"), READINGS)
def test_both_read_the_same(tokens: list[str], kind: str, fmt: str | None) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE given AS SELECT unnest(?::VARCHAR[]) AS v", [tokens])
        value = token_sql("v", parse_type(kind), fmt)
        if kind == "interval":
            value = f"CASE WHEN ({value}) IS NOT NULL THEN trim(v, ' ' || chr(9)) END"
        engine = dict(connection.execute(f"SELECT v, {value} FROM given").fetchall())
    ours = {token: _read(token, kind, fmt) for token in tokens}
    if kind == "uuid":
        ours = {token: str(value) if value else None for token, value in ours.items()}
    if kind == "float32":
        ours = {token: pytest.approx(value, rel=1e-6) if value else value for token, value in ours.items()}
    differ = {token: (engine[token], ours[token]) for token in tokens if engine[token] != ours[token]}
    assert differ == {}
    assert any(value is not None for value in ours.values())


def test_a_decimal_is_as_written() -> None:
    assert str(read_token("1.50", parse_type("decimal(18,2)"))) == "1.50"
    assert read_token("1e-2", parse_type("decimal(18,2)")) == Decimal("0.01")


@pytest.mark.parametrize("language", languages())
def test_every_name_of_a_language_is_read_alike(language: str) -> None:
    days = {"B": "%d {} %Y", "b": "%d {} %Y", "A": "%d/%m/%Y {}", "a": "%d/%m/%Y {}"}
    letters: tuple[Letter, ...] = ("B", "b", "A", "a")
    with duckdb.connect() as connection:
        for letter in letters:
            pattern = f"{days[letter].format(f'%{letter}')} @{language}"
            for number, forms in enumerate(names(language, letter), 1):
                day = date(2024, number, 5) if letter in "Bb" else date(2024, 7, number)  # a Monday is the first
                tokens = [f"{day:{days[letter]}}".format(form) for form in forms]
                sql = token_sql("v", parse_type("date"), pattern)
                read = connection.execute(f"SELECT {sql} FROM (SELECT unnest(?::VARCHAR[]) AS v)", [tokens]).fetchall()
                assert [value for (value,) in read] == [day] * len(tokens)
                assert [read_token(token, parse_type("date"), pattern) for token in tokens] == [day] * len(tokens)
