"""On the way to its column a value is converted without loss, held against the column's limits, or set aside."""

from collections.abc import Iterator

import duckdb
import pytest

from octo_core.catalog import Column
from octo_core.expressions import ExpressionError, assign, canonical, parse
from octo_core.types import parse_type
from tests.expressions.running import Outcome, evaluate, field, schema


def column(kind: str, native: str | None = None, **more: object) -> Column:
    return Column.model_validate({"name": "target", "type": parse_type(kind), "native": native or kind, **more})


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as found:
        yield found


CASES = [
    # type of field, token, column, value or None, reason or None
    ("int64", "5", column("int16", "smallint"), "5", None),
    ("int64", "70000", column("int16", "smallint"), None, '"70000" is too large for int16'),
    ("int32", "3000000000", column("int64", "bigint"), "3000000000", None),
    ("decimal(12,4)", "1.5000", column("decimal(6,1)", "numeric(6,1)"), "1.5", None),
    ("decimal(12,4)", "1.55", column("decimal(6,1)", "numeric(6,1)"), None, '"1.55" has more than 1 decimals'),
    ("decimal(12,4)", "123456.5", column("decimal(6,1)"), None, '"123456.5" is too large for decimal(6,1)'),
    ("decimal(30,20)", "0.00000000000000000001", column("decimal(38,18)", "numeric"), "0.00000000000000000001", None),
    ("float64", "0.1", column("decimal(4,2)"), "0.10", None),
    ("float64", "1e-3", column("decimal(4,2)"), None, '"1e-3" does not fit decimal(4,2)'),
    ("int64", "7", column("text"), "7", None),
    ("int64", "007", column("text"), "007", None),
    ("timestamptz", "2013-01-01T11:00:00+01:00", column("text"), "2013-01-01T11:00:00+01:00", None),
    ("text", "abc", column("text", "character varying(3)", max_length=3), "abc", None),
    ("text", "añbc", column("text", "character varying(3)", max_length=3), None, '"añbc" is longer than 3 characters'),
    ("text", "ab  ", column("text", "character(2)", max_length=2), "ab  ", None),
    ("text", "new", column("text", "state", enum=("new", "old")), "new", None),
    ("text", "New", column("text", "state", enum=("new", "old")), None, '"New" is not one of new, old'),
    ("text", "a\0b", column("text"), None, "the text holds a NUL character"),
    ("int64", "5", column("float64", "double precision"), "5.0", None),
    ("date", "2013-01-31", column("timestamp"), "2013-01-31T00:00:00", None),
    ("uuid", "6F9619FF-8B86-D011-B42D-00C04FC964FF", column("uuid"), "6f9619ff-8b86-d011-b42d-00c04fc964ff", None),
    ("record{a: decimal(3,2)}", '{"a": 1.10}', column("json", "jsonb"), '{"a": 1.10}', None),
    ("list<int32>", "[1, 2]", column("list<int64>", "bigint[]"), "[1,2]", None),
    ("list<int32>", "[1, 2]", column("json", "jsonb"), "[1, 2]", None),
    ("boolean", "true", column("boolean"), "true", None),
    ("text", None, column("text"), None, None),
]


@pytest.mark.parametrize(("kind", "token", "target", "value", "reason"), CASES)
def test_a_field_reaches_its_column(
    kind: str,
    token: str | None,
    target: Column,
    value: str | None,
    reason: str | None,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    node = assign(parse("f", schema(field("f", kind))), target)
    found = evaluate(connection, node, {"f": token})
    assert found.reason == reason
    if reason is None:
        assert found == Outcome(value, None)
    assert canonical(node) == "f"


@pytest.mark.parametrize(
    ("expression", "target", "said"),
    [
        ("t", column("int32", "integer"), "target is integer and the expression is text. Use cast("),
        ("t", column("timestamptz", "timestamp with time zone"), "Use parse_timestamp("),
        ("ts", column("timestamptz", "timestamp with time zone"), "Use at_zone("),
        ("tz", column("date"), "Use date_of(at_zone("),
        ("n", column("time"), "Use hhmm_to_time("),
        ("n", column("boolean"), "Use cast("),
        ("sqrt(d)", column("decimal(6,1)", "numeric(6,1)"), "the expression is float64"),
        ("'x'", column("int32", "integer"), "the expression is text"),
    ],
)
def test_what_does_not_convert_names_what_would(expression: str, target: Column, said: str) -> None:
    rows = schema(
        field("t", "text"),
        field("ts", "timestamp"),
        field("tz", "timestamptz"),
        field("n", "int64"),
        field("d", "float64"),
    )
    with pytest.raises(ExpressionError) as caught:
        assign(parse(expression, rows), target)
    assert said in caught.value.message


def test_a_computed_decimal_is_never_rounded_by_its_column(connection: duckdb.DuckDBPyConnection) -> None:
    node = assign(parse("distance * 1.609344", schema(field("distance", "int64"))), column("decimal(6,1)"))
    assert evaluate(connection, node, {"distance": "1400"}).reason == '"2253.081600" has more than 1 decimals'
    assert evaluate(connection, node, {"distance": "0"}) == Outcome("0.0", None)


def test_a_literal_and_null_reach_a_column(connection: duckdb.DuckDBPyConnection) -> None:
    assert evaluate(connection, assign(parse("'2013-01-31'", schema()), column("date")), {}).text == "2013-01-31"
    assert evaluate(connection, assign(parse("null", schema()), column("date")), {}) == Outcome(None, None)
    assert evaluate(connection, assign(parse("5", schema()), column("decimal(4,1)")), {}).text == "5.0"
