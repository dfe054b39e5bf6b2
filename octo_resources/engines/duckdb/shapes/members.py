"""The records of any landed file as names and JSON texts, with their numbers as they are written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any, Final, cast

import msgspec
import pyarrow as pa

from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import exact
from octo_resources.engines.duckdb.delimited import DelimitedFile
from octo_resources.engines.duckdb.exact import UnfitError
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.lines import lines
from octo_resources.engines.duckdb.parquet import parquet_batches
from octo_resources.engines.duckdb.records import distinct_members
from octo_resources.engines.duckdb.scan import Refused, malformed
from octo_resources.engines.duckdb.select import ROW

Members = Mapping[str, str]
"""A record: name → JSON text of its value."""
NULL: Final = "null"
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a file: its number in the load, and its members, or why it is no record."""

    row: int
    members: Members | None
    reason: str | None = None


def rows(numbered: Numbered, schema: SourceSchema) -> Iterator[Found]:
    """Every row of a landed file once, malformed ones with their reason; nearly in the file's order."""
    bad: list[Refused] = []
    form = numbered.input.file.format
    found = _json(numbered, bad) if form == "jsonl" else _arrow(numbered, schema, bad)
    for one in found:
        yield from _refused(bad)
        yield one
    yield from _refused(bad)


def _refused(bad: list[Refused]) -> Iterator[Found]:
    told = list(bad)
    bad.clear()
    yield from (Found(one.row, None, one.reason) for one in told)


def _json(numbered: Numbered, bad: list[Refused]) -> Iterator[Found]:
    def refuse(row: int, reason: str, value: str | None) -> None:
        bad.append(malformed(row, reason, value))

    for batch in lines(numbered, refuse):
        for row, text in zip(_numbers(batch), cast("list[str]", batch.column("line").to_pylist()), strict=True):
            if not text.strip(_BLANKS):
                continue
            try:
                yield Found(row, members_of(text))
            except UnfitError as error:
                yield Found(row, None, error.reason)


def members_of(text: str) -> Members:
    """A JSON object's members as they are written. Raises UnfitError for what is no object of distinct keys."""
    try:
        found = distinct_members(text)
    except (msgspec.DecodeError, ValueError):
        found = None
    except RecursionError as error:
        raise UnfitError("malformed JSON: nested too deeply") from error
    if found is not None:
        return {name: bytes(raw).decode() for name, raw in found.items()}
    record = exact.decode(text)  # says what is wrong
    return {name: exact.dumps(value, name) for name, value in record.items()}


def _arrow(numbered: Numbered, schema: SourceSchema, bad: list[Refused]) -> Iterator[Found]:
    from octo_core.expressions.tree import path_text

    dialect = numbered.input.file.dialect
    names = list(dialect.columns) if dialect is not None else [field.name for field in schema.fields]
    paths = [path_text((name,)) for name in names]
    found: Iterator[pa.RecordBatch]
    if dialect is not None:
        found = DelimitedFile(numbered, paths, names, bad.extend, _uncounted).batches()
    else:
        found = parquet_batches(numbered, paths, schema, bad.extend, _uncounted)
    blank = {field.name for field in schema.fields if field.type.kind != "text"}
    for batch in found:
        columns = [batch.column(path).to_pylist() for path in paths]
        for place, row in enumerate(_numbers(batch)):
            values = ((name, column[place]) for name, column in zip(names, columns, strict=True))
            yield Found(
                row, {name: NULL if value == "" and name in blank else encoded(value) for name, value in values}
            )


def _numbers(batch: pa.RecordBatch) -> list[int]:
    return cast("list[int]", batch.column(ROW).to_pylist())


def _uncounted(_rows: int, _missing: Sequence[str], _new: Sequence[str]) -> None:
    """What is missing or new is counted where a mapping is laid over the rows."""


def encoded(value: Any) -> str:
    """A value of an Arrow column as JSON, without loss: dates and times as ISO texts, bytes in hexadecimal digits."""
    if value is None:
        return NULL
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return repr(value) if isfinite(value) else json.dumps(str(value))
    if isinstance(value, datetime | date | time):
        return json.dumps(value.isoformat())
    if isinstance(value, bytes):
        return json.dumps(value.hex())
    if isinstance(value, dict):
        return joined({str(name): encoded(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return f"[{', '.join(encoded(inner) for inner in value)}]"
    return json.dumps(str(value), ensure_ascii=False)


def joined(members: Members) -> str:
    """Members as one JSON object."""
    return "{" + ", ".join([f"{_name(name)}: {value}" for name, value in members.items()]) + "}"


def with_more(text: str, members: Members, more: Members) -> str:
    """The text of an object, whose members are known, with more of them at its end."""
    return f"{text.rstrip()[:-1]}{', ' if members else ''}{joined(more)[1:]}"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    """A member's name as JSON: the same few for each record, and half of the time that writing one takes."""
    return json.dumps(name, ensure_ascii=False)
