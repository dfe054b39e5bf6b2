"""Whether a batch is still what its manifest says: every file's presence, size and checksum."""

from pathlib import Path

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError
from octo_resources.landing.disk import sha256_of


def verify(batch: Batch) -> None:
    """Raises LandingError at the first file that is missing or differs, saying what to do."""
    for file in batch.files:
        if not file.unread:
            _verify_file(batch, file)


def _verify_file(batch: Batch, file: LandedFile) -> None:
    path = Path(batch.folder) / file.path
    referenced = Path(file.path).is_absolute()
    try:
        size = path.stat().st_size
        if size != file.bytes:
            raise _differs(batch, path, referenced, f"it has {size:,} bytes, landed were {file.bytes:,}")
        checksum = sha256_of(path)
    except FileNotFoundError as error:
        raise _differs(batch, path, referenced, "it is missing") from error
    except OSError as error:
        raise _differs(batch, path, referenced, f"it cannot be read ({error.strerror})") from error
    if checksum != file.sha256:
        raise _differs(batch, path, referenced, "its checksum differs from the manifest's")


def _differs(batch: Batch, path: Path, referenced: bool, what: str) -> LandingError:
    if referenced:
        hint = (
            "The batch refers to this file and did not copy it. Put the file back as it was, "
            f"or go on with what is there now: octopipe run {batch.pipeline} --full. "
            "With `landing: copy` at the source a batch keeps its own copy."
        )
    else:
        hint = f"Restore it from a backup, or extract again: octopipe run {batch.pipeline} --full"
    return LandingError(
        f"batch {batch.id} of {batch.pipeline}.{batch.source} is not as it landed: {what}", where=str(path), hint=hint
    )
