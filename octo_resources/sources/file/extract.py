"""Extraction of files: only what is new lands, referred to, copied as it came, or converted where it has to be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from octo_core.batch import Batch, Compression, LandedFile
from octo_core.errors import SourceError
from octo_core.spec.sources import FileSource
from octo_resources.landing import BatchWriter
from octo_resources.landing.disk import landing_errors
from octo_resources.sources.file.content import broken_compression, damaged
from octo_resources.sources.file.convert import (
    copy_as_is,
    json_records,
    wide_decimals,
    write_exact,
    write_records,
    write_text,
)
from octo_resources.sources.file.encoding import encoding_of
from octo_resources.sources.file.find import find_files
from octo_resources.sources.file.inspect import Head, dialect, inspect
from octo_resources.sources.file.scan import Scanned, require_same, scan
from octo_resources.sources.file.seen import Seen
from octo_resources.sources.place import Place, Progress

Limit = Callable[[Iterable[bytes]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class NewFiles:
    """What one look at the source found: files to land, and the bytes they have as they came."""

    files: tuple[LandedFile, ...]
    bytes: int
    all_new: bool
    """Whether these are all the files there are."""
    landing: Literal["copy", "reference"] = "copy"


def land_files(
    spec: FileSource,
    place: Place,
    writer: BatchWriter,
    history: Iterable[Batch],
    *,
    full: bool,
    progress: Progress,
    limit: Limit | None = None,
) -> NewFiles | None:
    """Puts what is new into `writer.folder` and describes it; None where nothing is new. Raises SourceError."""
    paths = find_files(place.secrets.reveal(spec.path), place.root)
    seen = Seen.of(() if full else history)
    landed: list[LandedFile] = []
    rows, size, old, formats = 0, 0, 0, dict[str, Path]()
    for path in paths:
        try:
            file = land_file(spec, path, seen, writer, len(landed), limit)
        except PermissionError as error:
            raise SourceError(
                "permission denied", where=str(path), hint="Let Octopipe's user read it.", retryable=False
            ) from error
        except FileNotFoundError as error:
            raise SourceError("the file vanished while it was read", where=str(path), hint="Run it again.") from error
        if file is None:
            old += bool(seen.by_path)  # else it is empty
            continue
        formats.setdefault(family(file), path)
        one_format(formats)
        landed.append(file)
        rows, size = rows + (file.rows or 0), size + int(file.position["bytes"])
        progress(rows, size, path.name)
    kept: Literal["copy", "reference"] = "copy" if spec.landing == "copy" else "reference"
    return NewFiles(tuple(landed), size, old == 0, kept) if landed else None


def land_file(
    spec: FileSource, path: Path, seen: Seen, writer: BatchWriter, number: int, limit: Limit | None
) -> LandedFile | None:
    """One file as it lands, or None where it is empty or landed before."""
    stat = path.stat()
    if seen.unchanged(path, stat.st_size, stat.st_mtime_ns):
        return None
    head = inspect(spec, path)
    if head.empty:
        return None
    scanned = scan(
        path, head.compression, text=head.format != "parquet" and head.encoding == "utf-8" and not spec.options.encoding
    )
    if seen.known(path, scanned.sha256):
        return None
    encoding = encoding_of(head.data, scanned.foreign) if scanned.foreign else head.encoding
    try:
        file = _landed(spec, path, head, encoding, scanned, writer, number, limit)
    except damaged() as error:
        raise broken_compression(error, path) from error
    except SourceError as error:
        error.where = error.where or str(path)
        raise
    require_same(path, scanned.size, scanned.modified_ns)
    return file


def _landed(
    spec: FileSource,
    path: Path,
    head: Head,
    encoding: str,
    scanned: Scanned,
    writer: BatchWriter,
    number: int,
    limit: Limit | None,
) -> LandedFile:
    position = {"path": str(path), "bytes": scanned.size, "sha256": scanned.sha256, "modified_ns": scanned.modified_ns}
    name = f"{number:05d}-{path.stem.split('.')[0][:60]}"
    if head.format == "json":
        target = writer.folder / f"{name}.jsonl.zst"
        rows = json_records(path, head.compression, encoding, spec.options.records)
        with landing_errors(target):
            made = write_records(limit(rows) if limit else rows, target)
        return LandedFile(
            path=target.name,
            format="jsonl",
            compression="zstd",
            bytes=made.bytes,
            sha256=made.sha256,
            rows=made.rows,
            position=position,
        )
    found = dialect(spec, _told(head, encoding), "utf-8") if head.format == "csv" else None
    rows_known = _parquet_rows(path) if head.format == "parquet" else None
    wide = wide_decimals(path) if head.format == "parquet" else []
    if wide:
        target = writer.folder / f"{name}.parquet"
        with landing_errors(target):
            made = write_exact(path, wide, target)
        return LandedFile(
            path=target.name, format="parquet", compression="none", bytes=made.bytes, sha256=made.sha256,
            rows=made.rows, position=position,
        )  # fmt: skip
    old_ends = head.carriage_returns(encoding)
    if old_ends or (encoding != "utf-8" and not (encoding == "utf-8-sig" and head.format == "csv")):
        target = writer.folder / f"{name}.{head.format}.zst"
        with landing_errors(target):
            made = write_text(path, head.compression, encoding, target, newlines=old_ends)
        position["encoding"] = encoding
        return LandedFile(
            path=target.name,
            format=head.format,
            compression="zstd",
            bytes=made.bytes,
            sha256=made.sha256,
            dialect=found,
            position=position,
        )
    if spec.landing == "copy":
        compress = head.compression == "none" and head.format != "parquet"
        compression: Compression = "zstd" if compress else head.compression
        ending = {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]
        target = writer.folder / f"{name}.{head.format}{ending}"
        with landing_errors(target):
            made = copy_as_is(path, target, compress)
        return LandedFile(
            path=target.name,
            format=head.format,
            compression=compression,
            bytes=made.bytes,
            sha256=made.sha256,
            rows=rows_known,
            dialect=found,
            position=position,
        )
    return LandedFile(
        path=str(path), format=head.format, compression=head.compression, bytes=scanned.size, sha256=scanned.sha256,
        rows=rows_known, dialect=found, modified_ns=scanned.modified_ns, position=position,
    )  # fmt: skip


def _told(head: Head, encoding: str) -> Head:
    return Head(head.data, head.complete, head.compression, head.format, encoding)


def _parquet_rows(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq  # 60 ms, and only where there is Parquet

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"the Parquet file is damaged: {str(error).splitlines()[0]}",
            where=str(path),
            hint="Fetch the file again.",
            retryable=False,
        ) from error


def family(file: LandedFile) -> str:
    """JSON documents and JSON lines hold the same kind of records."""
    return {"csv": "CSV", "parquet": "Parquet"}.get(file.format, "JSON")


def one_format(formats: dict[str, Path]) -> None:
    if len(formats) > 1:
        (one, first), (other, second) = formats.items()
        raise SourceError(
            f"one source, several formats: {first.name} is {one}, {second.name} is {other}",
            where=str(second.parent),
            hint="Narrow `path` to one format, e.g. folder/*.csv, and make another source of the rest.",
            retryable=False,
        )
