"""Logic: choice, comparison and the three-valued operators. Their forms are lazy, so the renderer knows them itself."""

from collections.abc import Callable
from typing import Final

from octo_core.expressions.functions import Duck, Function, Spark
from octo_core.expressions.spark_text import like
from octo_core.expressions.table.text import text_of
from octo_core.expressions.tree import Call

_THREE = "Three-valued: NULL where the answer hangs on a NULL"


def ordered(sql: str, call: Call, index: int) -> str:
    """What Spark compares: a struct of months, days and microseconds has no order of lengths."""
    if call.args[index].type.kind != "interval":
        return sql
    days = f"(CAST({sql}.months AS DECIMAL(38,0)) * 30 + {sql}.days)"
    return f"({days} * 86400000000L + {sql}.micros)"


def _compared(name: str) -> Callable[[Call, tuple[str, ...]], str]:
    return lambda call, args: f"({ordered(args[0], call, 0)} {name} {ordered(args[1], call, 1)})"


def _between(call: Call, args: tuple[str, ...]) -> str:
    value, low, high = (ordered(sql, call, index) for index, sql in enumerate(args))
    return f"({value} BETWEEN {low} AND {high})"


def _in(call: Call, args: tuple[str, ...]) -> str:
    """Of floats one by one: Spark's set of many takes 0.0 and -0.0 for two."""
    own, *others = (ordered(sql, call, index) for index, sql in enumerate(args))
    if call.args[0].type.family == "float":
        return f"({' OR '.join(f'{own} = {other}' for other in others)})"
    return f"({own} IN ({', '.join(others)}))"


def _nullif(call: Call, args: tuple[str, ...]) -> str:
    return f"CASE WHEN {_compared('=')(call, args)} THEN NULL ELSE {args[0]} END"


def _comparison(name: str, words: str) -> Function:
    return Function(
        name,
        (f"{name}(T, T) → boolean",),
        f"Whether the left side is {words} the right one. Texts are compared by code point, numbers exactly.",
        Duck(f"($0 {name} $1)"),
        Spark(_compared(name)),
        family="logic",
        operator=True,
    )


FUNCTIONS: Final = (
    _comparison("=", "equal to"),
    _comparison("<>", "different from"),
    _comparison("<", "less than"),
    _comparison("<=", "at most"),
    _comparison(">", "greater than"),
    _comparison(">=", "at least"),
    Function(
        "between", ("between(T, T, T) → boolean",), "`x between low and high`, both ends included.",
        Duck("($0 BETWEEN $1 AND $2)"), Spark(_between), family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "in", ("in(T, T...) → boolean",), "`x in (a, b, …)`: whether x equals one of them.",
        Duck(lambda _, args: f"({args[0]} IN ({', '.join(args[1:])}))"), Spark(_in), family="logic", operator=True,
        nulls=_THREE,
    ),
    Function(
        "like", ("like(text, text:constant) → boolean",), "`x like 'A%'`: `%` any text, `_` one character.",
        Duck("($0 LIKE $1)"), Spark(lambda call, args: f"({args[0]} LIKE {like(text_of(call.args[1]))})"),
        family="logic", operator=True,
    ),
    Function(
        "is null", ("is null(any) → boolean",), "`x is null`, and `x is not null`.",
        Duck("($0 IS NULL)"), Spark("($0 IS NULL)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "is true", ("is true(boolean) → boolean",), "`x is true`: false where x is NULL.",
        Duck("($0 IS TRUE)"), Spark("($0 IS TRUE)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "is false", ("is false(boolean) → boolean",), "`x is false`: false where x is NULL.",
        Duck("($0 IS FALSE)"), Spark("($0 IS FALSE)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "and", ("and(boolean, boolean...) → boolean",), "All are true. What stands after a false one cannot fail.",
        None, family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "or", ("or(boolean, boolean...) → boolean",), "One is true. What stands after a true one cannot fail.",
        None, family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "not", ("not(boolean) → boolean",), "The opposite.", Duck("(NOT $0)"), Spark("(NOT $0)"), family="logic",
        operator=True,
    ),
    Function(
        "coalesce", ("coalesce(T, T...) → T",),
        "The first value that is not NULL. What stands after it cannot fail; a failure before it is one.",
        None, family="logic", nulls="NULL where all are",
    ),
    Function(
        "nullif", ("nullif(T, T) → T",), "NULL where both are equal, else the first.",
        Duck("nullif($0, $1)"), Spark(_nullif), family="logic", nulls="the first where the second is NULL",
    ),
)  # fmt: skip
