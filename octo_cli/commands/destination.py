"""`octopipe destination`: where a pipeline's rows go: its address, its tables as they are, and their labels."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import completing, console
from octo_core.errors import UsageError

if TYPE_CHECKING:
    from octo_cli.answers import ColumnLabel
    from octo_cli.screen import Screen
    from octo_core.catalog import Catalog
    from octo_resources.project import Pipeline

app = typer.Typer(
    help="A pipeline's destination.", epilog="Example:  octopipe destination pull flights", no_args_is_help=True
)

Said = tuple[str, str, dict[str, Any]]
"""A table, its column, and the keys of the column's label that were said."""

Name = Annotated[str, typer.Argument(help="The pipeline.", metavar="PIPELINE", autocompletion=completing.pipelines)]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="K=V", help="A key of the destination; may be repeated.")
]


@app.command("add")
def add(
    pipeline: Name,
    url: Annotated[str, typer.Option("--url", help="The database; its password goes into .env.")],
    kind: Annotated[str | None, typer.Option("--kind", help="By the URL when left out.")] = None,
    option: Options = None,
) -> None:
    """Set a pipeline's destination; the file's comments stay.

    \b
    Example:
      octopipe destination add flights --url postgresql://localhost/warehouse
    """
    from octo_cli.editing import edit, value_of
    from octo_resources.discovery import destination_kind

    if "destination" in console.open_project().written(pipeline):
        hint = f"Change it: octopipe destination update {pipeline} --option url=…"
        raise UsageError(f"{pipeline} has a destination already", hint=hint)
    entry: dict[str, Any] = {"kind": kind or destination_kind(url), "url": url}
    entry |= {key: value_of(given) for key, given in console.pairs(option or [], "--option").items()}
    edit(pipeline, {("destination",): entry}, "destination", "added")


@app.command("update")
def update(pipeline: Name, option: Options = None) -> None:
    """Change keys of the destination; the file's comments stay.

    \b
    Example:
      octopipe destination update flights --option state_schema=etl
    """
    from octo_cli.editing import edit, value_of

    given = console.pairs(option or [], "--option")
    if not given:
        raise UsageError("nothing to change", hint="Say what: --option url=…")
    changes = {("destination", *key.split(".")): value_of(new) for key, new in given.items()}
    edit(pipeline, changes, "destination", "updated")


@app.command("remove")
def remove(pipeline: Name) -> None:
    """Take the destination out of the file. A pipeline needs one, so this is refused while it has tables.

    \b
    Example:
      octopipe destination remove flights
    """
    from octo_cli.editing import REMOVED, edit

    edit(pipeline, {("destination",): REMOVED}, "destination", "removed")


@app.command("list")
def list_(pipeline: Name) -> None:
    """List a pipeline's destination and the tables it writes there.

    \b
    Example:
      octopipe destination list flights --json
    """
    from octo_cli.answers import DestinationRow, DestinationsAnswer
    from octo_resources.redaction import redact

    spec = console.open_project().pipeline(pipeline).spec
    several = {"destination": spec.destination} if spec.destination else dict(spec.destinations)
    rows = tuple(
        DestinationRow(
            name=name, kind=one.kind, url=redact(one.url), state_schema=one.state_schema, tables=tuple(spec.tables)
        )
        for name, one in several.items()
    )
    cells = [(row.name, row.kind, row.url, row.state_schema, ", ".join(row.tables)) for row in rows]
    shown = console.table(["", "kind", "url", "state", "tables"], cells) if not console.session().json else ""
    console.answer(DestinationsAnswer(pipeline=pipeline, destinations=rows), lambda screen: screen.print(shown))


@app.command("pull")
def pull(pipeline: Name) -> None:
    """Show the destination's tables as they are now, with keys, checks and labels.

    \b
    Example:
      octopipe destination pull flights
    """
    catalog = _pulled(console.open_project().pipeline(pipeline))
    console.answer(catalog, lambda screen: _print_catalog(screen, catalog))


@app.command("label")
def label(
    pipeline: Name,
    column: Annotated[str | None, typer.Argument(metavar="[TABLE.COLUMN", help="What to label.")] = None,
    text: Annotated[str | None, typer.Argument(metavar="TEXT]", help="What the column means.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="The unit of its numbers.")] = None,
    pii: Annotated[
        bool | None, typer.Option("--pii/--no-pii", help="Its values are personal: plans mask them.")
    ] = None,
) -> None:
    """Label one column, or walk through those without a label. A unit and `pii` that stand there stay.

    \b
    Example:
      octopipe destination label flights public.flight.arr_delay "arrival delay" --unit minutes
    """
    from octo_cli.answers import LabelAnswer

    if column is not None and text is None:
        raise UsageError("the label's text is missing", hint=f'octopipe destination label {pipeline} {column} "…"')
    project = console.open_project()
    catalog = _pulled(project.pipeline(pipeline))
    if column is not None and text is not None:
        table, name = _split_column(column, catalog)
        said = [(table, name, _given(text, unit, pii))]
        _write_labels(pipeline, said)
    else:
        said = _walk(pipeline, catalog)
    rows = _columns(catalog, said)
    done = {(table, name) for table, name, _ in said}
    labelled = tuple(row for row in rows if (row.table, row.column) in done)
    unlabelled = tuple(row for row in rows if row.label is None)
    lines = [f"{row.table}.{row.column}: {row.label}" for row in labelled]
    lines += [f"without a label: {row.table}.{row.column}  {row.type}" for row in unlabelled]
    answer = LabelAnswer(pipeline=pipeline, labelled=labelled, unlabelled=unlabelled)
    console.answer(answer, "\n".join(lines) or "Every column has a label.")


@app.command("prepare")
def prepare(
    pipeline: Name,
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements for a DBA, and run nothing.")] = False,
) -> None:
    """Make Octopipe's own tables in the destination (positions, batches, ledger), or print how.

    \b
    Example:
      octopipe destination prepare flights --sql
    """
    from octo_cli.answers import PrepareAnswer
    from octo_resources.destinations import connect

    project = console.open_project()
    target = project.pipeline(pipeline).destination
    destination = connect(target, project.secrets)
    text = destination.state_ddl()
    if not sql:
        destination.prepare()
    answer = PrepareAnswer(pipeline=pipeline, prepared=not sql, sql=text)
    console.answer(answer, text if sql else f"the state tables are there, in {target.state_schema}")


def _pulled(pipeline: "Pipeline") -> "Catalog":
    from octo_resources.flow import Workspace, pull

    with console.progress(f"pull {pipeline.name}"):
        return pull(Workspace(pipeline.project), pipeline, refresh=True)


def _split_column(text: str, catalog: "Catalog") -> tuple[str, str]:
    """`schema.table.column` (or `column`, with one table) as (canonical table, column). Raises UsageError."""
    from octo_core.spec.names import canonical_table_name
    from octo_core.spec.nearest import did_you_mean

    head, _, column = text.rpartition(".")
    only = next(iter(catalog.tables)) if len(catalog.tables) == 1 else None
    if not head and only is None:
        raise UsageError(f"'{text}' names no table", hint=f"Write TABLE.COLUMN; tables: {', '.join(catalog.tables)}")
    try:
        table = canonical_table_name(head) if head else str(only)
    except ValueError:
        matching = [name for name in catalog.tables if name.endswith(f".{head}")]
        table = matching[0] if len(matching) == 1 else head
    if table not in catalog.tables:
        raise UsageError(
            f"the pipeline has no table '{table}'", hint=did_you_mean(table, catalog.tables).strip() or None
        )
    column = column.strip('"')
    if catalog.tables[table].column(column) is None:
        names = [own.name for own in catalog.tables[table].columns]
        raise UsageError(f"{table} has no column '{column}'", hint=did_you_mean(column, names).strip() or None)
    return table, column


def _given(text: str, unit: str | None, pii: bool | None) -> dict[str, Any]:
    """The keys of a label that were said."""
    if not text.strip():
        raise UsageError("a label cannot be empty")
    return {"label": text, **{key: value for key, value in (("unit", unit), ("pii", pii)) if value is not None}}


def _walk(pipeline: str, catalog: "Catalog") -> list[Said]:
    """Ask for each unlabelled column; an empty answer leaves it."""
    if not console.interactive():
        return []
    said: list[Said] = []
    try:
        for row in _columns(catalog, []):
            if row.label is None:
                text = typer.prompt(f"{row.table}.{row.column} ({row.type})", default="", show_default=False)
                if text.strip():
                    said.append((row.table, row.column, {"label": text.strip()}))
    finally:  # who leaves by Ctrl-C keeps what was answered until then
        _write_labels(pipeline, said)
    return said


def _write_labels(pipeline: str, said: list[Said]) -> None:
    from octo_resources.editing import edit_pipeline

    project = console.open_project()
    loaded = project.pipeline(pipeline)
    changes: list[tuple[tuple[str, ...], Any]] = []
    for table, column, given in said:
        path = tuple(str(part) for part in loaded.written(("tables", table, "labels", column)))
        if isinstance(_at(project.written(pipeline), path), dict):  # `pii` and the unit stay as they are written
            changes += [((*path, key), value) for key, value in given.items()]
        else:
            changes.append((path, given if len(given) > 1 else given["label"]))
    if changes:
        edit_pipeline(project, pipeline, changes)


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _columns(catalog: "Catalog", said: list[Said]) -> "list[ColumnLabel]":
    """Every column that can be written, with its label as it is now."""
    from octo_cli.answers import ColumnLabel
    from octo_core.catalog import Label

    new = {(table, name): given for table, name, given in said}
    rows = []
    for name, table in catalog.tables.items():
        for column in table.columns:
            given = new.get((name, column.name))
            label = Label(**{**(column.label.model_dump() if column.label else {}), **given}) if given else column.label
            if column.writable:
                more = {"label": label.label, "unit": label.unit, "pii": label.pii} if label else {"label": None}
                rows.append(ColumnLabel(table=name, column=column.name, type=column.native, **more))
    return rows


def _print_catalog(screen: "Screen", catalog: "Catalog") -> None:
    for name, table in catalog.tables.items():
        rows = [
            (
                ("*" if column.name in table.primary_key else " ") + column.name,
                column.native,
                "" if column.nullable else "not null",
                column.default or column.generated or (f"identity {column.identity}" if column.identity else ""),
                _label_text(column.label) or (f"({column.comment})" if column.comment else ""),
            )
            for column in table.columns
        ]
        screen.print(console.table(["column", "type", "", "default", "label (comment)"], rows, title=name))
        for key in table.foreign_keys:
            screen.print(f"  foreign key  {', '.join(key.columns)} → {key.ref_table} ({', '.join(key.ref_columns)})")
        for unique in table.uniques:
            screen.print(f"  unique       {unique.expression or ', '.join(unique.columns)}")
        for check in table.checks:
            screen.print(f"  check        {console.clean(check.sql)}")
        screen.print()
    screen.print(f"{catalog.dialect} {catalog.version} · * primary key")


def _label_text(label: Any) -> str:
    if label is None:
        return ""
    return f"{label.label}{f' [{label.unit}]' if label.unit else ''}{' (pii)' if label.pii else ''}"
