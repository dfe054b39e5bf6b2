"""Files made of rows that were set aside, in the form in which they were read: for another try at loading them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from octo_core.batch import Batch, CsvDialect, LandedFile
from octo_core.ledger import QuarantinedRow
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb.inputs import Input, row_of


@dataclass(frozen=True)
class Returned:
    """Inputs for the engine, and which row each of their rows was (by the engine's number)."""

    inputs: list[Input]
    rows: dict[int, QuarantinedRow]


def returned(rows: Sequence[QuarantinedRow], batches: dict[str, Batch], schema: SourceSchema, folder: Path) -> Returned:
    """Inputs of the payloads of `rows`, which are one table's. `batches`: by id, those that the rows came in."""
    found = Returned([], {})
    for (batch, path), group in groupby(sorted(rows, key=_place), key=lambda row: (row.batch, row.file)):
        landed = next((file for file in batches[batch].files if file.path == path), None)
        ours = list(group)
        for made_of in (True, False):
            part = [row for row in ours if _is_made(row) is made_of]
            if part:
                form = "jsonl" if made_of or landed is None else landed.format
                _file(part, batches[batch], form, landed, schema, folder, found)
    return found


def _file(
    rows: list[QuarantinedRow],
    batch: Batch,
    form: str,
    landed: LandedFile | None,
    schema: SourceSchema,
    folder: Path,
    found: Returned,
) -> None:
    place = len(found.inputs)
    path = folder / f"{place:06d}"
    if form == "csv" and landed is not None and landed.dialect is not None:
        numbers = _records(rows, path)
        dialect = landed.dialect.model_copy(update={"header": False, "skip": 0, "encoding": "utf-8"})
        file = _landed(path, "csv", rows, dialect)
    elif form == "parquet":
        numbers = _typed(rows, schema, path)
        file = _landed(path, "parquet", rows, None)
    else:
        numbers = _lines(rows, path)
        file = _landed(path, "jsonl", rows, None)
    found.inputs.append(Input(batch, file, path))
    found.rows.update((row_of(place, number), row) for number, row in zip(numbers, rows, strict=True))


def _landed(path: Path, form: Any, rows: Sequence[QuarantinedRow], dialect: CsvDialect | None) -> LandedFile:
    return LandedFile(
        path=str(path), format=form, bytes=path.stat().st_size, sha256="", rows=len(rows), dialect=dialect
    )


def _lines(rows: Sequence[QuarantinedRow], path: Path) -> list[int]:
    """Lines of JSON; the number of each row's line."""
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as out:
        out.writelines(row.payload.replace("\r", " ").replace("\n", " ") + "\n" for row in rows)
    return list(range(1, len(rows) + 1))


def _records(rows: Sequence[QuarantinedRow], path: Path) -> list[int]:
    """Records of CSV, which may have several lines; the line on which each begins."""
    numbers, line = [], 1
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as out:
        for row in rows:
            numbers.append(line)
            out.write(row.payload + "\n")
            line += row.payload.count("\n") + 1
    return numbers


def _typed(rows: Sequence[QuarantinedRow], schema: SourceSchema, path: Path) -> list[int]:
    """Typed rows as columns of text, which are read into the schema's types again: exactly, or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    records = [json.loads(row.payload) for row in rows]
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: _column([record.get(name) for record in records], schema, name) for name in names}
    parquet.write_table(pa.table(columns), path)
    return list(range(1, len(rows) + 1))


def _column(values: list[Any], schema: SourceSchema, name: str) -> Any:
    import pyarrow as pa

    field = schema.field(name)
    if field is not None and field.type.kind == "bytes":
        return pa.array([None if value is None else bytes.fromhex(value) for value in values], pa.binary())
    if field is not None and field.type.kind == "record":
        return pa.array([None if value is None else _texts(value) for value in values])
    return pa.array([_text(value) for value in values], pa.string())


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(one) for name, one in value.items()}
    return [_texts(one) for one in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict | list) else str(value)


def _is_made(row: QuarantinedRow) -> bool:
    """Whether a row is one of a relation that was made of landed rows: its id says which of them."""
    return row.id.count(":") > 2


def _place(row: QuarantinedRow) -> tuple[Any, ...]:
    numbers: Iterator[int] = (int(part) for part in row.id.split(":")[1:])
    return row.batch, row.file, _is_made(row), tuple(numbers)
