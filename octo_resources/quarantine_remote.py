"""Rows set aside, beside a landing zone in an object store: what one machine's load set aside another one shows.

A load's file is in the store before the load commits; this machine's disk has a mirror of what it read.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from octo_core.errors import LandingError
from octo_core.ledger import QuarantinedRow
from octo_resources.objects import ObjectStore, StoreError
from octo_resources.quarantine import SETTLED, SUFFIX, Place, Quarantine, QuarantineFile

_ABANDONED: Final = timedelta(days=1)
"""After so long without an end an upload is that of a process that died."""


class RemoteQuarantine(Quarantine):
    """See Quarantine. `prefix`: whole, ends with `/`."""

    def __init__(self, root: Path, store: ObjectStore, prefix: str) -> None:
        super().__init__(root)
        self._store, self._prefix = store, prefix

    def write(self, pipeline: str, load_id: str, rows: Iterable[QuarantinedRow]) -> QuarantineFile | None:
        written = super().write(pipeline, load_id, rows)
        if written is not None:
            with suppress(StoreError):  # who may not see uploads has a rule in the bucket that ends them
                self._store.abandon_uploads(f"{self._prefix}{pipeline}/", datetime.now(UTC) - _ABANDONED)
            written.path.unlink()
        return written

    def _keep(self, pipeline: str, path: Path) -> None:
        with _said():
            self._store.upload(path, f"{self._prefix}{pipeline}/{path.name}")

    def check(self, pipeline: str, load_id: str, sha256: str | None) -> None:
        path = self.path(pipeline, load_id)
        key = self._key(pipeline, load_id)
        with _said():
            if not path.is_file() and any(one.key == key for one in self._store.objects(key)):
                self._store.download(key, path)
        super().check(pipeline, load_id, sha256)

    def settled(self, pipeline: str) -> dict[Place, str]:
        for name in self._names(pipeline):
            path = self.root / pipeline / name
            if name.startswith(SETTLED) and not path.is_file():
                with _said():
                    self._store.download(f"{self._prefix}{pipeline}/{name}", path)
        return super().settled(pipeline)

    def remove(self, pipeline: str, load_id: str) -> None:
        super().remove(pipeline, load_id)
        with suppress(StoreError):  # what stays is of a load that is known not to have committed
            self._store.delete([self._key(pipeline, load_id)])

    def loads(self, pipeline: str) -> list[str]:
        there = {name.removesuffix(SUFFIX) for name in self._names(pipeline) if name.endswith(SUFFIX)}
        return sorted({*super().loads(pipeline), *there})

    def _names(self, pipeline: str) -> list[str]:
        prefix = f"{self._prefix}{pipeline}/"
        with _said():
            return [one.key.removeprefix(prefix) for one in self._store.objects(prefix)]

    def _key(self, pipeline: str, load_id: str) -> str:
        return f"{self._prefix}{pipeline}/{load_id}{SUFFIX}"


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        told = f"cannot use the quarantine: {error.message}"
        raise LandingError(told, where=error.where, hint=error.hint, retryable=error.retryable) from error
