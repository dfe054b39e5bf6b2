"""`octopipe source`: where a pipeline's rows come from: listed, added, changed, tested, sampled."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import completing, console
from octo_core.errors import UsageError
from octo_core.wording import rows_text

if TYPE_CHECKING:
    from octo_cli.answers import SampleAnswer
    from octo_cli.screen import Screen
    from octo_core.spec.sources import Source
    from octo_resources.project import Pipeline

app = typer.Typer(help="A pipeline's sources.", epilog="Example:  octopipe source test flights", no_args_is_help=True)

SHOWN = 5
Name = Annotated[str, typer.Argument(help="The pipeline.", metavar="PIPELINE", autocompletion=completing.pipelines)]
Which = Annotated[
    str | None,
    typer.Argument(
        help="The source; may be left out where there is one.", metavar="[SOURCE]", autocompletion=completing.sources
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="K=V", help="A key of the source, dotted where it is nested; may be repeated."),
]


@app.command("list")
def list_(pipeline: Name) -> None:
    """List a pipeline's sources.

    \b
    Example:
      octopipe source list flights
    """
    from octo_cli.answers import SourceRow, SourcesAnswer
    from octo_resources.redaction import redact

    found = console.open_project().pipeline(pipeline)
    rows = tuple(
        SourceRow(
            name=name,
            kind=spec.kind,
            where=redact(_where(spec)),
            key=spec.key,
            cursor=_cursor(spec),
            tables=tuple(
                table
                for table in found.spec.tables
                if name in (*found.spec.sources_of(table), *found.spec.beside(table))
            ),
        )
        for name, spec in found.spec.sources.items()
    )
    cells = [(row.name, row.kind, row.where, ", ".join(row.key), row.cursor, ", ".join(row.tables)) for row in rows]
    headings = ["source", "kind", "where", "key", "cursor", "tables"]
    answer = SourcesAnswer(pipeline=pipeline, sources=rows)
    console.answer(answer, lambda screen: screen.print(console.table(headings, cells)))


@app.command("add")
def add(
    pipeline: Name,
    source: Annotated[str, typer.Argument(help="The new source's name.", metavar="SOURCE")],
    kind: Annotated[str, typer.Option("--kind", help="file, rest, push, …")],
    option: Options = None,
    test: Annotated[bool, typer.Option("--test/--no-test", help="Read a sample before the file is changed.")] = True,
) -> None:
    """Add a source: its connection is tested, a sample is read and typed; only then the file changes.

    \b
    Example:
      octopipe source add flights airports --kind file --option path=in/airports.csv.gz
      octopipe source add flights delays --kind rest --option url=https://api.example/delays --option pages.kind=link
      octopipe source add flights live --kind kafka --option brokers=kafka:9092 --option topic=flights --option key=id
      octopipe source add flights updates --kind push --option key=id
    """
    from octo_cli.answers import SourceAnswer
    from octo_cli.editing import apply

    written = console.open_project().written(pipeline)
    there = written.get("sources")
    if isinstance(there, dict) and source in there:
        hint = f"octopipe source update {pipeline} {source} --option …"
        raise UsageError(f"{pipeline} has a source '{source}' already", hint=hint)
    changes: dict[tuple[str, ...], Any] = {("sources", source): {"kind": kind, **_nested(option)}}
    changes |= _spelled_out(written)
    seen: list[SampleAnswer] = []

    def look(found: "Pipeline") -> None:
        if kind != "push" or _has_something(found, source):
            seen.append(_sampled(found, source))

    file, notes = apply(pipeline, changes, look if test else None)
    if kind == "push":
        notes = (*notes, f"push to it: POST /push/{pipeline} of `octopipe serve`; octopipe token create makes a token")
    sample = seen[0] if seen else None
    answer = SourceAnswer(pipeline=pipeline, file=file, source=source, sample=sample, notes=notes)
    console.answer(answer, lambda screen: _print_added(screen, answer))


@app.command("update")
def update(
    pipeline: Name,
    source: Annotated[str, typer.Argument(help="The source.", metavar="SOURCE", autocompletion=completing.sources)],
    option: Options = None,
) -> None:
    """Change keys of a source; the file's comments stay.

    \b
    Example:
      octopipe source update flights flights --option cursor.field=time_hour --option cursor.lag='2 h'
    """
    from octo_cli.editing import edit, value_of

    _require(pipeline, source)
    given = console.pairs(option or [], "--option")
    if not given:
        raise UsageError("nothing to change", hint="Say what: --option url=…")
    changes = {("sources", source, *key.split(".")): value_of(value) for key, value in given.items()}
    edit(pipeline, changes, f"source '{source}'", "updated")


@app.command("remove")
def remove(
    pipeline: Name,
    source: Annotated[str, typer.Argument(help="The source.", metavar="SOURCE", autocompletion=completing.sources)],
) -> None:
    """Take a source out of the file; refused while a table comes from it.

    \b
    Example:
      octopipe source remove flights airports
    """
    from octo_cli.editing import REMOVED, edit

    _require(pipeline, source)
    edit(pipeline, {("sources", source): REMOVED}, f"source '{source}'", "removed")


@app.command("test")
def try_(pipeline: Name, source: Which = None) -> None:
    """Connect to a source and read a little of it.

    \b
    Example:
      octopipe source test flights
    """
    from octo_cli.answers import TestAnswer
    from octo_resources.sampling import FEW, looked

    found = console.open_project().pipeline(pipeline)
    name, spec = found.source(source)
    started = time.monotonic()
    with console.progress(f"test {name}") as progress, looked(found, name, max_rows=FEW, progress=progress) as look:
        seconds = round(time.monotonic() - started, 3)
        rows, size = look.count(), look.batch.bytes
    answer = TestAnswer(pipeline=pipeline, source=name, ok=True, rows=rows, bytes=size, seconds=seconds)
    console.answer(answer, f"{name} ({spec.kind}) answers: {rows_text(rows)}, {size / 1e6:,.1f} MB in {seconds:.1f} s")


@app.command("sample")
def sample(
    pipeline: Name,
    source: Which = None,
    everything: Annotated[bool, typer.Option("--all", help="Read the whole source.")] = False,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="F", help="Write the rows to a CSV file.")] = None,
) -> None:
    """Show rows of a source and their types; nothing of it counts as landed.

    \b
    Example:
      octopipe source sample flights --csv flights.csv
    """
    found = console.open_project().pipeline(pipeline)
    name, _ = found.source(source)
    answer = _sampled(found, name, everything=everything, csv_file=csv_file)
    console.answer(answer, lambda screen: _print_sample(screen, answer))


def _sampled(
    pipeline: "Pipeline", source: str, *, everything: bool = False, csv_file: Path | None = None
) -> "SampleAnswer":
    from octo_cli.answers import SampleAnswer
    from octo_core.spec.sources import SampleLimits
    from octo_resources.sampling import looked

    limit = None if everything else (pipeline.spec.sources[source].sample or SampleLimits()).rows
    with (
        console.progress(f"sample {source}") as progress,
        looked(pipeline, source, max_rows=limit, progress=progress) as look,
    ):
        schema = look.schema()
        if csv_file is not None:
            _write_csv(csv_file, [field.name for field in schema.fields], look.rows())
        return SampleAnswer(
            pipeline=pipeline.name,
            source=source,
            rows=look.count(),
            complete=look.complete,
            fields=schema.fields,
            sample=tuple(look.first(SHOWN)),
        )


def _has_something(pipeline: "Pipeline", source: str) -> bool:
    """Whether there is anything of a source that is pushed: it may well be added before the first item comes."""
    from octo_resources.sources.push.drain import sample_files
    from octo_resources.sources.push.queue import QueueReader, queue_path

    root = pipeline.project.root
    waiting = QueueReader(queue_path(root)).waiting(pipeline.name, source)
    return waiting.requests > 0 or sample_files(root, pipeline.name, source) is not None


def _write_csv(path: Path, names: list[str], rows: Any) -> None:
    import csv
    import json

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for row in rows:
                cells = [row.get(name) for name in names]
                writer.writerow(
                    json.dumps(cell, default=str) if isinstance(cell, dict | list) else cell for cell in cells
                )
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _nested(options: list[str] | None) -> dict[str, Any]:
    """`auth.kind=bearer` as {auth: {kind: bearer}}."""
    from octo_cli.editing import value_of

    found: dict[str, Any] = {}
    for key, value in console.pairs(options or [], "--option").items():
        *way, last = key.split(".")
        here = found
        for part in way:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise UsageError(f"--option {key}: '{part}' has a value already")
        here[last] = value_of(value)
    return found


def _spelled_out(written: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """With a second source, tables have to say theirs: those that left it out get the one there was."""
    sources, tables = written.get("sources"), written.get("tables")
    if not isinstance(sources, dict) or len(sources) != 1 or not isinstance(tables, dict):
        return {}
    silent = [name for name, table in tables.items() if not (isinstance(table, dict) and "from" in table)]
    return {("tables", name, "from"): next(iter(sources)) for name in silent}


def _require(pipeline: str, source: str) -> None:
    from octo_core.spec.nearest import did_you_mean

    there = console.open_project().written(pipeline).get("sources")
    names = list(there) if isinstance(there, dict) else []
    if source not in names:
        raise UsageError(f"{pipeline} has no source '{source}'", hint=did_you_mean(source, names).strip() or None)


def _where(spec: "Source") -> str:
    found = next((getattr(spec, key) for key in ("path", "url", "topic", "tap", "file") if hasattr(spec, key)), "")
    return ", ".join(found) if isinstance(found, tuple) else str(found)


def _cursor(spec: "Source") -> str | None:
    cursor = getattr(spec, "cursor", None)
    return cursor.field if cursor is not None else None


def _print_added(screen: "Screen", answer: Any) -> None:
    screen.print(f"source '{answer.source}' added in {answer.file}")
    for note in answer.notes:
        screen.print(console.clean(note))
    if answer.sample is not None:
        _print_sample(screen, answer.sample)


def _print_sample(screen: "Screen", answer: "SampleAnswer") -> None:
    from octo_resources.redaction import redact

    rows = [
        (field.name, str(field.type), "" if field.nullable else "not null", field.semantic or "", field.format or "")
        for field in answer.fields
    ]
    title = f"{answer.source}: {rows_text(answer.rows)}{'' if answer.complete else ', more at the source'}"
    screen.print(console.table(["field", "type", "", "semantic", "format"], rows, title=title))
    names = [field.name for field in answer.fields]
    cells = [
        [redact(str(row.get(name, ""))) if row.get(name) is not None else "" for name in names] for row in answer.sample
    ]
    screen.print()
    screen.print(console.table(names, cells, title=f"first {rows_text(len(cells))}"))
