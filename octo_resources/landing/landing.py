"""The landing zone on a disk: root/pipeline/source/batch id, each batch a folder with its files and manifest."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock, Timeout

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError
from octo_resources.landing.disk import landing_errors
from octo_resources.landing.manifest import CLEANED, MANIFEST, read_manifest
from octo_resources.landing.retention import Cleaned, clean, drop
from octo_resources.landing.superseded import without_superseded
from octo_resources.landing.ulid import is_ulid, new_ulid
from octo_resources.landing.usage import used
from octo_resources.landing.verify import verify
from octo_resources.landing.writer import BatchWriter

if TYPE_CHECKING:
    from octo_resources.engines.elsewhere import Elsewhere

_TEMPORARY = ".tmp-"


class Landing:
    """Batches of all pipelines under one folder. Nothing is made on the disk before the first batch is."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return str(self.root)

    def trim(self, pipeline: str) -> None:
        """Take away what is only a copy of what lies elsewhere: nothing, on a disk."""

    def folder(self, pipeline: str, source: str) -> Path:
        """Where the batches of one source are; odd letters of names are percent-encoded."""
        return self.root / safe_name(pipeline) / safe_name(source)

    def batches(self, pipeline: str, source: str) -> list[Batch]:
        """The batches that can be loaded, oldest first, less what was written over since they landed.

        LandingError where a manifest is damaged.
        """
        landed = [read_manifest(folder / MANIFEST) for folder in self._folders(pipeline, source, (MANIFEST,))]
        return without_superseded(landed)

    def history(self, pipeline: str, source: str) -> list[Batch]:
        """All batches ever landed, oldest first, also those whose files retention took away."""
        return [_read(folder) for folder in self._folders(pipeline, source, (MANIFEST, CLEANED))]

    def after(self, pipeline: str, source: str, batch_id: str | None) -> list[Batch]:
        """The batches of `history` that landed after one, oldest first; all of them where it is None."""
        folders = self._folders(pipeline, source, (MANIFEST, CLEANED))
        return [_read(folder) for folder in folders if batch_id is None or folder.name > batch_id]

    def newest(self, pipeline: str, source: str) -> Batch | None:
        """The newest batch that can be loaded, or None."""
        folders = self._folders(pipeline, source, (MANIFEST,))
        return read_manifest(folders[-1] / MANIFEST) if folders else None

    def get(self, pipeline: str, source: str, batch_id: str) -> Batch:
        """One batch by its id. LandingError where it never landed or was cleaned away."""
        folder = self.folder(pipeline, source) / batch_id
        if is_ulid(batch_id) and (folder / MANIFEST).is_file():
            return read_manifest(folder / MANIFEST)
        cleaned = is_ulid(batch_id) and (folder / CLEANED).is_file()
        raise LandingError(
            f"batch {batch_id} of {pipeline}.{source} "
            + ("was cleaned away" if cleaned else "is not in the landing zone"),
            where=str(self.folder(pipeline, source)),
            hint=f"Extract again: octopipe run {pipeline} --full",
        )

    def open_file(self, batch: Batch, file: LandedFile) -> Path:
        """The absolute path of one of a batch's files."""
        return Path(batch.folder) / file.path

    def stored(self, batch: Batch, file: LandedFile) -> "Elsewhere | None":
        """What brings a file to whichever machine reads it; None where it has to be read at its path."""

    def forget(self, pipeline: str, source: str) -> None:
        """Take away all of a source at once, its history too: for scratch zones."""
        shutil.rmtree(self.folder(pipeline, source), ignore_errors=True)

    def verify(self, batch: Batch) -> None:
        """Compares sizes and checksums of every file with the manifest. LandingError names the file that differs."""
        verify(batch)

    def clean(
        self,
        older_than: timedelta,
        keep_ids: Collection[str] = (),
        *,
        max_bytes: int | None = None,
        dry_run: bool = False,
        pipeline: str | None = None,
    ) -> Cleaned:
        """Takes away files of old batches, never the newest of a source nor those in `keep_ids`.

        Batches older than `older_than` go first, then the oldest until all take at most `max_bytes`. What was
        landed stays known, so that cursors and the list of files seen survive. Referenced files are never touched.
        With `pipeline` only that one's batches are looked at.
        """
        return clean(self, older_than, keep_ids, max_bytes, dry_run, pipeline)

    def drop_spooled(self, pipeline: str, source: str, *, keep: Collection[str], remember: Collection[str]) -> None:
        """Take away the batches with `landing: off`, but those in `keep`. Of those in `remember` it stays known that
        they were here, with what lies beside them for the next extraction."""
        for folder in self._folders(pipeline, source, (MANIFEST, CLEANED)):
            if folder.name not in keep and _read(folder).landing == "off":
                self.drop_batch(folder, remember=folder.name in remember)

    def drop_batch(self, folder: Path, *, remember: bool) -> None:
        """Take one batch away by its folder; with `remember` it stays known that it was there."""
        drop(folder, remember=remember)

    def used(self) -> int:
        """Bytes of all that is in the landing zone."""
        return used(self.root)

    def sources(self, pipeline: str | None = None) -> list[tuple[str, str]]:
        """(pipeline, source) folders that exist, of one pipeline or of all; percent-encoded as on the disk."""
        if not self.root.is_dir():
            return []
        found = self.root.glob("*/*") if pipeline is None else (self.root / safe_name(pipeline)).glob("*")
        return sorted((one.parent.name, one.name) for one in found if one.is_dir())

    @contextmanager
    def lock(self, pipeline: str, source: str, wait: timedelta = timedelta(minutes=10)) -> Iterator[None]:
        """Only one extraction of a source at a time, over all processes; it ends with the process that holds it.

        Raises LandingError when another one holds it longer than `wait`.
        """
        folder = self.folder(pipeline, source)
        with landing_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock", timeout=wait.total_seconds())
            try:
                lock.acquire()
            except Timeout as error:
                raise LandingError(
                    f"another extraction of {pipeline}.{source} is running",
                    where=str(folder),
                    hint="Wait until it has ended, or end it: octopipe abort " + pipeline,
                ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def begin(self, pipeline: str, source: str) -> Iterator[BatchWriter]:
        """A new batch in the making; call it under `lock`. What is not committed vanishes, also after a crash."""
        folder = self.folder(pipeline, source)
        with landing_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._sweep(folder)
            known = self._folders(pipeline, source, (MANIFEST, CLEANED))
            batch_id = new_ulid(known[-1].name if known else None)
            temporary = folder / f"{_TEMPORARY}{batch_id}-{os.getpid()}"
            temporary.mkdir()
        try:
            yield BatchWriter(temporary, folder / batch_id, pipeline, source)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _folders(self, pipeline: str, source: str, names: tuple[str, ...]) -> list[Path]:
        folder = self.folder(pipeline, source)
        if not folder.is_dir():
            return []
        with landing_errors(folder):
            found = [one for one in folder.iterdir() if is_ulid(one.name)]
            return sorted(one for one in found if any((one / name).is_file() for name in names))

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Removes what killed extractions left; safe because the caller holds the source's lock."""
        for stale in folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(stale, ignore_errors=True)


def _read(folder: Path) -> Batch:
    path = folder / MANIFEST
    return read_manifest(path if path.is_file() else folder / CLEANED)


def safe_name(name: str) -> str:
    text = quote(name, safe="")
    return text.replace(".", "%2E") if text.startswith(".") else text
