"""Whichever way a JSON line is read, its tokens are those of the slow judge: nasty lines, made up from a seed."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from octo_core.expressions import path_parts
from octo_resources.engines.duckdb import exact
from octo_resources.engines.duckdb.records import RecordReader
from tests.engine.landed import Land, schema

FIELDS = {"id": "text", "customer name": "text", "amount": "text", "flag": "text", "r": "json", "l": "json"}
CARRIERS = {"id": "number", "amount": "number", "flag": "boolean", "r": "object", "l": "array"}
GOOD = {"id": "7", "customer name": '"x"', "amount": "1.5", "flag": "true", "r": '{"a": 1, "b": "t"}', "l": "[1, 2]"}
NUMBERS = [
    "0", "-0", "-0.0", "6.0", "6.5", "1.10", "NaN", "Infinity", "1e400", "1E5", "1e-7", "01", "+1", ".5", "5.", "0x10",
    "1_000", "9223372036854775808", "12345678901234.123456789", "99999999999999.9999",
    "0.00001", "0.0001", "123456789.12",
    "1" + "0" * 116 + ".5",
]  # fmt: skip
TEXTS = [
    '"abc"', '"a\\u0000b"', '"\\ud800x"', '"\\ud83d\\ude00"', '"\\u00e9 é 😀"', '"a\\"b\\\\"', '""', '"\\u0041"',
    '"\t"',
    '"x: \\"id\\": 1"',
    '"\\"amount\\":9.50,"', '"amount"', '"\\udc00\\ud800"', '"\x7f\u2028"', '"\\/"', '"\\q"',
    '"1.10"',
]  # fmt: skip
NESTED = [
    "{}", "[]", "[1.10, 2]", '{"a":1.10,"b":2}', '{"a":1,"a":2}', '{"b": "x", "a": null}', '{"a": {"a": 1}}',
    '[{"a": 1}]',
    '{"a": 1, "b": "\\u0000"}', '{"amount":3.50}', "[1,]", "[[[[1]]]]", '{"a": 12345678901234.123456789, "b": "y"}',
]  # fmt: skip
KEPT: Any = {"parse_float": exact.Number, "parse_int": exact.Number}


def made_up(chance: random.Random, count: int) -> Iterator[str]:
    """Records near the usual one: odd values, other orders, missing, new and doubled keys, cuts and stray letters."""
    for _ in range(count):
        pairs = list(GOOD.items())
        for place in chance.sample(range(len(pairs)), chance.choice([0, 0, 1, 1, 2, 6])):
            odd = chance.choice([NUMBERS, NUMBERS, TEXTS, NESTED, ["null", "true", "false", "nul"]])
            pairs[place] = (pairs[place][0], chance.choice(odd))
        if chance.random() < 0.1:
            chance.shuffle(pairs)
        if chance.random() < 0.1:
            pairs = [pair for pair in pairs if chance.random() < 0.8]
        if chance.random() < 0.05:
            pairs.insert(chance.randrange(len(pairs) + 1), (chance.choice(["new", "id", "ID"]), chance.choice(NUMBERS)))
        comma, colon = chance.choice([(", ", ": "), (",", ":"), (" ,\t", " : ")])
        text = "{" + comma.join(json.dumps(key) + colon + value for key, value in pairs) + "}"
        if chance.random() < 0.03:
            at = chance.randrange(1, len(text))
            text = chance.choice(
                [
                    text[:at],
                    text[:-1] + ",}",
                    text + " x",
                    text * 2,
                    text[:at] + chance.choice('",:{}[]\\0e.') + text[at:],
                ]
            )
        yield text


def judged(text: str, paths: list[tuple[str | int, ...]]) -> list[str | None] | None:
    try:
        return exact.tokens(exact.decode(text), paths)
    except exact.UnfitError:
        return None


def blanks_apart(value: str | None) -> str | None:
    """Nested values are given as they stand; the judge writes them anew. Only blanks may differ, and escapes."""
    try:
        return (
            value if value is None or not value.startswith(("{", "[")) else exact.dumps(json.loads(value, **KEPT), "")
        )
    except json.JSONDecodeError:
        return value  # a text that only begins like a nested value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "columns",
    [
        {"a": "id", "b": '"customer name"', "c": "amount", "d": "flag"},
        {"a": "id", "b": "r", "c": "amount", "d": "l"},
    ],
    ids=["plain fields", "nested fields"],
)
def test_every_lane_gives_the_judges_tokens(land: Land, seed: int, columns: dict[str, str]) -> None:
    texts = list(made_up(random.Random(seed), 6000))
    fields = schema(FIELDS, CARRIERS)
    casts = {name: f"cast({text} as text)" for name, text in columns.items()}
    found = land.add("\n".join(texts)).evaluate(fields, casts)
    rows = {row.pop("_row"): list(row.values()) for row in found.rows}
    paths = [path_parts(path) for path in columns.values()]
    for number, text in enumerate(texts, start=1):
        wanted = judged(text, paths)
        got = rows.get(number)
        assert (got and [blanks_apart(value) for value in got]) == wanted, text


@pytest.mark.parametrize("seed", range(3))
def test_the_record_reader_gives_the_judges_tokens(seed: int) -> None:
    texts = list(made_up(random.Random(seed), 6000))
    names = ["id", '"customer name"', "amount", "r", "r.a", "l[1]"]
    reader = RecordReader(names, list(FIELDS))
    tokens, refused = reader.read(range(1, len(texts) + 1), texts)
    rows = {row.pop("!row"): list(row.values()) for row in tokens.to_pylist()}
    assert len(rows) + len(refused) == len(texts)
    for number, text in enumerate(texts, start=1):
        got = rows.get(number)
        assert (got and [blanks_apart(value) for value in got]) == judged(text, [path_parts(name) for name in names]), (
            text
        )
