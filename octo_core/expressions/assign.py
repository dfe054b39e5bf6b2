"""The last step of a column's expression: the lossless conversion to the column's type, and the column's limits."""

from octo_core.catalog import Column
from octo_core.expressions.canonical import canonical
from octo_core.expressions.functions import conversion_hint
from octo_core.expressions.mistakes import ExpressionError
from octo_core.expressions.tree import Assign, Convert, Literal, Node, Path
from octo_core.expressions.typing import ONE_TEXT, as_decimal, implicit, is_null, literal_fits
from octo_core.types import JSON, TEXT, DataType, decimal


def assign(node: Node, column: Column) -> Node:
    """The node as the column takes it. Raises ExpressionError, naming the function that would convert.

    Nothing is rounded or cut: a decimal with more decimals than the column has, a text longer than varchar(n), a number
    out of range or a text outside an enum is a failure of that row.
    """
    target = _target(node, column)
    found = _converted(node, target)
    if found is None:
        hint = conversion_hint(node.type, target.family)
        text = canonical(node)
        message = f"{column.name} is {column.native} and the expression is {node.type}.{hint}"
        raise ExpressionError(message, text=text, length=len(text))
    pad = column.native.startswith(("character(", "char(", "bpchar"))
    return Assign(found, target, column.name, column.max_length, column.enum, pad)


def _target(node: Node, column: Column) -> DataType:
    """The column's type; a numeric without digits takes every decimal as it is."""
    if column.native in ("numeric", "decimal") and column.type.kind == "decimal":
        if node.type.family in ("integer", "decimal"):
            return as_decimal(node.type)
        return column.type if column.type.precision else decimal(38, 18)
    return column.type


def _converted(node: Node, target: DataType) -> Node | None:
    found = implicit(node, target)
    if found is not None:
        return found
    source = node.type
    if isinstance(node, Literal) and isinstance(node.value, str):
        return Convert(node, target) if literal_fits(node.value, target) or target.kind in ("json", "bytes") else None
    if target == TEXT:
        return Convert(node, TEXT) if source.kind in ONE_TEXT else None
    if source.is_numeric and target.is_numeric:
        if source.family == "float" and target.family != "float":
            # The token is exact where the float is not.
            return Convert(Convert(node, TEXT), target) if isinstance(node, Path) and not node.format else None
        return Convert(node, target)
    if target == JSON and source.kind in ("list", "record"):
        return Convert(node, JSON)
    if source.kind == "list" and target.kind == "list" and source.element and target.element:
        same = _converted(Literal(None, source.element), target.element) is not None
        fits = (source.element.is_numeric and target.element.is_numeric) or source.element == target.element
        return Convert(node, target) if same and fits else None
    return Literal(None, target) if is_null(node) else None
