"""What does not belong to the language is refused with one clear error: what, where, and the nearest right name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.expressions import ExpressionError, canonical, parse, path_parts, path_text, paths, value_map_expr
from octo_core.schema import Field
from octo_core.types import parse_type
from tests.expressions.running import field, schema

ITEMS = Field(
    name="items",
    type=parse_type("list<record{sku: text, qty: int32}>"),
    carrier="array",
    children=(
        Field(
            name="[]",
            type=parse_type("record{sku: text, qty: int32}"),
            carrier="object",
            children=(field("sku", "text"), field("qty", "int32", carrier="number")),
        ),
    ),
)
ROWS = schema(
    field("time_hour", "timestamptz", fmt="%Y-%m-%dT%H:%M:%SZ"),
    field("distance", "int64", carrier="number"),
    field("contact", "text"),
    field("Contact Name", "text"),
    field("order", "text"),
    field("select", "text"),
    field("Zip", "text"),
    ITEMS,
)

REFUSED = [
    ("", "empty"),
    ("   ", "empty"),
    ("select 1", "no queries"),
    ("(select 1)", "no queries"),
    ("distance in (select 1)", "no queries"),
    ("exists(select 1)", "no queries"),
    ("1; drop table x", "semicolon"),
    ("1 -- and so on", "comments"),
    ("/* x */ 1", "comments"),
    ("sum(distance)", "about many rows"),
    ("count(*)", "about many rows"),
    ("row_number() over ()", "unexpected 'over'"),
    ("now()", "load_time() → timestamptz"),
    ("current_date", "no field current_date"),
    ("random()", "random is no function"),
    ("read_csv('x')", "read_csv is no function"),
    ("getenv('HOME')", "getenv is no function"),
    ("getvariable('octopipe_pseudonym_inner')", "getvariable is no function"),
    ("$1", "no field $1"),
    ("?", "no parameters"),
    (":x", "a colon has no place"),
    ("@x", "no parameters"),
    ("distance::text", "a colon has no place"),
    ("x -> x + 1", "unexpected"),
    ("{'a': 1}", "braces"),
    ("[1, 2]", "not in the expression language"),
    ("contact.*", "only a field of the source has parts"),
    ("*", "not in the expression language"),
    ("contact collate nocase", "unexpected 'collate'"),
    ("distance & 1", "not in the expression language"),
    ("contact as x", "unexpected 'as'"),
    ("contact contact", "unexpected 'contact'"),
    ("lower(contact", ") is missing"),
    ("lower(contact))", "unexpected ')'"),
    ("lower(,contact)", "something is missing"),
    ("coalesce(contact, )", "something is missing"),
    ("'abc", "text does not end"),
    ("distance +", "ends too early"),
    ("cast(distance int)", "a cast is written cast(… as type)"),
    ("cast(distance as serial)", "'serial' is no type"),
    ("cast(distance as decimal(40,2))", "the precision goes from 1 to 38"),
    ("1 < 2 < 3", "does not take (boolean, int8)"),
    ("not distance", "not wants boolean"),
    ("contact.x", "is text and has no parts"),
    ("items.sku", "items[1].sku"),
    ("items[0]", "count from 1"),
    ("lower()", "lower does not take no argument"),
    ("123456789012345678901234567890123456789", "more than 38 digits"),
    ("N'abc'", "plain quotes"),
    ("a\0b", "NUL"),
    ("(" * 1000 + "1" + ")" * 1000, "nested more than"),
    ("- " * 2000 + "1", "nested more than"),
    ("not " * 2000 + "true", "nested more than"),
    ("1" + " + 1" * 1500, "nested more than"),
    ("case when true then " * 100 + "1" + " end" * 100, "nested more than"),
    ("1 + " * 3000 + "1", "longer than 10,000"),
    ("1+" * 4500 + "1", "more than 4,000 words"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[text[:30] for text, _ in REFUSED])
def test_what_is_not_in_the_language_is_refused(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, ROWS)
    assert said in caught.value.message


def test_a_wrong_function_is_marked_with_the_signature_that_was_meant() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("parse_timestmp(time_hour, '%Y')", ROWS)
    assert caught.value.message == (
        "parse_timestmp is no function. Did you mean parse_timestamp(text, text) → timestamptz?"
    )
    assert caught.value.snippet == "│ parse_timestmp(time_hour, '%Y')\n│ ^^^^^^^^^^^^^^"
    assert caught.value.nearest == "parse_timestamp"


def test_a_wrong_field_is_marked_where_it_stands() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("lower(contact)\n  || contct", ROWS)
    error = caught.value
    assert error.message == "source rows has no field contct. Did you mean contact?"
    assert (error.line, error.column, error.offset, error.nearest) == (2, 6, 20, "contact")
    assert error.snippet == "│   || contct\n│      ^^^^^^"


def test_the_wrong_argument_is_marked() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("concat(contact, lower(distance * 2))", ROWS)
    assert "lower wants text as argument 1, not int64" in caught.value.message
    assert caught.value.snippet.endswith("│                       ^^^^^^^^^^^^")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("substr(contact, 1)", "substring(text, integer, [integer])"),
        ("distance + contact", "cast("),
        ("contact + 1", "parse_number"),
        ("date_of(time_hour)", "at_zone(…, 'UTC')"),
        ("year(contact)", "year does not take (text)"),
        ("strptime(contact, '%Y')", "parse_timestamp(text, text) → timestamptz"),
    ],
)
def test_a_mistake_names_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, ROWS)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("CAST( Distance*1.60 AS NUMERIC(6 , 1))", "cast(distance * 1.60 as decimal(6,1))"),
        ("((contact))||('x')", "contact || 'x'"),
        ('"Contact Name"', '"Contact Name"'),
        ("order", "order"),
        ('"select"', '"select"'),
        ("zip", "Zip"),
        ("items[2].sku", "items[2].sku"),
        ("if(distance>1,1,null)", "case when distance > 1 then 1 else null end"),
        ("case distance when 1 then 'a' end", "case when distance = 1 then 'a' else null end"),
        ("(1 + 2) * 3 - (4 - 5)", "(1 + 2) * 3 - (4 - 5)"),
        ("not (distance = 1 or distance is not null) and true", "not (distance = 1 or not distance is null) and true"),
        ("distance not between 1 and 2", "not distance between 1 and 2"),
        ("1 - -2", "1 - (-2)"),
        ("'it''s'", "'it''s'"),
    ],
)
def test_there_is_one_spelling(text: str, spelled: str) -> None:
    node = parse(text, ROWS)
    assert canonical(node) == spelled
    assert parse(spelled, ROWS) == node


def test_paths_are_named_once_and_in_order() -> None:
    node = parse('items[1].qty * distance + items[1].qty + length("Contact Name")', ROWS)
    assert paths(node) == ("items[1].qty", "distance", '"Contact Name"')


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(1, 999)), min_size=1, max_size=5))
def test_a_path_s_text_is_its_parts(parts: list[str | int]) -> None:
    parts[0] = str(parts[0])
    assert path_parts(path_text(tuple(parts))) == tuple(parts)


def test_a_value_map_becomes_an_expression() -> None:
    text = value_map_expr("contact", {"A": "it's", "C": "cancelled"}, "unknown")
    assert canonical(parse(text, ROWS)) == "map_values(contact, 'A', 'it''s', 'C', 'cancelled', 'unknown')"


TEXT = """
case when then else end and or not is null in between like cast as int decimal(3,1) contact distance items lower
coalesce ( ) [ ] , . + - * / % || = < >= <> 1 2.5 'x' '' " ' select ; -- /* */ { } : :: -> => @ $1 ? interval over
distinct from é e' x' array struct try_cast extract at time zone if exists any all lambda # ! ~
"""
WORDS = ["\0", "\\", *TEXT.split()]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join), st.text(max_size=60)))
def test_junk_is_an_expression_error_or_an_expression(text: str) -> None:
    try:
        node = parse(text, ROWS)
    except ExpressionError:
        return
    assert parse(canonical(node), ROWS) == node
