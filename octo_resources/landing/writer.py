"""One batch in the making: files in a temporary folder that becomes the batch by a single rename."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from octo_core.batch import Batch, LandedFile
from octo_core.schema import Declared
from octo_resources.landing.disk import landing_errors, sync_folder
from octo_resources.landing.manifest import write_manifest


class BatchWriter:
    """Files go to `folder`; `commit` makes the batch appear, whole or not at all."""

    def __init__(self, folder: Path, final: Path, pipeline: str, source: str) -> None:
        self.folder = folder
        self.id = final.name
        self._final = final
        self._pipeline = pipeline
        self._source = source
        self._began = time.monotonic()

    def commit(
        self,
        files: tuple[LandedFile, ...],
        *,
        landing: Literal["copy", "reference", "off"],
        rows: int | None = None,
        size: int = 0,
        cursor_from: str | None = None,
        cursor_to: str | None = None,
        full: bool = True,
        epochs: Mapping[str, int] | None = None,
        position: Mapping[str, Any] | None = None,
        declared: tuple[Declared, ...] = (),
        declared_key: tuple[str, ...] = (),
        notes: Sequence[str] = (),
    ) -> Batch:
        """The landed batch. Files must be on the disk already (fsync). `size`: bytes as they came. LandingError.

        `epochs`, `position`, `declared`: see Batch; a batch with `landing: off` needs its epochs.
        """
        batch = Batch(
            id=self.id,
            pipeline=self._pipeline,
            source=self._source,
            made_at=datetime.now(UTC),
            landing=landing,
            files=files,
            rows=rows,
            bytes=size,
            cursor_from=cursor_from,
            cursor_to=cursor_to,
            full=full,
            epochs=dict(epochs or {}),
            position=dict(position or {}),
            declared=declared,
            declared_key=declared_key,
            notes=tuple(notes),
            seconds=round(time.monotonic() - self._began, 3),
            folder=str(self._final),
        )
        with landing_errors(self.folder):
            write_manifest(self.folder, batch)
            sync_folder(self.folder)
            self._appear(batch)
        return batch

    def _appear(self, batch: Batch) -> None:  # noqa: ARG002 - who puts it elsewhere too wants to know
        self.folder.rename(self._final)
        sync_folder(self._final.parent)
