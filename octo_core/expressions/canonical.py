"""The one spelling of an expression: parse(canonical(n)) == n, and what a fingerprint covers."""

from decimal import Decimal
from typing import Final

from octo_core.expressions.tree import Assign, Call, Case, Convert, Literal, Node, Path

_LEVELS: Final[dict[str, int]] = {
    "or": 1, "and": 2, "not": 3, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "between": 4, "in": 4, "like": 4,
    "is null": 4, "is true": 4, "is false": 4, "||": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "negate": 8,
}  # fmt: skip
"""How tightly an operator binds; whatever binds no tighter than its surroundings goes into brackets."""
_ATOM: Final = 10


def canonical(node: Node) -> str:
    """The canonical text. Conversions that the language adds by itself are not written."""
    return _write(node)[0]


def _write(node: Node) -> tuple[str, int]:
    if isinstance(node, Literal):
        return _literal(node)
    if isinstance(node, Path):
        return node.name, _ATOM
    if isinstance(node, Assign):
        return _write(node.arg)
    if isinstance(node, Convert):
        if node.explicit:
            return f"cast({canonical(node.arg)} as {node.type})", _ATOM
        return _write(node.arg)
    if isinstance(node, Case):
        whens = " ".join(f"when {canonical(test)} then {canonical(value)}" for test, value in node.whens)
        return f"case {whens} else {canonical(node.default)} end", _ATOM
    return _call(node)


def _literal(node: Literal) -> tuple[str, int]:
    value = node.value
    if value is None:
        return "null", _ATOM
    if isinstance(value, bool):
        return ("true" if value else "false"), _ATOM
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'", _ATOM
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return text, (0 if text.startswith("-") else _ATOM)


def _call(node: Call) -> tuple[str, int]:
    name, args = node.function, node.args
    level = _LEVELS.get(name)
    if name == "element":
        return f"{_inside(args[0], _ATOM)}[{canonical(args[1])}]", _ATOM
    if level is None:
        return f"{name}({', '.join(canonical(arg) for arg in args)})", _ATOM
    if name == "not":
        return f"not {_inside(args[0], level)}", level
    if name == "negate":
        return f"-{_inside(args[0], _ATOM)}", level
    tight = level + 1
    if name in ("is null", "is true", "is false"):
        return f"{_inside(args[0], tight)} {name}", level
    if name == "between":
        return f"{_inside(args[0], tight)} between {_inside(args[1], tight)} and {_inside(args[2], tight)}", level
    if name == "in":
        return f"{_inside(args[0], tight)} in ({', '.join(canonical(arg) for arg in args[1:])})", level
    if name in ("and", "or", "||"):
        return f" {name} ".join(_inside(arg, tight) for arg in args), level
    return f"{_inside(args[0], level if level > 4 else tight)} {name} {_inside(args[1], tight)}", level


def _inside(node: Node, level: int) -> str:
    text, own = _write(node)
    return text if own >= level else f"({text})"
