"""`infer`: what files hold, without a project."""

from pathlib import Path
from typing import Annotated

import typer

from octo_cli import console


def infer(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSON, JSON lines or Parquet, also compressed.")],
) -> None:
    """Show the types, formats and meanings of the fields of files, from all their rows.

    Example:  octopipe infer orders.csv customers.jsonl.gz
    """
    from octo_cli.commands.understand import print_schemas
    from octo_cli.outcomes import InferAnswer, SourceSchemaAnswer
    from octo_resources.files import infer_file

    with console.progress("reading") as progress:
        found = {str(path): infer_file(path, progress=progress) for path in dict.fromkeys(files)}
    document = InferAnswer(files={path: SourceSchemaAnswer.of(schema) for path, schema in found.items()})
    console.answer(document, lambda screen: print_schemas(screen, found))
