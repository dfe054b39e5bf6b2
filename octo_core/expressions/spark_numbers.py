"""Exact arithmetic in Spark's SQL: nothing is rounded in silence, and overflow is NULL instead of an error.

Decimals keep their scale only without Spark's `allowPrecisionLoss` (see SETTINGS): then a result has the digits that
the language says, at most 38, and what does not fit is NULL under the try_ functions.
"""

from collections.abc import Callable
from typing import Final

from octo_core.expressions.numbers import FLOAT, WITH_EXPONENT, exact_regex
from octo_core.expressions.spark_names import full_match, named, native, with_name
from octo_core.expressions.tree import Call
from octo_core.expressions.typing import digits_of
from octo_core.types import DataType, decimal

Value = Callable[[Call, tuple[str, ...]], str]
_TRY: Final = {"+": "try_add", "-": "try_subtract", "*": "try_multiply"}
_STEP: Final = 19
"""Digits of a quotient that one division gives: Spark's own of two decimal(38,0) holds 20 before the point."""


def read(token: str, kind: DataType) -> str:
    """A number token read as `kind`; NULL where it does not fit exactly."""
    plain = plain_number(token, kind)
    if kind.family == "float":
        return plain
    exponent = full_match(token, WITH_EXPONENT)
    written_out = with_name(_expanded(token), "m", plain_number(named("m"), kind))
    return f"coalesce({plain}, CASE WHEN {exponent} THEN {written_out} END)"


def plain_number(token: str, kind: DataType) -> str:
    if kind.family == "float":
        guard = full_match(token, FLOAT)
        return f"CASE WHEN {guard} THEN {finite(f'try_cast({token} AS {native(kind)})')} END"
    digits = f"substring_index({token}, '.', 1)" if kind.is_integer else token
    return f"CASE WHEN {full_match(token, exact_regex(kind))} THEN try_cast({digits} AS {native(kind)}) END"


def _expanded(token: str) -> str:
    """The same number without its exponent, digit for digit, for a token that matches WITH_EXPONENT."""
    whole = f"regexp_extract({token}, '^[+-]?([0-9]*)', 1)"
    after = f"regexp_extract({token}, '[.]([0-9]*)', 1)"
    power = f"CAST(regexp_extract({token}, '[eE](.*)$', 1) AS INT)"
    parts = f"named_struct('digits', concat({whole}, {after}), 'point', length({whole}) + {power})"
    n = named("n")
    plain = (
        f"CASE WHEN {n}.point <= 0 THEN concat('0.', repeat('0', -{n}.point), {n}.digits)"
        f" WHEN {n}.point >= length({n}.digits) THEN concat({n}.digits, repeat('0', {n}.point - length({n}.digits)))"
        f" ELSE concat(left({n}.digits, {n}.point), '.', substring({n}.digits, {n}.point + 1)) END"
    )
    return f"concat(regexp_extract({token}, '^[+-]?', 0), {with_name(parts, 'n', plain)})"


def finite(sql: str) -> str:
    """SQL of a float, NULL where it is infinite or no number (which Spark takes for the largest)."""
    return f"CASE WHEN abs({sql}) < double('Infinity') THEN {sql} END"


def as_double(sql: str, kind: DataType) -> str:
    """The nearest float64. Of many digits by the text: Spark divides, and rounds twice."""
    if kind.kind == "decimal" and (kind.precision or 0) > 15:
        return f"CAST(CAST({sql} AS STRING) AS DOUBLE)"
    return f"CAST({sql} AS DOUBLE)"


def arithmetic(operator: str) -> Value:
    """+, - and *."""

    def value(call: Call, args: tuple[str, ...]) -> str:
        left, right = args
        if call.type.is_integer:
            return f"{_TRY[operator]}(CAST({left} AS BIGINT), CAST({right} AS BIGINT))"
        if call.type.family == "float":
            a, b = (as_double(arg, node.type) for arg, node in zip(args, call.args, strict=True))
            return finite(f"({a} {operator} {b})")
        wide = native(call.type)
        if operator != "*":
            return f"try_cast({_TRY[operator]}(try_cast({left} AS {wide}), try_cast({right} AS {wide})) AS {wide})"
        a, b = (_as_decimal(arg, node.type) for arg, node in zip(args, call.args, strict=True))
        return f"try_cast(try_multiply({a}, {b}) AS {wide})"

    return value


def _as_decimal(sql: str, kind: DataType) -> str:
    return f"CAST({sql} AS DECIMAL(19,0))" if kind.is_integer else sql


def negate(call: Call, args: tuple[str, ...]) -> str:
    if call.type.is_integer:
        return f"try_subtract(0L, CAST({args[0]} AS BIGINT))"
    return f"(-{args[0]})" if call.type.family == "float" else _minus(args[0], call.type)


def _minus(sql: str, kind: DataType) -> str:
    """A decimal's opposite. Spark's own minus, and so its abs, keeps 34 of 38 digits."""
    return f"CAST(CAST(0 AS DECIMAL(1,0)) - {sql} AS {native(kind)})"


def absolute(call: Call, args: tuple[str, ...]) -> str:
    if call.type.is_integer:
        return f"CASE WHEN {args[0]} < 0 THEN {negate(call, args)} ELSE CAST({args[0]} AS BIGINT) END"
    if call.type.family == "float":
        return f"abs({args[0]})"
    return f"CASE WHEN {args[0]} < 0 THEN {_minus(args[0], call.type)} ELSE {args[0]} END"


def sign(call: Call, args: tuple[str, ...]) -> str:
    """No-number, which Spark takes for the largest, has no sign."""
    nan = f"WHEN isnan({args[0]}) THEN 0L " if call.args[0].type.family == "float" else ""
    return f"CASE {nan}WHEN {args[0]} > 0 THEN 1L WHEN {args[0]} < 0 THEN -1L WHEN {args[0]} = 0 THEN 0L END"


def whole(function: str) -> Value:
    """floor and ceil. Spark's of a float is a BIGINT, which large ones do not fit and -0.0 is none of."""

    def value(call: Call, args: tuple[str, ...]) -> str:
        sql, kind = args[0], call.args[0].type
        if kind.is_integer:
            return sql
        if kind.kind == "decimal":
            return f"CAST({function}({sql}) AS {native(call.type)})"
        wide = f"CAST({sql} AS DOUBLE)"
        near = f"CASE WHEN {function}({wide}) = 0 THEN {wide} * 0D ELSE CAST({function}({wide}) AS DOUBLE) END"
        return f"CASE WHEN abs({wide}) < 4503599627370496D THEN {near} ELSE {wide} END"

    return value


def unscaled(sql: str, kind: DataType) -> str:
    """A decimal's digits as one decimal(38,0): 12.50 gives 1250."""
    if kind.is_integer or not kind.scale:
        return f"CAST({sql} AS DECIMAL(38,0))"
    if (kind.precision or 0) + kind.scale < 36:
        return f"CAST({sql} * CAST(1{'0' * kind.scale} AS DECIMAL({kind.scale + 1},0)) AS DECIMAL(38,0))"
    return f"CAST(replace(CAST({sql} AS STRING), '.', '') AS DECIMAL(38,0))"


def divide(call: Call, args: tuple[str, ...]) -> str:
    """The quotient of the digits, cut by taking the remainder away first, then rounded half away from zero."""
    left, right = call.args
    if call.type.family == "float":
        a, b = (as_double(arg, node.type) for arg, node in zip(args, call.args, strict=True))
        return f"CASE WHEN {b} <> 0 THEN {finite(f'try_divide({a}, {b})')} END"
    scale = call.type.scale or 0
    shift = scale - (left.type.scale or 0) + (right.type.scale or 0)
    whole = decimal(38, 0)
    a, b, q = named("a"), named("b"), named("q")
    over, under = (unscaled(sql, node.type) for sql, node in zip(args, call.args, strict=True))
    over = f"CASE WHEN {args[0]} < 0 THEN {_minus(over, whole)} ELSE {over} END"
    under = f"CASE WHEN {args[1]} < 0 THEN {_minus(under, whole)} ELSE {under} END"
    if shift:
        over = f"try_multiply({over}, CAST(1{'0' * shift} AS DECIMAL(38,0)))"
    digits = digits_of(left.type) + shift
    first = f"CASE WHEN {b} < 1{'0' * _STEP} THEN {_cut(a, _times(b, _STEP))} ELSE 0 END"
    rest = f"CASE WHEN {b} < 1{'0' * _STEP} THEN {a} % {_times(b, _STEP)} ELSE {a} END"
    cut = f"({_times(first, _STEP)} + {_cut(rest, b)})" if digits > _STEP else _cut(a, b)
    up = f"CASE WHEN {a} % {b} >= {b} - {a} % {b} THEN 1 ELSE 0 END"
    half = f"try_add(CAST({cut} AS DECIMAL(38,0)), CAST({up} AS DECIMAL(38,0)))"
    negative = f"(({args[0]} < 0) <> ({args[1]} < 0))"
    signed = f"CASE WHEN {negative} THEN {_minus(q, whole)} ELSE {q} END"
    unit = f"CAST('1E-{scale}' AS DECIMAL({scale},{scale}))"
    result = with_name(half, "q", f"try_cast(try_multiply({signed}, {unit}) AS {native(call.type)})")
    both = with_name(under, "b", with_name(over, "a", result))
    return f"CASE WHEN {args[1]} <> 0 THEN {both} END"


def _times(sql: str, digits: int) -> str:
    return f"CAST({sql} * CAST(1{'0' * digits} AS DECIMAL({digits + 1},0)) AS DECIMAL(38,0))"


def _cut(over: str, under: str) -> str:
    """The quotient of whole numbers without its remainder, of at most 20 digits."""
    return f"CAST((({over}) - ({over}) % ({under})) / ({under}) AS DECIMAL(38,0))"


def remainder(call: Call, args: tuple[str, ...]) -> str:
    if call.type.is_integer:
        return f"try_mod(CAST({args[0]} AS BIGINT), CAST({args[1]} AS BIGINT))"
    wide = native(call.type)
    return f"try_cast(try_mod(try_cast({args[0]} AS {wide}), try_cast({args[1]} AS {wide})) AS {wide})"


def shortest(sql: str, kind: DataType) -> str:
    """The text of the fewest digits that is this float and no other, as a plain decimal or with an exponent.

    Java's own, before JDK 19, has a digit too many now and then; what has few digits is the shortest in any case.
    """
    own = f"CAST({sql} AS STRING)"
    few, tiny = (15, "2.3E-308D") if kind.kind == "float64" else (6, "1.2E-38D")
    short = f"length({own}) <= {few + 1} AND abs({sql}) > {tiny}"
    return f"CASE WHEN {short} THEN {own} ELSE {_searched(sql, kind)} END"


def _searched(sql: str, kind: DataType) -> str:
    """Of the text's digits cut after the first, second …, the first number that is read as the same float."""
    p, c = named("p"), named("c")
    size = f"length({p}.digits)"
    left_out = f"CAST(rpad('1', {size} - {c} + 1, '0') AS BIGINT)"
    rounded = f"((CAST({p}.digits AS BIGINT) + {left_out} DIV 2) DIV {left_out})"
    text = f"concat({rounded}, 'E', {p}.point - {c})"
    tried = f"transform(sequence(1, {size}), {c} -> {text})"
    t = named("t")
    found = f"filter({tried}, {t} -> CAST({t} AS {native(kind)}) = abs({sql}))[0]"
    made = f"concat(CASE WHEN {sql} < 0 THEN '-' ELSE '' END, {found})"
    usual = with_name(_digits_and_point(f"CAST(abs({sql}) AS STRING)"), "p", made)
    return f"CASE WHEN {sql} = 0 OR NOT abs({sql}) < double('Infinity') THEN CAST({sql} AS STRING) ELSE {usual} END"


def _digits_and_point(text: str) -> str:
    """A struct of a positive float's digits, without zeros around them, and where its point is before or in them."""
    whole = f"regexp_extract({text}, '^([0-9]*)', 1)"
    after = f"regexp_extract({text}, '[.]([0-9]*)', 1)"
    power = f"coalesce(try_cast(regexp_extract({text}, 'E(.*)$', 1) AS INT), 0)"
    every = f"concat({whole}, {after})"
    zeros = f"length(regexp_extract({every}, '^0*', 0))"
    return (
        f"named_struct('digits', regexp_replace({every}, '^0+|0+$', ''), 'point', length({whole}) + {power} - {zeros})"
    )


def float_text(sql: str, kind: DataType) -> str:
    """A float's one text: `0.1`, `1e+16`, `1e-05`, `-0.0`, `nan`, `inf`."""
    p = named("d")
    after = f"substring({p}.digits, 2)"
    power = f"({p}.point - 1)"
    sign = f"CASE WHEN {power} < 0 THEN '-' ELSE '+' END"
    exponent = f"concat('e', {sign}, CASE WHEN abs({power}) < 10 THEN '0' ELSE '' END, abs({power}))"
    scientific = f"concat(left({p}.digits, 1), CASE WHEN {after} <> '' THEN '.' ELSE '' END, {after}, {exponent})"
    plain = (
        f"CASE WHEN {p}.point <= 0 THEN concat('0.', repeat('0', -{p}.point), {p}.digits)"
        f" WHEN {p}.point >= length({p}.digits) THEN concat(rpad({p}.digits, {p}.point, '0'), '.0')"
        f" ELSE concat(left({p}.digits, {p}.point), '.', substring({p}.digits, {p}.point + 1)) END"
    )
    shown = f"CASE WHEN {power} BETWEEN -4 AND 15 THEN {plain} ELSE {scientific} END"
    own = named("s")
    text = with_name(shortest(f"abs({sql})", kind), "s", with_name(_digits_and_point(own), "d", shown))
    sign = f"CASE WHEN CAST({sql} AS STRING) LIKE '-%' THEN '-' ELSE '' END"
    return (
        f"CASE WHEN isnan({sql}) THEN 'nan' WHEN {sql} = double('Infinity') THEN 'inf'"
        f" WHEN {sql} = double('-Infinity') THEN '-inf' WHEN {sql} = 0 THEN concat({sign}, '0.0')"
        f" ELSE concat({sign}, {text}) END"
    )


def double_to_decimal(sql: str, source: DataType, target: DataType) -> str:
    """A float by its shortest text, rounded half away from zero."""
    return f"try_cast({shortest(sql, source)} AS {native(target)})"
