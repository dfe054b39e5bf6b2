"""Files alone, without a project: read as a pipeline's file source reads them, typed as its schemas are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from octo_core.batch import Batch
from octo_core.errors import SourceError, UsageError
from octo_core.schema import SourceSchema
from octo_core.spec.sources import FileSource
from octo_resources.landing import Landing
from octo_resources.sources.place import Progress, silent

_NAME: Final = "file"


class _Plain:
    """A file's name is a name: nothing in it is a reference to a secret."""

    def reveal(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path
    secrets: _Plain


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read: its schema over all rows, and the batch with its landing while `read_file` is open."""

    schema: SourceSchema
    batch: Batch
    landing: Landing


def infer_file(path: Path | str, *, progress: Progress = silent) -> SourceSchema:
    """The typed schema of all rows of a file: CSV, TSV, JSON, JSON lines, Parquet, also compressed.

    Raises UsageError where it is not there or no file, SourceError where it is empty or cannot be read.
    """
    with read_file(path, progress=progress) as found:
        return found.schema


@contextmanager
def read_file(path: Path | str, *, progress: Progress = silent) -> Iterator[ReadFile]:
    """A file as it lands and its schema; what it takes on disk goes with the block."""
    from octo_resources.engines.duckdb.profile import profile_batches, typed_schema  # 60 ms: duckdb
    from octo_resources.flow.understand import scratch_in

    place = _file(Path(path))
    spec = FileSource(kind="file", path=str(place))
    with TemporaryDirectory(prefix="octopipe-file-") as folder:
        landing = Landing(Path(folder))
        batch = _land(spec, place, landing, progress)
        with scratch_in(Path(folder) / "tmp") as connection:
            profiles, counts = profile_batches(connection, [batch])
        if not profiles:
            raise SourceError("no records in it", where=str(path), hint="It has neither a header nor an object.")
        yield ReadFile(typed_schema(profiles, counts, spec, place.stem.split(".")[0]), batch, landing)


def _file(path: Path) -> Path:
    place = path.expanduser().absolute()
    if place.is_dir():
        names = sorted(one.name for one in place.iterdir() if one.is_file() and not one.name.startswith("."))
        hint = f"Name its files: {', '.join(names[:5])}" if names else "It has no files."
        raise UsageError("this is a folder", where=str(path), hint=hint)
    if place.exists() and not place.is_file():
        raise UsageError("this is no regular file", where=str(path), hint="Write what it gives to a file first.")
    if not place.exists():
        from octo_resources.sources.file.find import find_files

        try:
            find_files(str(place), Path.cwd())
        except SourceError as error:
            raise UsageError(error.message, where=str(path), hint=error.hint) from error
        raise UsageError("this is a pattern", where=str(path), hint="Let the shell expand it: leave the quotes out.")
    return place


def _land(spec: FileSource, place: Path, landing: Landing, progress: Progress) -> Batch:
    from octo_resources.sources import extract

    folder = _Folder(place.parent, _Plain())
    batch = extract(
        spec, pipeline=_NAME, source_name=_NAME, project=folder, landing=landing, full=True, progress=progress
    )
    if batch is None:
        raise SourceError("the file is empty", where=str(place), retryable=False)
    return batch
