"""The options that every command takes, added to its own: --json, -v, --debug, --log-format, --var."""

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer

from octo_cli.console import Session, pairs, session, start_session
from octo_resources.redaction import install_log_redaction

PANEL = "For every command"

_ADDED: Mapping[str, tuple[Any, Any]] = {
    "as_json": (
        Annotated[bool, typer.Option("--json", help="Answer with one JSON document.", rich_help_panel=PANEL)],
        False,
    ),
    "verbose": (
        Annotated[int, typer.Option("--verbose", "-v", count=True, help="Log more; -vv most.", rich_help_panel=PANEL)],
        0,
    ),
    "debug": (
        Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=PANEL)],
        False,
    ),
    "log_format": (
        Annotated[
            Literal["text", "json"], typer.Option("--log-format", help="How logs are written.", rich_help_panel=PANEL)
        ],
        "text",
    ),
    "var": (
        Annotated[
            list[str],
            typer.Option("--var", metavar="K=V", help="Set a variable of the project's files.", rich_help_panel=PANEL),
        ],
        [],
    ),
}


def with_common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the common options; it reads them by `console.session()`."""
    signature = inspect.signature(command, eval_str=True)
    missing = {name: given for name, given in _ADDED.items() if name not in signature.parameters}

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        begin(**{name: kwargs.pop(name) for name in missing})
        return command(*args, **kwargs)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in missing.items()
    ]
    parameters = [*signature.parameters.values(), *added]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what Typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def begin(
    *,
    as_json: bool = False,
    verbose: int = 0,
    debug: bool = False,
    log_format: Literal["text", "json"] = "text",
    var: list[str] | None = None,
) -> None:
    """Take the options of one level (`octopipe --json plan x` and `octopipe plan x --json` are the same)."""
    before = session()
    started = Session(
        json=as_json or before.json,
        verbose=max(verbose, before.verbose),
        debug=debug or before.debug,
        log_format="json" if "json" in (log_format, before.log_format) else "text",
        variables={**before.variables, **pairs(var or [], "--var")},
    )
    start_session(started)
    _log(started)


def _log(started: Session) -> None:
    """Logs go to standard error, redacted; warnings only, unless -v asks for more."""
    install_log_redaction()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines() if started.log_format == "json" else logging.Formatter("%(levelname)s %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel({0: logging.WARNING, 1: logging.INFO}.get(started.verbose, logging.DEBUG))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import json

        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
