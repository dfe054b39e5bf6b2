"""`octopipe check`: every mistake of every pipeline file at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import completing, console
from octo_core.errors import Mistake, SpecError, UsageError

if TYPE_CHECKING:
    from octo_cli.answers import CheckedPipeline
    from octo_resources.project import Project


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Pipelines; all when left out.", metavar="[NAME]...", autocompletion=completing.pipelines),
    ] = None,
) -> None:
    """Validate pipeline files: keys, values, references, and the expressions of mapping.yaml.

    \b
    Example:
      octopipe check
      octopipe check flights --json
    """
    from octo_cli.answers import CheckAnswer, MistakeAnswer

    project = console.open_project()
    wanted = list(dict.fromkeys(names)) if names else project.pipeline_names()
    for name in wanted:
        project.pipeline_file(name)  # a wrong name is a wrong argument, and no mistake in a file
    mistakes: dict[Mistake, None] = dict.fromkeys(project.mistakes())
    checked = {}
    for name in wanted:
        found, result = _checked(project, name)
        mistakes |= dict.fromkeys(found)
        checked[name] = result
    rows = tuple(
        MistakeAnswer(file=item.file, line=item.line, column=item.column, message=item.message) for item in mistakes
    )
    if not mistakes or console.session().json:
        console.answer(CheckAnswer(pipelines=checked, mistakes=rows), _summary(checked))
    if mistakes:
        console.report(SpecError(list(mistakes)))
        raise typer.Exit(2)


def _checked(project: "Project", name: str) -> "tuple[list[Mistake], CheckedPipeline]":
    from octo_cli.answers import CheckedPipeline

    file = project.pipeline_file(name).relative_to(project.root).as_posix()
    expressions = 0
    try:
        pipeline, found = project.examined(name)
    except UsageError as error:
        pipeline, found = None, [Mistake(file, 1, 1, error.message)]
    if pipeline is not None:
        from octo_cli.stored import against_stored, of_clients

        more, expressions = against_stored(project, pipeline)
        found = sorted({*found, *more, *of_clients(pipeline)}, key=lambda one: (one.file, one.line, one.column))
    result = CheckedPipeline(ok=not found, file=file, mistakes=len(found), expressions_checked=expressions)
    return found, result


def _summary(checked: "dict[str, CheckedPipeline]") -> str:
    if not checked:
        return "No pipeline yet. Make one:  octopipe init NAME"
    count = len(checked)
    return f"{', '.join(_shortened(checked))}: {count} pipeline{'' if count == 1 else 's'}, no mistake."


def _shortened(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return listed if len(listed) <= 10 else [*listed[:10], "…"]
