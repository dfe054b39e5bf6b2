"""What a driver gives, as the columns of a landed file: in the catalog's type, or as text where a value has no place in
it. The reader of landed files takes the text again, and sets aside the rows whose text is no value of the type."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.types import DataType, arrow_type
from octo_resources.arrow_decimals import decimals
from octo_resources.arrow_text import is_text, typed
from octo_resources.sources.sql.shape import SqlColumn

_BYTES: Final = (bytes, bytearray, memoryview)


def stored_type(column: SqlColumn) -> pa.DataType:
    """The type that a column has in a landed file."""
    return pa.string() if column.as_text else arrow_type(column.type)


def settled(column: SqlColumn, found: "pa.Array[Any]") -> "pa.Array[Any]":
    """The column as it lands: in its type, or where a value is none of it, all of this batch as text."""
    wanted = stored_type(column)
    if found.type == wanted:
        return less_zeros(found) if column.open_scale else found
    if isinstance(found, pa.ExtensionArray):
        found = found.storage
    if found.type == wanted:
        return found
    if is_text(found.type):
        made, lost = typed(found.cast(pa.string()), wanted)
        return found if lost else made
    try:
        return decimals(found, wanted) if isinstance(wanted, pa.Decimal128Type) else found.cast(wanted, safe=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return found.cast(pa.string())


def from_values(column: SqlColumn, values: Sequence[Any]) -> "pa.Array[Any]":
    """Values that a driver gives as Python's own, whatever the catalog says of them."""
    wanted = stored_type(column)
    plain = _plain_kinds(column.type)
    if plain and all(type(value) in plain or value is None for value in values):
        try:
            return pa.array(values, wanted)
        except (pa.ArrowInvalid, OverflowError):
            pass
    if not column.as_text and wanted in (pa.string(), pa.binary()) and any(isinstance(one, _BYTES) for one in values):
        return _of_bytes(values, wanted)
    return settled(column, pa.array([None if value is None else _text(value) for value in values], pa.string()))


def _of_bytes(values: Sequence[Any], wanted: pa.DataType) -> "pa.Array[Any]":
    """Bytes among texts and numbers (SQLite lets any value into any column): what SQLite's own CAST to BLOB, or to
    TEXT, makes of each. Bytes that are no text stay bytes, for the reader to refuse."""
    raw = [bytes(one) if isinstance(one, _BYTES) else None if one is None else _text(one).encode() for one in values]
    found = pa.array(raw, pa.binary())
    try:
        return found.cast(wanted, safe=True)
    except pa.ArrowInvalid:
        return found


def _plain_kinds(kind: DataType) -> tuple[type, ...]:
    """Python's types whose values Arrow takes into a type as they are."""
    if kind.is_integer:
        return (int,)
    if kind.family == "float":
        return (float,)
    return {"text": (str,), "json": (str,), "uuid": (str,), "boolean": (bool,)}.get(kind.kind, ())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, _BYTES):
        return f"x'{bytes(value).hex()}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)


def less_zeros(texts: "pa.Array[Any]") -> "pa.Array[Any]":
    """Texts of numbers without zeros at the end of a fraction: the same numbers."""
    if not pc.any(pc.match_substring_regex(texts, r"\.[0-9]*0$")).as_py():
        return texts
    return pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$|\.0+$", r"\1")


def seen_scale(texts: "pa.Array[Any]") -> int:
    """The most digits behind a point in texts of numbers, zeros at their end left out."""
    tails = pc.extract_regex(texts, r"\.(?P<tail>[0-9]*[1-9])0*$")
    most = pc.max(pc.utf8_length(pc.struct_field(tails, "tail"))).as_py()
    return int(most or 0)
