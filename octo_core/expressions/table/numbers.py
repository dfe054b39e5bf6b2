"""Numbers: exact arithmetic on integers and decimals. Overflow and division by zero are failures, never rounding."""

from collections.abc import Callable
from typing import Final

from octo_core.expressions import spark_numbers
from octo_core.expressions.duckdb_numbers import arithmetic, divide, floats_or, negate, remainder, rounded
from octo_core.expressions.formats import token_sql
from octo_core.expressions.functions import Duck, Function, MismatchError, Spark
from octo_core.expressions.numbers import parse_number_format
from octo_core.expressions.spark_formats import token_spark
from octo_core.expressions.spark_names import named
from octo_core.expressions.spark_names import native as spark_native
from octo_core.expressions.table.logic import ordered
from octo_core.expressions.tree import Call, Literal, Node
from octo_core.expressions.typing import product_type, quotient_type, remainder_type, sum_type
from octo_core.types import FLOAT64, INT64, DataType, decimal

_OVER = "is too large"


def literal_int(node: Node) -> int:
    """The value of a whole-number literal. Raises MismatchError."""
    if isinstance(node, Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    raise MismatchError("a whole number is wanted here", 1)


def _round_type(args: tuple[Node, ...]) -> DataType:
    kind, places = args[0].type, literal_int(args[1]) if len(args) > 1 else 0
    if not 0 <= places <= 38:
        raise MismatchError("round takes 0 to 38 decimals", 1)
    if kind.is_integer:
        return kind
    scale = min(kind.scale or 0, places)
    whole = (kind.precision or 0) - (kind.scale or 0)
    return decimal(min(38, max(1, whole + 1 + scale)), scale)


def _whole_type(args: tuple[Node, ...]) -> DataType:
    kind = args[0].type
    if kind.family == "float":
        return FLOAT64
    return kind if kind.is_integer else decimal(min(38, (kind.precision or 0) - (kind.scale or 0) + 1), 0)


def _parsed_type(args: tuple[Node, ...]) -> DataType:
    text = args[1]
    fmt = parse_number_format(str(text.value)) if isinstance(text, Literal) else None
    return decimal(38, 18) if fmt and fmt.point else decimal(38, 0)


def _extreme(name: str, before: str) -> Callable[[Call, tuple[str, ...]], str]:
    """least and greatest. Intervals are sorted, as Spark has no order of theirs."""

    def value(call: Call, args: tuple[str, ...]) -> str:
        if call.type.kind != "interval":
            return f"{name}({', '.join(args)})"
        a, b = named("a"), named("b")
        one, two = ordered(a, call, 0), ordered(b, call, 0)
        order = f"CASE WHEN {one} = {two} THEN 0 WHEN {one} {before} {two} THEN -1 ELSE 1 END"
        given = f"filter(array({', '.join(args)}), {a} -> {a} IS NOT NULL)"
        return f"try_element_at(array_sort({given}, ({a}, {b}) -> {order}), 1)"

    return value


def _rounded(call: Call, args: tuple[str, ...]) -> str:
    return args[0] if call.type.is_integer else f"CAST({args[0]} AS {spark_native(call.type)})"


FUNCTIONS: Final = (
    Function(
        "+", ("+(number, number) → number",),
        "Sum. Integers give int64; decimals keep the larger scale, with one digit more; a float gives float64.",
        Duck(arithmetic("+"), "null", f"$0 + $1 {_OVER}"),
        Spark(spark_numbers.arithmetic("+"), "null"), family="numbers", operator=True,
        result=lambda args: sum_type(args[0].type, args[1].type),
    ),
    Function(
        "-", ("-(number, number) → number",), "Difference, by the rules of the sum.",
        Duck(arithmetic("-"), "null", f"$0 - $1 {_OVER}"),
        Spark(spark_numbers.arithmetic("-"), "null"), family="numbers", operator=True,
        result=lambda args: sum_type(args[0].type, args[1].type),
    ),
    Function(
        "*", ("*(number, number) → number",),
        "Product. Integers give int64; decimals add their scales and their digits, up to 38: nothing is rounded.",
        Duck(arithmetic("*"), "null", f"$0 * $1 {_OVER}"),
        Spark(spark_numbers.arithmetic("*"), "null"), family="numbers", operator=True,
        result=lambda args: product_type(args[0].type, args[1].type),
    ),
    Function(
        "/", ("/(number, number) → number",),
        "Quotient: decimal(38, s) with 6 decimals, or as many as either side has where that is more, rounded half "
        "away from zero (7 / 2 is 3.500000); with a float a float64. Division by zero fails.",
        Duck(divide, "null", "$0 / $1 cannot be computed"), Spark(spark_numbers.divide, "null"),
        family="numbers", operator=True,
        result=lambda args: quotient_type(args[0].type, args[1].type),
    ),
    Function(
        "%", ("%(exact, exact) → number",),
        "Remainder, exact, with the sign of the left side (-7 % 2 is -1). Fails for a right side of zero.",
        Duck(remainder, "null", "$0 % $1 cannot be computed"), Spark(spark_numbers.remainder, "null"),
        family="numbers", operator=True,
        result=lambda args: remainder_type(args[0].type, args[1].type),
    ),
    Function(
        "negate", ("negate(number) → number",), "`-x`. Integers give int64.",
        Duck(negate, "null", f"-$0 {_OVER}"), Spark(spark_numbers.negate, "null"),
        family="numbers", operator=True,
        result=lambda args: INT64 if args[0].type.is_integer else args[0].type,
    ),
    Function(
        "abs", ("abs(number) → number",), "The number without its sign. Integers give int64.",
        Duck(floats_or("abs($0)", "TRY(abs(CAST($0 AS BIGINT)))"), "null", f"abs($0) {_OVER}"),
        Spark(spark_numbers.absolute, "null"), family="numbers",
        result=lambda args: INT64 if args[0].type.is_integer else args[0].type,
    ),
    Function(
        "sign", ("sign(number) → integer",), "-1, 0 or 1.", Duck("CAST(sign($0) AS BIGINT)"), Spark(spark_numbers.sign),
        family="numbers",
    ),
    Function(
        "round", ("round(exact, [integer:count]) → number",),
        "Rounded to so many decimals (none when left out), half away from zero. Cast a float to a decimal first.",
        Duck(rounded), Spark(_rounded), family="numbers", result=_round_type,
    ),
    Function(
        "floor", ("floor(number) → number",), "The largest whole number that is not above it.",
        Duck(floats_or("floor($0)", "$0")), Spark(spark_numbers.whole("floor")), family="numbers", result=_whole_type,
    ),
    Function(
        "ceil", ("ceil(number) → number",), "The smallest whole number that is not below it.",
        Duck(floats_or("ceil($0)", "$0")), Spark(spark_numbers.whole("ceil")), family="numbers", result=_whole_type,
    ),
    Function(
        "sqrt", ("sqrt(float64) → float64",), "Square root as IEEE 754 defines it; of a negative number it fails.",
        Duck("CASE WHEN $0 >= 0 THEN sqrt($0) END", "null", "$0 has no square root"),
        Spark("CASE WHEN $0 >= 0 THEN sqrt($0) END", "null"), family="numbers",
    ),
    Function(
        "least", ("least(T, T...) → T",), "The smallest value. NULLs are left out.",
        Duck(lambda _, args: f"least({', '.join(args)})"), Spark(_extreme("least", "<")),
        family="numbers", nulls="NULL where all are",
    ),
    Function(
        "greatest", ("greatest(T, T...) → T",), "The largest value. NULLs are left out.",
        Duck(lambda _, args: f"greatest({', '.join(args)})"),
        Spark(_extreme("greatest", ">")),
        family="numbers", nulls="NULL where all are",
    ),
    Function(
        "parse_number", ("parse_number(text, text:number) → number",),
        "A number written as the format shows 1234.56 to be written, e.g. `1.234,56`, `$1,234.56` or `1 234`, or "
        "1234567.89 where digits are grouped two by two (`12,34,567.89`): "
        "decimal(38, 18), or decimal(38, 0) for a format without decimals.",
        Duck(
            lambda call, args: token_sql(args[0], call.type, _text(call.args[1])), "null",
            lambda call: f"$0 is no number written as {_text(call.args[1])}",
        ), Spark(lambda call, args: token_spark(args[0], call.type, _text(call.args[1])), "null"),
        family="numbers", result=_parsed_type,
    ),
)  # fmt: skip


def _text(node: Node) -> str:
    return str(node.value) if isinstance(node, Literal) else ""
