"""What an expression reads on every row, and by which type: what a load judges of a source's values."""

from octo_core.expressions.tree import Call, Case, Convert, Node, Path, children
from octo_core.types import JSON, TEXT, DataType

Readings = dict[Path, frozenset[DataType]]
"""Path → the types that its token is read by; text where it is taken as it is written."""
_IN_TURN = ("and", "or", "coalesce")
"""Functions of which only the first argument is evaluated on every row, as far as failures go."""


def read_as(node: Convert) -> DataType | None:
    """What a conversion reads a field's token as, at once; None where it changes what was read by the own type."""
    path = node.arg
    if not isinstance(path, Path) or path.carrier == "typed":
        return None
    if node.type == TEXT or (node.type == JSON and path.type.kind in ("record", "list")):
        return node.type
    inexact = path.type.is_integer and node.type.family == "float"
    numbers = path.type.is_numeric and node.type.is_numeric
    return node.type if numbers and not node.explicit and not inexact else None


def always_read(node: Node) -> Readings:
    """The fields that an expression reads whatever the row: not those of a branch that some rows do not reach."""
    if isinstance(node, Path):
        return {node: frozenset({node.type})}
    if isinstance(node, Convert) and isinstance(node.arg, Path) and (kind := read_as(node)) is not None:
        return {node.arg: frozenset({kind})}
    if isinstance(node, Convert) and (number := _number_of_token(node)) is not None:
        return number
    if isinstance(node, Case):
        return _of_case(node)
    in_turn = isinstance(node, Call) and node.function in _IN_TURN
    return _all_of([always_read(part) for part in children(node)[: 1 if in_turn else None]])


def _number_of_token(node: Convert) -> Readings | None:
    """A number made of a number's exact token: what is no number fails there as it does by the own type."""
    path = node.arg.arg if isinstance(node.arg, Convert) and node.arg.type == TEXT else None
    if not isinstance(path, Path) or not path.type.is_numeric or not node.type.is_numeric or path.format:
        return None
    return {path: frozenset({path.type if path.type.family == "float" else node.type})}


def path_nodes(node: Node) -> frozenset[Path]:
    """Every field that an expression reads."""
    if isinstance(node, Path):
        return frozenset({node})
    return frozenset[Path]().union(*(path_nodes(part) for part in children(node)))


def _of_case(node: Case) -> Readings:
    """The first condition is asked of every row, and one of the values is taken."""
    values = [always_read(value) for _, value in node.whens] + [always_read(node.default)]
    shared = {path: frozenset.intersection(*(one.get(path, frozenset()) for one in values)) for path in values[0]}
    return _all_of([always_read(node.whens[0][0]), {path: kinds for path, kinds in shared.items() if kinds}])


def _all_of(parts: list[Readings]) -> Readings:
    found: Readings = {}
    for part in parts:
        for path, kinds in part.items():
            found[path] = found.get(path, frozenset()) | kinds
    return found
