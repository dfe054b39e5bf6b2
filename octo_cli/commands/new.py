"""`octopipe new`: a project folder with an example that runs."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from octo_cli import console
from octo_core.errors import UsageError


def new(
    folder: Annotated[
        Path, typer.Argument(help="The folder to make; it must be empty or not there yet.", metavar="DIR")
    ],
) -> None:
    """Make a project folder: settings, an example pipeline with samples, Dagster's files, a CI workflow.

    \b
    Example:
      octopipe new shop && cd shop && octopipe check
    """
    from octo_cli.answers import NewAnswer
    from octo_cli.templates import TARGETS, template

    _refuse_occupied(folder)
    texts = {target: template(name) for name, target in TARGETS.items()}
    try:
        for target, text in texts.items():
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    lines = [
        f"made {folder}",
        *(f"  {target}" for target in texts),
        "",
        f"Next:  cd {quote(str(folder))} && octopipe check",
    ]
    console.answer(NewAnswer(folder=str(folder.resolve()), files=tuple(texts)), "\n".join(lines))


def _refuse_occupied(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="Name a folder that is empty or not there yet.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; nothing was written", hint="Name an empty folder, or a new one.")
