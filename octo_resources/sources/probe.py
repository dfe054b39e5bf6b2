"""Looks at a source without landing anything: whether it answers, what it is, how its pages go, its first records."""

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final

from octo_core.batch import CsvDialect
from octo_core.errors import OctopipeError, SourceError
from octo_core.schema import Frozen
from octo_core.spec.sources import FileOptions, FileSource, KafkaSource, PushSource, RestSource, Source, SqlSource
from octo_resources.sources.extract import reachable
from octo_resources.sources.file.convert import json_records, utf8_stream
from octo_resources.sources.file.csv_rows import csv_rows
from octo_resources.sources.file.dialect import find_dialect
from octo_resources.sources.file.find import find_files
from octo_resources.sources.file.inspect import Head, dialect, inspect
from octo_resources.sources.place import Place

RECORDS: Final = 20
_SAMPLE = 256_000


class ProbeResult(Frozen):
    """What was found. `format`: csv, json, jsonl or parquet; `paging`: how pages go, for REST; `files`: how many."""

    ok: bool
    message: str
    format: str | None = None
    paging: str | None = None
    files: int | None = None
    columns: tuple[str, ...] = ()
    records: tuple[dict[str, Any], ...] = ()
    """The first ones, at most 20, as text or JSON values; for people, not for loading."""


def probe(spec: Source, project: Place) -> ProbeResult:
    """Reads the first page or the head of the first file. Never raises an OctopipeError: `ok` and `message` say it."""
    try:
        local = reachable(spec)
        if isinstance(local, SqlSource):
            return _probe_sql(local, project)
        if isinstance(local, KafkaSource):
            return _probe_topics(local, project)
        if isinstance(local, PushSource):
            return ProbeResult(ok=True, message="it is pushed: POST /push/PIPELINE of `octopipe serve`")
        return _probe_rest(local, project) if isinstance(local, RestSource) else _probe_files(local, project)
    except OctopipeError as error:
        return ProbeResult(ok=False, message=str(error))


def _probe_sql(spec: SqlSource, project: Place) -> ProbeResult:
    from octo_resources.sources.sql.address import explained  # 0.5 s: SQLAlchemy, Arrow
    from octo_resources.sources.sql.reader import beginning
    from octo_resources.sources.sql.relation import column_of, opened

    with opened(spec, project) as (address, reader, relation, found), explained(address):
        if spec.cursor is not None:
            column_of(found, spec.cursor.field, "cursor.field")
        names = tuple(column.name for column in found.columns)
        first = beginning(reader, relation, found.columns, RECORDS)
        rows = zip(*(array.to_pylist() for array in first), strict=True) if first is not None else ()
        records = tuple(dict(zip(names, row, strict=True)) for row in rows)
    key = f", key {', '.join(found.key)}" if found.key else ""
    message = f"{relation} in {address}: {len(names)} column{'' if len(names) == 1 else 's'}{key}"
    return ProbeResult(ok=True, message=message, format="sql", columns=names, records=records)


def _probe_rest(spec: RestSource, project: Place) -> ProbeResult:
    from octo_resources.sources.rest.client import Client  # 130 ms: httpx
    from octo_resources.sources.rest.detect import find_paging
    from octo_resources.sources.rest.extract import first_request
    from octo_resources.sources.rest.pace import WATCHED
    from octo_resources.sources.rest.page import read_page
    from octo_resources.sources.rest.paging import told_way
    from octo_resources.sources.rest.position import start_of

    request = first_request(spec, project.secrets, start_of(spec.cursor, (), None, False))
    base = request.url
    told = told_way(spec.pages, base) if not isinstance(spec.pages, str) else None
    with Client(spec, project, WATCHED) as client:
        request = told.first(request) if told else request
        page = read_page(client.fetch(request), spec.records)
    if spec.pages == "auto":
        found = find_paging(base, request, page)
        sure = found.sure or found.more
        paging = (str(found.ways[0]) + ("" if sure else " (to be tried)")) if found.ways else "none"
    else:
        paging = str(told or "none")
    if page.csv is not None:
        records = _table(page.csv, find_dialect(page.csv[:_SAMPLE], FileOptions(), "utf-8", len(page.csv) <= _SAMPLE))
    else:
        records = _parsed(page.rows[:RECORDS])
    where = f" at {page.path!r}" if page.path else ""
    message = f"{page.count:,} records on the first page{where}; paging: {paging}"
    return ProbeResult(
        ok=True, message=message, format=page.kind, paging=paging, columns=_names(records), records=records
    )


def _probe_topics(spec: KafkaSource, project: Place) -> ProbeResult:
    """The first messages that are there, as records."""
    from octo_resources.sources.kafka.peek import peek

    found = peek(spec, project, RECORDS)
    records = _parsed(found.lines)
    topics = ", ".join(found.topics[:5]) + (" …" if len(found.topics) > 5 else "")
    return ProbeResult(
        ok=True,
        message=f"{found.messages:,} messages in {topics} ({spec.format})",
        format=spec.format,
        files=len(found.topics),
        columns=_names(records),
        records=records,
    )


def _probe_files(spec: FileSource, project: Place) -> ProbeResult:
    from octo_resources.sources.file.objects import is_remote, newest_object

    if is_remote(spec, project):
        with newest_object(spec, project) as (path, count):
            return _probe_paths(spec, [path], count)
    paths = find_files(project.secrets.reveal(spec.path), project.root)
    return _probe_paths(spec, paths, len(paths))


def _probe_paths(spec: FileSource, paths: list[Path], count: int) -> ProbeResult:
    for path in paths:
        head = inspect(spec, path)
        if not head.empty:
            break
    else:
        return ProbeResult(ok=False, message="there is nothing in it yet: every file is empty", files=count)
    records, columns = _first_records(spec, path, head)
    packed = "" if head.compression == "none" else f", {head.compression}"
    more = f", the first of {count:,} files" if count > 1 else ""
    return ProbeResult(
        ok=True,
        message=f"{path.name}{more}: {head.format}, {head.encoding}{packed}, {len(columns)} fields",
        format=head.format,
        files=count,
        columns=columns,
        records=records,
    )


def _first_records(spec: FileSource, path: Path, head: Head) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    if head.format == "parquet":
        return _parquet(path)
    if head.format == "csv":
        found = dialect(spec, head, "utf-8")
        return _table(head.text(), found), found.columns
    if head.format == "json":
        rows: Iterable[bytes] = islice(
            json_records(path, head.compression, head.encoding, spec.options.records), RECORDS
        )
    else:
        with utf8_stream(path, head.compression, head.encoding) as stream:
            rows = [line for line in islice(stream, RECORDS) if line.strip()]
    records = _parsed(rows)
    return records, _names(records)


def _table(text: str, found: CsvDialect) -> tuple[dict[str, Any], ...]:
    rows = islice(csv_rows(text, found), RECORDS)
    return tuple(dict(zip(found.columns, row, strict=False)) for row in rows)


def _parsed(rows: Iterable[bytes]) -> tuple[dict[str, Any], ...]:
    return tuple(_record(row) for row in islice(rows, RECORDS))


def _record(row: bytes) -> dict[str, Any]:
    try:
        value = json.loads(row)
    except ValueError:
        return {"malformed": row[:200].decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {"value": value}


def _names(records: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for record in records for name in record))


def _parquet(path: Path) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq  # 60 ms, and only where there is Parquet

    try:
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(batch_size=RECORDS), None)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(f"the Parquet file is damaged: {reason}", where=str(path), retryable=False) from error
    records = tuple(batch.to_pylist()) if batch is not None else ()
    return records, tuple(file.schema_arrow.names)
