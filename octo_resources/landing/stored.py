"""A landed file that lies in an object store, as a task brings it: its own object, compared with the manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from octo_core.errors import LandingError
from octo_resources.engines.elsewhere import Arrived, Stored, Told
from octo_resources.landing.disk import landing_errors, sha256_of
from octo_resources.objects import StoreError, open_store

NO_ROOM: Final = "Its executors download what they read, each file whole: give them disk, or land in smaller files."


@dataclass(frozen=True)
class StoredFile(Stored):
    """One object. Who reads it there has credentials of its own, from the usual chain; none travels with it."""

    address: str
    """s3://BUCKET, of the whole bucket."""
    endpoint: str | None
    key: str
    size: int
    """In bytes."""
    sha256: str
    rows: int | None
    batch: str
    """Which batch it is of, for messages."""

    def bring(self, folder: Path) -> Arrived:
        """Download it. LandingError where it cannot be had, or is not what landed."""
        path = folder / Path(self.key).name
        try:
            open_store(self.address, self.endpoint).download(self.key, path)
        except StoreError as error:
            hint = f"{error.hint or ''} The executors read it with credentials of their own: docs/spark.md.".strip()
            told = f"a task cannot read the landing zone: {error.message}"
            raise LandingError(told, where=error.where, hint=hint, retryable=error.retryable) from error
        except OSError as error:
            raise LandingError(
                f"a task cannot download it ({error.strerror})", where=self.location, hint=NO_ROOM
            ) from error
        with landing_errors(path):
            size, checksum = path.stat().st_size, sha256_of(path)
        self._require_size(size)
        if checksum != self.sha256:
            raise self._changed("its checksum differs")
        return Arrived(((path, self.rows or 0),), Told(checksum))

    def end(self, count: int) -> bytes:
        try:
            data, whole = open_store(self.address, self.endpoint).end(self.key, count)
        except StoreError as error:
            told = f"the landing zone cannot be read: {error.message}"
            raise LandingError(told, where=error.where, hint=error.hint, retryable=error.retryable) from error
        self._require_size(whole)
        return data

    @property
    def location(self) -> str:
        return f"{self.address}/{self.key}"

    @property
    def region(self) -> str:
        return open_store(self.address, self.endpoint).region

    def _require_size(self, found: int) -> None:
        if found != self.size:
            raise self._changed(f"it has {found:,} bytes, landed were {self.size:,}")

    def _changed(self, what: str) -> LandingError:
        hint = "Restore it from a backup, or extract again with --full."
        return LandingError(f"batch {self.batch} is not as it landed: {what}", where=self.location, hint=hint)
