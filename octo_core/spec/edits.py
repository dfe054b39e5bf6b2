"""Edits of a YAML text that touch what they change and nothing else: comments, order and layout stay as they are.

The place of an edit comes from the parser's marks; the result is read again and must say exactly what was meant.
"""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from octo_core.errors import UsageError
from octo_core.spec.document import Loader, masked, parse_document, plain_value, unmasked

_LINE = 100
Keys = Sequence[str]


def with_value(text: str, path: Keys, value: Any) -> str:
    """The text with the value at this path (mappings only) set; what is missing on the way is made.

    Raises UsageError where the path goes through something that is no mapping.
    """
    expected = _changed(_data(text), path, value)
    edited = unmasked(_Text(masked(text)).set(tuple(path), value))
    return _verified(edited, expected, path)


def without(text: str, path: Keys) -> str:
    """The text without the entry at this path. Raises UsageError where it is not there."""
    expected = _removed(_data(text), path)
    edited = unmasked(_Text(masked(text)).remove(tuple(path)))
    return _verified(edited, expected, path)


def rendered(data: dict[str, Any]) -> str:
    """A mapping as YAML, the way edits write it."""
    return "\n".join(line for key, value in data.items() for line in _entry(key, value, 0)) + "\n"


def block(data: dict[str, Any]) -> list[str]:
    """The lines of a mapping of mappings, each entry as a block however small it is."""
    lines = []
    for key, value in data.items():
        lines += [f"{_scalar(key)}:", *(f"  {line}" for line in rendered(value).splitlines())]
    return lines


def with_value_json(text: str, path: Keys, value: Any) -> str:
    """The same for a JSON file, which has no comments to keep."""
    return json.dumps(_changed(json.loads(text), path, value), indent=2, ensure_ascii=False) + "\n"


def without_json(text: str, path: Keys) -> str:
    return json.dumps(_removed(json.loads(text), path), indent=2, ensure_ascii=False) + "\n"


def _data(text: str) -> Any:
    return parse_document(text, "").data


def _verified(edited: str, expected: Any, path: Keys) -> str:
    if (_data(edited) or {}) != expected:  # without its last entry a file is empty
        where = ".".join(path)
        raise UsageError(
            f"'{where}' cannot be edited in place: the file's layout, or an alias of the same text, does not allow it",
            hint="Change it in an editor; nothing was changed.",
        )
    return edited


def _changed(data: Any, path: Keys, value: Any) -> Any:
    if not path:
        return value
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UsageError(f"'{path[0]}' cannot be set: there is no mapping to set it in")
    return {**data, path[0]: _changed(data.get(path[0]), path[1:], value)}


def _removed(data: Any, path: Keys) -> Any:
    if not isinstance(data, dict) or path[0] not in data:
        raise UsageError(f"there is no '{path[0]}' to remove")
    if len(path) > 1:
        return {**data, path[0]: _removed(data[path[0]], path[1:])}
    return {key: value for key, value in data.items() if key != path[0]}


class _Text:
    """A text with the nodes that its parser saw."""

    def __init__(self, text: str) -> None:
        self.text = text if not text or text.endswith("\n") else text + "\n"
        self.root = yaml.compose(self.text, Loader=Loader)

    def set(self, path: tuple[str, ...], value: Any) -> str:
        if self.root is None or _is_null(self.root):
            return self.text + "\n".join(_entry(path[0], _nested(path[1:], value), 0)) + "\n"
        node, depth = self.root, 0
        while True:
            found = _pair(node, path[depth])
            if found is None:
                return self.add(node, path[depth], _nested(path[depth + 1 :], value))
            key, inner = found
            if depth + 1 == len(path) or not isinstance(inner, yaml.MappingNode) or not inner.value:
                return self.replace(node, key, inner, _nested(path[depth + 1 :], value))
            node, depth = inner, depth + 1

    def add(self, node: yaml.MappingNode, key: str, value: Any) -> str:
        if node.flow_style:
            if not node.value:
                at = node.start_mark.index + 1
                return self.spliced(at, at, f"{_scalar(key)}: {_flow(value)}")
            last, leaf = node.value[-1]
            at = self.leaf_end(leaf, last)  # before a last comma and any comment behind it
            return self.spliced(at, at, f", {_scalar(key)}: {_flow(value)}")
        at = self.line_end(_last_leaf(node))
        lines = _entry(key, value, node.start_mark.column)
        return self.spliced(at, at, "".join(f"\n{line}" for line in lines))

    def replace(self, parent: yaml.MappingNode, key: yaml.Node, old: yaml.Node, value: Any) -> str:
        name = unmasked(key.value)
        if parent.flow_style:
            return self.spliced(key.start_mark.index, self.leaf_end(old), f"{_scalar(name)}: {_flow(value)}")
        lines = _entry(name, value, key.start_mark.column)
        return self.spliced(key.start_mark.index, self.leaf_end(_last_leaf(old), key), "\n".join(lines).lstrip())

    def remove(self, path: tuple[str, ...]) -> str:
        node, found = self.root, None
        for depth, part in enumerate(path):
            found = _pair(node, part)
            if found is None or (depth + 1 < len(path) and not isinstance(found[1], yaml.MappingNode)):
                raise UsageError(f"there is no '{part}' to remove")
            if depth + 1 < len(path):
                node = found[1]
        if found is None:
            return self.text
        key, value = found
        if node.flow_style:
            return self.remove_flow(node, key, value)
        if len(node.value) == 1 and len(path) > 1:
            return self.set(path[:-1], {})
        start = self.text.rfind("\n", 0, key.start_mark.index) + 1
        return self.spliced(start, min(self.line_end(_last_leaf(value), key) + 1, len(self.text)), "")

    def remove_flow(self, node: yaml.MappingNode, key: yaml.Node, value: yaml.Node) -> str:
        index = next(index for index, (own, _) in enumerate(node.value) if own is key)
        if index + 1 < len(node.value):
            return self.spliced(key.start_mark.index, node.value[index + 1][0].start_mark.index, "")
        start = self.leaf_end(node.value[index - 1][1], node.value[index - 1][0]) if index else key.start_mark.index
        return self.spliced(start, self.leaf_end(value, key), "")

    def leaf_end(self, leaf: yaml.Node, key: yaml.Node | None = None) -> int:
        """Where a node's text ends; for an empty value after the colon of its key."""
        end = int(leaf.end_mark.index)
        if isinstance(leaf, yaml.ScalarNode) and not leaf.style and leaf.value == "" and key is not None:
            return self.text.index(":", key.end_mark.index) + 1
        return len(self.text[:end].rstrip())  # a block scalar's mark is past its last line

    def line_end(self, leaf: yaml.Node, key: yaml.Node | None = None) -> int:
        end = self.text.find("\n", self.leaf_end(leaf, key))
        return len(self.text) if end < 0 else end

    def spliced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]


def _pair(node: yaml.Node, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"'{key}' cannot be set: there is no mapping to set it in")
    return next(((own, value) for own, value in node.value if unmasked(own.value) == key), None)


def _last_leaf(node: yaml.Node) -> yaml.Node:
    """The node whose text ends last: what stands below it in the file belongs to something else."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, tuple):
            key, value = last
            node = key if _is_null(value) and value.value == "" else value
        else:
            node = last
    return node


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in ("", "~", "null")


def _nested(path: tuple[str, ...], value: Any) -> Any:
    return {path[0]: _nested(path[1:], value)} if path else value


def _entry(key: str, value: Any, indent: int) -> list[str]:
    """`key: value` in lines; a small mapping on one line, a larger one as a block."""
    head = " " * indent + _scalar(key) + ":"
    if isinstance(value, dict):
        flow = _flow(value)
        plain = all(not isinstance(inner, dict) for inner in value.values())
        if not value or (plain and len(head) + len(flow) < _LINE and len(value) <= 4):
            return [f"{head} {flow}"]
        return [head, *(line for name, inner in value.items() for line in _entry(name, inner, indent + 2))]
    if isinstance(value, list | tuple) and len(_flow(value)) + len(head) >= _LINE:
        return [head, *(f"{' ' * (indent + 2)}- {_flow(item)}" for item in value)]
    return [f"{head} {_flow(value) if isinstance(value, list | tuple) else _scalar(value, block=True)}"]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any, *, block: bool = False) -> str:
    """One value on one line, quoted where YAML needs it (in a block less does)."""
    if isinstance(value, str) and plain_value(value) != value == _dumped(value, block=block):
        return f"'{value}'"  # what is text to PyYAML (1.1) and a number to our reader (1.2): 0E0
    return _dumped(value, block=block)


def _dumped(value: Any, *, block: bool) -> str:
    if isinstance(value, str) and ("\n" in value or not value.isprintable()):
        return str(yaml.safe_dump(value, default_style='"', allow_unicode=False, width=float("inf"))).strip()
    options = {"allow_unicode": True, "width": float("inf")}
    if block:
        return str(yaml.safe_dump({"k": value}, default_flow_style=False, **options)).removeprefix("k: ").rstrip("\n")
    return str(yaml.safe_dump([value], default_flow_style=True, **options)).strip()[1:-1]
