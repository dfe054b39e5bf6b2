"""Questions about a typed tree that a plan and a load ask."""

from octo_core.expressions.tree import Assign, Call, Convert, Node, Path, children

LOAD_FUNCTIONS = frozenset({"load_time", "load_id"})


def reads_load(node: Node) -> bool:
    """Whether the value comes from load_time() or load_id(): a change of it alone is no change of the row."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Call) and current.function in LOAD_FUNCTIONS:
            return True
        stack.extend(children(current))
    return False


def is_carried_over(node: Node) -> bool:
    """Whether the value is a field as it is, with no more than the change to the column's type."""
    while isinstance(node, Assign) or (isinstance(node, Convert) and not node.explicit):
        node = node.arg
    return isinstance(node, Path)
