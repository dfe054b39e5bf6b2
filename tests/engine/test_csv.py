"""Delimited files as they come: quotes, ragged rows, nulls; what does not work out is refused and the rest goes on."""

import pytest

from tests.engine.landed import Land, schema

FIELDS = schema({"a": "int64", "b": "text"})
AB = {"columns": ("a", "b")}


def test_plain_rows_have_the_number_of_their_line(land: Land) -> None:
    found = land.add("a,b\n1,x\r\n2,y\n3,z", "csv", **AB).evaluate(FIELDS)
    assert [(row["_row"], row["a"], row["b"]) for row in found.rows] == [(2, 1, "x"), (3, 2, "y"), (4, 3, "z")]


def test_quoted_fields_hold_delimiters_newlines_and_quotes(land: Land) -> None:
    found = land.add('a,b\n1,"x, ""y""\nz"\n"2","é"\n3,5" pipe\n', "csv", **AB).evaluate(FIELDS)
    assert found.column("b") == ['x, "y"\nz', "é", '5" pipe']
    assert found.column("_row") == [2, 4, 5]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1", "malformed CSV: 1 field instead of 2"),
        ("1,x,y", "malformed CSV: 3 fields instead of 2"),
        ('1,"x"y', "malformed CSV: text follows a closing quote"),
        ('1,"x', "malformed CSV: a quote is never closed"),
        ("1,x\x00", "a NUL character"),
    ],
)
@pytest.mark.parametrize("after", [1, 200_000])
def test_a_broken_row_is_refused_with_its_text(land: Land, line: str, reason: str, after: int) -> None:
    found = land.add("a,b\n5,q\n" + line + "\n" + "6,r\n" * after, "csv", **AB).evaluate(FIELDS)
    assert found.column("a") == [5, *[6] * after]
    assert [(one.row, one.reason) for one in found.refused] == [(3, reason)]
    assert found.payloads == {3: line}


def test_an_unclosed_quote_does_not_swallow_the_rows_after_it(land: Land) -> None:
    found = land.add('a,b\n1,"x\n2,"y"\n3,z\n', "csv", **AB).evaluate(FIELDS)
    assert found.column("a") == [2, 3]
    assert found.payloads == {2: '1,"x'}


def test_bytes_that_are_no_text_are_refused(land: Land) -> None:
    found = land.add(b"a,b\n1,x\n2,\xff\n3,z\n", "csv", **AB).evaluate(FIELDS)
    assert found.column("a") == [1, 3]
    assert found.reasons == ["not UTF-8"]
    assert found.payloads == {3: "2,\\xff"}


def test_nulls_are_what_the_dialect_says_where_they_are_not_quoted(land: Land) -> None:
    found = land.add('a,b\n1,\n2,""\n,NA\n"","NA"\n', "csv", **AB, null=("", "NA")).evaluate(FIELDS)
    assert found.column("a") == [1, 2, None, None]
    assert found.column("b") == [None, "", None, "NA"]


def test_a_fields_own_spellings_of_null(land: Land) -> None:
    fields = FIELDS.model_copy(
        update={"fields": tuple(one.model_copy(update={"nulls": ("-",)}) for one in FIELDS.fields)}
    )
    found = land.add("a,b\n-,-\n1,x\n", "csv", **AB).add('{"a": "-", "b": "-"}\n').evaluate(fields)
    assert [(row["a"], row["b"]) for row in found.rows] == [(None, None), (1, "x"), (None, None)]


def test_blank_lines_are_no_rows(land: Land) -> None:
    assert land.add("a,b\n\n1,x\n\r\n2,y\n\n", "csv", **AB).evaluate(FIELDS).column("_row") == [3, 5]


@pytest.mark.parametrize("content", ["", "a,b", "a,b\n"])
def test_a_file_without_rows_has_none(land: Land, content: str) -> None:
    assert land.add(content, "csv", **AB).evaluate(FIELDS).scan.rows_read == 0


def test_other_dialects(land: Land) -> None:
    land.add("junk\na\tb\n1\t'x\ty'\n", "csv", **AB, delimiter="\t", quote="'", skip=1)
    land.add('1;"x \\" y"\n', "csv", **AB, delimiter=";", escape="\\", header=False)
    land.add("a,b\n3,é\n".encode("latin-1"), "csv", **AB, encoding="latin-1")
    assert land.evaluate(FIELDS).column("b") == ["x\ty", 'x " y', "é"]


def test_files_with_other_columns_count_missing_and_new_ones(land: Land) -> None:
    land.add("a,b\n1,x\n", "csv", **AB).add("c,a\nq,2\nr,3\n", "csv", batch="b2", columns=("c", "a"))
    found = land.evaluate(FIELDS)
    assert found.column("b") == ["x", None, None]
    assert found.scan.batches["b1"].missing == {}
    assert found.scan.batches["b2"].missing == {"b": 2}
    assert found.scan.batches["b2"].new_fields == {"c": 2}


def test_rows_longer_than_what_is_read_at_a_time(land: Land) -> None:
    wide = '"' + "x\n" * 1_200_000 + '"'
    found = land.add(f"a,b\n1,{wide}\n2,y\n", "csv", **AB).evaluate(FIELDS)
    assert [len(text) for text in found.column("b")] == [2_400_000, 1]
    assert found.column("_row") == [2, 1_200_003]
