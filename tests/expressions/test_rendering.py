"""Whatever type-checks can be run: its SQL never raises, and a value and a reason never stand together for long."""

from collections.abc import Iterator
from resource import RUSAGE_SELF, getrusage

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from octo_core.expressions import (
    TABLE,
    ExpressionError,
    canonical,
    parse,
    pseudonym_pads,
    select_duckdb,
    to_duckdb,
)
from octo_core.expressions.tree import paths
from tests.expressions.running import evaluate, field, schema

FIELDS = {
    "i": ("int64", None), "d": ("decimal(20,6)", None), "f": ("float64", None), "t": ("text", None),
    "b": ("boolean", "yes|no"), "day": ("date", "%d/%m/%Y"), "clock": ("time", "hhmm"), "local": ("timestamp", None),
    "instant": ("timestamptz", "%Y-%m-%d %H:%M:%S @Europe/Madrid"), "u": ("uuid", None), "l": ("list<text>", None),
    "n": ("list<decimal(6,2)>", None), "j": ("json", None),
}  # fmt: skip
ROWS = schema(
    *(
        field(
            name, kind, fmt=fmt, carrier="object" if kind == "json" else "array" if kind.startswith("list") else "text"
        )
        for name, (kind, fmt) in FIELDS.items()
    )
)
LITERALS = [
    "1", "0", "-5", "2.50", "99999999999", "'x'", "''", "'2013-01-31'", "null", "true", "'%Y-%m-%d'", "'iso'", "'day'",
    "'Europe/Madrid'", "'a.b'", "'[0-9]+'", "'1,234.56'", "'hour'", "'yes|no'", "9223372036854775807",
]  # fmt: skip
NAMES = sorted(name for name, function in TABLE.items() if not function.operator)
TYPES = [
    "int",
    "smallint",
    "decimal(6,2)",
    "decimal(38,20)",
    "text",
    "date",
    "timestamp",
    "boolean",
    "double",
    "uuid",
    "json",
]


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "%", "=", "<>", "<", ">=", "||", "and", "or"])
    return st.one_of(
        st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, st.sampled_from(TYPES)).map(lambda p: f"cast({p[0]} as {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} between {p[1]} and {p[2]})"),
        inner.map(lambda p: f"({p} is null)"),
        st.tuples(inner, inner).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from([*FIELDS, *LITERALS]), calls, max_leaves=6)
TOKENS = st.sampled_from(
    [None, "", "0", "5", "-12", "1e5", "2.50", "99999999999999999999", "yes", "31/01/2013", "31/02/2013", "2460",
     "517", "2013-01-31T05:17:00", "2013-07-01 10:00:00", "2013-03-31 02:30:00",
     "NaN", "a\0b", "é", '["a", null]', "[1.10, 2]",
     '{"a": {"b": 1.10}}', "6F9619FF-8B86-D011-B42D-00C04FC964FF", "x" * 200, "9999-12-31T23:59:59"]
)  # fmt: skip


KINDS = {
    "text": "t", "integer": "i", "number": "d", "exact": "d", "date": "day", "time": "clock", "timestamp": "local",
    "timestamptz": "instant", "boolean": "b", "json": "j", "list": "l", "list<text>": "l", "float64": "f", "T": "t",
    "scalar": "i", "uuid": "u",
}  # fmt: skip
"""A field for each kind of parameter."""
CONSTANTS = {
    "zone": "'Asia/Tokyo'", "pattern": "'(a)|[0-9]'", "path": "'a.b'", "count": "1", "constant": "'z'",
    "number": "'1.234,56'",
}  # fmt: skip
FORMATS = {
    "parse_time": "'%H%M'", "format_time": "'%H%M'", "parse_timestamp": "'%Y-%m-%d %H:%MZ'",
    "parse_boolean": "'yes|no'", "parse_interval": "'iso'",
}  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as found:
        found.execute("SET VARIABLE octopipe_load_time = TIMESTAMPTZ '2026-11-21 10:00:00+00'")
        found.execute("SET VARIABLE octopipe_load_id = '7c1e'")
        yield found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(text=EXPRESSIONS, data=st.data())
def test_what_type_checks_never_raises_and_has_one_spelling(
    text: str, data: st.DataObject, connection: duckdb.DuckDBPyConnection
) -> None:
    try:
        node = parse(text, ROWS)
    except ExpressionError:
        assume(False)
    assert parse(canonical(node), ROWS) == node
    tokens = {name: data.draw(TOKENS, name) for name in paths(node)}
    evaluate(connection, node, tokens)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_no_function_raises_on_odd_values(
    name: str, data: st.DataObject, connection: duckdb.DuckDBPyConnection
) -> None:
    signature = data.draw(st.sampled_from(TABLE[name].parsed))
    args = []
    for param in signature.params:
        if param.literal == "unit":
            args.append("'hour'" if "time" in {other.kind for other in signature.params} else "'month'")
        elif param.literal == "format":
            args.append("'%Y-%m-%d %H:%M'" if len(signature.params) > 2 else FORMATS.get(name, "'%Y-%m-%d'"))
        else:
            args.append(CONSTANTS.get(param.literal or "", KINDS.get(param.kind, "t")))
    if name == "map_values":
        args = ["t", "'A'", "'b'"]
    text = f"{name}({', '.join(args)})"
    node = parse(text, ROWS)
    evaluate(connection, node, {path: data.draw(TOKENS, path) for path in paths(node)})


def test_pseudonym_is_hmac_sha256_and_the_key_is_in_no_sql(connection: duckdb.DuckDBPyConnection) -> None:
    import hashlib
    import hmac

    key = b"a key of this project"
    node = parse("pseudonym(t)", ROWS)
    with duckdb.connect() as own:
        for name, value in pseudonym_pads(key).items():
            own.execute(f"SET VARIABLE {name} = ?::BLOB", [value])
        found = evaluate(own, node, {"t": "ana@airline.example"})
    assert found.text == hmac.new(key, b"ana@airline.example", hashlib.sha256).hexdigest()


def test_nesting_grows_the_sql_and_does_not_multiply_it() -> None:
    def size(depth: int) -> int:
        text = "i"
        for _ in range(depth):
            text = f"abs(({text} + 1) / 3)"
        rendered = to_duckdb(parse(text, ROWS))
        return len(rendered.value) + len(rendered.reason) + sum(len(sql) for _, sql in rendered.lets)

    assert size(8) < 2.5 * size(4)


def test_reasons_can_leave_values_out(connection: duckdb.DuckDBPyConnection) -> None:
    shown = to_duckdb(parse("cast(t as int) / i", ROWS), show_values=False)
    sql = select_duckdb({"value": shown}, "(SELECT 'secret' AS t, '1' AS i)")
    row = connection.execute(sql).fetchone()
    assert row is not None
    assert row[1] == "a value is no number"


def test_columns_share_what_they_have_in_common(connection: duckdb.DuckDBPyConnection) -> None:
    columns = {name: to_duckdb(parse(text, ROWS)) for name, text in {"a": "i + 1", "b": "i + 2", "c": "t"}.items()}
    sql = select_duckdb(columns, "(SELECT 7 AS _row, '41' AS i, 'x' AS t)", keep=["_row"])
    assert sql.count('TRY_CAST("i" AS BIGINT) AS VARCHAR') == 1
    described = connection.execute(sql)
    assert [column[0] for column in described.description or ()] == ["_row", "a", "b", "c", "a!", "b!"]
    assert described.fetchone() == (7, 42, 43, "x", None, None)
    assert not columns["c"].can_fail


def test_a_field_named_like_a_name_of_ours_is_only_a_field(connection: duckdb.DuckDBPyConnection) -> None:
    rows = schema(field("lambda t", "int64"), field("t", "int64"), field("n", "text"))
    node = parse('"lambda t" + t', rows)
    found = evaluate(connection, node, {'"lambda t"': "1e2", "t": " 5 "})
    assert (found.text, found.reason) == ("105", None)


@pytest.mark.parametrize("text", ["lpad('x', 1900000000, 'y')", "repeat('x', 1900000000)"])
def test_no_text_is_made_that_a_condition_refuses(text: str, connection: duckdb.DuckDBPyConnection) -> None:
    before = getrusage(RUSAGE_SELF).ru_maxrss
    found = evaluate(connection, parse(text, ROWS), {})
    assert (found.text, found.reason is None) == (None, False)
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 500_000  # kB; DuckDB computes constants before it asks
