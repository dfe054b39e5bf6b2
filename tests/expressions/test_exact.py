"""Arithmetic and casts on number tokens against a reference in Python's decimal: the same value, or both fail."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.expressions import Call, Convert, ExpressionError, Literal, Node, Path, parse
from octo_core.types import DataType
from tests.expressions.running import evaluate, field, schema

WIDE = Context(prec=400, rounding=ROUND_HALF_UP)
ROWS = schema(
    field("i", "int64", carrier="number"),
    field("d", "decimal(20,6)", carrier="number"),
    field("w", "decimal(38,18)", carrier="number"),
    field("t", "text"),
)
TOKENS = ["12345678901234.123456789", "1.10", "1e5", "1E-7", "-0", "0.1", "0.5", "-2.5", "9223372036854775807",
          "9223372036854775808", "-9223372036854775808", "99999999999999999999999999999999999999", "1E+3", "-1.005",
          "00012", ".5", "5.", "+3", "0", "1e-18", "12345678901234567890.123456789012345678"]  # fmt: skip


class Failed(Exception):  # noqa: N818  (a row's failure, no error)
    """The row has no value."""


def fitted(value: Decimal, kind: DataType, *, rounds: bool = False) -> Decimal:
    """The value as an integer or decimal type holds it."""
    scale = kind.scale or 0
    if rounds:
        value = value.quantize(Decimal(1).scaleb(-scale, WIDE), context=WIDE)
    if value != value.quantize(Decimal(1).scaleb(-scale, WIDE), context=WIDE):
        raise Failed
    if kind.is_integer:
        bits = int(kind.kind[3:]) - 1
        if not -(2**bits) <= value <= 2**bits - 1:
            raise Failed
    elif WIDE.scaleb(value.copy_abs(), scale) >= Decimal(10) ** (kind.precision or 0):
        raise Failed
    return value


def reference(node: Node, tokens: dict[str, str]) -> Decimal:
    if isinstance(node, Literal):
        return Decimal(str(node.value))
    if isinstance(node, Path):
        return fitted(Decimal(tokens[node.name]), node.type)
    if isinstance(node, Convert):
        if isinstance(node.arg, Path) and (node.arg.name == "t" or not node.explicit):
            return fitted(Decimal(tokens[node.arg.name]), node.type)
        rounds = node.explicit and node.type.kind == "decimal" and node.arg.type.is_numeric
        return fitted(reference(node.arg, tokens), node.type, rounds=rounds)
    assert isinstance(node, Call)
    values = [reference(arg, tokens) for arg in node.args]
    if node.function in "/%" and values[1] == 0:
        raise Failed
    if node.function == "/":
        exact = WIDE.divide(values[0], values[1])
        return fitted(exact, node.type, rounds=True)
    if node.function == "%":
        return fitted(WIDE.remainder(values[0], values[1]), node.type)
    if node.function == "round":
        return fitted(values[0], node.type, rounds=True)
    apply = {"+": WIDE.add, "-": WIDE.subtract, "*": WIDE.multiply}.get(node.function)
    if apply is None:
        return fitted(WIDE.minus(values[0]) if node.function == "negate" else values[0].copy_abs(), node.type)
    return fitted(apply(values[0], values[1]), node.type)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as found:
        yield found


LEAVES = st.sampled_from(
    ["i", "d", "1", "0.1", "2.50", "1.609344", "-3", "0", "cast(t as decimal(20,6))", "cast(t as int)"]
)
NUMBERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda part: f"-({part})"),
        inner.map(lambda part: f"abs({part})"),
        st.tuples(inner, st.integers(0, 4)).map(lambda parts: f"round({parts[0]}, {parts[1]})"),
        st.tuples(
            inner, st.sampled_from(["decimal(9,2)", "decimal(38,0)", "decimal(20,12)", "bigint", "smallint"])
        ).map(lambda parts: f"cast({parts[0]} as {parts[1]})"),
    ),
    max_leaves=5,
)
TOKEN = st.one_of(
    st.sampled_from(TOKENS),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4).map(str),
    st.integers(-(2**63), 2**63 - 1).map(str),
)


@settings(max_examples=250, deadline=None)
@given(text=NUMBERS, token=TOKEN)
def test_duckdb_computes_what_decimal_does(text: str, token: str, connection: duckdb.DuckDBPyConnection) -> None:
    try:
        node = parse(text, ROWS)
    except ExpressionError:  # a product of more than 38 decimals
        return
    tokens = dict.fromkeys(("i", "d", "w", "t"), token)
    found = evaluate(connection, node, tokens)
    try:
        expected = reference(node, tokens)
    except Failed:
        assert found.reason is not None
    else:
        assert found.reason is None
        assert found.text is not None
        assert Decimal(found.text) == expected


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("kind", ["int64", "decimal(38,18)", "decimal(38,0)", "decimal(38,9)", "decimal(4,2)"])
def test_a_token_is_read_exactly_or_not_at_all(kind: str, token: str, connection: duckdb.DuckDBPyConnection) -> None:
    node = parse("f", schema(field("f", kind, carrier="number")))
    found = evaluate(connection, node, {"f": token})
    try:
        expected = fitted(Decimal(token), node.type)
    except Failed:
        assert found.reason is not None
    else:
        assert found.reason is None
        assert Decimal(str(found.text)) == expected
