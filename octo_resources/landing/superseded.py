"""Files that a batch refers to and that changed or went before it was loaded: what there is now is in a later batch."""

from collections.abc import Sequence
from pathlib import Path

from octo_core.batch import Batch, LandedFile


def without_superseded(batches: Sequence[Batch]) -> list[Batch]:
    """The batches, oldest first as given, each less the referenced files that a later one has with other content.

    A reference is no copy: once a file was written over, its old content is nowhere, and a batch that waits for it
    would wait for ever. So would one whose file is gone; it is left out, with a note, once a later batch holds all
    that the source has (`run --full`). A batch may end up with no file; it is loaded all the same, so that it counts
    as done.
    """
    newer: dict[str, str] = {}
    whole = False
    found: list[Batch] = []
    for batch in reversed(batches):
        if batch.landing == "off" and any(one.landing == "off" for one in found):
            continue  # the newer one was read from where the destination stood, and holds what this one holds
        gone = [file.path for file in batch.files if whole and file.path not in newer and _is_gone(file)]
        kept = tuple(file for file in batch.files if not _written_over(file, newer) and file.path not in gone)
        whole = whole or batch.full
        for file in batch.files:
            newer.setdefault(file.path, file.sha256)
        found.append(batch if len(kept) == len(batch.files) else _less(batch, kept, gone))
    return found[::-1]


def _written_over(file: LandedFile, newer: dict[str, str]) -> bool:
    return Path(file.path).is_absolute() and newer.get(file.path, file.sha256) != file.sha256


def _is_gone(file: LandedFile) -> bool:
    return Path(file.path).is_absolute() and not Path(file.path).exists()


def _less(batch: Batch, kept: tuple[LandedFile, ...], gone: Sequence[str]) -> Batch:
    counts = [file.rows for file in kept]
    rows = None if None in counts else sum(count or 0 for count in counts)
    said = f"went away before batch {batch.id} was loaded; should it come back: run --full"
    notes = (*batch.notes, *(f"{path} {said}" for path in gone))
    size = sum(file.bytes for file in kept)
    return batch.model_copy(update={"files": kept, "rows": rows, "bytes": size, "notes": notes})
