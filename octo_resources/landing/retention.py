"""Retention: files of old batches go, what they were stays known."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from octo_core.batch import Batch
from octo_resources.landing.disk import landing_errors, sync_folder
from octo_resources.landing.manifest import BESIDE, CLEANED, MANIFEST
from octo_resources.landing.usage import forget_usage

if TYPE_CHECKING:
    from octo_resources.landing.landing import Landing


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What `clean` took away, or would: batch ids oldest first, and bytes on the disk."""

    batches: tuple[str, ...]
    bytes: int


def clean(
    landing: "Landing",
    older_than: timedelta,
    keep_ids: Collection[str],
    max_bytes: int | None,
    dry_run: bool,
    only: str | None,
) -> Cleaned:
    """See Landing.clean."""
    candidates: list[Batch] = []
    for pipeline, source in landing.sources(only):
        batches = landing.batches(unquote(pipeline), unquote(source))
        candidates += [batch for batch in batches[:-1] if batch.id not in keep_ids]
        if not dry_run:
            _finish(landing.folder(unquote(pipeline), unquote(source)))
    left = landing.used() if max_bytes is not None else 0
    oldest = datetime.now(UTC) - older_than
    gone: list[Batch] = []
    for batch in sorted(candidates, key=lambda one: one.id):
        if batch.made_at < oldest or (max_bytes is not None and left > max_bytes and _size(batch)):
            gone.append(batch)
            left -= _size(batch)
    if not dry_run:
        for batch in gone:
            landing.drop_batch(Path(batch.folder), remember=True)
    return Cleaned(tuple(batch.id for batch in gone), sum(_size(batch) for batch in gone))


def _size(batch: Batch) -> int:
    """Bytes that a batch takes in the landing zone; what it only refers to takes none."""
    return sum(file.bytes for file in batch.files if not Path(file.path).is_absolute())


def _remove(folder: Path) -> None:
    """The manifest is renamed first: from then on no load sees the batch, and a crash here is finished later."""
    with landing_errors(folder):
        (folder / MANIFEST).rename(folder / CLEANED)
        sync_folder(folder)
    _empty(folder)


def drop(folder: Path, *, remember: bool) -> None:
    """Take one batch away at once; with `remember` its manifest stays, as `cleaned.json`."""
    if (folder / MANIFEST).is_file():
        _remove(folder)
    if not remember:
        with landing_errors(folder):
            shutil.rmtree(folder)
    forget_usage(folder.parent)


def _finish(source_folder: Path) -> None:
    for cleaned in source_folder.glob(f"*/{CLEANED}"):
        _empty(cleaned.parent)


def _empty(folder: Path) -> None:
    with landing_errors(folder):
        left = [path for path in folder.iterdir() if path.name not in (CLEANED, MANIFEST, BESIDE)]
        for path in left:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if left:
            forget_usage(folder.parent)
