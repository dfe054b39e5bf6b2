"""Secrets typed into a command: kept in the project's .env, which git ignores; the files hold references."""

import re
from pathlib import Path

from octo_core.errors import UsageError
from octo_resources.editing import write_atomically
from octo_resources.redaction import remember


def keep_secret(root: Path, variable: str, value: str) -> str:
    """Put a value into .env under a free name like `variable`, and give the reference to write into a file.

    Raises UsageError where git does not ignore .env and cannot be made to.
    """
    remember(value)
    path = root / ".env"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = re.sub(r"[^A-Z0-9_]+", "_", variable.upper()).strip("_")
    line = f"{name}={_quoted(value)}"
    kept = [own for own in text.splitlines() if not own.startswith(f"{name}=")]
    fresh = not path.is_file()
    _ignore(root)
    write_atomically(path, "\n".join([*kept, line]) + "\n")
    if fresh:
        path.chmod(0o600)
    return f"${{secret:env/{name}}}"


def _quoted(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise UsageError(
            "a secret of several lines goes into a file of its own", hint="Refer to it: ${secret:file/NAME}"
        )
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _ignore(root: Path) -> None:
    path = root / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if ".env" not in [line.strip().lstrip("/") for line in text.splitlines()]:
        write_atomically(path, f"{text.rstrip()}\n.env\n".lstrip())
