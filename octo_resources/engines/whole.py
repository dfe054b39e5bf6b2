"""JSON values of fields that hold texts as well as numbers or structures: taken as JSON, quotes and all.

A token is a JSON string without its quotes, so that of `"12"` and `12`, `"null"` and `null` the tokens are alike. Where
such a field is wanted as JSON its path ends in `[0]`, which no expression can say as positions count from 1: the value
itself as it is written. Wanted as text, it is read as any other field.
"""

from dataclasses import replace
from typing import Final

from octo_core.expressions import Node, Path
from octo_core.expressions.tree import Assign, Call, Case, Convert
from octo_core.types import JSON

WHOLE: Final = "[0]"


def whole(node: Node) -> Node:
    """The same expression, reading mixed fields that are wanted as JSON as they are written."""
    if isinstance(node, Path):
        return replace(node, name=node.name + WHOLE) if node.type == JSON and node.carrier == "mixed" else node
    if isinstance(node, Convert):
        if isinstance(node.arg, Path) and node.type != JSON:
            return node
        if isinstance(node.arg, Path) and node.arg.carrier == "mixed" and node.arg.type.kind in ("record", "list"):
            return replace(node, arg=replace(node.arg, name=node.arg.name + WHOLE))
        return replace(node, arg=whole(node.arg))
    if isinstance(node, Call):
        return replace(node, args=tuple(whole(arg) for arg in node.args))
    if isinstance(node, Case):
        whens = tuple((whole(test), whole(value)) for test, value in node.whens)
        return replace(node, whens=whens, default=whole(node.default))
    return replace(node, arg=whole(node.arg)) if isinstance(node, Assign) else node
