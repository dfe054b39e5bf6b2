"""The typed tree: frozen nodes, each with its type. What an expression means is said of these nodes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from octo_core.schema import Carrier
from octo_core.types import DataType

KEYWORDS: Final = frozenset(
    {
        "and", "as", "between", "case", "cast", "else", "end", "false", "in", "is", "like", "not", "null", "or",
        "select", "then", "true", "when",
    }
)  # fmt: skip
"""Words that are no names; a field of such a name is written in quotes."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH_PART = re.compile(r'"((?:[^"]|"")+)"|\[([0-9]{1,9})\]|([^".\[\]]+)')


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is NULL, which fits every type."""

    value: bool | int | Decimal | str | None
    type: DataType


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the source, or a part of one. `name` is the canonical text, which names the engine's column too."""

    name: str
    type: DataType
    format: str | None
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator of the table applied to arguments that already have the types it wants."""

    function: str
    args: "tuple[Node, ...]"
    type: DataType


@dataclass(frozen=True, slots=True)
class Convert:
    """A change of type: lossless or a failure; from a number to decimal(p,s) an explicit cast rounds, half away from 0.

    Implicit ones are not written out. Of a Path to text it is the field's exact token.
    """

    arg: "Node"
    type: DataType
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """The value beside the first condition that is true, else `default`. What is not reached cannot fail."""

    whens: "tuple[tuple[Node, Node], ...]"
    default: "Node"
    type: DataType


@dataclass(frozen=True, slots=True)
class Assign:
    """A value on its way to a column: converted already, then held against the column's limits."""

    arg: "Node"
    type: DataType
    column: str
    max_length: int | None = None
    enum: tuple[str, ...] | None = None
    pad: bool = False
    """char(n), which PostgreSQL pads and whose trailing blanks do not count."""


Node = Literal | Path | Call | Convert | Case | Assign


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, in the order of the text."""
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Convert | Assign):
        return (node.arg,)
    if isinstance(node, Case):
        return (*(part for when in node.whens for part in when), node.default)
    return ()


def paths(node: Node) -> tuple[str, ...]:
    """The canonical texts of the fields that an expression reads, each once, in the order of the text."""
    found: dict[str, None] = {}
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Path):
            found[current.name] = None
        stack.extend(reversed(children(current)))
    return tuple(found)


def quote_name(name: str) -> str:
    """A name as it stands in an expression: bare, or in double quotes where it has to be."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def path_text(parts: "tuple[str | int, ...]") -> str:
    """The canonical text of a path: names, and list positions from 1, e.g. ("a", 1, "b") → `a[1].b`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else ("." if text else "") + quote_name(part)
    return text


def path_parts(text: str) -> "tuple[str | int, ...]":
    """The parts of a path's canonical text, the inverse of path_text."""
    parts: list[str | int] = []
    for quoted, index, bare in _PATH_PART.findall(text):
        parts.append(int(index) if index else (quoted.replace('""', '"') if quoted else bare))
    return tuple(parts)


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """The same expression with other spellings of some paths: canonical text → spelling."""
    if isinstance(node, Path):
        return replace(node, name=names.get(node.name, node.name))
    if isinstance(node, Call):
        return replace(node, args=tuple(renamed(arg, names) for arg in node.args))
    if isinstance(node, Convert | Assign):
        return replace(node, arg=renamed(node.arg, names))
    if isinstance(node, Case):
        whens = tuple((renamed(test, names), renamed(value, names)) for test, value in node.whens)
        return replace(node, whens=whens, default=renamed(node.default, names))
    return node
