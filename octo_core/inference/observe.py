"""Making profiles of Python values: what `infer_column`, `infer_rows`, tests and exact JSON lines go through."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from octo_core.inference.profile import (
    MAX_DEPTH,
    MAX_KEYS,
    FieldProfile,
    absent,
    merge,
    merge_all,
    token_profile,
)
from octo_core.schema import Carrier
from octo_core.types import BYTES, DATE, INTERVAL, TIME, TIMESTAMP, TIMESTAMPTZ, UUID, DataType

_CHUNK: Final = 20_000
"""Rows held as Python values at a time."""


class NumberToken(str):
    """A JSON number as it stands in the text: `json.loads(line, parse_float=NumberToken, parse_int=NumberToken)`."""

    __slots__ = ()


class _Missing:
    """A key that a record does not have."""


MISSING: Final = _Missing()


def profile_values(values: Iterable[object]) -> FieldProfile:
    """The profile of a column of Python values: str is text; None null; int, float, Decimal and NumberToken numbers;
    bool, dict and list what JSON makes of them; dates, times, uuids and bytes come typed.
    """
    return merge_all(_profile(chunk, 0) for chunk in _chunks(values))


def profile_records(records: Iterable[Mapping[str, object]]) -> FieldProfile:
    """The profile of records: `children` holds the fields in the order they were first seen."""
    return merge_all(_profile(chunk, 0) for chunk in _chunks(records))


def _chunks(values: Iterable[object]) -> Iterable[list[Any]]:
    chunk: list[Any] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _profile(values: list[Any], depth: int) -> FieldProfile:
    scalars: dict[Carrier, Counter[str]] = {}
    typed: dict[DataType, Counter[str]] = {}
    records: list[Mapping[str, object]] = []
    lists: list[list[Any]] = []
    missing = nulls = 0
    for value in values:
        if value is MISSING:
            missing += 1
        elif value is None:
            nulls += 1
        elif isinstance(value, Mapping):
            records.append(value)
        elif isinstance(value, list | tuple):
            lists.append(list(value))
        else:
            carrier, token, native = _scalar(value)
            if native is not None:
                typed.setdefault(native, Counter())[token] += 1
            else:
                scalars.setdefault(carrier, Counter())[token] += 1
    whole = merge(_records(records, depth), _lists(lists, depth))
    for carrier, counts in scalars.items():
        whole = merge(whole, token_profile(counts, carrier))
    for native, counts in typed.items():
        whole = merge(whole, typed_profile(counts, native))
    return merge(whole, absent(missing=missing, nulls=nulls))


def typed_profile(counts: Mapping[str, int], native: DataType) -> FieldProfile:
    """The profile of values that the source typed; the tokens are only for statistics."""
    return replace(token_profile(counts, "typed"), native=native)


def _scalar(value: object) -> tuple[Carrier, str, DataType | None]:
    if isinstance(value, bool):
        return "boolean", "true" if value else "false", None
    if isinstance(value, NumberToken):
        return "number", str(value), None
    if isinstance(value, str):
        return "text", value, None
    if isinstance(value, int | float | Decimal):
        return "number", str(value), None
    return "typed", value.hex() if isinstance(value, bytes) else str(value), _native(value)


def _native(value: object) -> DataType | None:
    if isinstance(value, datetime):
        return TIMESTAMP if value.tzinfo is None else TIMESTAMPTZ
    known = ((date, DATE), (time, TIME), (timedelta, INTERVAL), (uuid.UUID, UUID), (bytes, BYTES))
    return next((kind for cls, kind in known if isinstance(value, cls)), None)


def _records(records: list[Mapping[str, object]], depth: int) -> FieldProfile:
    if not records:
        return FieldProfile()
    names = list(dict.fromkeys(name for record in records for name in record))
    children = None
    if len(names) <= MAX_KEYS and depth < MAX_DEPTH:
        children = {name: _profile([record.get(name, MISSING) for record in records], depth + 1) for name in names}
    return FieldProfile(rows=len(records), carriers={"object": len(records)}, children=children)


def _lists(lists: list[list[Any]], depth: int) -> FieldProfile:
    if not lists:
        return FieldProfile()
    element = _profile([item for items in lists for item in items], depth + 1) if depth < MAX_DEPTH else None
    sizes = [len(items) for items in lists]
    return FieldProfile(
        rows=len(lists), carriers={"array": len(lists)}, element=element, shortest=min(sizes), longest=max(sizes)
    )
