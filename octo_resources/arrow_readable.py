"""Arrow's types that ours do not name, in types that convert: maps as JSON, fractions of a second in microseconds."""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NANOSECONDS_IN_ONE = 1000


def readable(found: "pa.Array[Any]") -> "pa.Array[Any]":
    """The same values; what is finer than a microsecond is cut off, which the schema warns of. Also inside records."""
    kind = found.type
    if pa.types.is_map(kind):
        return pa.array([_as_json(one) for one in found.to_pylist()], pa.string())
    if (pa.types.is_timestamp(kind) or pa.types.is_time64(kind)) and kind.unit == "ns":
        return _in_microseconds(found)
    if pa.types.is_struct(kind):
        parts = [readable(part) for part in _parts(found)]
        if any(part.type != kind.field(place).type for place, part in enumerate(parts)):
            fields = [pa.field(kind.field(place).name, part.type) for place, part in enumerate(parts)]
            return pa.StructArray.from_arrays(parts, fields=fields, mask=found.is_null())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = readable(pc.list_flatten(found))
        if inner.type != kind.value_type:
            return list_of(found, inner)
    return found


def _parts(found: "pa.Array[Any]") -> "list[pa.Array[Any]]":
    """The members of records, without those of records that are null."""
    records: Any = found  # a StructArray
    return [records.field(place) for place in range(found.type.num_fields)]


def list_of(found: "pa.Array[Any]", inner: "pa.Array[Any]") -> "pa.Array[Any]":
    """Lists of the same lengths over other elements."""
    lengths = [0 if one is None else one for one in pc.list_value_length(found).to_pylist()]
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    made: pa.Array[Any] = pa.ListArray.from_arrays(pa.array(ends), inner, mask=found.is_null())  # type: ignore[call-overload]  # the stubs have no mask beside an array
    return made


def _in_microseconds(found: "pa.Array[Any]") -> "pa.Array[Any]":
    """Nanoseconds as whole microseconds, towards the past."""
    kind = found.type
    wanted: pa.DataType = pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else pa.time64("us")
    numbers = found.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False) // _NANOSECONDS_IN_ONE
    return pa.array(numbers, pa.int64(), mask=found.is_null().to_numpy(zero_copy_only=False)).cast(wanted)


def _as_json(pairs: "list[tuple[Any, Any]] | None") -> str | None:
    """A map as a JSON object; keys as text."""
    return None if pairs is None else json.dumps({str(_plain(key)): _plain(value) for key, value in pairs})


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; numbers that JSON has no spelling for, decimals and times as text."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)
