"""`schema`, `map` and `plan`: what a source is, what is proposed, and what that would do to real rows."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from octo_cli import completing, console
from octo_core.errors import UsageError
from octo_core.wording import rows_text

if TYPE_CHECKING:
    from octo_core.plan.model import Plan, Recipe
    from octo_core.schema import Field, SourceSchema
    from octo_core.types import DataType
    from octo_resources.flow import Workspace
    from octo_resources.project import Pipeline

Name = Annotated[str, typer.Argument(help="The pipeline.", metavar="NAME", autocompletion=completing.pipelines)]


_DESCRIBED = 100
"""Cells of a terminal that has room for descriptions; a narrower one would fold each into a dozen lines."""


_TYPE = 60
"""Letters of a type that a table shows; --json has all of it."""


def opened(name: str) -> "tuple[Workspace, Pipeline]":
    """The workspace of the current folder and one of its pipelines."""
    from octo_resources.flow import Workspace

    project = console.open_project()
    return Workspace(project), project.pipeline(name)


def schema(
    name: Name,
    source: Annotated[
        str | None, typer.Argument(help="One of its sources; all when left out.", autocompletion=completing.sources)
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read the source again.")] = False,
    pydantic: Annotated[bool, typer.Option("--pydantic", help="Print the generated Pydantic models.")] = False,
    json_schema: Annotated[bool, typer.Option("--json-schema", help="Print the generated JSON Schema.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --pydantic: fields that were never empty may not be.")
    ] = False,
) -> None:
    """Show the typed schema of a pipeline's sources.

    Example:  octopipe schema flights --pydantic
    """
    from octo_cli.outcomes import ModelsAnswer, SchemaAnswer, SourceSchemaAnswer
    from octo_resources.flow import read_anew, typed_relations

    space, pipeline = opened(name)
    if source is not None:
        pipeline.source(source)
    with console.progress(f"schema of {name}") as progress:
        if refresh:
            read_anew(space, pipeline, sources=[source] if source else None, progress=progress)
        found = typed_relations(space, pipeline, refresh=refresh, progress=progress)
    wanted = {key: value for key, value in found.items() if source in (None, key)}
    if pydantic or json_schema:
        landed = {key: value for key, value in wanted.items() if key in pipeline.spec.sources}
        if pydantic:
            models = _models(space, pipeline, landed, strict=strict)
            console.answer(ModelsAnswer(pipeline=name, sources=tuple(landed), pydantic=models), models.rstrip())
        else:
            _print_json_schema(landed)
        return
    document = SchemaAnswer(sources={key: SourceSchemaAnswer.of(value) for key, value in wanted.items()})
    console.answer(document, lambda screen: print_schemas(screen, wanted))


def _models(space: "Workspace", pipeline: "Pipeline", wanted: "dict[str, SourceSchema]", *, strict: bool) -> str:
    from octo_resources.typed import contract_module

    return contract_module(space, pipeline, wanted, strict=strict)


def _print_json_schema(wanted: "dict[str, SourceSchema]") -> None:
    """The one document is the JSON Schema itself, with --json too."""
    import json
    import sys

    from octo_core.inference.contract import json_schema

    contracts = {key: json_schema(found) for key, found in wanted.items()}
    only = next(iter(contracts.values())) if len(contracts) == 1 else contracts
    sys.stdout.write(json.dumps(only, indent=2, ensure_ascii=False) + "\n")


def print_schemas(screen: Any, wanted: "dict[str, SourceSchema]") -> None:
    for name, found in wanted.items():
        seen = "all examined" if found.complete else f"{found.rows_examined:,} examined"
        title = f"{name}  {rows_text(found.rows_total or found.rows_examined)}, {seen}"
        title += f", key ({', '.join(found.key)})" if found.key else ", no key found"
        columns: list[console.Heading] = ["field", "type", "null", "format", "unit", "meaning", "description"]
        rows = [_row(field) for field in found.fields]
        if screen.width < _DESCRIBED:
            columns, rows = columns[:-1], [row[:-1] for row in rows]
        screen.print(console.table(columns, rows, title))
        for warning in found.warnings:
            console.note(f"! {warning}")


def _row(field: "Field") -> list[str | None]:
    meaning = " ".join(filter(None, (field.semantic, "(pii)" if field.pii else None)))
    return [
        field.name,
        _short(field.type),
        "yes" if field.nullable else "no",
        field.format,
        field.unit,
        meaning or field.role,
        field.description,
    ]


def _short(kind: "DataType") -> str:
    """A type without the fields for which a table has no room."""
    text = str(kind)
    if len(text) <= _TYPE:
        return text
    whole = text[:_TYPE].rpartition(", ")[0] or text[:_TYPE]
    record = kind.element if kind.kind == "list" and kind.element is not None else kind
    return f"{whole}, …" + (f" ({len(record.fields)} fields)" if record.fields else "")


def map_(
    name: Name,
    corrections: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.COLUMN=EXPR", help="Correct one column; repeatable.")
    ] = None,
    reviewer: Annotated[str | None, typer.Option(help="Who corrects; your login name when left out.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    proposer: Annotated[
        Literal["embedded", "llm"] | None, typer.Option(help="Who proposes; the model of `llm:` where there is one.")
    ] = None,
    feedback: Annotated[str | None, typer.Option(help="What should be otherwise, in your words.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the mapping to mapping.yaml, and a proposed `from`.")
    ] = False,
) -> None:
    """Propose a mapping (again), or correct it.

    Example:  octopipe map flights --set "public.flight.note=upper(tailnum)"
    """
    from octo_cli.commands.gate import has_dagster
    from octo_core.plan.show import plan_text
    from octo_resources.flow import correct, heed, prepare, require_model, write_mapping, written_origins

    space, pipeline = opened(name)
    if proposer == "llm":
        require_model(pipeline, "--proposer llm")
    if feedback is not None:
        heed(space, pipeline, feedback, reviewer=reviewer or _login(), proposer=proposer)
    if corrections:
        correct(
            space,
            pipeline,
            console.pairs(corrections, "--set", "TABLE.COLUMN=EXPR"),
            reviewer=reviewer or _login(),
            reason=reason,
        )
    with console.progress(f"mapping {name}") as progress:
        prepared = prepare(
            space,
            pipeline,
            again=feedback is not None or not (corrections or write),
            proposer=proposer,
            progress=progress,
        )
    if corrections and prepared.plan.state != "approved" and has_dagster(space.project.root):
        from octo_assets.report import report_plan  # dagster: 2.5 s, paid only where an instance is there

        report_plan(space.project.root, prepared.plan)
    if write:
        for file in written_origins(pipeline, prepared.recipe):
            console.note(f"wrote {file}")
        console.note(f"wrote {write_mapping(pipeline, prepared.mapping)}")
    recipe = prepared.recipe
    console.answer(
        prepared.plan, console.page(lambda width, colour: plan_text(prepared.plan, recipe, width=width, colour=colour))
    )


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("who corrects? your login name is not known here", hint="give --reviewer") from None


def _read(space: "Workspace", pipeline: "Pipeline") -> "tuple[Plan, Recipe]":
    from octo_resources.flow.unchanged import unchanged

    if (found := unchanged(space, pipeline)) is not None:
        return found
    from octo_resources.flow import plan_to_read

    with console.progress(f"planning {pipeline.name}") as progress:
        return plan_to_read(space, pipeline, progress=progress)


def plan(
    name: Name,
    sql: Annotated[Literal["duckdb", "spark"] | None, typer.Option(help="Print the engine's SQL.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=0, help="Show so many rows whole, before and after; 3 in --json.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show what changed since the approved plan.")] = False,
) -> None:
    """Show what the mapping would do to real rows.

    Example:  octopipe plan flights
    """
    from octo_core.plan.model import SAMPLE_ROWS
    from octo_core.plan.plan_page import diff_text, plan_text

    if rows is not None and rows > SAMPLE_ROWS:
        raise UsageError(f"a plan keeps {SAMPLE_ROWS} rows of each table; --rows takes 0 to {SAMPLE_ROWS}")
    space, pipeline = opened(name)
    found, recipe = _read(space, pipeline)
    kept = 3 if rows is None else rows
    shown = found.model_copy(
        update={
            "tables": {
                key: table.model_copy(update={"sample": table.sample[:kept]}) for key, table in found.tables.items()
            }
        }
    )
    if sql is not None:
        text = "\n\n".join(f"-- {key}\n{table.sql[sql]}" for key, table in found.tables.items())
        console.answer(shown, text)
    elif diff:
        console.answer(shown, console.page(lambda width, colour: diff_text(found, width=width, colour=colour)))
    else:
        console.answer(
            shown,
            console.page(lambda width, colour: plan_text(shown, recipe, width=width, colour=colour, samples=rows or 0)),
        )
