"""How long a text an expression could make: what a model writes must not blow up on the rows that it is tried on."""

from typing import Final

from octo_core.expressions.table.text import MAX_TEXT
from octo_core.expressions.tree import Assign, Call, Case, Convert, Literal, Node, children

LONGEST: Final = 200_000
"""Characters. Engines work on some two thousand rows at once, so this is a few hundred megabytes at the worst."""
_OF_A_FIELD: Final = 100
_OF_A_NUMBER: Final = 40
_MADE: Final = frozenset({"repeat", "lpad", "rpad"})


def too_long(node: Node) -> bool:
    """Whether any part of an expression could make more than LONGEST characters out of fields of a hundred."""
    return _length(node)[1] > LONGEST


def _length(node: Node) -> tuple[int, int]:
    """The longest text of this node, and of any node under it."""
    parts = [_length(child) for child in children(node)]
    own = _own(node, [length for length, _ in parts])
    return own, max([own, *(peak for _, peak in parts)])


def _own(node: Node, parts: list[int]) -> int:
    if isinstance(node, Literal):
        return len(str(node.value))
    if isinstance(node, Convert | Assign):
        return max(parts[0], _OF_A_NUMBER)
    if isinstance(node, Case):
        return max(parts)
    if not isinstance(node, Call):
        return _OF_A_FIELD
    if node.function in _MADE:
        return MAX_TEXT
    if node.function in ("replace", "regexp_replace"):
        searched = node.args[1]
        told = node.function == "replace" and isinstance(searched, Literal)
        return parts[0] * max(1, -(-parts[2] // max(1, parts[1] if told else 1))) + parts[2]
    return sum(parts) if node.type.kind in ("text", "list", "json") else _OF_A_NUMBER
