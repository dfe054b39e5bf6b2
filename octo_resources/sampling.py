"""A look at a source: a bounded part of it lands in a folder of its own that goes again, typed and with its first rows.

Nothing of it counts as landed: the next extraction begins where it would have begun without the look.
"""

import csv
import io
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from octo_core.batch import Batch, LandedFile
from octo_core.errors import SourceError
from octo_core.schema import SourceSchema
from octo_core.spec.sources import KafkaSource, PushSource, RestSource, SampleLimits, SqlSource
from octo_resources.cells import read_cells
from octo_resources.landing import Landing
from octo_resources.pipeline import Pipeline

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[int, int, str], None]
FEW = 1000
"""Rows of an API that a connection's test asks for at least: a page or two."""


@dataclass(frozen=True)
class Look:
    """What a look found; usable only while `looked` is open."""

    batch: Batch
    landing: Landing
    complete: bool
    pipeline: Pipeline
    source: str

    def schema(self) -> SourceSchema:
        """The typed schema of the rows seen."""
        from octo_resources.flow.understand import derive
        from octo_resources.flow.workspace import Workspace

        return derive(Workspace(self.pipeline.project), self.pipeline, self.source, [self.batch])

    def rows(self) -> Generator[dict[str, Any], None, None]:
        """The rows as they came: text for CSV, JSON values for JSON, typed values for Parquet."""
        for file in self.batch.files:
            yield from rows_of(self.landing.open_file(self.batch, file), file)

    def first(self, count: int) -> list[dict[str, Any]]:
        with closing(self.rows()) as rows:
            return list(islice(rows, count))

    def count(self) -> int:
        return self.batch.rows if self.batch.rows is not None else sum(1 for _ in self.rows())


@contextmanager
def looked(pipeline: Pipeline, source: str, *, max_rows: int | None, progress: Progress) -> Iterator[Look]:
    """Read a source (at most so many rows of an API; files are read where they lie). Raises SourceError, UsageError."""
    state = pipeline.project.state
    state.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="look-", dir=state) as folder:
        landing = Landing(Path(folder))
        batch = _extracted(pipeline, source, landing, max_rows, progress)
        if batch is None:
            pushed = isinstance(pipeline.spec.sources[source], PushSource)
            if pushed:
                hint = f"Push an item: POST /push/{pipeline.name} (octopipe serve), or make samples/{source}.jsonl."
                said = "nothing waits in the queue, and there is no sample of it"
                raise SourceError(said, where=f"{pipeline.name}.{source}", hint=hint, retryable=False)
            raise SourceError("the source has no records", where=f"{pipeline.name}.{source}", retryable=False)
        complete = max_rows is None or not _cut(pipeline, source, batch, max_rows)
        yield Look(batch, landing, complete, pipeline, source)


def _cut(pipeline: Pipeline, source: str, batch: Batch, max_rows: int) -> bool:
    spec = pipeline.spec.sources[source]
    full = (batch.rows or 0) >= max_rows
    if isinstance(spec, KafkaSource):
        return full or not batch.full
    return isinstance(spec, RestSource | SqlSource) and full


def _extracted(
    pipeline: Pipeline, source: str, landing: Landing, max_rows: int | None, progress: Progress
) -> Batch | None:
    spec, project = pipeline.spec.sources[source], pipeline.project
    if isinstance(spec, RestSource):
        from octo_resources.sources.rest.extract import extract_rest  # 130 ms: httpx
        from octo_resources.sources.rest.pace import WATCHED

        patience = WATCHED if max_rows is not None else None
        return extract_rest(
            spec, pipeline.name, source, project, landing, None, True, progress, max_rows, patience=patience
        )
    if isinstance(spec, SqlSource | KafkaSource) and (max_rows is not None or isinstance(spec, KafkaSource)):
        from octo_resources.sources import sample

        limits = (spec.sample or SampleLimits()).model_copy(update={"rows": max_rows} if max_rows else {})
        return sample(
            spec,
            pipeline=pipeline.name,
            source_name=source,
            project=project,
            landing=landing,
            limits=limits,
            progress=progress,
        )
    if isinstance(spec, PushSource):  # a look takes nothing out of the queue, and may show the file's samples instead
        from octo_resources.sources import sample

        limits = SampleLimits(rows=max_rows) if max_rows else SampleLimits(rows=2**62)
        return sample(
            spec, pipeline=pipeline.name, source_name=source, project=project, landing=landing, limits=limits,
            progress=progress,
        )  # fmt: skip
    from octo_resources.sources import extract

    return extract(
        spec, pipeline=pipeline.name, source_name=source, project=project, landing=landing, full=True, progress=progress
    )


def rows_of(path: Path, file: LandedFile) -> Iterator[dict[str, Any]]:
    """The rows of a landed file as they came."""
    if file.format == "parquet":
        import pyarrow.parquet as pq  # 0.4 s, and only Parquet needs it

        for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
            yield from _counted(batch).to_pylist()
        return
    from octo_resources.sources.file.content import open_plain
    from octo_resources.sources.file.convert import json_records

    if file.format == "csv":
        with open_plain(path, file.compression) as stream:
            yield from _csv_rows(stream, file)
    elif file.format == "jsonl":
        with open_plain(path, file.compression) as stream:
            yield from (_record(line) for line in stream if line.strip())
    else:
        for line in json_records(path, file.compression, "utf-8", None):
            found = json.loads(line, parse_float=str)  # a float would show other digits than the source wrote
            yield found if isinstance(found, dict) else {"value": found}


def _record(line: bytes) -> dict[str, Any]:
    """A line, of which any may be no record: those are set aside when they load."""
    text = line.decode("utf-8", "backslashreplace").strip().removeprefix("\ufeff")
    try:
        found = json.loads(text, parse_float=str)
    except ValueError:
        return {"malformed": text[:200]}
    return found if isinstance(found, dict) else {"value": found}


def _counted(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Durations as the whole numbers that schemas say they are."""
    import pyarrow as pa

    for place, field in enumerate(batch.schema):
        if pa.types.is_duration(field.type):
            batch = batch.set_column(place, field.name, batch.column(place).cast(pa.int64()))
    return batch


def _csv_rows(stream: Any, file: LandedFile) -> Iterator[dict[str, Any]]:
    dialect = file.dialect
    if dialect is None:
        return
    text = io.TextIOWrapper(stream, encoding=dialect.encoding, errors="replace", newline="")
    for _ in range(dialect.skip):
        text.readline()
    reader = read_cells(
        text,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or '"',
        escapechar=dialect.escape,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    try:
        if dialect.header:
            next(reader, None)
        for cells in reader:
            if cells:
                values = (None if cell in dialect.null else cell for cell in cells)
                yield dict(zip(dialect.columns, values, strict=False))
    finally:
        text.detach()  # the stream is its opener's to close
