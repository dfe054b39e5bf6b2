"""Edits of a pipeline's files: checked before they replace anything, and then replaced at once or not at all."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from octo_core.errors import SpecError, UsageError
from octo_core.spec.edits import with_value, with_value_json, without, without_json
from octo_resources.project import Pipeline, Project

Change = tuple[Sequence[str], Any]
"""A path and its new value; REMOVED takes the entry away."""


class _Removed:
    """Stands for no value at all, which is not None."""


REMOVED = _Removed()


def edit_pipeline(
    project: Project, name: str, changes: Sequence[Change], trial: Callable[[Pipeline], object] | None = None
) -> Path:
    """Change entries of a pipeline file, comments kept. Raises SpecError, and changes nothing then.

    `trial` gets the pipeline as it would be, before anything is written; what it raises ends the edit.
    """
    file = project.pipeline_file(name)
    text, ends = _read(file)
    edited = _edited(text, changes, as_json=file.suffix == ".json")
    _refuse_new_mistakes(lambda: project.pipeline(name), lambda: project.pipeline(name, text=edited))
    if trial is not None:
        trial(project.pipeline(name, text=edited))
    write_atomically(file, ends(edited))
    return file


def write_mapping(project: Project, name: str, columns: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write columns of mapping.yaml: table → column → expression, {unmapped: …} or {values: …}. All else stays.

    Raises SpecError where the result would have a mistake that the file had not.
    """
    file = project.pipeline_file(name).parent / "mapping.yaml"
    text, ends = _read(file) if file.is_file() else (_MAPPING_HEAD, str)
    changes = [((table, column), entry) for table, entries in columns.items() for column, entry in entries.items()]
    edited = _edited(text, changes, as_json=False)
    _refuse_new_mistakes(lambda: project.pipeline(name), lambda: project.pipeline(name, mapping=edited))
    write_atomically(file, ends(edited))
    return file


def _read(file: Path) -> tuple[str, Callable[[str], str]]:
    """(the text with its lines ended by a line feed; what gives an edited text the file's own line ends and BOM)."""
    raw = file.read_bytes().decode("utf-8")
    bom = "\ufeff" if raw.startswith("\ufeff") else ""
    crlf = raw.count("\r\n") * 2 > raw.count("\n")
    text = raw.removeprefix(bom).replace("\r\n", "\n")
    return text, lambda edited: bom + (edited.replace("\n", "\r\n") if crlf else edited)


_MAPPING_HEAD = """\
# The mapping of this pipeline, column by column. It goes before what is proposed, and needs approval as that does.
"""


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's text at once: a reader sees the old one or the new one, and a crash leaves one of the two."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    target = path.resolve()  # through a link, so that the link stays one
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except OSError as error:
        with suppress(OSError):
            Path(temporary).unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _edited(text: str, changes: Sequence[Change], *, as_json: bool) -> str:
    put, take = (with_value_json, without_json) if as_json else (with_value, without)
    for path, value in changes:
        text = take(text, path) if value is REMOVED else put(text, path, value)
    return text


def _refuse_new_mistakes(before: Callable[[], object], after: Callable[[], object]) -> None:
    """A file that had mistakes may be edited, also to mend it; an edit may add none."""
    known = {mistake.message for mistake in _mistakes(before)}
    new = [mistake for mistake in _mistakes(after) if mistake.message not in known]
    if new:
        raise SpecError(new)


def _mistakes(load: Callable[[], object]) -> Sequence[Any]:
    try:
        load()
    except SpecError as error:
        return error.mistakes
    return ()
