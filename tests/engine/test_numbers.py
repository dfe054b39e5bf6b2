"""Number tokens arrive digit for digit: nothing goes through a double."""

from decimal import Decimal

import pytest

from tests.engine.landed import Land, schema

NINES = "9" * 20 + "." + "9" * 18


def jsonl(*tokens: str) -> str:
    return "".join(f'{{"a": {token}}}\n' for token in tokens)


@pytest.mark.parametrize(
    ("kind", "token", "value"),
    [
        ("decimal(38,18)", "12345678901234.123456789", Decimal("12345678901234.123456789")),
        ("decimal(38,18)", NINES, Decimal(NINES)),
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("decimal(38,18)", "1.10", Decimal("1.10")),
        ("int64", "1e5", 100000),
        ("int64", "6.0", 6),
        ("int64", "9223372036854775807", 9223372036854775807),
        ("text", "1.10", "1.10"),
        ("text", "1E400", "1E400"),
        ("text", "-0.0", "-0.0"),
        ("text", "0.00001", "0.00001"),
        ("text", "123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
@pytest.mark.parametrize("rows", [1, 300], ids=["alone", "among safe ones"])
def test_a_token_is_read_digit_for_digit(land: Land, kind: str, token: str, value: object, rows: int) -> None:
    """Among 300 plain numbers the odd one is no part of what the grammar was learned from."""
    land.add(jsonl(*["7"] * (rows - 1), token))
    assert land.evaluate(schema({"a": kind}, {"a": "number"})).rows[-1]["a"] == value


@pytest.mark.parametrize("token", ["6.5", "9223372036854775808", "1e30", "true", '"x"'])
def test_a_number_that_is_no_integer_is_refused(land: Land, token: str) -> None:
    found = land.add(jsonl("1", token)).evaluate(schema({"a": "int64"}, {"a": "number"}))
    assert found.column("a") == [1]
    assert found.refused[0].column == "a"
    assert found.payloads[2] == f'{{"a": {token}}}'
    assert found.scan.contract_failures == {"a": 1}


def test_a_file_of_long_numbers_is_exact_too(land: Land) -> None:
    tokens = [f"{number}.{number:018d}" for number in range(1, 1500)]
    found = land.add(jsonl(*tokens)).evaluate(schema({"a": "decimal(38,18)"}, {"a": "number"}))
    assert found.column("a") == [Decimal(token) for token in tokens]


def test_numbers_inside_records_keep_their_digits(land: Land) -> None:
    line = '{"r": {"n": 12345678901234.123456789, "t": "x"}, "l": [1.10, 2]}\n'
    fields = schema({"r": "record{n: decimal(38,18), t: text}", "l": "json"}, {"r": "object", "l": "array"})
    found = land.add(line * 500).evaluate(fields, {"n": "r.n", "t": "r.t", "l": "l"})
    assert found.rows[-1] == {"n": Decimal("12345678901234.123456789"), "t": "x", "l": "[1.10, 2]", "_row": 500}
