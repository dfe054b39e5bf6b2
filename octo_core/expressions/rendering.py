"""The typed tree as an engine's SQL: the value, which never raises, and the reason why a row has none.

Shared parts become `lets`, columns of a sub-select below, so that the SQL grows with the expression and not with its
depth. A let's name comes from its SQL: what two columns have in common is computed once.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatchmethod
from typing import Final

from octo_core.expressions.engine import NEVER, SHOWN, Change, Engine, Rendered
from octo_core.expressions.functions import Sql
from octo_core.expressions.readings import read_as
from octo_core.expressions.table import TABLE
from octo_core.expressions.tree import Assign, Call, Case, Convert, Literal, Node, Path
from octo_core.expressions.typing import is_null
from octo_core.schema import structure
from octo_core.types import JSON, TEXT, DataType

_ATOM: Final = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|_e[0-9a-f]{16}')
_LET: Final = re.compile(r"\b_e[0-9a-f]{16}\b")
_HOLE: Final = re.compile(r"\$(\d)")


def render(node: Node, engine: Engine, *, show_values: bool = True) -> Rendered:
    """SQL over a relation with a column per path of the expression. `show_values=False` keeps values out of reasons."""
    renderer = _Renderer(engine, show_values)
    piece = renderer.node(node)
    return Rendered(piece.value, _first(piece.reasons), tuple(renderer.lets.items()))


def select(columns: Mapping[str, Rendered], source: str, engine: Engine, keep: Sequence[str], reason: str) -> str:
    """One SELECT of all columns' values under their names, and reasons under the name and `reason`."""
    inner = with_lets(columns.values(), source)
    name = engine.name
    shown = [name(own) for own in keep]
    shown += [f"{rendered.value} AS {name(own)}" for own, rendered in columns.items()]
    shown += [f"{rendered.reason} AS {name(own + reason)}" for own, rendered in columns.items() if rendered.can_fail]
    return f"SELECT {', '.join(shown)} FROM {inner}"  # noqa: S608  (made of rendered trees, never of a user's text)


def with_lets(columns: Iterable[Rendered], source: str) -> str:
    """A FROM item: the source's columns and what the rendered ones share, each under its let's name."""
    lets: dict[str, str] = {}
    for rendered in columns:
        lets.update(rendered.lets)
    for layer in _layers(lets):
        added = ", ".join(f"{sql} AS {name}" for name, sql in layer)
        source = f"(SELECT *, {added} FROM {source})"  # noqa: S608  (made of rendered trees, never of a user's text)
    return source


def reason_in_full(rendered: Rendered) -> str:
    """The reason with its lets written out: for a CASE that is seldom reached, where computing them first is waste."""
    lets = dict(rendered.lets)

    def written(sql: str) -> str:
        return _LET.sub(lambda found: f"({written(lets[found[0]])})" if found[0] in lets else found[0], sql)

    return written(rendered.reason)


def _layers(lets: dict[str, str]) -> list[list[tuple[str, str]]]:
    """The lets by level: each names only those of lower ones."""
    level: dict[str, int] = {}
    for name, sql in lets.items():
        level[name] = 1 + max((level[used] for used in _LET.findall(sql) if used in level), default=-1)
    count = max(level.values(), default=-1) + 1
    return [[(name, lets[name]) for name in lets if level[name] == at] for at in range(count)]


def _first(reasons: Sequence[str]) -> str:
    found = list(dict.fromkeys(reason for reason in reasons if reason != NEVER))
    if not found:
        return NEVER
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


@dataclass(frozen=True, slots=True)
class _Piece:
    value: str
    reasons: tuple[str, ...] = ()
    constant: bool = False


class _Renderer:
    """One expression being rendered; `lets` fills up in the order of use."""

    def __init__(self, engine: Engine, show_values: bool) -> None:
        self.engine = engine
        self.show_values = show_values
        self.lets: dict[str, str] = {}

    def bind(self, sql: str) -> str:
        """A name for a value that is used more than once."""
        if _ATOM.fullmatch(sql):
            return sql
        name = "_e" + hashlib.sha256(sql.encode()).hexdigest()[:16]
        self.lets[name] = sql
        return name

    def bound(self, node: Node) -> _Piece:
        piece = self.node(node)
        return piece if piece.constant else _Piece(self.bind(piece.value), piece.reasons)

    def quoted(self, value: str, kind: DataType) -> str:
        """SQL of a value as a reason shows it, e.g. "2460"."""
        if not self.show_values:
            return self.engine.text("a value")
        return f"'\"' || left(coalesce({self.engine.text_of_value(value, kind)}, 'NULL'), {SHOWN}) || '\"'"

    @singledispatchmethod
    def node(self, node: Node) -> _Piece:
        raise TypeError(type(node))

    @node.register
    def literal(self, node: Literal) -> _Piece:
        return _Piece(self.constant(node), constant=True)

    @node.register
    def path(self, node: Path) -> _Piece:
        column = self.engine.name(node.name)
        if node.carrier == "typed":
            return _Piece(self.engine.typed(column, node.type))
        if node.type.kind != "list" and (whole := self.structure(node)) is not None:
            return whole
        return self.changed(column, TEXT, self.engine.from_token(column, node.type, node.format), ())

    @node.register
    def convert(self, node: Convert) -> _Piece:
        arg = node.arg
        if isinstance(arg, Path) and read_as(node) is not None:
            token = self.engine.name(arg.name)
            if node.type in (TEXT, JSON):
                return (self.structure(arg) if node.type == JSON else None) or _Piece(token)
            # Read as what is wanted at once: what fits there may be wider than the schema says.
            return self.changed(token, TEXT, self.engine.from_token(token, node.type, arg.format), ())
        if is_null(arg):
            return _Piece(f"CAST(NULL AS {self.engine.native(node.type)})", constant=True)
        piece = self.bound(arg)
        done = self.engine.change(piece.value, arg.type, node.type, node.explicit)
        return self.changed(piece.value, arg.type, done, piece.reasons)

    def structure(self, path: Path) -> _Piece | None:
        """The token of an object or a list as it is; what is neither breaks the field's contract. None for the rest."""
        noun = structure(path.type, path.carrier)
        if noun is None:
            return None
        token, sign = self.engine.name(path.name), "{" if noun == "object" else "["
        json = self.engine.from_token(token, JSON, None).value  # a text that begins so need not be JSON
        found = f"CASE WHEN left({token}, 1) = {self.engine.text(sign)} THEN {json} END"
        change = Change(found, self.engine.text(f" is no {noun}"))
        return self.changed(token, TEXT, change, ())

    def changed(self, old: str, kind: DataType, done: Change, reasons: tuple[str, ...]) -> _Piece:
        if done.reason is None:
            return _Piece(done.value, reasons)
        value = self.bind(done.value)
        words = f"{self.quoted(old, kind)} || {done.reason}"
        return _Piece(value, (*reasons, f"CASE WHEN {value} IS NULL AND {old} IS NOT NULL THEN {words} END"))

    @node.register
    def case(self, node: Case) -> _Piece:
        pieces = [(self.node(test), self.node(value)) for test, value in node.whens]
        default = self.node(node.default)
        tests = [self.bind(test.value) if not test.constant else test.value for test, _ in pieces]
        whens = " ".join(f"WHEN {test} THEN {value.value}" for test, (_, value) in zip(tests, pieces, strict=True))
        sql = f"CASE {whens} ELSE {default.value} END"
        reason = _first(default.reasons)
        for test, (condition, value) in zip(reversed(tests), reversed(pieces), strict=True):
            taken = _first(value.reasons)
            if taken != reason:
                reason = f"CASE WHEN {test} THEN {taken} ELSE {reason} END"
            reason = _first((*condition.reasons, reason))
        return _Piece(sql, () if reason == NEVER else (reason,))

    @node.register
    def assign(self, node: Assign) -> _Piece:
        piece = self.bound(node.arg)
        limits = []
        if node.type == TEXT or node.arg.type == TEXT:
            limits.append((f"contains({piece.value}, chr(0))", "the text holds a NUL character", False))
        if node.max_length is not None:
            measured = f"rtrim({piece.value})" if node.pad else piece.value
            words = f" is longer than {node.max_length} character" + ("s" if node.max_length != 1 else "")
            limits.append((f"length({measured}) > {node.max_length}", words, True))
        if node.enum is not None:
            members = ", ".join(self.engine.text(member) for member in node.enum)
            words = " is not one of " + ", ".join(node.enum[:8]) + (", …" if len(node.enum) > 8 else "")
            limits.append((f"{piece.value} NOT IN ({members})", words, True))
        checks = []
        for condition, words, shown in limits:
            said = self.engine.text(words)
            said = f"{self.quoted(piece.value, TEXT)} || {said}" if shown else said
            checks.append(f"CASE WHEN {condition} THEN {said} END")
        return _Piece(piece.value, (*piece.reasons, *checks), piece.constant)

    @node.register
    def call(self, node: Call) -> _Piece:
        if node.function in ("and", "or"):
            return self.logic(node)
        if node.function == "coalesce":
            return self.coalesce(node)
        function = TABLE[node.function]
        own = self.engine.rendering(function)
        assert own is not None
        pieces = [self.bound(arg) for arg in node.args]
        args = tuple(piece.value for piece in pieces)
        value = own.value(node, args) if callable(own.value) else _filled(own.value, args)
        reasons = tuple(reason for piece in pieces for reason in piece.reasons)
        if own.fails is None:
            return _Piece(value, reasons)
        value = self.bind(value)
        return _Piece(value, (*reasons, self.own_reason(node, own.fails, args, value)))

    def own_reason(self, node: Call, fails: Sql, args: tuple[str, ...], value: str) -> str:
        if fails == "null":
            given = [
                f"{arg} IS NOT NULL" for arg, own in zip(args, node.args, strict=True) if not isinstance(own, Literal)
            ]
            condition = " AND ".join([f"{value} IS NULL", *given])
            if any(is_null(arg) for arg in node.args):
                return NEVER
        else:
            condition = fails(node, args) if callable(fails) else _filled(fails, args)
        words = TABLE[node.function].words
        words = words(node) if callable(words) else words
        return f"CASE WHEN {condition} THEN {self.sentence(words, node, args)} END"

    def sentence(self, words: str, node: Call, args: tuple[str, ...]) -> str:
        """SQL of a reason: its plain words, and the arguments' values where it says `$0`."""
        parts = []
        for index, piece in enumerate(_HOLE.split(words)):
            if index % 2:
                parts.append(self.quoted(args[int(piece)], node.args[int(piece)].type))
            elif piece:
                parts.append(self.engine.text(piece))
        return " || ".join(parts)

    def logic(self, node: Call) -> _Piece:
        """What stands after a false one of `and`, or a true one of `or`, is not evaluated as far as failures go."""
        settled = "FALSE" if node.function == "and" else "TRUE"
        values, reasons = self.in_turn(node, f"IS NOT {settled}")
        return _Piece(f"({f' {node.function.upper()} '.join(values)})", reasons)

    def coalesce(self, node: Call) -> _Piece:
        values, reasons = self.in_turn(node, "IS NULL")
        return _Piece(f"coalesce({', '.join(values)})", reasons)

    def in_turn(self, node: Call, goes_on: str) -> tuple[list[str], tuple[str, ...]]:
        """The arguments' values, and why there is none: an argument fails only where those before it go on."""
        pieces = [self.node(arg) for arg in node.args]
        values = [self.bind(piece.value) if not piece.constant else piece.value for piece in pieces]
        reason = NEVER
        for value, piece in zip(reversed(values), reversed(pieces), strict=True):
            if reason != NEVER:
                reason = f"CASE WHEN {value} {goes_on} THEN {reason} END"
            reason = _first((*piece.reasons, reason))
        return values, () if reason == NEVER else (reason,)

    def constant(self, node: Literal) -> str:
        value = node.value
        if value is None:
            return f"CAST(NULL AS {self.engine.native(node.type)})"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return self.engine.text(value)
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
        return f"CAST('{text}' AS {'BIGINT' if node.type.is_integer else self.engine.native(node.type)})"


def _filled(template: str, args: tuple[str, ...]) -> str:
    return _HOLE.sub(lambda hole: args[int(hole[1])], template)
