"""`octopipe transform`: what runs between a source and its mapping. Listing works; making them is not built yet."""

from typing import Annotated

import typer

from octo_cli import completing, console
from octo_core.errors import NotSupportedYet

app = typer.Typer(
    help="A pipeline's transformations.", epilog="Example:  octopipe transform list flights", no_args_is_help=True
)

Pipeline = Annotated[str, typer.Argument(help="The pipeline.", metavar="PIPELINE", autocompletion=completing.pipelines)]
Options = Annotated[list[str] | None, typer.Option("--option", metavar="K=V", help="A setting; may be repeated.")]


@app.command("list")
def list_(pipeline: Pipeline) -> None:
    """List the files that a pipeline's tables name.

    \b
    Example:
      octopipe transform list flights
    """
    from octo_cli.answers import TransformRow, TransformsAnswer

    found = console.open_project().pipeline(pipeline)
    rows: list[TransformRow] = []
    for name, table in found.spec.tables.items():
        rows += [TransformRow(table=name, file=file, when="before mapping") for file in table.transforms]
        rows += [TransformRow(table=name, file=file, when="in the load's transaction") for file in table.after]
    answer = TransformsAnswer(pipeline=pipeline, transforms=tuple(rows))
    if not rows:
        console.answer(answer, f"{pipeline} has no transformations.")
        return
    cells = [(row.table, row.file, row.when) for row in rows]
    console.answer(answer, lambda screen: screen.print(console.table(["table", "file", "when"], cells)))


@app.command("add")
def add(
    name: Annotated[str, typer.Option("--name", help="Its name.")],
    source: Annotated[str | None, typer.Option("--source", help="The source it reads.")] = None,
    destination: Annotated[str | None, typer.Option("--destination", help="Where its rows go.")] = None,
    schema_file: Annotated[str | None, typer.Option("--schema-file", metavar="F", help="Its rows' schema.")] = None,
    option: Options = None,
) -> None:
    """Add a transformation (not supported yet).

    \b
    Example:
      octopipe transform add --name clean --source flights --destination public.flight --schema-file clean.json
    """
    del source, destination, schema_file, option
    raise _later(f"adding the transformation '{name}'")


@app.command("update")
def update(name: Annotated[str, typer.Argument(help="Its name.")], option: Options = None) -> None:
    """Change a transformation (not supported yet).

    \b
    Example:
      octopipe transform update clean --option memory=1GB
    """
    del option
    raise _later(f"changing the transformation '{name}'")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Remove a transformation (not supported yet).

    \b
    Example:
      octopipe transform remove clean
    """
    raise _later(f"removing the transformation '{name}'")


def _later(what: str) -> NotSupportedYet:
    hint = "An expression of mapping.yaml may do: docs/expressions.md"
    return NotSupportedYet(f"{what} is not supported yet (docs/limits.md)", hint=hint)
