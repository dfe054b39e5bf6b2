"""What tables look like: columns that fold where the terminal is narrow, and nothing that a terminal obeys."""

import pytest

from octo_cli.screen import Screen, Table

PLAIN = Table(["name", ("rows", "right"), "note"], [["a", 1234567, None], ["long name", 2, True]], title="shop")


def test_columns_stand_under_their_headings() -> None:
    assert PLAIN.text(80, colour=False).splitlines() == [
        "shop",
        "name            rows  note",
        "a          1,234,567",
        "long name          2  yes",
    ]


def test_a_cell_that_finds_no_room_folds_and_loses_nothing() -> None:
    table = Table(["a", "b"], [["x", "one two three four"]])
    lines = table.text(14, colour=False).splitlines()
    assert lines == ["a  b", "x  one two", "   three four"]
    assert max(map(len, lines)) <= 14


def test_wide_signs_count_as_two() -> None:
    assert Table(["a", "b"], [["日本", "x"], ["ab", "y"]]).text(80, colour=False).splitlines() == [
        "a     b",
        "日本  x",
        "ab    y",
    ]


def test_what_the_data_says_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(colour=True, width=80).print(Table(["a"], [["\x1b[2J\nnext"]]))
    assert capsys.readouterr().out == "\x1b[1ma\x1b[0m\n\\x1b[2J next\n"


def test_a_table_of_no_rows_is_its_headings() -> None:
    assert Table(["a", "b"], []).text(80, colour=False) == "a  b"
