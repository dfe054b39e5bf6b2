"""Reads Parquet files with the types they carry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.errors import LandingError
from octo_core.expressions import path_parts
from octo_core.schema import SourceSchema
from octo_core.types import arrow_type
from octo_resources.arrow_decimals import decimals
from octo_resources.arrow_readable import list_of, readable
from octo_resources.arrow_text import is_text, typed
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.scan import Refused, malformed
from octo_resources.engines.duckdb.select import ROW

_BATCH = 65_536


def parquet_batches(
    numbered: Numbered,
    paths: Sequence[str],
    schema: SourceSchema,
    refuse: Callable[[list[Refused]], None],
    count: Callable[[int, Sequence[str], Sequence[str]], None],
    unfit: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> Iterator[pa.RecordBatch]:
    """Batches of `!row` and one column a path, in the field's own type. A value that it does not hold is refused.

    `unfit`: told of fields with such values, and their rows.
    """
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(numbered.input.path)
        names = file.schema_arrow.names
        wanted = sorted({str(path_parts(path)[0]) for path in paths} & set(names))
        missing = [field.name for field in schema.fields if field.name not in names]
        new = [name for name in names if schema.field(name) is None]
        span, first = numbered.input.span, numbered.input.first
        groups = list(range(span.start, span.end)) if span is not None else None
        for batch in file.iter_batches(_BATCH, columns=wanted, row_groups=groups):
            rows = pa.array(range(numbered.base + first, numbered.base + first + batch.num_rows), pa.int64())
            first += batch.num_rows
            found, refused, others = _typed(batch, rows, paths, schema)
            refuse(refused)
            unfit(others)
            if found.num_rows:
                count(found.num_rows, missing, new)
                yield found
    except (pa.ArrowInvalid, pa.ArrowIOError) as error:
        raise LandingError(f"the Parquet file cannot be read ({error})", where=str(numbered.input.path)) from error


def _typed(
    batch: pa.RecordBatch, rows: "pa.Array[Any]", paths: Sequence[str], schema: SourceSchema
) -> tuple[pa.RecordBatch, list[Refused], dict[str, int]]:
    """The rows that the types hold, those that they do not, and of how many rows each field is the cause."""
    columns: list[pa.Array[Any]] = []
    refused: dict[int, Refused] = {}
    unfit: dict[str, int] = {}
    for path in paths:
        parts = path_parts(path)
        field = schema.field(str(parts[0]))
        wanted = arrow_type(field.type) if field is not None and len(parts) == 1 and field.carrier == "typed" else None
        found = _at(batch, parts)
        if wanted is not None and found.type != wanted:
            found, lost = _converted(found, wanted)
            if lost:
                unfit[str(parts[0])] = len(lost)
            for place in lost:
                reason = f"{parts[0]} holds a value that is no {field.type}" if field else "no such value"
                refused.setdefault(place, malformed(rows[place].as_py(), reason))
        columns.append(found)
    names = [ROW, *paths]
    whole = pa.record_batch([rows, *columns], names=names)
    if refused:
        keep = pa.array([place not in refused for place in range(batch.num_rows)])
        whole = whole.filter(keep)
    return whole, list(refused.values()), unfit


def _at(batch: pa.RecordBatch, parts: Sequence[str | int]) -> "pa.Array[Any]":
    """A field, or a part of one: struct fields by name, list elements from 1; NULL where there is none."""
    name = str(parts[0])
    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.string())
    found = batch.column(name)
    for part in parts[1:]:
        if isinstance(part, int) and pa.types.is_list(found.type):
            values = [one[part - 1] if one is not None and len(one) >= part else None for one in found.to_pylist()]
            found = pa.array(values, found.type.value_type)
        elif isinstance(part, str) and pa.types.is_struct(found.type) and found.type.get_field_index(part) >= 0:
            found = pc.struct_field(found, part)
        else:
            return pa.nulls(batch.num_rows, pa.string())
    inside = len(parts) > 1 and pa.types.is_duration(found.type)
    return found.cast(pa.int64()) if inside else found  # whole numbers of their unit, as those at the top are


def _converted(found: "pa.Array[Any]", wanted: pa.DataType) -> tuple["pa.Array[Any]", list[int]]:
    """The column in another type without loss, and the places of values that would lose something."""
    if is_text(found.type):
        return typed(found, wanted)
    found = readable(found)
    try:
        return _cast(found, wanted), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    kept, lost = [], []
    there = found.is_valid().to_pylist()
    if not _goes_over(found.type, wanted):
        return pa.array([None] * len(found), wanted), [place for place, valid in enumerate(there) if valid]
    for place, valid in enumerate(there):
        if not valid:  # no value is one of any type
            kept.append(pa.scalar(None, wanted))
            continue
        try:
            kept.append(_cast(found.slice(place, 1), wanted)[0])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            kept.append(pa.scalar(None, wanted))
            lost.append(place)
    return pa.array([one.as_py() for one in kept], wanted), lost


def _cast(found: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
    """Raises ArrowInvalid or ArrowNotImplementedError where a value would be another one."""
    if isinstance(wanted, pa.ListType) and isinstance(found.type, pa.ListType | pa.LargeListType):
        return list_of(found, _cast(pc.list_flatten(found), wanted.value_type))
    if not _goes_over(found.type, wanted):
        raise pa.ArrowInvalid(f"{found.type} is no {wanted}")  # Arrow takes 5 for a moment of 1970, and noon for a day
    if isinstance(wanted, pa.Decimal128Type):
        return decimals(found, wanted)
    made = found.cast(wanted, safe=True)
    if pa.types.is_timestamp(found.type) and pa.types.is_date(wanted) and not made.cast(found.type).equals(found):
        raise pa.ArrowInvalid("a time of day would be lost")
    return made


def _goes_over(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of a type can be ones of another at all."""
    was, now = _meaning(kind), _meaning(wanted)
    return was is None or now is None or was == now or (was, now) in _KEPT


_KEPT: Final = frozenset({("day", "time"), ("time", "day")})
"""Meanings that go over into one another; of a time only what is midnight."""


def _meaning(kind: pa.DataType) -> str | None:
    """What values of a type are, where Arrow casts between types of other meanings in silence; None of other types."""
    if pa.types.is_timestamp(kind):
        return "moment" if kind.tz is not None else "time"
    for name, told in _MEANINGS.items():
        if told(kind):
            return name
    return None


_MEANINGS: Final[dict[str, Callable[[pa.DataType], bool]]] = {
    "truth": pa.types.is_boolean,
    "number": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind),
    "day": pa.types.is_date,
    "clock": pa.types.is_time,
}
