"""Writes docs/schemas: of the two files, and of what commands answer with --json (python -m octo_cli.schemas)."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from octo_cli.main import COMMANDS
from octo_core.spec.schemas import pipeline_schema, project_schema

FOLDER = Path("docs") / "schemas"


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """(file name, schema) of everything that has one."""
    yield "pipeline.schema.json", pipeline_schema()
    yield "octopipe.schema.json", project_schema()
    yield "error.json", _schema("octo_cli.outcomes:ErrorAnswer", "any octopipe command that fails, with --json")
    for command, entry in COMMANDS.items():
        for inner, place in entry.answers.items():
            title = f"octopipe {command} {inner}".strip() + " --json"
            words = (command, *(word.lstrip("-") for word in inner.split()))
            yield f"{'-'.join(words)}.json", _schema(place, title)


def _schema(place: str, title: str) -> dict[str, Any]:
    module, _, name = place.partition(":")
    model = getattr(importlib.import_module(module), name)
    return {**model.model_json_schema(mode="serialization", by_alias=True), "title": title}


def text_of(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every schema, and take away what no command answers with any more."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas():
        path = folder / name
        path.write_text(text_of(schema), encoding="utf-8")
        written.append(path)
    for old in set(folder.glob("*.json")) - set(written):
        old.unlink()
    return written


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path}\n" for path in write(FOLDER)))
