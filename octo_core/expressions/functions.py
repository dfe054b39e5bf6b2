"""The table of functions: what one entry says, and how arguments are held against its signatures.

The entries are in `table/`, by family. An entry has one meaning and, per engine, a rendering of the value and of
whether it failed: DuckDB's and Spark's stand side by side.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from octo_core.expressions.tree import Call, Convert, Node, Path
from octo_core.expressions.tree import Literal as Constant
from octo_core.expressions.typing import ONE_TEXT, common, implicit, is_null
from octo_core.types import INT64, TEXT, DataType, parse_type

Family = Literal["logic", "numbers", "text", "dates and times", "json and lists", "values and identity", "the load"]

_PARAM = re.compile(r"([a-zT0-9<>]+)(?::([a-z]+))?(\.\.\.)?")


Sql = str | Callable[[Call, tuple[str, ...]], str]
"""A template in which `$0`, `$1` … stand for the arguments, as cheap names; or what makes SQL of them."""


@dataclass(frozen=True, slots=True)
class Duck:
    """DuckDB's rendering; the value must never raise."""

    value: Sql
    fails: Sql | None = None
    """None: never. "null": where the value is NULL though no argument is. Else an SQL condition."""
    reason: str | Callable[[Call], str] = "is out of range"
    """Plain words, the same on every engine; `$0` is the argument's value, in quotes."""


@dataclass(frozen=True, slots=True)
class Spark:
    """Spark's rendering, of the same meaning under the session of `spark.SETTINGS`; the value must never raise."""

    value: Sql
    fails: Sql | None = None
    """As DuckDB's: the same rows have to fail."""


@dataclass(frozen=True)
class Function:
    """One function or operator. `nulls` says what NULL arguments do."""

    name: str
    signatures: tuple[str, ...]
    doc: str
    duckdb: Duck | None
    """None where the renderer knows the form itself, as it is lazy (coalesce, and, or …)."""
    spark: Spark | None = None
    """As `duckdb`: there or not for both."""
    family: Family = "text"
    result: Callable[[tuple[Node, ...]], DataType] | None = None
    check: Callable[[tuple[Node, ...]], None] | None = None
    nulls: str = "NULL where an argument is NULL"
    operator: bool = field(default=False)

    @cached_property
    def parsed(self) -> "tuple[Signature, ...]":
        return tuple(_signature(text) for text in self.signatures)

    @property
    def words(self) -> str | Callable[[Call], str]:
        """Why a call has no value."""
        return self.duckdb.reason if self.duckdb else ""

    @property
    def shown(self) -> tuple[str, ...]:
        """The signatures as a person reads them."""
        return tuple(re.sub(r":[a-z]+", "", text) for text in self.signatures)


@dataclass(frozen=True, slots=True)
class Param:
    kind: str
    """A type, a family (`integer`, `number`, `scalar`), `list`, `any`, or `T`: the same type wherever it stands."""
    literal: str | None
    """What a literal there has to be: `format`, `zone`, `unit`, `pattern`, `path`, `count`, `constant`."""
    optional: bool


@dataclass(frozen=True, slots=True)
class Signature:
    params: tuple[Param, ...]
    variadic: bool
    result: str

    def at(self, index: int) -> Param:
        return self.params[min(index, len(self.params) - 1)]

    def takes(self, count: int) -> bool:
        least = sum(not param.optional for param in self.params)
        return count >= least and (self.variadic or count <= len(self.params))


def _signature(text: str) -> Signature:
    inner, _, result = text[text.index("(") + 1 :].rpartition(") → ")
    params = []
    variadic = False
    optional = False
    for part in filter(None, (piece.strip() for piece in inner.split(","))):
        optional = optional or part.startswith("[")
        match = _PARAM.fullmatch(part.replace("[", "").replace("]", ""))
        if match is None:
            raise ValueError(f"bad signature {text!r}")
        variadic = variadic or bool(match[3])
        params.append(Param(match[1], match[2], optional))
        optional = optional or part.endswith("[")
    return Signature(tuple(params), variadic, result)


class MismatchError(ValueError):
    """Arguments that no signature takes. `argument` is the index of the one to mark, or None for the call itself."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.argument = argument


def apply(function: Function, args: tuple[Node, ...]) -> Call:
    """The call with its arguments converted to what the best signature wants. Raises MismatchError."""
    fitting = [signature for signature in function.parsed if signature.takes(len(args))]
    if not fitting:
        raise MismatchError(f"{function.name} does not take {_count(len(args))}: {' or '.join(function.shown)}")
    ranked = []
    for order, signature in enumerate(fitting):
        converted = _match(signature, args)
        if converted is not None:
            changed = sum(own is not given for own, given in zip(converted, args, strict=True))
            ranked.append((changed, order, signature, converted))
    if not ranked:
        raise _no_match(function, fitting, args)
    _, _, signature, converted = min(ranked, key=lambda item: item[:2])
    _check_literals(signature, converted)
    if function.check:
        function.check(converted)
    try:
        kind = function.result(converted) if function.result else _result(signature, converted)
    except ValueError as error:
        raise MismatchError(str(error)) from None
    return Call(function.name, converted, kind)


def _count(count: int) -> str:
    return {0: "no argument", 1: "one argument"}.get(count, f"{count} arguments")


def _match(signature: Signature, args: tuple[Node, ...]) -> tuple[Node, ...] | None:
    shared = _shared([arg for index, arg in enumerate(args) if signature.at(index).kind == "T"])
    if shared is None and any(signature.at(index).kind == "T" for index in range(len(args))):
        return None
    converted = []
    for index, arg in enumerate(args):
        param = signature.at(index)
        if param.literal and not isinstance(arg, Constant):
            return None
        found = implicit(arg, shared) if param.kind == "T" and shared else accept(arg, param.kind)
        if found is None:
            return None
        converted.append(found)
    return tuple(converted)


def _shared(args: list[Node]) -> DataType | None:
    """The one type of all arguments marked T: text literals follow the others, fields follow text."""
    typed = [arg.type for arg in args if not is_null(arg) and not (isinstance(arg, Constant) and arg.type == TEXT)]
    if not typed:
        return TEXT if args else None
    literals = [arg for arg in args if isinstance(arg, Constant) and arg.type == TEXT and not is_null(arg)]
    found: DataType | None = typed[0]
    for kind in typed[1:]:
        found = common(found, kind) if found else None
    if found and all(implicit(arg, found) is not None for arg in literals):
        return found
    return TEXT if all(implicit(arg, TEXT) is not None for arg in args) and TEXT in typed else None


_FAMILIES: Final[dict[str, Callable[[DataType], bool]]] = {
    "integer": lambda kind: kind.is_integer,
    "number": lambda kind: kind.is_numeric,
    "exact": lambda kind: kind.family in ("integer", "decimal"),
    "list": lambda kind: kind.kind == "list",
    "any": lambda _: True,
}


def accept(arg: Node, kind: str) -> Node | None:
    """The argument as a parameter of this kind takes it, or None."""
    if kind == "scalar":  # whatever has one text
        if arg.type == TEXT:
            return arg
        return Convert(arg, TEXT) if arg.type.kind in ONE_TEXT or isinstance(arg, Path) else None
    if kind in _FAMILIES:
        if is_null(arg):
            return Constant(None, INT64 if kind in ("integer", "number", "exact") else arg.type)
        return arg if _FAMILIES[kind](arg.type) else None
    return implicit(arg, parse_type(kind))


def _result(signature: Signature, args: tuple[Node, ...]) -> DataType:
    if signature.result == "T":
        return next(arg.type for index, arg in enumerate(args) if signature.at(index).kind == "T")
    return parse_type({"integer": "int64"}.get(signature.result, signature.result))


def _check_literals(signature: Signature, args: tuple[Node, ...]) -> None:
    for index, arg in enumerate(args):
        if signature.at(index).literal and is_null(arg):
            raise MismatchError("NULL cannot stand here; write the text itself", index)


def _no_match(function: Function, fitting: list[Signature], args: tuple[Node, ...]) -> MismatchError:
    shown = " or ".join(function.shown)
    signature = fitting[0]
    for index, arg in enumerate(args):
        param = signature.at(index)
        if param.literal and not isinstance(arg, Constant):
            return MismatchError(f"{function.name} wants a literal as argument {index + 1}: {shown}", index)
        if param.kind != "T" and len(fitting) == 1 and accept(arg, param.kind) is None:
            return MismatchError(
                f"{function.name} wants {_named(param.kind)} as argument {index + 1}, not {arg.type}: {shown}."
                f"{conversion_hint(arg.type, param.kind)}",
                index,
            )
    got = ", ".join("NULL" if is_null(arg) else str(arg.type) for arg in args)
    text = next((arg.type for arg in args if arg.type == TEXT), None)
    number = any(arg.type.is_numeric for arg in args)
    hint = conversion_hint(TEXT, "number") if text and number else ""
    return MismatchError(f"{function.name} does not take ({got}): {shown}.{hint}")


def _named(kind: str) -> str:
    if kind == "scalar":
        return "a value with one text"
    return {"integer": "a whole number", "number": "a number", "exact": "an exact number", "list": "a list"}.get(
        kind, kind
    )


def conversion_hint(source: DataType, target: str) -> str:
    """A sentence, with a blank before it, that names the function which would convert; "" where there is none."""
    if source == TEXT:
        how = {
            "integer": "cast(… as bigint) or parse_number(…, '1,234.56')",
            "number": "cast(… as decimal(18, 4)) or parse_number(…, '1,234.56')",
            "exact": "cast(… as decimal(18, 4)) or parse_number(…, '1,234.56')",
            "decimal": "cast(… as decimal(18, 4)) or parse_number(…, '1,234.56')",
            "float": "cast(… as double precision)",
            "date": "parse_date(…, '%Y-%m-%d')",
            "time": "parse_time(…, '%H:%M:%S') or, for 517 meaning 05:17, hhmm_to_time(cast(… as integer))",
            "timestamp": "parse_timestamp_local(…, '%Y-%m-%d %H:%M:%S')",
            "timestamptz": "parse_timestamp(…, '%Y-%m-%dT%H:%M:%SZ')",
            "boolean": "parse_boolean(…, 'yes,y|no,n')",
            "interval": "parse_interval(…, 'iso')",
            "uuid": "cast(… as uuid)",
            "json": "cast(… as json)",
        }.get(target)
    else:
        how = _OTHERS.get((source.family, target))
        if how is None and target in ("text", "scalar"):
            how = "cast(… as text)"
        elif how is None and source.is_numeric and target in ("integer", "decimal", "float"):
            how = "cast(…), or round(…, 0) first"
    return f" Use {how}" if how else ""


_OTHERS: Final[dict[tuple[str, str], str]] = {
    ("timestamp", "timestamptz"): "at_zone(…, 'Europe/Madrid'), which says whose local time it is",
    ("timestamptz", "timestamp"): "at_zone(…, 'UTC'), which says whose local time is wanted",
    ("timestamp", "date"): "date_of(…)",
    ("timestamptz", "date"): "date_of(at_zone(…, 'UTC'))",
    ("timestamp", "time"): "time_of(…)",
    ("timestamptz", "time"): "time_of(at_zone(…, 'UTC'))",
    ("date", "timestamptz"): "at_zone(…, 'Europe/Madrid')",
    ("integer", "time"): "hhmm_to_time(…), where 517 means 05:17",
    ("integer", "timestamptz"): "from_epoch_s(…), from_epoch_ms(…) or from_epoch_us(…)",
    ("decimal", "timestamptz"): "from_epoch_s(…)",
    ("integer", "boolean"): "cast(… as boolean), where 1 is true and 0 false",
    ("boolean", "integer"): "cast(… as integer)",
    ("integer", "date"): "parse_date(cast(… as text), '%Y%m%d')",
}
