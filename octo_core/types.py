"""The closed vocabulary of types that schemas, expressions, plans and destinations share."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal[
    "boolean",
    "int8",
    "int16",
    "int32",
    "int64",
    "decimal",  # decimal(precision, scale), exact, at most 38 digits
    "float32",
    "float64",
    "text",
    "bytes",
    "date",
    "time",  # of day, microseconds, no zone
    "timestamp",  # microseconds, no zone
    "timestamptz",  # microseconds, an instant, kept in UTC
    "interval",
    "uuid",
    "json",
    "list",  # list<T>
    "record",  # record{name: T, …}
]
Family = Literal[
    "boolean", "integer", "decimal", "float", "text", "bytes", "date", "time", "timestamp", "timestamptz",
    "interval", "uuid", "json", "list", "record",
]  # fmt: skip

MAX_PRECISION: Final = 38
INTEGER_BITS: Final[dict[str, int]] = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


@dataclass(frozen=True, slots=True)
class DataType:
    """One type. `precision` and `scale` are set for decimals, `element` for lists, `fields` for records."""

    kind: Kind
    precision: int | None = None
    scale: int | None = None
    element: "DataType | None" = None
    fields: "tuple[tuple[str, DataType], ...]" = ()

    def __str__(self) -> str:
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.kind == "list":
            return f"list<{self.element}>"
        if self.kind == "record":
            return "record{" + ", ".join(f"{_quoted(name)}: {kind}" for name, kind in self.fields) + "}"
        return self.kind

    @property
    def family(self) -> Family:
        """The type without its width: what a fingerprint covers."""
        if self.kind in INTEGER_BITS:
            return "integer"
        if self.kind in ("float32", "float64"):
            return "float"
        return self.kind  # type: ignore[return-value]  # the kinds left are families of their own

    @property
    def is_integer(self) -> bool:
        return self.kind in INTEGER_BITS

    @property
    def is_structured(self) -> bool:
        """Whether its values are no scalars: records, lists and JSON."""
        return self.kind in ("record", "list", "json")

    @property
    def is_nested(self) -> bool:
        """Whether it is a list of what is no scalar: untyped, it is JSON as a value."""
        return self.element is not None and self.element.is_structured

    @property
    def is_numeric(self) -> bool:
        return self.family in ("integer", "decimal", "float")

    def field(self, name: str) -> "DataType | None":
        """The type of a record's field, or None where it has no such field."""
        return next((kind for own, kind in self.fields if own == name), None)


BOOLEAN: Final = DataType("boolean")
INT8: Final = DataType("int8")
INT16: Final = DataType("int16")
INT32: Final = DataType("int32")
INT64: Final = DataType("int64")
FLOAT32: Final = DataType("float32")
FLOAT64: Final = DataType("float64")
TEXT: Final = DataType("text")
BYTES: Final = DataType("bytes")
DATE: Final = DataType("date")
TIME: Final = DataType("time")
TIMESTAMP: Final = DataType("timestamp")
TIMESTAMPTZ: Final = DataType("timestamptz")
INTERVAL: Final = DataType("interval")
UUID: Final = DataType("uuid")
JSON: Final = DataType("json")


def decimal(precision: int, scale: int) -> DataType:
    """decimal(precision, scale); raises ValueError outside 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision."""
    if not 1 <= precision <= MAX_PRECISION or not 0 <= scale <= precision:
        raise ValueError(f"decimal({precision},{scale}): the precision goes from 1 to 38, the scale from 0 to it")
    return DataType("decimal", precision=precision, scale=scale)


def list_of(element: DataType) -> DataType:
    return DataType("list", element=element)


def record(fields: dict[str, DataType]) -> DataType:
    return DataType("record", fields=tuple(fields.items()))


_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*|\d+|[()<>{},:])')
_SIMPLE: Final = frozenset(get_args(Kind)) - {"decimal", "list", "record"}


@lru_cache(maxsize=4096)
def parse_type(text: str) -> DataType:
    """Read a type as the contract writes it, e.g. `decimal(10,2)` or `list<record{a: int32}>`. Raises ValueError."""
    tokens = _tokens(text)
    found = _parse(tokens, text)
    if next(tokens, None) is not None:
        raise ValueError(f"{text!r} is no type: something follows its end")
    return found


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no type: unexpected {text[position:].strip()[:1]!r}")
        position = match.end()
        yield match.group(1)


def _parse(tokens: Iterator[str], text: str) -> DataType:
    kind = next(tokens, "")
    if kind in _SIMPLE:
        return DataType(kind)  # type: ignore[arg-type]  # _SIMPLE holds kinds only
    if kind == "decimal":
        _expect(tokens, "(", text)
        precision = _number(tokens, text)
        _expect(tokens, ",", text)
        scale = _number(tokens, text)
        _expect(tokens, ")", text)
        return decimal(precision, scale)
    if kind == "list":
        _expect(tokens, "<", text)
        element = _parse(tokens, text)
        _expect(tokens, ">", text)
        return list_of(element)
    if kind == "record":
        return DataType("record", fields=tuple(_fields(tokens, text)))
    raise ValueError(f"{kind or text!r} is no type; the types are {', '.join(get_args(Kind))}")


def _fields(tokens: Iterator[str], text: str) -> Iterator[tuple[str, DataType]]:
    _expect(tokens, "{", text)
    name = next(tokens, "")
    while name != "}":
        _expect(tokens, ":", text)
        yield (name[1:-1].replace('""', '"') if name.startswith('"') else name), _parse(tokens, text)
        name = next(tokens, "")
        if name == ",":
            name = next(tokens, "")
        elif name != "}":
            raise ValueError(f"{text!r} is no type: a record ends with '}}'")


def _expect(tokens: Iterator[str], token: str, text: str) -> None:
    if next(tokens, None) != token:
        raise ValueError(f"{text!r} is no type: {token!r} is missing")


def _number(tokens: Iterator[str], text: str) -> int:
    token = next(tokens, "")
    if not token.isdigit():
        raise ValueError(f"{text!r} is no type: a whole number is missing")
    return int(token)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=1)
def _arrow() -> "dict[str, pa.DataType]":
    import pyarrow as pa  # 0.35 s: reading a pipeline file and most commands need no Arrow

    return {
        "boolean": pa.bool_(),
        "int8": pa.int8(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float32": pa.float32(),
        "float64": pa.float64(),
        "text": pa.string(),
        "bytes": pa.binary(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "timestamp": pa.timestamp("us"),
        "timestamptz": pa.timestamp("us", tz="UTC"),
        "interval": pa.month_day_nano_interval(),
        "uuid": pa.string(),  # as text: ADBC refuses binary uuids, so the destination casts
        "json": pa.string(),
    }


def arrow_type(kind: DataType) -> "pa.DataType":
    """The Arrow type in which a value of this type travels."""
    import pyarrow as pa

    if kind.kind == "decimal":
        return pa.decimal128(kind.precision or MAX_PRECISION, kind.scale or 0)
    if kind.kind == "list":
        return pa.list_(arrow_type(kind.element or TEXT))
    if kind.kind == "record":
        return pa.struct([(name, arrow_type(inner)) for name, inner in kind.fields])
    return _arrow()[kind.kind]


def _validated(value: object) -> DataType:
    if isinstance(value, DataType):
        return value
    if isinstance(value, str):
        return parse_type(value)
    raise ValueError("a type is written as text, e.g. decimal(10,2)")


TypeText = Annotated[
    DataType, PlainValidator(_validated), PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})
]
"""A DataType that Pydantic reads and writes as the contract's text."""
