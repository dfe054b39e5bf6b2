"""Rules of types: which turns into which without loss, what two have in common, and what arithmetic makes of them."""

import re
from typing import Final

from octo_core.expressions.formats import UUID_REGEX
from octo_core.expressions.numbers import PLAIN, WITH_EXPONENT
from octo_core.expressions.times import ISO
from octo_core.expressions.tree import Convert, Literal, Node, Path
from octo_core.types import (
    BOOLEAN,
    BYTES,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    JSON,
    MAX_PRECISION,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    DataType,
    decimal,
    parse_type,
)

INTEGER_DIGITS: Final = {"int8": 3, "int16": 5, "int32": 10, "int64": 19}
ONE_TEXT: Final = frozenset(
    {
        "boolean",
        "int8",
        "int16",
        "int32",
        "int64",
        "decimal",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "json",
    }
)
"""Kinds whose values have exactly one text, so that they turn into text without a cast where a column wants it."""

_SPELLINGS: Final[dict[str, DataType]] = {
    "bool": BOOLEAN, "tinyint": INT8, "smallint": INT16, "int2": INT16, "int": INT32, "integer": INT32, "int4": INT32,
    "bigint": INT64, "real": FLOAT32, "float4": FLOAT32, "double": FLOAT64, "double precision": FLOAT64,
    "float": FLOAT64, "float8": FLOAT64, "varchar": TEXT, "string": TEXT, "character varying": TEXT, "char": TEXT,
    "bytea": BYTES, "blob": BYTES, "binary": BYTES, "jsonb": JSON, "timestamp without time zone": TIMESTAMP,
    "datetime": TIMESTAMP, "timestamp with time zone": TIMESTAMPTZ, "time without time zone": TIME,
}  # fmt: skip


def read_type(text: str) -> DataType:
    """A type as a cast may spell it: the contract's, or SQL's usual names. Raises ValueError."""
    words = re.sub(r"\s+", " ", text.strip().lower())
    compact = re.sub(r"\s*([(),<>])\s*", r"\1", words)
    if compact in _SPELLINGS:
        return _SPELLINGS[compact]
    match = re.fullmatch(r"(?:numeric|dec|decimal)\((\d{1,3})(?:,(\d{1,3}))?\)", compact)
    if match:
        return decimal(int(match[1]), int(match[2] or 0))
    if compact in ("numeric", "decimal", "dec"):
        raise ValueError(f"{compact} needs its digits: write {compact}(precision, scale), e.g. {compact}(12, 2)")
    if re.fullmatch(r"(?:varchar|char|character varying)\(\d+\)", compact):
        raise ValueError(f"{compact} is no type of a cast; the column's own length is checked on the way to it")
    found = parse_type(compact)
    if found.kind == "record":
        raise ValueError("a record is no type of a cast; use json")
    return found


def is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None


def digits_of(kind: DataType) -> int:
    """How many digits an integer or a decimal type has."""
    return INTEGER_DIGITS.get(kind.kind) or kind.precision or 0


def as_decimal(kind: DataType) -> DataType:
    """The smallest decimal that holds all of an integer or decimal type."""
    return kind if kind.kind == "decimal" else decimal(INTEGER_DIGITS[kind.kind], 0)


def common(left: DataType, right: DataType) -> DataType | None:
    """The type that holds the values of both without loss (numbers beyond 38 digits fail row by row), or None."""
    if left == right:
        return left
    if left.is_numeric and right.is_numeric:
        if "float" in (left.family, right.family):
            return FLOAT64
        if left.is_integer and right.is_integer:
            return max(left, right, key=lambda kind: INTEGER_DIGITS[kind.kind])
        a, b = as_decimal(left), as_decimal(right)
        scale = max(a.scale or 0, b.scale or 0)
        whole = max((a.precision or 0) - (a.scale or 0), (b.precision or 0) - (b.scale or 0))
        return decimal(min(MAX_PRECISION, max(1, whole + scale)), scale)
    if {left.kind, right.kind} == {"date", "timestamp"}:
        return TIMESTAMP
    if "text" in (left.kind, right.kind) and {left.kind, right.kind} <= {"text", "uuid", "json"}:
        return TEXT
    return None


def widens(source: DataType, target: DataType) -> bool:
    """Whether every value of `source` is one of `target`, so that no row can fail."""
    if source == target:
        return True
    if source.is_integer and target.is_integer:
        return INTEGER_DIGITS[source.kind] <= INTEGER_DIGITS[target.kind]
    if source.family in ("integer", "decimal") and target.kind == "decimal":
        return common(source, target) == target
    return (source.kind, target.kind) in {("float32", "float64"), ("date", "timestamp")}


def literal_fits(text: str, target: DataType) -> bool:
    """Whether a text literal may stand where `target` is wanted: a first look; each row's conversion decides."""
    if target.is_numeric:
        return re.fullmatch(f"{PLAIN}|{WITH_EXPONENT}", text) is not None
    if target.kind in ISO:
        return re.fullmatch(ISO[target.kind], text) is not None
    if target.kind == "boolean":
        return text in ("true", "false")
    return target.kind == "uuid" and re.fullmatch(UUID_REGEX, text) is not None


def implicit(node: Node, target: DataType) -> Node | None:
    """The node as `target`, where the language converts without a cast; None where it does not."""
    if node.type == target:
        return node
    if is_null(node):
        return Literal(None, target)
    if isinstance(node, Literal) and isinstance(node.value, str):
        return Convert(node, target) if literal_fits(node.value, target) else None
    if target == TEXT:
        return Convert(node, TEXT) if isinstance(node, Path) or node.type.kind in ("uuid", "json") else None
    if target == JSON and isinstance(node, Path) and node.type.kind in ("record", "list"):
        return Convert(node, JSON)
    if node.type.is_numeric and target.is_numeric:
        exact = widens(node.type, target) or target == common(node.type, target)
        return (
            Convert(node, target) if exact and not (node.type.family == "float" and target.family != "float") else None
        )
    return Convert(node, target) if widens(node.type, target) else None


def castable(source: DataType, target: DataType) -> bool:
    """Whether an explicit cast between two types has a meaning."""
    if source == target or "text" in (source.kind, target.kind):
        return not {source.kind, target.kind} & {"interval", "record", "bytes"} or source == target
    if source.is_numeric and target.is_numeric:
        return True
    if (source.kind == "boolean" and target.is_integer) or (source.is_integer and target.kind == "boolean"):
        return True
    if source.kind == "list" and target.kind == "list" and source.element and target.element:
        return castable(source.element, target.element)
    return (source.kind, target.kind) in {
        ("date", "timestamp"),
        ("timestamp", "date"),
        ("record", "json"),
        ("list", "json"),
    }


def sum_type(left: DataType, right: DataType) -> DataType:
    """Of + and -: int64; decimal with the larger scale and one digit more; float64 where either is a float."""
    if "float" in (left.family, right.family):
        return FLOAT64
    if left.is_integer and right.is_integer:
        return INT64
    both = common(as_decimal(left), as_decimal(right))
    assert both is not None
    return decimal(min(MAX_PRECISION, (both.precision or 0) + 1), both.scale or 0)


def product_type(left: DataType, right: DataType) -> DataType:
    """Of *: int64; decimal with the sum of digits and of scales. Raises ValueError past 38 decimals."""
    if "float" in (left.family, right.family):
        return FLOAT64
    if left.is_integer and right.is_integer:
        return INT64
    a, b = as_decimal(left), as_decimal(right)
    scale = (a.scale or 0) + (b.scale or 0)
    if scale > MAX_PRECISION:
        raise ValueError(f"the product of {left} and {right} would have {scale} decimals, 38 are the most; cast one")
    return decimal(min(MAX_PRECISION, (a.precision or 0) + (b.precision or 0)), scale)


def quotient_type(left: DataType, right: DataType) -> DataType:
    """Of /: an exact decimal(38, s) with s = 6, or the larger scale of both where that is more; half away from 0."""
    if "float" in (left.family, right.family):
        return FLOAT64
    return decimal(MAX_PRECISION, max(6, left.scale or 0, right.scale or 0))


def remainder_type(left: DataType, right: DataType) -> DataType:
    """Of %: int64, or a decimal of the larger scale; never a float."""
    if left.is_integer and right.is_integer:
        return INT64
    both = common(as_decimal(left), as_decimal(right))
    assert both is not None
    return both
