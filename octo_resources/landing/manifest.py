"""The manifest of a batch: manifest.json beside its files, and cleaned.json once retention took the files away."""

import json
from pathlib import Path

from pydantic import ValidationError

from octo_core.batch import Batch
from octo_core.errors import LandingError
from octo_resources.landing.disk import write_durably

MANIFEST = "manifest.json"
CLEANED = "cleaned.json"
BESIDE = "overlap.digests"
"""Beside a batch's files: of which records the next extraction knows that they came already."""
VERSION = 1


def write_manifest(folder: Path, batch: Batch) -> None:
    document = {"version": VERSION, **batch.model_dump(mode="json", exclude={"folder"})}
    write_durably(folder / MANIFEST, json.dumps(document, ensure_ascii=False, indent=1).encode())


def read_manifest(path: Path) -> Batch:
    """The batch that a manifest describes; its `folder` is where the manifest is. Raises LandingError."""
    try:
        document = json.loads(path.read_bytes())
        version = document.pop("version")
        if version != VERSION:
            raise LandingError(
                f"the manifest has version {version}; this Octopipe reads version {VERSION}",
                where=str(path),
                hint="Use the version of Octopipe that landed it, or a newer one.",
            )
        return Batch.model_validate({**document, "folder": str(path.parent)})
    except (ValueError, KeyError, AttributeError, TypeError, ValidationError) as error:
        raise LandingError(
            "the manifest is damaged",
            where=str(path),
            hint="Restore it from a backup, or move the folder away and extract again with --full.",
        ) from error
