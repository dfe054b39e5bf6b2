"""A landed file that lies in an object store, as a task brings it: its own object, compared with the manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from octo_core.errors import LandingError
from octo_resources.engines.elsewhere import Arrived, Told
from octo_resources.landing.disk import landing_errors, sha256_of
from octo_resources.objects import StoreError, open_store

NO_ROOM: Final = "Its executors download what they read, each file whole: give them disk, or land in smaller files."


@dataclass(frozen=True)
class StoredFile:
    """One object. Who reads it there has credentials of its own, from the usual chain; none travels with it."""

    address: str
    """s3://BUCKET, of the whole bucket."""
    endpoint: str | None
    key: str
    bytes: int
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
                f"a task cannot download it ({error.strerror})", where=self._where, hint=NO_ROOM
            ) from error
        with landing_errors(path):
            size, checksum = path.stat().st_size, sha256_of(path)
        if (size, checksum) != (self.bytes, self.sha256):
            what = (
                f"it has {size:,} bytes, landed were {self.bytes:,}" if size != self.bytes else "its checksum differs"
            )
            raise LandingError(
                f"batch {self.batch} is not as it landed: {what}",
                where=self._where,
                hint="Restore it from a backup, or extract again with --full.",
            )
        return Arrived(((path, self.rows or 0),), Told(checksum))

    @property
    def _where(self) -> str:
        return f"{self.address}/{self.key}"
