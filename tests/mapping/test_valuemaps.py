"""Codes of a source are paired with what a column takes."""

import pytest

from octo_core.catalog import Check
from octo_core.mapping.constraints import allowed_values, kept_by, number_range
from octo_core.mapping.model import DOUBTFUL
from octo_core.mapping.valuemaps import map_values, truths
from tests.mapping.build import column, field, proposed, schema, table


@pytest.mark.parametrize(
    ("values", "members", "expected"),
    [
        (("A", "C", "P"), ("active", "cancelled", "pending"), {"A": "active", "C": "cancelled", "P": "pending"}),
        (("SHIPPED", "Canceled"), ("shipped", "cancelled"), {"SHIPPED": "shipped", "Canceled": "cancelled"}),
        (("M", "F"), ("male", "female"), {"M": "male", "F": "female"}),
        (("in progress", "DONE"), ("in_progress", "completed"), {"in progress": "in_progress", "DONE": "completed"}),
        (("male", "female"), ("M", "F"), {"male": "M", "female": "F"}),
        (("SGL", "DBL", "STE"), ("single", "double", "suite"), {"SGL": "single", "DBL": "double", "STE": "suite"}),
        (("To Do", "Done"), ("todo", "done"), {"To Do": "todo", "Done": "done"}),
        (("Mon", "Tue"), ("monday", "tuesday"), {"Mon": "monday", "Tue": "tuesday"}),
        (("no-show", "checked out"), ("CONF", "NOSH", "OUT"), {"no-show": "NOSH", "checked out": "OUT"}),
        (("Kilogramm", "Stück"), ("kg", "pc"), {"Kilogramm": "kg"}),
    ],
)
def test_pairs(values: tuple[str, ...], members: tuple[str, ...], expected: dict[str, str]) -> None:
    found = map_values(values, members)
    assert dict(found.pairs) == expected
    assert found.unmatched == tuple(value for value in values if value not in expected)


def test_a_rare_value_without_a_counterpart_leaves_the_others_theirs() -> None:
    seen = ("confirmed", "cancelled", "overbooked", "walked", "waitlisted")
    there = table("stay", column("state", "text"), checks=("state IN ('CONF', 'CANC', 'NOSH')",))
    states = field("state", "text", *seen, counts=(560, 410, 1, 1, 1))
    (mapped,) = proposed(schema(states), there).columns
    assert mapped.expr == "map_values(state, 'confirmed', 'CONF', 'cancelled', 'CANC')"
    assert "no counterpart for 'overbooked', 'walked', 'waitlisted'" in mapped.why
    (mapped,) = proposed(schema(field("state", "text", *seen, counts=(2, 1, 560, 410, 1))), there).columns
    assert mapped.expr != "map_values(state, 'confirmed', 'CONF', 'cancelled', 'CANC')"


def test_what_is_neither_true_nor_false_in_a_few_rows_leaves_the_others_theirs() -> None:
    there = table("visit", column("paid", "boolean"))
    for every in (True, False):
        paid = field("paid", "text", "yes", "no", "ask Bob", "?", every=every, counts=(600, 380, 12, 8))
        (mapped,) = proposed(schema(paid), there).columns
        assert mapped.expr == "parse_boolean(paid, 'yes|no')"
        assert mapped.why.endswith("other values go to quarantine")


@pytest.mark.parametrize(
    ("values", "members", "expected", "guess"),
    [
        (("M", "F"), ("V", "M"), {"M": "M", "F": "V"}, ("F", "V")),
        (("V", "M"), ("male", "female"), {"V": "female", "M": "male"}, ("V", "female")),
        (("H", "M"), ("M", "F"), {"H": "M", "M": "F"}, ("M", "F")),
        (("M", "H", "N/A"), ("male", "female"), {"H": "male", "M": "female"}, None),
        (("F", "N"), ("M", "F", "U"), {"F": "M", "N": "F"}, ("F", "M")),
        (("e", "k"), ("F", "M"), {"e": "M", "k": "F"}, None),
        (("A", "B", "Q"), ("A", "B", "C"), {"A": "A", "B": "B", "Q": "C"}, ("Q", "C")),
        (("M", "F"), ("M", "F"), {"M": "M", "F": "F"}, None),
        (("checked in", "checked out"), ("OUT", "PAID"), {"checked out": "OUT"}, ("checked out", "OUT")),
        (("not paid", "x y"), ("OUT", "PAID"), {}, None),
        (("M", "F"), ("male", "female"), {"M": "male", "F": "female"}, None),
    ],
)
def test_a_pair_that_is_left_or_goes_against_the_letters_is_a_guess(
    values: tuple[str, ...], members: tuple[str, ...], expected: dict[str, str], guess: tuple[str, str] | None
) -> None:
    found = map_values(values, members)
    assert dict(found.pairs) == expected
    assert found.guess == guess


def test_a_guess_is_doubtful_and_told() -> None:
    sexes = field("sex", "text", "M", "F")
    there = table("patient", column("sex", "text"), checks=("sex IN ('V', 'M')",))
    (mapped,) = proposed(schema(sexes), there).columns
    assert mapped.expr == "map_values(sex, 'M', 'M', 'F', 'V')"
    assert mapped.confidence < DOUBTFUL
    assert "F is V is a guess" in mapped.why


def test_values_without_a_counterpart_are_named() -> None:
    found = map_values(("active", "zombie"), ("active", "closed"))
    assert found.unmatched == ("zombie",)
    assert not found.identical


def test_equal_lists_are_identical() -> None:
    assert map_values(("a", "b"), ("a", "b", "c")).identical


def test_two_members_with_one_initial_are_not_guessed() -> None:
    assert dict(map_values(("x",), ("xenon", "xylose")).pairs) == {}


def test_truths() -> None:
    found = truths(("Y", "N", "NA"))
    assert found is not None
    assert dict(found.pairs) == {"Y": "true", "N": "false"}
    assert truths(("Y", "N", "maybe")) is None
    assert truths(("Y",)) is None


@pytest.mark.parametrize(
    "sql",
    [
        "status IN ('new', 'paid')",
        "((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[]))",
        "(status = ANY (ARRAY['new'::text, 'paid'::text]))",
        "((status = 'new'::text) OR (status = 'paid'::text))",
        "(\"status\" IN ('new', 'paid'))",
    ],
)
def test_lists_in_checks(sql: str) -> None:
    assert allowed_values([sql], "status") == ("new", "paid")
    assert allowed_values([sql], "other") is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("(age >= 0)", (0, None)),
        ("((age >= 0) AND (age <= 150))", (0, 150)),
        ("((lat >= '-90'::integer::numeric) AND (lat <= (90)::numeric))", (None, None)),
        ("age BETWEEN 1 AND 9", (1, 9)),
        ("((age > 0) OR (age = '-1'::integer))", (None, None)),
        ("(stage >= 3)", (None, None)),
    ],
)
def test_ranges_in_checks(sql: str, expected: tuple[float | None, float | None]) -> None:
    assert number_range([sql], "age") == expected


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (("(s = ANY (ARRAY['a'::text, 'B'::text]))",), "trim(x) in ('a', 'B')"),
        (("(upper(s) = ANY (ARRAY['A'::text, 'B'::text]))",), "lower(trim(x)) in ('a', 'b')"),
        (("((s = 'a'::text) OR (s = 'b'::text))",), None),
        (("(char_length(s) < 5)",), None),
    ],
)
def test_lists_as_conditions(checks: tuple[str, ...], said: str | None) -> None:
    listed = [Check(name="one", sql=sql, columns=("s",)) for sql in checks]
    assert kept_by("x", column("s", "text"), listed) == said


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("(n >= (0)::numeric)", "(x) >= 0.0"),
        ("((n >= 1) AND (n <= 60))", "(x) >= 1.0 and (x) <= 60.0"),
        ("(abs(n) <= 10)", None),
        ("((n > 0) OR (n = '-1'::integer))", None),
        ("((n % 2) >= 1)", None),
        ("((100 - n) >= 0)", None),
    ],
)
def test_bounds_as_conditions(check: str, said: str | None) -> None:
    found = kept_by("x", column("n", "int32"), [Check(name="one", sql=check, columns=("n",))])
    assert found == said
    assert kept_by("x", column("n", "int32"), [Check(name="one", sql=check, columns=("m", "n"))]) is None
