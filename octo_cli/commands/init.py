"""`octopipe init`: writes a pipeline, from flags or by asking, with what a look at source and destination tells."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from octo_cli import console
from octo_core.errors import OctopipeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from octo_core.spec.pipeline import PipelineSpec
    from octo_core.spec.shapes import Shape
    from octo_resources.project import Pipeline, Project


@dataclass(frozen=True)
class _Wanted:
    """What the pipeline will say."""

    name: str
    description: str | None
    hosting: str | None
    source: str
    destination: str
    tables: tuple[str, ...]
    kind: str
    notes: list[str] = field(default_factory=list)


def init(
    name: Annotated[str, typer.Argument(help="The new pipeline's name: lower-case letters, digits and _.")],
    description: Annotated[str | None, typer.Option("--description", help="What it is for, in a sentence.")] = None,
    hosting: Annotated[str | None, typer.Option("--hosting", help="local, or a profile of octopipe.yaml.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="URL|PATH", help="A file, folder, glob, http address or database."),
    ] = None,
    kind: Annotated[
        Literal["file", "rest", "sql", "kafka", "push"] | None,
        typer.Option("--kind", help="The source's kind; push needs no --source (or a name for it)."),
    ] = None,
    destination: Annotated[
        str | None, typer.Option("--destination", metavar="URL", help="The database; its password goes into .env.")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="T", help="A table to write, schema.table; may be repeated.")
    ] = None,
) -> None:
    """Write a pipeline: asks on a terminal, or takes flags.

    \b
    Example:
      octopipe init orders --source 'in/*.csv' --destination postgresql://localhost/shop --table public.order
      octopipe init orders --kind push --destination postgresql://localhost/shop --table public.order
    """
    from octo_cli.answers import InitAnswer
    from octo_resources.discovery import destination_kind
    from octo_resources.editing import write_atomically

    project = console.open_project()
    _refuse_known(project, name)
    destination_kind(destination or "${}")
    if kind == "push":
        source = source or name
    wanted = _asked(project, name, description, hosting, source, destination, tuple(table or ()), kind)
    text, source_called = _text(project, wanted)
    pipeline = console.open_project().pipeline(name, text=text)  # opened again: .env may have a line more
    lists = _lists(pipeline, wanted)
    if lists:
        text, _ = _text(project, wanted, lists)
    spec = pipeline.spec
    _look(console.open_project(), wanted, spec)
    file = project.root / "pipelines" / name / "pipeline.yaml"
    (file.parent / "samples").mkdir(parents=True, exist_ok=True)
    write_atomically(file, text)
    shown = file.relative_to(project.root).as_posix()
    tables = tuple(spec.tables)
    answer = InitAnswer(pipeline=name, file=shown, source=source_called, tables=tables, notes=tuple(wanted.notes))
    after = f"octopipe token create {name} --pipeline {name} && octopipe serve"
    following = after if wanted.kind == "push" else f"octopipe plan {name}"
    console.answer(answer, "\n".join([f"wrote {shown}", *wanted.notes, "", f"Next:  {following}"]))


def _lists(pipeline: "Pipeline", wanted: _Wanted) -> "dict[str, Shape]":
    """Tables that lists inside the source's records feed, by a look at both ends; none where one cannot be asked."""
    if len(pipeline.spec.tables) < 2 or len(pipeline.spec.sources) != 1 or wanted.kind == "push":
        return {}
    from octo_core.mapping.origins import child_origin
    from octo_resources.destinations import connect
    from octo_resources.flow.origins import said
    from octo_resources.sampling import FEW, looked

    found: dict[str, Shape] = {}
    try:
        catalog = connect(pipeline.destination, pipeline.project.secrets).pull(tuple(pipeline.spec.tables), {})
        with (
            console.progress("looking for lists") as progress,
            looked(pipeline, next(iter(pipeline.spec.sources)), max_rows=FEW, progress=progress) as look,
        ):
            schema = look.schema()
    except OctopipeError:
        return {}  # what is said of either end below tells why
    for name, table in catalog.tables.items():
        origin = child_origin(table, catalog, schema)
        if origin is not None and origin.shape is not None:
            found[name] = origin.shape
            wanted.notes.append(f"{name}: {said(origin)}")
    return found


def _look(project: "Project", wanted: _Wanted, spec: "PipelineSpec") -> None:
    """Say what source and destination answer. One that does not is no reason not to write the file."""
    from octo_core.spec.nearest import did_you_mean
    from octo_resources.discovery import tables_of
    from octo_resources.sources import probe

    for called, source in spec.sources.items():
        with console.progress(f"looking at {called}"):
            seen = probe(source, project)
        wanted.notes.append(f"{called}: {seen.message}" if seen.ok else f"{called} cannot be read yet: {seen.message}")
    try:
        there = tables_of(project.filled_in(wanted.destination))
    except OctopipeError as error:
        wanted.notes.append(f"the destination cannot be asked yet: {error.message}")
        return
    for table in spec.tables:
        if table not in there:
            near = did_you_mean(table, there)
            wanted.notes.append(f"the destination has no table {table} that may be written.{near}")


def _refuse_known(project: "Project", name: str) -> None:
    from octo_core.spec.names import PIPELINE_NAME

    if not PIPELINE_NAME.match(name):
        raise UsageError(f"'{name}' is no pipeline's name", hint="Lower-case letters, digits and _, a letter first.")
    if project.has_pipeline(name):
        raise UsageError(
            f"there is a pipeline '{name}' already", hint=f"Edit pipelines/{name}/, or choose another name."
        )


def _asked(
    project: "Project",
    name: str,
    description: str | None,
    hosting: str | None,
    source: str | None,
    destination: str | None,
    tables: tuple[str, ...],
    kind: str | None,
) -> _Wanted:
    """The flags, and on a terminal an answer for each that is missing. Raises UsageError naming the missing flags."""
    from octo_resources.discovery import source_kind

    if console.interactive():
        if description is None:
            description = typer.prompt("What is it for?", default="", show_default=False, prompt_suffix=" ") or None
        source = source or typer.prompt("Source (file, folder, glob, http address or database URL)")
        destination = destination or typer.prompt("Destination (URL of the database)", value_proc=_written_to)
    missing = [flag for flag, given in (("--source", source), ("--destination", destination)) if not given]
    if missing or source is None or destination is None:
        raise UsageError(f"{' and '.join(missing)} missing", hint="See octopipe init --help.")
    notes: list[str] = []
    found = tables or _tables(project, name, source, destination, notes)
    return _Wanted(name, description, hosting, source, destination, found, kind or source_kind(source), notes)


def _tables(project: "Project", name: str, source: str, destination: str, notes: list[str]) -> tuple[str, ...]:
    """The table that is meant, by looking at the destination: the only one, the nearest name, or the one chosen."""
    from octo_core.spec.nearest import nearest
    from octo_resources.discovery import source_name, tables_of

    try:
        there = tables_of(project.filled_in(destination))
    except OctopipeError as error:
        if not console.interactive():
            raise UsageError(f"--table is missing, and the destination cannot be asked: {error.message}") from None
        console.say(f"The destination cannot be asked for its tables: {error.message}")
        return (typer.prompt("Which table (schema.table)?", prompt_suffix=" "),)
    if not there:
        raise UsageError(
            "the destination has no table to write", hint="A pipeline never makes its tables; make one first."
        )
    if len(there) == 1:
        notes.append(f"the destination has one table: {there[0]}")
        return (there[0],)
    plain = {table.rpartition(".")[2].strip('"'): table for table in there}
    guess = nearest(name, plain) or nearest(source_name(source, name), plain)
    if console.interactive():
        console.say("\n".join(f"  {table}" for table in there))
        return (_chosen("Which table?", there, plain[guess] if guess else None),)
    if guess is None:
        raise UsageError("--table is missing", hint=f"The destination has {', '.join(there[:10])}")
    notes.append(f"took {plain[guess]}, the table named most like it; --table says another")
    return (plain[guess],)


def _written_to(url: str) -> str:
    """A destination that was typed, asked for again where it is none."""
    from octo_resources.discovery import destination_kind

    try:
        destination_kind(url)
    except UsageError as error:
        raise typer.BadParameter(f"{error.message}. {error.hint}") from None
    return url


def _chosen(question: str, there: "Sequence[str]", default: str | None = None) -> str:
    """One of the tables that are there, asked for again where it is none of them."""
    from octo_core.spec.nearest import did_you_mean

    plain = {table.rpartition(".")[2].strip('"'): table for table in there}

    def known(said: str) -> str:
        table = said if said in there else plain.get(said)
        if table is None:
            raise typer.BadParameter(f"there is no table {said} that may be taken.{did_you_mean(said, there)}")
        return table

    answer: str = typer.prompt(question, default=default, value_proc=known, prompt_suffix=" ")
    return answer


def _text(project: "Project", wanted: _Wanted, lists: "Mapping[str, Shape] | None" = None) -> tuple[str, str]:
    """(text of pipeline.yaml, name of its source). `lists`: the tables that are fed by a part of it."""
    from octo_core.spec.edits import rendered
    from octo_core.spec.names import canonical_table_name
    from octo_core.spec.shapes import plain_shape
    from octo_resources.discovery import destination_kind, source_name, written_place

    kind = wanted.kind
    place = written_place(wanted.source, project.root) if kind == "file" else wanted.source
    called = wanted.name if kind == "sql" else source_name(wanted.source, wanted.name)
    more = _source_table(project, wanted) if kind == "sql" else {}
    place = _without_secret(project, place, f"{wanted.name}_SOURCE_URL", wanted.notes)
    if kind == "file" and "://" not in place and "${" not in place:
        _note_missing(project.root, place, wanted.notes)
    url = _without_secret(project, wanted.destination, f"{wanted.name}_DESTINATION_URL", wanted.notes)
    head: dict[str, Any] = {"description": wanted.description} if wanted.description else {}
    if wanted.hosting:
        head["hosting"] = wanted.hosting
    parts = [
        f"# Pipeline {wanted.name}. Every key: docs/pipeline-file.md; what is wrong: octopipe check {wanted.name}\n",
        rendered(head) if head else "",
        "sources:\n",
        _indented(rendered({called: _source(kind, place, more)})),
        _SOURCE_HINTS[kind],
        rendered({"destination": {"kind": destination_kind(wanted.destination), "url": url}}),
        "tables:\n",
        *(
            _indented(rendered({table: {"from": plain_shape((lists or {}).get(canonical_table_name(table), called))}}))
            for table in wanted.tables
        ),
        _TAIL,
    ]
    return "".join(parts), called


def _source_table(project: "Project", wanted: _Wanted) -> dict[str, str]:
    """The table that the source is read from: the only one, or the one that is named most like the pipeline."""
    from octo_resources.discovery import source_table

    guess, there = source_table(project.filled_in(wanted.source), wanted.name, project.root)
    for table in wanted.tables if guess is None else ():
        guess, _ = source_table(project.filled_in(wanted.source), table.rpartition(".")[2].strip('"'), project.root)
    if guess is None and console.interactive():
        console.say("\n".join(f"  {table}" for table in there))
        guess = _chosen("Which of its tables?", there)
    if guess is None:
        known = ", ".join(there[:10]) or "none that may be read"
        raise UsageError("which table of the source is not clear", hint=f"Name the pipeline like one: {known}")
    if len(there) > 1 and f"read from {guess}" not in wanted.notes:
        wanted.notes.append(f"read from {guess}")
    return {"table": guess}


def _source(kind: str, place: str, more: dict[str, str]) -> dict[str, Any]:
    if kind == "kafka":
        brokers, _, topic = place.removeprefix("kafka://").partition("/")
        return {"kind": kind, "brokers": brokers, "topic": topic}
    return {"kind": kind, **({_PLACE[kind]: place} if kind in _PLACE else {}), **more}


_PLACE = {"file": "path", "rest": "url", "sql": "url"}
_SOURCE_HINTS = {
    "kafka": (
        "    # format: debezium                # json when left out; avro, protobuf, text, csv\n"
        "    # key: [id]                       # what makes a message the same record\n"
        '    # security: {mechanism: PLAIN, username: octo, password: "${secret:env/KAFKA_PASSWORD}", tls: true}\n'
    ),
    "file": "    # key: [id]                       # what makes a record the same record\n",
    "rest": (
        '    # auth: {kind: bearer, token: "${secret:env/TOKEN}"}\n'
        "    # cursor: {field: updated_at, lag: 1 h}   # read only what is new\n"
    ),
    "sql": (
        "    # cursor: {field: updated_at, lag: 1 h}   # read only what is new\n"
        "    # split: {by: id, parts: 4}               # in ranges, at once where the database can\n"
    ),
    "push": (
        "    # key: [id]                       # what makes an item the same item\n"
        "    # batch: {rows: 100000, age: 30 s}   # when what was pushed is loaded, once started\n"
    ),
}
_TAIL = """\
# labels: under a table, what its columns mean: octopipe destination label
# schedule: {cron: "15 6 * * *", timezone: Europe/Madrid}
quarantine: {max_ratio: 0.01}       # more rows set aside than this, and nothing is committed
"""


def _indented(text: str) -> str:
    """A source or table below its heading, as a block, so that there is room for more keys."""
    from octo_core.spec.document import parse_document
    from octo_core.spec.edits import block

    return "".join(f"  {line}\n" for line in block(parse_document(text, "").data))


def _without_secret(project: "Project", url: str, variable: str, notes: list[str]) -> str:
    """The URL, or a reference to it in .env where it holds a password."""
    from octo_resources.discovery import password_of
    from octo_resources.dotenv_file import keep_secret

    if password_of(url) is None:
        return url
    reference = keep_secret(project.root, variable, url)
    notes.append(f"the URL holds a password: it is in .env, and the file says {reference}")
    return reference


def _note_missing(root: Path, place: str, notes: list[str]) -> None:
    if not any(character in place for character in "*?[") and not (root / place).exists():
        notes.append(f"{place} is not there yet")
