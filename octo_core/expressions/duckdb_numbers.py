"""Exact arithmetic in DuckDB's SQL, where its own division is floating, its remainder guesses and overflow raises."""

from collections.abc import Callable
from typing import Final

from octo_core.expressions.tree import Call, Literal
from octo_core.expressions.typing import digits_of
from octo_core.types import DataType

NATIVE: Final[dict[str, str]] = {
    "boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
    "float32": "REAL", "float64": "DOUBLE", "text": "VARCHAR", "bytes": "BLOB", "date": "DATE", "time": "TIME",
    "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "interval": "INTERVAL", "uuid": "VARCHAR",
    "json": "VARCHAR", "record": "VARCHAR",
}  # fmt: skip
"""DuckDB's type of each kind's values: uuid and json travel as their text."""

Value = Callable[[Call, tuple[str, ...]], str]


def native(kind: DataType) -> str:
    """DuckDB's name of the type in which values of `kind` are."""
    if kind.kind == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.kind == "list" and kind.element:
        return f"{native(kind.element)}[]"
    return NATIVE[kind.kind]


def arithmetic(operator: str) -> Value:
    """+, - and *: in HUGEINT and back for integers, which is faster than TRY where some overflow; else under TRY."""

    def value(call: Call, args: tuple[str, ...]) -> str:
        left, right = args
        if call.type.is_integer:
            return f"TRY_CAST(CAST({left} AS HUGEINT) {operator} CAST({right} AS HUGEINT) AS BIGINT)"
        if call.type.family == "float":
            a, b = (as_double(arg, node.type) for arg, node in zip(args, call.args, strict=True))
            return finite(f"{a} {operator} {b}")
        a, b = (_as_decimal(arg, node.type) for arg, node in zip(args, call.args, strict=True))
        if operator != "*":
            wide = native(call.type)
            return f"TRY(CAST(CAST({left} AS {wide}) {operator} CAST({right} AS {wide}) AS {wide}))"
        return f"TRY(CAST({a} * {b} AS {native(call.type)}))"

    return value


def _as_decimal(sql: str, kind: DataType) -> str:
    return f"CAST({sql} AS DECIMAL(19,0))" if kind.is_integer else sql


def as_double(sql: str, kind: DataType) -> str:
    """The nearest float64. Of many digits by the text: DuckDB divides, and rounds twice."""
    if kind.kind == "decimal" and (kind.precision or 0) > 15:
        return f"CAST(CAST({sql} AS VARCHAR) AS DOUBLE)"
    return f"CAST({sql} AS DOUBLE)"


def finite(sql: str) -> str:
    """SQL of a float, NULL where it is infinite or no number."""
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"


def negate(call: Call, args: tuple[str, ...]) -> str:
    if call.type.is_integer:
        return f"TRY_CAST(-CAST({args[0]} AS HUGEINT) AS BIGINT)"
    return f"(-{args[0]})"


def floats_or(template: str, integers: str) -> Value:
    """One template for floats and decimals (cast to the result), another for integers."""

    def value(call: Call, args: tuple[str, ...]) -> str:
        if call.args[0].type.is_integer:
            return integers.replace("$0", args[0])
        return f"CAST({template.replace('$0', args[0])} AS {native(call.type)})"

    return value


def unscaled(sql: str, kind: DataType) -> str:
    """SQL of a decimal's digits as one HUGEINT: 12.50 gives 1250. By its text, as no cast does it without rounding."""
    if kind.is_integer or not kind.scale:
        return f"CAST({sql} AS HUGEINT)"
    return f"CAST(replace(CAST({sql} AS VARCHAR), '.', '') AS HUGEINT)"


def scaled(sql: str, kind: DataType) -> str:
    """SQL of a HUGEINT's digits read as a decimal of this scale, or NULL. The inverse of unscaled."""
    if not kind.scale:
        return f"TRY_CAST({sql} AS {native(kind)})"
    unit = f"CAST('0.{'0' * (kind.scale - 1)}1' AS DECIMAL({kind.scale},{kind.scale}))"
    return f"TRY(CAST(CAST({sql} AS DECIMAL(38,0)) * {unit} AS {native(kind)}))"


def divide(call: Call, args: tuple[str, ...]) -> str:
    """The quotient of whole numbers of at most 38 digits, rounded half away from zero by its remainder.

    Each part is NULL where it cannot be: DuckDB computes what stands twice once, and then outside of CASE and TRY.
    """
    left, right = call.args
    if call.type.family == "float":
        a, b = (as_double(arg, node.type) for arg, node in zip(args, call.args, strict=True))
        return f"CASE WHEN {b} <> 0 THEN {finite(f'{a} / {b}')} END"
    shift = (call.type.scale or 0) - (left.type.scale or 0) + (right.type.scale or 0)
    digits = f"abs({unscaled(args[0], left.type)})"
    room = max(0, 38 - shift)
    over = f"({digits} * CAST(1{'0' * shift} AS HUGEINT))"
    if digits_of(left.type) > room:
        over = f"CASE WHEN {digits} < CAST('1{'0' * room}' AS HUGEINT) THEN {over} END"
    under = f"nullif(abs({unscaled(args[1], right.type)}), 0)"
    up = f"CASE WHEN {over} % {under} >= {under} - {over} % {under} THEN 1 ELSE 0 END"
    signed = f"(({over} // {under} + {up}) * CASE WHEN ({args[0]} < 0) <> ({args[1]} < 0) THEN -1 ELSE 1 END)"
    return f"TRY({scaled(signed, call.type)})"


def remainder(call: Call, args: tuple[str, ...]) -> str:
    if call.type.is_integer:
        whole = f"CAST({args[0]} AS HUGEINT) % CAST({args[1]} AS HUGEINT)"
        return f"CASE WHEN {args[1]} <> 0 THEN CAST({whole} AS BIGINT) END"
    parts = [unscaled(f"CAST({sql} AS {native(call.type)})", call.type) for sql in args]
    return f"CASE WHEN {args[1]} <> 0 THEN TRY({scaled(f'({parts[0]} % {parts[1]})', call.type)}) END"


def rounded(call: Call, args: tuple[str, ...]) -> str:
    """DuckDB's cast to a decimal of fewer decimals rounds half away from zero."""
    if call.type.is_integer:
        return args[0]
    places = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], Literal) else 0
    assert isinstance(places, int)
    return f"CAST({args[0]} AS {native(call.type)})"
