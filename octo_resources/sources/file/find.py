"""Which files a path means: a file, a folder, or a pattern with *, ? and ** in it."""

import glob
import os
from pathlib import Path
from typing import Final

from octo_core.errors import NotSupportedYet, SourceError, UsageError

UNFINISHED: Final = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".inprogress", ".swp", "~")
MARKERS: Final = frozenset({"_SUCCESS", "_metadata", "_common_metadata"})
_MAGIC = frozenset("*?[")


def find_files(path: str, root: Path) -> list[Path]:
    """Absolute paths, sorted. Hidden, unfinished and marker files are left out of folders and patterns.

    Raises SourceError where nothing is there (naming what is near), NotSupportedYet for remote addresses.
    """
    text = _local(path)
    place = Path(os.path.abspath(root / Path(text).expanduser()))  # noqa: PTH100 - resolve() would follow links
    if place.is_file():
        return [place]
    try:
        if place.is_dir():
            found = [one for one in place.iterdir() if one.is_file()]
        elif _MAGIC & set(text):
            found = [Path(one) for one in glob.glob(str(place), recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute pattern
            found = [one for one in found if one.is_file()]
        else:
            raise _missing(place, path)
    except PermissionError as error:
        raise SourceError(
            "permission denied",
            where=str(error.filename or place),
            hint="Let Octopipe's user read it.",
            retryable=False,
        ) from error
    wanted = sorted(one for one in found if _wanted(one))
    if not wanted:
        raise SourceError(f"no files at {path!r}", where=str(place), hint=_nothing(place, found), retryable=False)
    return wanted


def _local(path: str) -> str:
    scheme, separator, rest = path.partition("://")
    if not separator:
        return path
    if scheme == "file":
        return rest
    if scheme in ("http", "https"):
        raise UsageError(
            f"{scheme}:// is no file path", where="path", hint="Use `kind: rest` for what comes over HTTP."
        )
    raise NotSupportedYet(
        f"{scheme}:// files are not supported yet", where="path", hint="Copy the files to a local folder."
    )


def _wanted(path: Path) -> bool:
    name = path.name
    return not name.startswith(".") and name not in MARKERS and not name.lower().endswith(UNFINISHED)


def _missing(place: Path, path: str) -> SourceError:
    parent = place.parent
    while not parent.is_dir():
        parent = parent.parent
    if parent != place.parent:
        return SourceError(
            f"no such folder: {place.parent}",
            where=path,
            hint=f"The nearest folder there is: {parent}",
            retryable=False,
        )
    from rapidfuzz import process  # 20 ms, and only where something is missing

    names = [one.name for one in parent.iterdir() if not one.name.startswith(".")]
    near = [name for name, _, _ in process.extract(place.name, names, limit=3, score_cutoff=50)]
    hint = f"Did you mean {' or '.join(near)}?" if near else _listing(names)
    return SourceError(f"no such file: {place}", where=path, hint=hint, retryable=False)


def _listing(names: list[str]) -> str:
    return f"The folder has: {', '.join(sorted(names)[:8])}" if names else "The folder is empty."


def _nothing(place: Path, found: list[Path]) -> str:
    if found:
        return f"{len(found)} hidden or unfinished files were left out, such as {found[0].name}."
    return (
        "The folder is empty." if place.is_dir() else "No file matches; ** goes into sub-folders, e.g. data/**/*.csv."
    )
