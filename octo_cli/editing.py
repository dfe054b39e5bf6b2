"""Edits of a pipeline file by `source` and `destination`: comments kept, secrets kept out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

from octo_cli import console
from octo_resources.editing import REMOVED, edit_pipeline

if TYPE_CHECKING:
    from octo_resources.project import Pipeline

__all__ = ["REMOVED", "apply", "edit", "value_of"]

_SECRET_KEYS = ("token", "password", "client_secret", "secret")
Path = tuple[str, ...]


def edit(pipeline: str, changes: Mapping[Path, Any], what: str, done: Literal["added", "updated", "removed"]) -> None:
    """Apply the changes and say what was done. Raises SpecError where a mistake would follow; nothing changes then."""
    from octo_cli.answers import EditAnswer

    file, notes = apply(pipeline, changes)
    answer = EditAnswer(pipeline=pipeline, file=file, what=what, done=done, notes=notes)
    console.answer(answer, "\n".join([f"{what} {done} in {file}", *notes]))


def apply(
    pipeline: str, changes: Mapping[Path, Any], trial: "Callable[[Pipeline], object] | None" = None
) -> tuple[str, tuple[str, ...]]:
    """(the file, notes): the changes, with every secret that was typed moved to .env. All of it, or none."""
    project = console.open_project()
    project.pipeline_file(pipeline)
    notes: list[str] = []
    with _restored_on_error(project.root):
        clean = [(list(path), _secrets_out(project.root, pipeline, path, new, notes)) for path, new in changes.items()]
        if notes:
            project = console.open_project()  # .env has a line more
        file = edit_pipeline(project, pipeline, clean, trial)
    return file.relative_to(project.root).as_posix(), tuple(notes)


@contextmanager
def _restored_on_error(root: FilePath) -> Iterator[None]:
    """.env and .gitignore as they were, where the edit that wrote to them fails."""
    before = {path: path.read_bytes() if path.is_file() else None for path in (root / ".env", root / ".gitignore")}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                path.write_bytes(content)
        raise


def value_of(text: str) -> Any:
    """What `--option k=v` means: a number, true, a list `[a, b]` or a mapping as YAML reads it, else the text."""
    from octo_core.spec.document import parse_document

    if not text or text[0] in "&*!|>%@`#?-" or ": " in text.lstrip("{["):
        return text
    document = parse_document(text, "")
    return text if document.mistakes or (document.data is None and text != "null") else document.data


def _secrets_out(root: FilePath, pipeline: str, path: Path, value: Any, notes: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _secrets_out(root, pipeline, (*path, key), inner, notes) for key, inner in value.items()}
    if not isinstance(value, str) or "${" in value:
        return value
    from octo_resources.discovery import password_of
    from octo_resources.dotenv_file import keep_secret

    key = path[-1].lower()
    api_key = key == "key" and len(path) >= 2 and path[-2] == "auth"
    if not (key in _SECRET_KEYS or api_key or password_of(value)):
        return value
    reference = keep_secret(root, "_".join([pipeline, *path[-3:]]), value)
    notes.append(f"{'.'.join(path)} is a secret: it is in .env, and the file says {reference}")
    return reference
