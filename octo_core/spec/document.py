"""A YAML or JSON text as plain data in which every key and value knows its line and column."""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from octo_core.errors import Mistake

Path = tuple[str | int, ...]
Resolve = Callable[[str, "Position"], Any]
"""What a scalar that holds references becomes; it may note mistakes of its own."""

# libyaml's parser gives the marks that messages need and takes 0.2 ms for a pipeline file, where ruamel.yaml's takes
# 6 ms: with 1,000 pipelines that is the difference between a code location that loads and one that times out.
# (Edits that keep comments work on the same marks: octo_core/spec/edits.py.)
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_REFERENCE = re.compile(r"\$\{(?:[^{}\n'\"]|'[^'\n{}]*'|\"[^\"\n{}]*\")*\}")
_MARKS = str.maketrans("{}[],:#", "\uf8e0\uf8e1\uf8e2\uf8e3\uf8e4\uf8e5\uf8e6")
_UNMARK = str.maketrans("\uf8e0\uf8e1\uf8e2\uf8e3\uf8e4\uf8e5\uf8e6", "{}[],:#")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")

_MOST_VALUES = 200_000
"""Forty values for each of 5,000 columns. A few lines of aliases of aliases stand for millions."""

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def mistake(self, message: str, snippet: str | None = None) -> Mistake:
        return Mistake(self.file, self.line, self.column, message, snippet)


@dataclass(slots=True)
class Document:
    """Plain data, where each path of it stands (`keys`: the key's place, `values`: the value's), and what was wrong."""

    file: str
    data: Any = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    """Scalars as they are written, before they became numbers or booleans, references replaced."""
    quoted: set[Path] = field(default_factory=set)
    """Scalars in quotes: their text begins one column after their place."""
    mistakes: list[Mistake] = field(default_factory=list)

    def at(self, path: Path, *, key: bool = False) -> Position:
        """Where a path is written, or the nearest part of it that is."""
        while path:
            found = (self.keys.get(path) if key else None) or self.values.get(path) or self.keys.get(path)
            if found:
                return found
            path, key = path[:-1], True
        return self.values.get((), Position(self.file, 1, 1))


def parse_document(text: str, file: str, resolve: Resolve | None = None) -> Document:
    """Read one YAML or JSON text. What is wrong with it is in `mistakes`; `data` is None where nothing could be read.

    Values follow YAML 1.2's core schema: only true and false are booleans, dates stay text. Scalars that hold `${`
    go through `resolve`. References need no quotes, not even in `{flow: ${env:X}}`, where plain YAML would ask for
    them.
    """
    document = Document(file)
    try:
        node = yaml.compose(masked(_without_surrogates(text)), Loader=Loader)
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax_mistake(error, file, text))
        return document
    if node is None:
        document.mistakes.append(Position(file, 1, 1).mistake("the file is empty"))
        return document
    document.data = _Builder(document, resolve, text).build(node, ())
    return document


def masked(text: str) -> str:
    """References with YAML's own characters replaced one by one, so that every column stays where it was."""
    return _REFERENCE.sub(lambda match: match.group().translate(_MARKS), text) if "${" in text else text


def unmasked(text: str) -> str:
    """What `masked` was given."""
    return text.translate(_UNMARK)


def _without_surrogates(text: str) -> str:
    """JSON spells characters beyond the BMP as two escapes; YAML knows no such thing."""
    return _SURROGATES.sub(_surrogate_pair, text) if "\\u" in text else text


def _surrogate_pair(match: re.Match[str]) -> str:
    high, low = int(match.group(1), 16), int(match.group(2), 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _syntax_mistake(error: yaml.YAMLError, file: str, text: str) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
    lines = text.splitlines()
    if position.line <= len(lines) and lines[position.line - 1][position.column - 1 : position.column] == "\t":
        return position.mistake("not valid YAML: a tab cannot indent a line; use spaces")
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    context = getattr(error, "context", None)
    return position.mistake(f"not valid YAML: {problem}{f' ({context})' if context else ''}".translate(_UNMARK))


class _Builder:
    """Turns libyaml's nodes into data and notes where each of them stands."""

    def __init__(self, document: Document, resolve: Resolve | None, text: str) -> None:
        self.document = document
        self.resolve = resolve
        self.lines = text.splitlines()
        self.open: set[int] = set()
        self.built = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        position = self.position(node)
        self.built += 1
        if self.built > _MOST_VALUES:
            if self.built == _MOST_VALUES + 1:
                message = f"the file holds more than {_MOST_VALUES:,} values with what its aliases repeat"
                self.document.mistakes.append(position.mistake(message))
            return None
        self.document.values[path] = position
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.document.mistakes.append(position.mistake(f"the tag {node.tag!r} means nothing here"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            self.document.mistakes.append(position.mistake("an alias stands inside its own anchor"))
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self.mapping(node, path)
        finally:
            self.open.discard(id(node))

    def position(self, node: yaml.Node) -> Position:
        mark = node.start_mark
        return Position(self.document.file, mark.line + 1, mark.column + 1)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                merged += _bases(value_node)
                continue
            key = self.key(key_node)
            if key is None:
                continue
            if key in found:
                self.repeated(key, (*path, key), key_node)
                continue
            self.document.keys[(*path, key)] = self.position(key_node)
            found[key] = self.build(value_node, (*path, key))
        for base in merged:
            self.merge(base, path, found)
        return found

    def merge(self, base: yaml.Node, path: Path, found: dict[str, Any]) -> None:
        """`<<: *anchor`: what the mapping does not say itself; after that, what the other one merges in turn."""
        if not isinstance(base, yaml.MappingNode) or id(base) in self.open:
            self.document.mistakes.append(self.position(base).mistake("'<<' takes another mapping"))
            return
        self.open.add(id(base))
        for key_node, value_node in base.value:
            key = None if _is_merge(key_node) else self.key(key_node)
            if key is not None and key not in found:
                self.document.keys[(*path, key)] = self.position(key_node)
                found[key] = self.build(value_node, (*path, key))
        for key_node, value_node in base.value:
            for further in _bases(value_node) if _is_merge(key_node) else ():
                self.merge(further, path, found)
        self.open.discard(id(base))

    def repeated(self, key: str, path: Path, node: yaml.Node) -> None:
        first = self.document.keys[path]
        message = f"key '{key}' is there already, on line {first.line}; keep one of the two"
        self.document.mistakes.append(self.position(node).mistake(message))

    def key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.document.mistakes.append(self.position(node).mistake("a key must be plain text"))
            return None
        text = node.value.translate(_UNMARK)
        return str(self.resolve(text, self.position(node))) if self.resolve and "${" in text else text

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Hashable:
        text = node.value.translate(_UNMARK)
        position = self.document.values[path]
        if node.style in ("|", ">"):
            position = self.document.values[path] = self.block_start(position)
        elif node.style in ("'", '"'):
            self.document.quoted.add(path)
        if self.resolve is not None and "${" in text:
            value: Any = self.resolve(text, position)
            self.document.texts[path] = str(value)
            return value  # type: ignore[no-any-return]  # whatever a variable holds
        self.document.texts[path] = text
        return text if node.style else plain_value(text)  # libyaml's plain style is '', PyYAML's None

    def block_start(self, position: Position) -> Position:
        """Where the text of a `|` or `>` block begins: the first line below that is not empty."""
        for number in range(position.line, len(self.lines)):
            stripped = self.lines[number].lstrip()
            if stripped:
                return Position(position.file, number + 1, len(self.lines[number]) - len(stripped) + 1)
        return position


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style


def _bases(merged: yaml.Node) -> list[yaml.Node]:
    """What stands behind `<<`: one mapping, or a list of them."""
    return merged.value if isinstance(merged, yaml.SequenceNode) else [merged]


def plain_value(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means. A number with leading zeros is text: it is an identifier, and the zeros count."""
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text) and not _LEADING_ZERO.match(text):
        return float(text)
    return text
