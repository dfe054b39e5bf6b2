"""What commands print: answers for people or as one JSON document, tables, progress, mistakes with their exit codes."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from octo_cli.screen import Heading as Heading
from octo_cli.screen import Screen, Table
from octo_cli.screen import clean as clean
from octo_cli.standard_output import stop_if_unread
from octo_core.errors import NotApproved, OctopipeError, SpecError, UsageError
from octo_core.wording import rows_text
from octo_resources.redaction import redact

if TYPE_CHECKING:
    from pydantic import BaseModel

    from octo_resources.project import Project

Progress = Callable[[int, int, str], None]
"""Rows so far, bytes so far, a note: what readers report."""


@dataclass(frozen=True, slots=True)
class Session:
    """The options that every command takes."""

    json: bool = False
    verbose: int = 0
    debug: bool = False
    log_format: Literal["text", "json"] = "text"
    variables: Mapping[str, str] = field(default_factory=dict)


_session = Session()
_AT_ONCE = 1000
_answered = False
"""Whether something was answered already: of answers that have no end of their own, Ctrl-C is the end."""


def session() -> Session:
    """The options of the command that runs."""
    return _session


def start_session(started: Session) -> None:
    """Make these the options of the command that runs. Called once per command, by octo_cli/options.py."""
    global _answered, _session  # one process runs one command
    _session, _answered = started, False


def open_project() -> "Project":
    """The project of the current folder, with the command's `--var`. Raises UsageError where there is none."""
    from octo_resources.project import Project

    return Project.find(variables=_session.variables)


@dataclass(frozen=True, slots=True)
class Page:
    """Text that is drawn for a width, with or without colour; what comes from outside is clean in it already."""

    draw: Callable[[int, bool], str]

    def show(self) -> None:
        import shutil

        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((100, 24)).columns
        sys.stdout.write(redact(self.draw(width, colour)).rstrip("\n") + "\n")


def answer(document: "BaseModel | Mapping[str, Any]", text: "Callable[[Screen], None] | Page | str") -> None:
    """The command's one answer: the document with --json, else the text (or what the function prints)."""
    _tell_answered()
    if _session.json:
        sys.stdout.write(redact(_as_json(document)) + "\n")
        sys.stdout.flush()
    elif isinstance(text, str):
        say(text)
    elif isinstance(text, Page):
        text.show()
    else:
        text(Screen.here())


def answer_with_many(
    document: "BaseModel", name: str, many: "Iterable[BaseModel]", text: "Callable[[Screen], None]"
) -> None:
    """`answer`, where a list of the document, its first field, is too long to be held: it is written as it comes."""
    if not _session.json:
        answer(document, text)
        return
    _tell_answered()
    empty, lead = _as_json(document), f'{{\n  "{name}": ['
    if not empty.startswith(f"{lead}]"):
        raise ValueError(f"{name} is not the first field of the answer, or not empty")
    sys.stdout.write(lead)
    lines, between = (f"\n    {one.model_dump_json(by_alias=True)}" for one in many), ""
    while some := list(islice(lines, _AT_ONCE)):
        sys.stdout.write(redact(between + ",".join(some)))
        between = ","
    sys.stdout.write("\n  " + redact(empty.removeprefix(lead)) + "\n")
    sys.stdout.flush()


def _tell_answered() -> None:
    global _answered  # one process runs one command
    _answered = True


def answer_line(document: "BaseModel", text: str) -> None:
    """One of a stream of answers: a document on a line of its own with --json, else the text."""
    _tell_answered()
    if _session.json:
        sys.stdout.write(redact(document.model_dump_json(by_alias=True)) + "\n")
    else:
        say(text)
    sys.stdout.flush()
    stop_if_unread()


def _as_json(document: "BaseModel | Mapping[str, Any]") -> str:
    if isinstance(document, Mapping):
        return json.dumps(document, ensure_ascii=False, indent=2, default=_plain)
    return document.model_dump_json(by_alias=True, indent=2)


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", by_alias=True) if dump else str(value)


def say(text: str) -> None:
    """A line or more for people, on standard output; nothing with --json."""
    if not _session.json:
        sys.stdout.write(clean(redact(text)) + "\n")  # plain text needs no rich, which takes 50 ms to import


def note(text: str) -> None:
    """A remark beside the answer, on standard error, also with --json."""
    sys.stderr.write(clean(redact(text)) + "\n")


def page(draw: Callable[[int, bool], str]) -> Page:
    """An answer that draws itself, without rich."""
    return Page(draw)


def table(headings: Sequence[Heading], rows: Sequence[Sequence[Any]], title: str | None = None) -> Table:
    """A table without lines; a column is its heading, or (heading, "right") for numbers."""
    return Table(headings, rows, title)


@contextmanager
def progress(step: str) -> Iterator[Progress]:
    """One line on standard error while a step runs: rows, rate, time. Nothing where that is no terminal."""
    if not sys.stderr.isatty() or _session.verbose:
        yield lambda rows, size, text: None  # noqa: ARG005  # the shape of Progress
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True, highlight=False, markup=False, emoji=False), transient=True) as bar:
        task = bar.add_task(step, total=None, told="")

        def told(rows: int, size: int, text: str) -> None:
            seconds = bar.tasks[0].elapsed or 0.001
            rate = f"{rows_text(rows)} · {rows / seconds:,.0f}/s · {size / 1e6:,.1f} MB  {clean(redact(text))}"
            bar.update(task, told=rate if rows or size else clean(redact(text)))

        yield told


def confirm(question: str, *, assume: bool = False) -> bool:
    """Ask on a terminal; elsewhere the answer is `assume`, which a --yes flag gives."""
    if assume or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return assume
    import typer

    return typer.confirm(question, err=True)


def interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not _session.json


def fail(error: OctopipeError, *, as_json: bool | None = None) -> int:
    """Print an error where it belongs and give the exit code. With --json it is also the one document on stdout."""
    if _session.json if as_json is None else as_json:
        with suppress(OSError):  # where it is the output itself that cannot be written
            sys.stdout.write(json.dumps({"error": error_document(error)}, ensure_ascii=False, indent=2) + "\n")
            sys.stdout.flush()
    return report(error)


def interrupted(*, as_json: bool) -> None:
    """Say that Ctrl-C ended the command; with --json in its one document too, where it had not answered yet."""
    if as_json and not _answered:
        with suppress(OSError):
            told: dict[str, Any] = {"kind": "Interrupted", "message": "interrupted"}
            told |= {"where": None, "hint": None, "mistakes": []}
            sys.stdout.write(json.dumps({"error": told}, indent=2) + "\n")
            sys.stdout.flush()
    note("interrupted")


def report(error: OctopipeError) -> int:
    """Print an error for people, on standard error, and give its exit code."""
    text = clean(redact(str(error)))
    head = "" if isinstance(error, SpecError | NotApproved) else "error: "
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        head = f"\x1b[31m{head}\x1b[0m" if head else ""
    sys.stderr.write(f"{head}{text}\n")
    return error.exit_code


def error_document(error: OctopipeError) -> dict[str, Any]:
    """What `--json` says of an error."""
    mistakes = [
        {"file": item.file, "line": item.line, "column": item.column, "message": redact(item.message)}
        for item in getattr(error, "mistakes", ())
    ]
    return {
        "kind": type(error).__name__,
        "message": redact(error.message),
        "where": redact(error.where) if error.where else None,
        "hint": redact(error.hint) if error.hint else None,
        "mistakes": mistakes,
    }


def pairs(options: Sequence[str], flag: str, shape: str = "name=value") -> dict[str, str]:
    """`k=v` options as a mapping. Raises UsageError."""
    found = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise UsageError(f"{flag} {option}: write {flag} {shape}")
        found[key] = value
    return found
