"""Where the files of a load's batches are read: here, or by the engine's tasks, each of which brings its own.

A batch of a source that keeps nothing may say only what is to be read (`unread`): ranges of keys or of offsets. They
are read by tasks, in one snapshot that is held here as long as the load lasts; or, where rows have to be here, here.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from octo_core.batch import Batch, LandedFile
from octo_core.spec.sources import KafkaSource, SqlSource
from octo_resources.engines.elsewhere import Elsewhere, brought
from octo_resources.flow.workspace import Workspace
from octo_resources.landing.disk import sha256_of
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.engines.duckdb import Input


@contextmanager
def reading(space: Workspace, pipeline: Pipeline, *, tasks: bool) -> Iterator["Afar"]:
    """What gives the files of batches for the length of a load. `tasks`: whether its engine has tasks that read."""
    with ExitStack() as until:
        yield Afar(space, pipeline, tasks, until)


class Afar:
    """See `reading`; made for one load."""

    def __init__(self, space: Workspace, pipeline: Pipeline, tasks: bool, until: ExitStack) -> None:
        self._space, self._pipeline, self.tasks, self._until = space, pipeline, tasks, until
        self._ranges: dict[str, list[Elsewhere]] = {}
        self._here: dict[str, list[Input]] = {}

    def verify(self, batches: Sequence[Batch]) -> None:
        """Compare with their manifests what is read here; what tasks bring they compare themselves. LandingError."""
        for batch in batches:
            if not batch.unread and not (self.tasks and self._stored(batch)):
                self._space.landing.verify(batch)

    def inputs(self, batch: Batch, *, tasks: bool) -> "list[Input]":
        """The batch's files; with `tasks` those may be such that only tasks bring. Raises LandingError, SourceError."""
        from octo_resources.engines.duckdb import Input

        if batch.unread:
            ranges = self._unread(batch)
            files = [
                Input(batch, file, Path(file.path), elsewhere=afar)
                for file, afar in zip(batch.files, ranges, strict=True)
            ]
            return files if tasks and self.tasks else self._fetched(batch, files)
        if self.tasks and (stored := self._stored(batch)):
            if tasks:
                return [Input(batch, file, Path(file.path), elsewhere=afar) for file, afar in stored]
            self._space.landing.verify(batch)  # rows of it are needed here after all
        return self._space.inputs(batch)

    def _stored(self, batch: Batch) -> list[tuple[LandedFile, Elsewhere]]:
        """Each file with what brings it; empty where one has to be read at its path."""
        found = [(file, self._space.landing.stored(batch, file)) for file in batch.files]
        there = [(file, afar) for file, afar in found if afar is not None]
        return there if len(there) == len(found) else []

    def _unread(self, batch: Batch) -> list[Elsewhere]:
        """What brings each range of a batch; asked for once, so that all tables see one snapshot."""
        if batch.id not in self._ranges:
            spec = self._pipeline.spec.sources[batch.source]
            if isinstance(spec, KafkaSource):
                from octo_resources.sources.kafka.unread import offset_ranges

                self._ranges[batch.id] = list(offset_ranges(spec, batch, self._space.project))
            else:
                from octo_resources.sources.sql.unread import key_ranges

                assert isinstance(spec, SqlSource)
                found = self._until.enter_context(key_ranges(spec, batch, self._space.project))
                self._ranges[batch.id] = list(found)
        return self._ranges[batch.id]

    def _fetched(self, batch: Batch, files: "list[Input]") -> "list[Input]":
        """The ranges read here, for this load: where the embedded engine needs them. Raises SourceError."""
        if batch.id not in self._here:
            parent = self._space.project.state / "tmp"
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(self._until.enter_context(TemporaryDirectory(prefix="ranges-", dir=parent)))
            self._here[batch.id] = [one for place, file in enumerate(files) for one in _here(file, folder / str(place))]
        return self._here[batch.id]


def _here(file: "Input", folder: Path) -> "Iterator[Input]":
    from octo_resources.engines.duckdb.inputs import Numbered

    folder.mkdir()
    for one in brought(Numbered(0, file), folder)[0]:
        yield replace(one.input, span=None)


@contextmanager
def looked_at(space: Workspace, pipeline: Pipeline, source: str, batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """The batches with their files here, for a look at their fields: what nobody read yet is read for it.

    Of a database, which may be any size, a sample is taken anew.
    """
    if not any(batch.unread for batch in batches):
        yield list(batches)
        return
    if isinstance(pipeline.spec.sources[source], SqlSource):
        from octo_resources.flow.landing_step import read_anew

        read_anew(space, pipeline, sources=[source])
        yield space.samples.batches(pipeline.name, source)
        return
    with reading(space, pipeline, tasks=False) as afar:
        yield [_landed(batch, afar.inputs(batch, tasks=False)) if batch.unread else batch for batch in batches]


def _landed(batch: Batch, files: "Sequence[Input]") -> Batch:
    """The batch as if it had landed where its files are now."""
    found = [
        one.file.model_copy(
            update={
                "path": str(one.path.absolute()),
                "bytes": one.path.stat().st_size,
                "sha256": sha256_of(one.path),
                "unread": False,
            }
        )
        for one in files
    ]
    return batch.model_copy(update={"files": tuple(found)})
