"""From text to the typed tree: names are resolved, functions and types checked, and nothing else gets through."""

import re
from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from sqlglot import exp

from octo_core.expressions.dialect import CAST, syntax
from octo_core.expressions.fields import NoFieldError, resolve
from octo_core.expressions.functions import MismatchError, apply, conversion_hint
from octo_core.expressions.mistakes import ExpressionError
from octo_core.expressions.table import TABLE
from octo_core.expressions.tree import Case, Convert, Literal, Node, Path
from octo_core.expressions.typing import castable, implicit, is_null, read_type
from octo_core.schema import SourceSchema
from octo_core.types import BOOLEAN, INT8, INT16, INT32, INT64, INTEGER_BITS, JSON, TEXT, DataType, decimal

MAX_DEPTH: Final = 100
_OPERATORS: Final[dict[type[exp.Expr], str]] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<",
    exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.Like: "like",
}  # fmt: skip
_CHAINS: Final[dict[type[exp.Expr], str]] = {exp.And: "and", exp.Or: "or", exp.DPipe: "||"}
_AGGREGATES: Final = frozenset({"sum", "avg", "min", "max", "count", "array_agg", "string_agg", "median", "row_number"})
_CLOCKS: Final = frozenset({"now", "current_date", "current_timestamp", "current_time", "today", "localtimestamp"})
_MEANT: Final = {
    "substr": "substring", "len": "length", "char_length": "length", "ucase": "upper", "lcase": "lower",
    "ifnull": "coalesce", "nvl": "coalesce", "isnull": "coalesce", "strptime": "parse_timestamp",
    "to_timestamp": "parse_timestamp", "to_date": "parse_date", "str_to_date": "parse_date", "strpos": "position",
    "to_number": "parse_number", "to_char": "format_timestamp", "strftime": "format_timestamp", "date_format":
    "format_timestamp", "ceiling": "ceil", "sha2": "sha256", "regexp_substr": "regexp_extract", "decode": "map_values",
    "json_extract": "json_value", "datediff": "date_diff", "dateadd": "add_days", "mod": "%", "from_unixtime":
    "from_epoch_s", "initial": "initcap", "startswith": "starts_with", "endswith": "ends_with",
    "extract": "date_part", "convert_timezone": "at_zone", "timezone": "at_zone", "hash": "sha256",
    "is_null": "is null",
}  # fmt: skip


def parse(text: str, schema: SourceSchema) -> Node:
    """The typed tree of an expression over a source's fields. Raises ExpressionError."""
    tree = syntax(text)
    _check_depth(tree, text)
    return _Builder(text, schema).build(tree)


def _check_depth(tree: exp.Expr, text: str) -> None:
    """Chains of AND, OR and || count once, as they become one node. A loop, as recursion is what it guards against."""
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", text=text)
        for child in node.iter_expressions():
            chained = type(child) is type(node) and type(node) in _CHAINS
            stack.append((child, depth if chained else depth + 1))


def _span(node: exp.Expr) -> tuple[int, int]:
    metas = [part.meta for part in node.walk() if "start" in part.meta]
    if not metas:
        return 0, 0
    start = min(int(meta["start"]) for meta in metas)
    return start, max(int(meta["end"]) for meta in metas) - start + 1


class _Builder:
    """One expression being built."""

    def __init__(self, text: str, schema: SourceSchema) -> None:
        self.text = text
        self.schema = schema
        self.forms: dict[type[exp.Expr], Callable[[exp.Expr], Node]] = {
            exp.Paren: lambda node: self.build(node.this),
            exp.Literal: self.literal,
            exp.Null: lambda _: Literal(None, TEXT),
            exp.Boolean: lambda node: Literal(bool(node.this), BOOLEAN),
            exp.Column: self.path,
            exp.Dot: self.path,
            exp.Bracket: self.bracket,
            exp.Neg: self.negative,
            exp.Not: lambda node: self.call(node, "not", [node.this]),
            exp.Is: self.is_,
            exp.In: self.in_,
            exp.Between: lambda node: self.call(node, "between", [node.this, node.args["low"], node.args["high"]]),
            exp.Case: self.case,
            exp.Anonymous: self.named,
        }

    def wrong(self, node: exp.Expr, message: str, nearest: str | None = None) -> ExpressionError:
        offset, length = _span(node)
        return ExpressionError(message, text=self.text, offset=offset, length=length, nearest=nearest)

    def build(self, node: exp.Expr) -> Node:
        kind = type(node)
        if kind in _CHAINS:
            return self.call(node, _CHAINS[kind], self.chain(node))
        if kind in _OPERATORS:
            return self.call(node, _OPERATORS[kind], [node.this, node.expression])
        form = self.forms.get(kind)
        if form is None:
            shown = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
            raise self.wrong(node, f"{shown} is not in the expression language")
        return form(node)

    def chain(self, node: exp.Expr) -> list[exp.Expr]:
        found, kind = [], type(node)
        stack = [node]
        while stack:
            current = stack.pop()
            if type(current) is kind:
                stack += [current.expression, current.this]
            else:
                found.append(current)
        return found

    def call(self, node: exp.Expr, name: str, args: list[exp.Expr]) -> Node:
        built = tuple([self.build(arg) for arg in args])
        try:
            return apply(TABLE[name], built)
        except MismatchError as error:
            wrong = args[error.argument] if error.argument is not None and error.argument < len(args) else node
            raise self.wrong(wrong, str(error)) from None

    def literal(self, node: exp.Expr) -> Node:
        text = str(node.this)
        if node.args.get("is_string"):
            return Literal(text, TEXT)
        if not re.fullmatch(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", text):
            raise self.wrong(node, f"{text} is no number")
        found = number_literal(Decimal(text))
        if found is None:
            raise self.wrong(node, f"{text} has more than 38 digits")
        return found

    def negative(self, node: exp.Expr) -> Node:
        inner = self.build(node.this)
        if isinstance(inner, Literal) and isinstance(inner.value, int | Decimal) and not isinstance(inner.value, bool):
            return number_literal(Decimal(inner.value).copy_negate()) or inner
        try:
            return apply(TABLE["negate"], (inner,))
        except MismatchError as error:
            raise self.wrong(node, str(error)) from None

    def path(self, node: exp.Expr) -> Node:
        parts = self.parts(node)
        if parts is None:
            raise self.wrong(node, "only a field of the source has parts; use json_value for JSON")
        try:
            return resolve(parts, self.schema)
        except NoFieldError as error:
            raise self.wrong(node, str(error), error.nearest) from None

    def parts(self, node: exp.Expr) -> list[tuple[str | int, bool]] | None:
        """A path's parts from the left, each with whether it is quoted; None for what is no path."""
        if isinstance(node, exp.Column):
            names = [node.args.get(key) for key in ("catalog", "db", "table", "this")]
            if not all(name is None or isinstance(name, exp.Identifier) for name in names):
                return None
            return [(name.name, bool(name.args.get("quoted"))) for name in names if name is not None]
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
            left = self.parts(node.this)
            right = node.expression
            return None if left is None else [*left, (right.name, bool(right.args.get("quoted")))]
        if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
            index, left = node.expressions[0], self.parts(node.this)
            if (
                left
                and isinstance(index, exp.Literal)
                and str(index.this).isdigit()
                and not index.args.get("is_string")
            ):
                return [*left, (int(str(index.this)[:10]), False)]
        return None

    def bracket(self, node: exp.Expr) -> Node:
        if len(node.expressions) != 1:
            raise self.wrong(node, "one position is wanted between [ and ]")
        if self.parts(node) is not None:
            return self.path(node)
        return self.call(node, "element", [node.this, node.expressions[0]])

    def is_(self, node: exp.Expr) -> Node:
        right = node.expression
        if isinstance(right, exp.Null):
            return self.call(node, "is null", [node.this])
        if isinstance(right, exp.Boolean):
            return self.call(node, "is true" if right.this else "is false", [node.this])
        raise self.wrong(node, "`is` takes null, not null, true or false; compare with = or <>")

    def in_(self, node: exp.Expr) -> Node:
        if not node.expressions or any(value for key, value in node.args.items() if key not in ("this", "expressions")):
            raise self.wrong(node, "`in` takes a list of values in brackets")
        return self.call(node, "in", [node.this, *node.expressions])

    def case(self, node: exp.Expr) -> Node:
        subject = node.args.get("this")
        pairs = []
        for branch in node.args.get("ifs") or ():
            test = branch.this
            condition = self.call(test, "=", [subject, test]) if subject else self.build(test)
            pairs.append((test, condition, branch.args["true"]))
        default = node.args.get("default")
        return self.choice(node, pairs, default)

    def choice(
        self,
        node: exp.Expr,
        pairs: list[tuple[exp.Expr, Node, exp.Expr]],
        default: exp.Expr | None,
    ) -> Node:
        conditions = []
        for test, condition, _ in pairs:
            if condition.type != BOOLEAN and not is_null(condition):
                raise self.wrong(test, f"a condition is wanted here, true or false, not {condition.type}")
            conditions.append(Literal(None, BOOLEAN) if is_null(condition) else condition)
        values = [self.build(value) for _, _, value in pairs]
        values.append(self.build(default) if default is not None else Literal(None, TEXT))
        kind = self.shared(node, values)
        fitted = [implicit(value, kind) or value for value in values]
        return Case(tuple(zip(conditions, fitted[:-1], strict=True)), fitted[-1], kind)

    def shared(self, node: exp.Expr, values: list[Node]) -> DataType:
        """The one type of all branches, found as coalesce finds it."""
        try:
            return apply(TABLE["coalesce"], tuple(values)).type
        except MismatchError:
            kinds = ", ".join(dict.fromkeys(str(value.type) for value in values if not is_null(value)))
            raise self.wrong(
                node, f"the branches of this choice have no type in common: {kinds}; cast them to one"
            ) from None

    def named(self, node: exp.Expr) -> Node:
        name, args = str(node.this).lower(), list(node.expressions)
        if name == CAST and len(args) == 2:
            return self.cast(node, args[0], args[1])
        if name == "if":
            if len(args) != 3:
                raise self.wrong(node, "if takes a condition and two values: if(boolean, T, T) → T")
            return self.choice(node, [(args[0], self.build(args[0]), args[1])], args[2])
        function = TABLE.get(name)
        if function is None or function.operator:
            raise self.unknown(node, name)
        return self.call(node, name, args)

    def unknown(self, node: exp.Expr, name: str) -> ExpressionError:
        offset, length = int(node.meta.get("start", 0)), len(name)
        if name in _AGGREGATES:
            message, nearest = f"{name} is about many rows; an expression is about one", None
        elif name in _CLOCKS:
            message, nearest = (
                f"{name} hangs on the clock. Use load_time() → timestamptz, fixed for a load",
                "load_time",
            )
        else:
            callable_names = [known for known, function in TABLE.items() if not function.operator]
            nearest = _MEANT.get(name) or next(
                iter(get_close_matches(name, [*callable_names, "cast", "if"], 1, 0.6)), None
            )
            shown = (
                TABLE[nearest].shown[0]
                if nearest in TABLE
                else {"cast": "cast(value as type)", "if": "if(boolean, T, T) → T"}.get(str(nearest))
            )
            message = f"{name} is no function." + (
                f" Did you mean {shown}?" if shown else " They are listed in docs/expressions.md"
            )
        return ExpressionError(message, text=self.text, offset=offset, length=length, nearest=nearest)

    def cast(self, node: exp.Expr, value: exp.Expr, target: exp.Expr) -> Node:
        arg = self.build(value)
        try:
            kind = read_type(str(target.this))
        except ValueError as error:
            raise self.wrong(target, str(error)) from None
        if is_null(arg):
            return Convert(Literal(None, kind), kind, explicit=True)
        source = arg.type
        if isinstance(arg, Path) and kind == JSON and source.kind in ("record", "list"):
            return Convert(arg, kind, explicit=True)
        if not castable(source, kind) and not (isinstance(arg, Path) and kind == TEXT):
            raise self.wrong(node, f"{source} cannot be cast to {kind}.{conversion_hint(source, kind.family)}")
        return Convert(arg, kind, explicit=True)


def number_literal(value: Decimal) -> Literal | None:
    """A number as the smallest integer or decimal type that holds it; None past 38 digits."""
    value = value if value else value.copy_abs()
    plain = format(value, "f").lstrip("-")
    whole, _, decimals = plain.partition(".")
    digits = len(whole.lstrip("0")) + len(decimals)
    if digits > 38:
        return None
    if not decimals:
        for kind in (INT8, INT16, INT32, INT64):
            if abs(int(value)) < 2 ** (INTEGER_BITS[kind.kind] - 1):
                return Literal(int(value), kind)
    return Literal(value, decimal(max(1, digits), len(decimals)))
