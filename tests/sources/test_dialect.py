"""Dialects of delimited files, from plain to spoilt; what is told is taken as told."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo_core.batch import CsvDialect
from octo_core.errors import SourceError
from octo_core.spec.sources import FileOptions
from octo_resources.sources.file.csv_rows import csv_rows
from octo_resources.sources.file.dialect import find_dialect, unique_names


def found(text: str, complete: bool = True, tabs: bool = False, **options: object) -> CsvDialect:
    return find_dialect(text, FileOptions.model_validate(options), "utf-8", complete, tabs)


@pytest.mark.parametrize(
    ("text", "delimiter", "header", "columns"),
    [
        ("id,name\n1,Ana\n2,Bo\n", ",", True, ("id", "name")),
        ("id\tname\n1\tAna, Bo\n2\tBo, Al\n", "\t", True, ("id", "name")),
        ("id|price\n1|1,5\n2|22,75\n", "|", True, ("id", "price")),
        ("id;price\n1;1,5\n2;22,75\n", ";", True, ("id", "price")),
        ("id;price;note\n1;1,5;a, b\n2;22,75;c\n", ";", True, ("id", "price", "note")),
        ('name,text\n"Doe, J","said ""hi"", left"\n"Roe, R",x\n', ",", True, ("name", "text")),
        ('id,text\n1,"two\nlines; of, text"\n2,x\n', ",", True, ("id", "text")),
        ("name\nAna\nBo\n", ",", True, ("name",)),
        ("name\nHello, world\nGood bye\nWell, well, well\n", None, True, ("name",)),
        ("price\n1,5\n2,25\n13,75\n", None, True, ("price",)),
        ("1,2\n3,4\n", ",", False, ("column_1", "column_2")),
        ("a,b\n", ",", True, ("a", "b")),
        ("a,b", ",", True, ("a", "b")),
        ("id,name\n1,Ana", ",", True, ("id", "name")),
        ("id,name\r\n1,Ana\r\n2,Bo\r\n", ",", True, ("id", "name")),
        ("id,name\r1,Ana\r2,Bo\r", ",", True, ("id", "name")),
        ("code,code,,code\nA,B,C,D\n", ",", True, ("code", "code_2", "column_3", "code_3")),
        ("country,2011,2012,2013\nSpain,1.5,2.5,3\nFrance,1,2,3\n", ",", True, ("country", "2011", "2012", "2013")),
        ("first,last\nAna,Diaz\nBo,Ek\n", ",", True, ("first", "last")),
        ("Ana,Madrid\nBo,Oslo\nAna,Oslo\n", ",", False, ("column_1", "column_2")),
        ("2024-01-01,5\n2024-01-02,6\n", ",", False, ("column_1", "column_2")),
        ("time\n10:00\n11:30\n12:45\n", ",", True, ("time",)),
        ("a,b,c\n1,2,3\n1,2\n1,2,3,4\n4,5,6\n", ",", True, ("a", "b", "c")),
        ("id,url\n1,http://a.b/?x=1;y=2\n2,http://c.d/?x=1;y=2;z=3\n", ",", True, ("id", "url")),
        ("id,size\n1,5\" pipe\n2,7\" pipe\n", ",", True, ("id", "size")),
        ("id^name\n1^a\n2^b\n", "^", True, ("id", "name")),
        ("\ufeffid,name\n1,a\n", ",", True, ("id", "name")),
        ("code,city,n\nA,Oslo,1\nB,Bo\nC,Bo,2,x\nD,Ry,2,x,y\nE,Oslo\nF,Oslo,3\n", ",", True, ("code", "city", "n")),
        ("code,city,n\nA,Oslo,1,\nB,Bo,2,\n", ",", True, ("code", "city", "n", "column_4")),
        ("code,city\n1,A,Oslo\n2,B,Bo\n", ",", True, ("column_1", "code", "city")),
        ("code,price\nA,1,5\nB,2,25\n", ",", True, ("code", "price")),
        ("Hello, my friend, hi\nWell, line, is\nYes, no\nWell\nWell, a, b, c\nOh, no\n", None, True,
         ("Hello, my friend, hi",)),
    ],
)  # fmt: skip
def test_found(text: str, delimiter: str | None, header: bool, columns: tuple[str, ...]) -> None:
    dialect = found(text)
    assert (dialect.header, dialect.columns) == (header, columns)
    if delimiter is not None:
        assert dialect.delimiter == delimiter
    else:
        assert dialect.delimiter not in text


@pytest.mark.parametrize(
    ("text", "skip", "columns"),
    [
        ("Sales report 2024\n\nregion,units\nnorth,5\nsouth,7\n", 2, ("region", "units")),
        ("# made by hand\n# twice\nregion,units\nnorth,5\n", 2, ("region", "units")),
        ("Report;;\nof May;;\nregion;units;price\nnorth;5;1,5\nsouth;6;2,5\n", 2, ("region", "units", "price")),
        ("\n\nregion,units\nnorth,5\n", 2, ("region", "units")),
        ("region,units\nnorth,5\n", 0, ("region", "units")),
    ],
)
def test_what_stands_before_the_table_is_skipped(text: str, skip: int, columns: tuple[str, ...]) -> None:
    dialect = found(text)
    assert (dialect.skip, dialect.columns) == (skip, columns)
    assert next(csv_rows(text, dialect))[0] == "north"


def test_single_quotes_and_backslashes() -> None:
    assert found("id,name\n1,'a, b'\n2,'c, d'\n3,'e'\n").quote == "'"
    assert found("id,name\n1,it's\n2,they're\n").quote == '"'
    assert found('id,name\n1,"say \\"hi\\", go"\n2,"b"\n').escape == "\\"


def test_a_null_spelling_that_is_certain_is_found() -> None:
    assert found("id,name\n1,\\N\n2,b\n").null == ("", "\\N")
    assert found("id,name\n1,NULL\n2,b\n").null == ("",)
    assert found("id,name\n1,NULL\n", null=["NULL"]).null == ("NULL",)


def test_what_is_told_is_taken() -> None:
    assert found("a;b,c;d\n1;2,3;4\n", delimiter=";").columns == ("a", "b,c", "d")
    assert found("a,b\n1,2\n", header=False).columns == ("column_1", "column_2")
    assert found("1,2\n3,4\n", header=True).columns == ("1", "2")
    assert found("x\ny\na,b\n1,2\n", skip=2).columns == ("a", "b")
    named = found("1,2\n3,4\n", columns=["a", "b"])
    assert (named.columns, named.header) == (("a", "b"), False)
    assert found("a,b c\n1,2\n", tabs=True).delimiter == "\t"


def test_the_wrong_number_of_told_columns_is_an_error() -> None:
    with pytest.raises(SourceError, match="names 1 columns, the file has 2"):
        found("1,2\n3,4\n", columns=["a"])


def test_a_cut_sample_leaves_its_last_record_out() -> None:
    text = "id,name\n" + "".join(f"{n},name {n}\n" for n in range(50)) + '51,"cut in the mid'
    assert found(text, complete=False).columns == ("id", "name")


def test_repeated_names_never_meet() -> None:
    assert unique_names(["a", "a", "a_2", "A"]) == ("a", "a_3", "a_2", "A_4")


@given(st.lists(st.sampled_from(["a", "A", "a_2", "", " a", "b", "column_1"]), max_size=8))
def test_names_are_unique_whatever_their_case(names: list[str]) -> None:
    unique = [name.lower() for name in unique_names(names)]
    assert len(set(unique)) == len(names)


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)


@given(st.sampled_from(",;\t|"), st.lists(st.tuples(st.integers(), CELLS, st.integers()), min_size=3, max_size=12))
def test_what_csv_writes_is_read_back(delimiter: str, rows: list[tuple[int, str, int]]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["number", "some text", "other number"])
    writer.writerows(rows)
    dialect = found(stream.getvalue())
    assert (dialect.delimiter, dialect.header) == (delimiter, True)
    assert dialect.columns == ("number", "some text", "other number")
    assert [tuple(row) for row in csv_rows(stream.getvalue(), dialect)] == [(str(a), b, str(c)) for a, b, c in rows]
