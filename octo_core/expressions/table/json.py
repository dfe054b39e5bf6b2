"""JSON and lists: numbers in JSON stay the tokens they are."""

from typing import Final

from octo_core.expressions.duckdb_json import pointer, quoted_numbers
from octo_core.expressions.functions import Duck, Function, MismatchError, Spark
from octo_core.expressions.numbers import text_literal
from octo_core.expressions.spark_json import at, nested, scalar
from octo_core.expressions.table.text import text_of
from octo_core.expressions.tree import Call, Node
from octo_core.types import TEXT, DataType

FAMILY: Final = "json and lists"


def _path_check(args: tuple[Node, ...]) -> None:
    try:
        pointer(text_of(args[1]))
    except ValueError as error:
        raise MismatchError(str(error), 1) from None


def _value(call: Call, args: tuple[str, ...]) -> str:
    where = text_literal(pointer(text_of(call.args[1])))
    exact = quoted_numbers(args[0])
    return (
        f"CASE WHEN json_valid({args[0]}) THEN CASE WHEN coalesce(json_type({exact}, {where}), '') "
        f"NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string({exact}, {where}) END END"
    )


def _nested(call: Call, args: tuple[str, ...]) -> str:
    where = text_literal(pointer(text_of(call.args[1])))
    return (
        f"CASE WHEN json_valid({args[0]}) THEN coalesce(json_type({args[0]}, {where}), '') IN ('OBJECT', 'ARRAY') END"
    )


def _element_type(args: tuple[Node, ...]) -> DataType:
    return args[0].type.element or TEXT


FUNCTIONS: Final = (
    Function(
        "json_value", ("json_value(json, text:path) → text",),
        "The text, number or boolean at a path such as `a.b[1]` (positions from 1), as its exact text. "
        "Fails where an object or a list is there.",
        Duck(_value, _nested, "there is an object or a list at that place of the JSON"),
        Spark(
            lambda call, args: scalar(args[0], text_of(call.args[1])),
            lambda call, args: nested(at(args[0], text_of(call.args[1]))),
        ),
        family=FAMILY, check=_path_check, nulls="NULL where nothing or null is there",
    ),
    Function(
        "element", ("element(list, integer) → T",),
        "`x[1]`: the element at a position, counted from 1. A position below 1 fails.",
        Duck("CASE WHEN $1 >= 1 THEN $0[$1] END", "($1 < 1)", "$1 is no position in a list"),
        Spark(f"CASE WHEN $1 >= 1 THEN try_element_at($0, try_cast(least($1, {2**31 - 1}) AS INT)) END", "($1 < 1)"),
        family=FAMILY, result=_element_type, operator=True, nulls="NULL where the list is shorter",
    ),
    Function(
        "list_length", ("list_length(list) → integer",), "How many elements, NULLs included.",
        Duck("CAST(len($0) AS BIGINT)"), Spark("CAST(size($0) AS BIGINT)"), family=FAMILY,
    ),
    Function(
        "list_join", ("list_join(list<text>, text:constant) → text",),
        "The elements with a separator between; NULLs are left out.",
        Duck("array_to_string($0, $1)"), Spark("array_join($0, $1)"), family=FAMILY,
    ),
    Function(
        "list_contains", ("list_contains(list<text>, text) → boolean",), "Whether an element equals the text.",
        Duck("list_contains($0, $1)"),
        Spark("CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN coalesce(array_contains($0, $1), false) END"),
        family=FAMILY,
    ),
)  # fmt: skip
