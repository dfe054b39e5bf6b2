"""Logic: choice, comparison and the three-valued operators. Their forms are lazy, so the renderer knows them itself."""

from typing import Final

from octo_core.expressions.functions import Duck, Function

_THREE = "Three-valued: NULL where the answer hangs on a NULL"


def _comparison(name: str, words: str) -> Function:
    return Function(
        name,
        (f"{name}(T, T) → boolean",),
        f"Whether the left side is {words} the right one. Texts are compared by code point, numbers exactly.",
        Duck(f"($0 {name} $1)"),
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
        Duck("($0 BETWEEN $1 AND $2)"), family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "in", ("in(T, T...) → boolean",), "`x in (a, b, …)`: whether x equals one of them.",
        Duck(lambda _, args: f"({args[0]} IN ({', '.join(args[1:])}))"), family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "like", ("like(text, text:constant) → boolean",), "`x like 'A%'`: `%` any text, `_` one character.",
        Duck("($0 LIKE $1)"), family="logic", operator=True,
    ),
    Function(
        "is null", ("is null(any) → boolean",), "`x is null`, and `x is not null`.",
        Duck("($0 IS NULL)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "is true", ("is true(boolean) → boolean",), "`x is true`: false where x is NULL.",
        Duck("($0 IS TRUE)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "is false", ("is false(boolean) → boolean",), "`x is false`: false where x is NULL.",
        Duck("($0 IS FALSE)"), family="logic", operator=True, nulls="never NULL",
    ),
    Function(
        "and", ("and(boolean, boolean...) → boolean",), "All are true. What stands after a false one cannot fail.",
        None, family="logic", operator=True, nulls=_THREE,
    ),
    Function(
        "or", ("or(boolean, boolean...) → boolean",), "One is true. What stands after a true one cannot fail.",
        None, family="logic", operator=True, nulls=_THREE,
    ),
    Function("not", ("not(boolean) → boolean",), "The opposite.", Duck("(NOT $0)"), family="logic", operator=True),
    Function(
        "coalesce", ("coalesce(T, T...) → T",),
        "The first value that is not NULL. What stands after it cannot fail; a failure before it is one.",
        None, family="logic", nulls="NULL where all are",
    ),
    Function(
        "nullif", ("nullif(T, T) → T",), "NULL where both are equal, else the first.",
        Duck("nullif($0, $1)"), family="logic", nulls="the first where the second is NULL",
    ),
)  # fmt: skip
