"""JSON lines as they come: what is broken is refused with its text, what only looks odd is read."""

import json

import pytest

from tests.engine.landed import Land, schema

FIELDS = schema({"a": "int64", "b": "text"}, {"a": "number"})
GOOD = b'{"a": 1, "b": "x"}\n'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": NaN, "b": "x"}', "malformed JSON: NaN"),
        (b'{"a": 1, "b": "x",}', "malformed JSON"),
        (b'{"a": 1, "b": "x"', "malformed JSON"),
        (b'{"a": 1, "b": "x', "malformed JSON: unterminated string"),
        (b'{"a": 1, "a": 2, "b": "x"}', "a key stands twice"),
        (b'{"a": 1, "b": "x"} {"a": 2}', "malformed JSON: extra data"),
        (b"{'a': 1}", "malformed JSON"),
        (b'{"a": 01, "b": "x"}', "malformed JSON"),
        (b'{"a": 1, "b": "\x01"}', "malformed JSON: invalid control character"),
        (b'{"a": 1, "b": "\\q"}', "malformed JSON: invalid \\escape"),
        (b'{"a": 1, "b": "\\u0000"}', "a NUL character"),
        (b'{"a": 1, "b": "\\ud800"}', "half a character"),
        (b'{"a": 1, "\\ud800": 1, "\\ud800": 2}', "a key stands twice"),
        (b'{"a": 1, "b": "\xff\xfe"}', "not UTF-8"),
        (b"[1, 2]", "malformed JSON: not an object"),
        (b"null", "malformed JSON: not an object"),
        (b"[" * 100_000, "malformed JSON"),
    ],
)
@pytest.mark.parametrize("before", [0, 500])
def test_a_broken_line_is_refused_and_the_others_go_on(land: Land, line: bytes, reason: str, before: int) -> None:
    found = land.add(GOOD * before + line + b"\n" + GOOD).evaluate(FIELDS)
    assert len(found.rows) == before + 1
    assert [one.row for one in found.refused] == [before + 1]
    assert found.refused[0].reason.startswith(reason)
    assert found.refused[0].column is None
    assert found.payloads[before + 1] == line.decode("utf-8", "backslashreplace")
    assert found.scan.malformed == 1


@pytest.mark.parametrize(
    "line", ['{"a": 1, "\\ud800": 2}', '{"a": 1, "new": {"\\ud800": 2}}', '{"a": 1, "new": [{"\\udfff": 2}]}']
)
@pytest.mark.parametrize("times", [1, 500])
def test_half_a_character_in_a_key_that_nothing_reads_stops_nothing(land: Land, line: str, times: int) -> None:
    found = land.add((line + "\n") * times).evaluate(schema({"a": "int64"}, {"a": "number"}))
    assert found.column("a") == [1] * times
    assert set(found.scan.new_fields) <= {"\\ud800", "new"}


def test_half_a_character_where_a_record_is_asked_for_is_shown_as_its_escape(land: Land) -> None:
    found = land.add('{"a": {"b": 1}}\n{"a": "\\ud800"}\n').evaluate(
        schema({"a": "record{b: int64}"}, {"a": "object"}), {"b": "a.b"}
    )
    assert (found.column("b"), found.reasons) == ([1], ["not an object"])
    assert found.refused[0].value == '"\\ud800"'


def test_line_ends_blank_lines_and_a_byte_order_mark_are_no_data(land: Land) -> None:
    found = land.add(b'\xef\xbb\xbf{"a": 1, "b": "x"}\r\n\r\n  \n{"a": 2, "b": "y"}\r\n{"a": 3, "b": "z"}').evaluate(
        FIELDS
    )
    assert [(row["_row"], row["a"], row["b"]) for row in found.rows] == [(1, 1, "x"), (4, 2, "y"), (5, 3, "z")]


def test_escapes_and_other_scripts_arrive_as_text(land: Land) -> None:
    land.add('{"a": 1, "b": "\\u00e9 é \\ud83d\\ude00 \\n \\" \\\\ 東京"}\n' * 2 + '{"\\u0061": 2, "b": "\\/"}\n')
    assert land.evaluate(FIELDS).column("b") == ['é é 😀 \n " \\ 東京'] * 2 + ["/"]


def test_a_token_is_not_taken_from_inside_a_text(land: Land) -> None:
    lines = ['{"b": "\\"a\\": 5", "a": 1.50}', '{"b": "a", "a": 2.50}', '{"b": "x\\"a\\":9.90,", "a": 3.50}']
    fields = schema({"a": "decimal(9,2)", "b": "text"}, {"a": "number"})
    found = land.add("\n".join(lines)).evaluate(fields, {"a": "a", "t": "cast(a as text)"})
    assert found.column("t") == ["1.50", "2.50", "3.50"]


def test_keys_in_any_order_nulls_and_missing_ones(land: Land) -> None:
    lines = [
        '{"a": 1, "b": "x"}',
        '{"b": "y", "a": 2}',
        '{"b": null, "a": 3}',
        '{"a": 4}',
        '{"a": 5, "c": 1, "b": "z"}',
    ]
    found = land.add("\n".join(lines * 200)).evaluate(FIELDS)
    assert found.column("a") == [1, 2, 3, 4, 5] * 200
    assert found.column("b") == ["x", "y", None, None, "z"] * 200
    assert found.scan.missing == {"b": 200}
    assert found.scan.new_fields == {"c": 200}


def test_a_line_longer_than_what_is_read_at_a_time(land: Land) -> None:
    long = b'{"a": 2, "b": "' + b"x" * 3_000_000 + b'"}\n'
    found = land.add(GOOD + long + GOOD).evaluate(FIELDS)
    assert [len(text) for text in found.column("b")] == [1, 3_000_000, 1]


def test_a_field_that_is_a_record_now_and_then_does_not_vanish(land: Land) -> None:
    fields = schema({"r": "record{n: int64}"}, {"r": "object"})
    lines = ['{"r": {"n": 1}}'] * 300 + ['{"r": "text"}', '{"r": null}', "{}", '{"r": {"n": 1, "n": 2}}', '{"r": {}}']
    found = land.add("\n".join(lines)).evaluate(fields, {"n": "r.n"})
    assert found.column("n")[300:] == [None, None, None]
    assert found.reasons == ["not an object", "a key stands twice"]
    assert found.scan.contract_failures == {"r": 2}
    assert found.scan.missing == {"r": 1}


@pytest.mark.parametrize("value", ["[]", "[1]", '[{"n": 1}]', "5", '"{\\"n\\": 1}"'])
def test_a_field_that_is_no_record_anywhere_does_not_vanish(land: Land, value: str) -> None:
    fields = schema({"r": "record{n: int64, in: record{m: int64}}"}, {"r": "object"})
    land.add(f'{{"r": {value}}}\n' * 300 + f'{{"r": {{"n": 1, "in": {value}}}}}\n' * 300)
    assert land.evaluate(fields, {"n": "r.n", "m": "r.in.m"}).reasons == ["not an object"] * 600


def test_a_text_is_a_list_or_an_object_where_it_holds_one(land: Land) -> None:
    fields = schema({"l": "list<record{x: int64}>", "r": "record{n: int64}"}, {"l": "array", "r": "object"})
    texts = ["[1]", '{"n": 1}', "[x", "{x", "[1] ", "[1] 2", "[NaN]", "[1,]", "{}", "x", ""]
    land.add("".join(json.dumps({name: text}) + "\n" for text in texts for name in ("l", "r")))
    found = land.evaluate(fields, {"l": "l", "r": "cast(r as json)"})
    assert [row["l"] or row["r"] for row in found.rows] == ["[1]", '{"n": 1}', "[1] ", "{}"]


@pytest.mark.parametrize("depth", [16, 60, 900])
def test_one_record_that_is_nested_deeply_stops_nothing(land: Land, depth: int) -> None:
    deep = "[" * depth + "1" + "]" * depth
    mixed = '[{"k": ' * (depth // 2) + "1" + "}]" * (depth // 2)
    land.add('{"r": [1]}\n' * 300 + f'{{"r": {deep}}}\n{{"r": {mixed}}}\n')
    found = land.evaluate(schema({"r": "json"}, {"r": "array"}), {"v": "r"})
    assert found.column("v")[299:] == ["[1]", deep, mixed]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files_are_read_as_streams(land: Land, compression: str) -> None:
    assert len(land.add(GOOD * 5000, compression=compression).evaluate(FIELDS).rows) == 5000


def test_records_that_change_their_shape_in_the_middle_are_learned_anew(land: Land) -> None:
    land.add('{"a": 1, "b": "x"}\n' * 30_000 + '{"id": 7, "b": "y", "a": 2.0}\n' * 60_000)
    found = land.evaluate(FIELDS)
    assert found.column("a") == [1] * 30_000 + [2] * 60_000
    assert found.scan.new_fields == {"id": 60_000}


def test_a_text_in_a_mixed_field_stays_a_text_in_json(land: Land) -> None:
    values = ['"12"', "12", '"null"', "null", '"true"', '"{\\"a\\":1}"', '{"a": 1.10}', '"x"', '"\\u0000"', '[1, "2"]']
    fields = schema({"v": "json", "r": "record{v: json}"}, {"v": "mixed", "r": "object"})
    land.add("".join(f'{{"v": {value}, "r": {{"v": {value}}}}}\n' for value in values))
    found = land.evaluate(fields, {"v": "v", "inner": "r.v", "t": "cast(v as text)"})
    kept = [None if value == "null" else value for value in values if "u0000" not in value]
    assert found.column("v") == found.column("inner") == kept
    assert found.column("t") == ["12", "12", "null", None, "true", '{"a":1}', '{"a": 1.10}', "x", '[1, "2"]']
    assert found.reasons == ["a NUL character"]
