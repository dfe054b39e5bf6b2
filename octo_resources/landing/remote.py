"""The landing zone in an object store, with a mirror on this machine's disk.

    PREFIX/pipeline/source/01JD…/manifest.json      written last, and only if it is not there: that is the commit
                                /part-00000.jsonl.zst
    PREFIX/pipeline/source/.lock                    the lease of the extraction under way
    PREFIX/.quarantine/pipeline/LOAD.jsonl.zst      rows set aside (octo_resources/quarantine_remote.py)

Extraction writes into the mirror and uploads; a load downloads what its mirror has not got. Every file is compared
with its manifest's checksum before it is read, as on a disk.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError
from octo_resources.landing.landing import Landing, safe_name
from octo_resources.landing.lease import Lease
from octo_resources.landing.manifest import BESIDE, CLEANED, MANIFEST
from octo_resources.landing.ulid import is_ulid
from octo_resources.landing.writer import BatchWriter
from octo_resources.objects import ObjectStore, StoreError

if TYPE_CHECKING:
    from octo_resources.engines.elsewhere import Elsewhere

ASIDE: Final = ".quarantine"
"""Where the zone keeps rows set aside: no pipeline's name begins with a point."""
_FRESH: Final = 2.0
"""Seconds for which a listing is believed."""
_AT_ONCE: Final = 8


class RemoteLanding(Landing):
    """See Landing: the same, but that other machines see it too."""

    def __init__(self, store: ObjectStore, mirror: Path) -> None:
        super().__init__(mirror)
        self._store = store
        self._listed: dict[tuple[str, str], float] = {}
        self._leases: dict[tuple[str, str], Lease] = {}

    @property
    def shown(self) -> str:
        return self._store.address

    def verify(self, batch: Batch) -> None:
        with _landing_errors():
            missing = [
                file for file in batch.files if not file.unread and not (Path(batch.folder) / file.path).exists()
            ]
            if missing:
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    list(pool.map(lambda file: self._fetch(batch, file), missing))
        super().verify(batch)

    def open_file(self, batch: Batch, file: LandedFile) -> Path:
        path = super().open_file(batch, file)
        if not path.exists():
            with _landing_errors():
                self._fetch(batch, file)
        return path

    def stored(self, batch: Batch, file: LandedFile) -> "Elsewhere | None":
        from octo_resources.landing.stored import StoredFile

        if Path(file.path).is_absolute():
            return None
        bucket, key = "/".join(self._store.address.split("/")[:3]), self._key_of(batch, file)
        return StoredFile(bucket, self._store.endpoint, key, file.bytes, file.sha256, file.rows, batch.id)

    def forget(self, pipeline: str, source: str) -> None:
        with _landing_errors():
            self._store.delete([one.key for one in self._store.objects(self._key(pipeline, source))])
        self._listed.pop((pipeline, source), None)
        super().forget(pipeline, source)

    def used(self) -> int:
        with _landing_errors():
            aside = f"{self._store.prefix}{ASIDE}/"
            return sum(one.size for one in self._store.objects(self._store.prefix) if not one.key.startswith(aside))

    def sources(self, pipeline: str | None = None) -> list[tuple[str, str]]:
        with _landing_errors():
            names = self._store.folders(self._store.prefix) if pipeline is None else [safe_name(pipeline)]
            return sorted(
                (name, source)
                for name in names
                if name != ASIDE
                for source in self._store.folders(f"{self._store.prefix}{name}/")
            )

    def trim(self, pipeline: str, age: timedelta = timedelta(days=1)) -> None:
        """Take files out of the mirror that nobody looked at for that long; the store has them."""
        oldest = time.time() - age.total_seconds()
        for path in (self.root / safe_name(pipeline)).glob("*/*/*"):
            if path.is_file() and path.name not in (MANIFEST, CLEANED, BESIDE) and path.stat().st_atime < oldest:
                path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, pipeline: str, source: str, wait: timedelta = timedelta(minutes=10)) -> Iterator[None]:
        busy = LandingError(
            f"another extraction of {pipeline}.{source} is running, perhaps on another machine",
            where=self.shown,
            hint="Wait until it has ended; one whose machine died lets go after a minute.",
        )
        with super().lock(pipeline, source, wait), _landing_errors():
            lease = Lease(self._store, f"{self._key(pipeline, source)}.lock")
            with lease.holding(wait, busy):
                self._leases[pipeline, source] = lease
                self._listed.pop((pipeline, source), None)
                try:
                    yield
                finally:
                    del self._leases[pipeline, source]

    @contextmanager
    def begin(self, pipeline: str, source: str) -> Iterator[BatchWriter]:
        with _landing_errors():
            self._sweep_store(pipeline, source)
        with super().begin(pipeline, source) as writer:
            yield _Uploading(writer, self, pipeline, source)

    def publish(self, batch_folder: Path, name: str, pipeline: str, source: str) -> None:
        """Upload a batch's files, then its manifest: from then on it is there. Raises LandingError."""
        lease = self._leases[pipeline, source]
        prefix = f"{self._key(pipeline, source)}{name}/"
        with _landing_errors():
            files = [path for path in batch_folder.iterdir() if path.is_file() and path.name != MANIFEST]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda path: self._store.upload(path, prefix + path.name), files))
            lease.require()
            if self._store.write(prefix + MANIFEST, (batch_folder / MANIFEST).read_bytes(), only_new=True) is None:
                raise LandingError(f"batch {name} is there already", where=f"{self.shown}: {prefix}")

    def drop_batch(self, folder: Path, *, remember: bool) -> None:
        prefix = f"{self._store.prefix}{folder.parent.parent.name}/{folder.parent.name}/{folder.name}/"
        with _landing_errors():
            keys = [one.key for one in self._store.objects(prefix)]
            kept = {prefix + CLEANED, prefix + BESIDE} if remember else set()
            if remember and (folder / MANIFEST).is_file():
                self._store.write(prefix + CLEANED, (folder / MANIFEST).read_bytes())
            first = [key for key in keys if key == prefix + MANIFEST]
            self._store.delete(first)
            self._store.delete([key for key in keys if key not in kept and key not in first])
        super().drop_batch(folder, remember=remember)

    def _folders(self, pipeline: str, source: str, names: tuple[str, ...]) -> list[Path]:
        self._refresh(pipeline, source)
        return super()._folders(pipeline, source, names)

    def _refresh(self, pipeline: str, source: str) -> None:
        """Make the mirror's manifests those of the store."""
        place = (pipeline, source)
        if time.monotonic() - self._listed.get(place, -_FRESH) < _FRESH:
            return
        prefix, folder = self._key(pipeline, source), self.folder(pipeline, source)
        small = (MANIFEST, CLEANED, BESIDE)
        with _landing_errors():
            there: dict[str, set[str]] = {}
            for one in self._store.objects(prefix):
                batch, _, name = one.key.removeprefix(prefix).partition("/")
                if is_ulid(batch) and name in small:
                    there.setdefault(batch, set()).add(name)
            there = {batch: names for batch, names in there.items() if names & {MANIFEST, CLEANED}}
            for own in folder.iterdir() if folder.is_dir() else ():
                if is_ulid(own.name) and own.name not in there:
                    super().drop_batch(own, remember=False)
            wanted = [
                (prefix + f"{batch}/{name}", folder / batch / name)
                for batch, names in there.items()
                for name in names
                if not (name == CLEANED and MANIFEST in names) and not (folder / batch / name).is_file()
            ]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda pair: self._store.download(*pair), wanted))
            for batch, names in there.items():
                if MANIFEST not in names:
                    (folder / batch / MANIFEST).unlink(missing_ok=True)
        self._listed[place] = time.monotonic()

    def _sweep_store(self, pipeline: str, source: str) -> None:
        """Take away what killed extractions and cleanings left; safe because the caller holds the source's lock."""
        prefix = self._key(pipeline, source)
        found: dict[str, list[str]] = {}
        for one in self._store.objects(prefix):
            batch, _, name = one.key.removeprefix(prefix).partition("/")
            if is_ulid(batch) and name:
                found.setdefault(batch, []).append(name)
        stale = [
            f"{prefix}{batch}/{name}"
            for batch, names in found.items()
            if MANIFEST not in names
            for name in names
            if CLEANED not in names or name not in (CLEANED, BESIDE)
        ]
        self._store.delete(stale)
        with suppress(StoreError):  # who may not see uploads has a rule in the bucket that ends them
            self._store.abandon_uploads(prefix)

    def _fetch(self, batch: Batch, file: LandedFile) -> None:
        if Path(file.path).is_absolute():
            return
        self._store.download(self._key_of(batch, file), Path(batch.folder) / file.path)

    def _key_of(self, batch: Batch, file: LandedFile) -> str:
        return f"{self._key(batch.pipeline, batch.source)}{batch.id}/{file.path}"

    def _key(self, pipeline: str, source: str) -> str:
        return f"{self._store.prefix}{safe_name(pipeline)}/{safe_name(source)}/"


class _Uploading(BatchWriter):
    """A writer whose batch is in the store before it is in the mirror."""

    def __init__(self, own: BatchWriter, landing: RemoteLanding, pipeline: str, source: str) -> None:
        super().__init__(own.folder, own.folder.parent / own.id, pipeline, source)
        self._landing = landing

    def _appear(self, batch: Batch) -> None:
        self._landing.publish(self.folder, self.id, batch.pipeline, batch.source)
        super()._appear(batch)


@contextmanager
def _landing_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        told = f"cannot use the landing zone: {error.message}"
        raise LandingError(told, where=error.where, hint=error.hint, retryable=error.retryable) from error
