"""The command line's door: the table of commands, each imported only when it runs, and errors as exit codes."""

import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from octo_cli import console
from octo_cli.options import begin, with_common_options
from octo_cli.standard_output import ReaderGone, outlive_readers
from octo_core.collecting import SELDOM
from octo_core.errors import NotSupportedYet, OctopipeError, UsageError


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives: a function, or a Typer app for a family (`source add`, `source list`, …)."""

    module: str
    attribute: str
    help: str
    panel: str
    answers: Mapping[str, str] = field(default_factory=dict)
    """The Pydantic model that --json prints, `module:Model`, by the words after the command ("" for none)."""


INTERRUPTED = 130
"""The exit code where a signal ended a command."""
PROJECT, UNDERSTAND, GATE, RUN, LOOK = "Set up", "Understand", "Decide", "Run", "Look"
_ANSWERS, _OUTCOMES = "octo_cli.answers", "octo_cli.outcomes"

COMMANDS: Mapping[str, Entry] = {
    "new": Entry("new", "new", "Make a project folder with an example.", PROJECT, {"": f"{_ANSWERS}:NewAnswer"}),
    "init": Entry("init", "init", "Write a pipeline: asks, or takes flags.", PROJECT, {"": f"{_ANSWERS}:InitAnswer"}),
    "check": Entry(
        "check",
        "check",
        "Validate every pipeline file, all mistakes at once.",
        PROJECT,
        {"": f"{_ANSWERS}:CheckAnswer"},
    ),
    "source": Entry(
        "source",
        "app",
        "A pipeline's sources: add, list, update, remove, test, sample.",
        PROJECT,
        {
            "add": f"{_ANSWERS}:SourceAnswer",
            "list": f"{_ANSWERS}:SourcesAnswer",
            "update": f"{_ANSWERS}:EditAnswer",
            "remove": f"{_ANSWERS}:EditAnswer",
            "test": f"{_ANSWERS}:TestAnswer",
            "sample": f"{_ANSWERS}:SampleAnswer",
        },
    ),
    "destination": Entry(
        "destination",
        "app",
        "Its destination: add, list, update, remove, pull, label, prepare.",
        PROJECT,
        {
            "add": f"{_ANSWERS}:EditAnswer",
            "list": f"{_ANSWERS}:DestinationsAnswer",
            "update": f"{_ANSWERS}:EditAnswer",
            "remove": f"{_ANSWERS}:EditAnswer",
            "pull": "octo_core.catalog:Catalog",
            "label": f"{_ANSWERS}:LabelAnswer",
            "prepare": f"{_ANSWERS}:PrepareAnswer",
        },
    ),
    "transform": Entry(
        "transform",
        "app",
        "Its transformations: add, list, update, remove.",
        PROJECT,
        {"list": f"{_ANSWERS}:TransformsAnswer"},
    ),
    "doctor": Entry(
        "doctor",
        "doctor",
        "What is installed, reachable and configured, and how to put it right.",
        PROJECT,
        {"": f"{_ANSWERS}:DoctorAnswer"},
    ),
    "schema": Entry(
        "understand",
        "schema",
        "The typed schema of a pipeline's sources.",
        UNDERSTAND,
        {"": f"{_OUTCOMES}:SchemaAnswer", "--pydantic": f"{_OUTCOMES}:ModelsAnswer"},
    ),
    "infer": Entry(
        "infer",
        "infer",
        "The types of files' columns, without a project.",
        UNDERSTAND,
        {"": f"{_OUTCOMES}:InferAnswer"},
    ),
    "match": Entry(
        "match",
        "match",
        "Which columns of two files belong together, without a project.",
        UNDERSTAND,
        {"": f"{_OUTCOMES}:MatchAnswer"},
    ),
    "map": Entry(
        "understand", "map_", "Propose a mapping, or correct it.", UNDERSTAND, {"": "octo_core.plan.model:Plan"}
    ),
    "plan": Entry(
        "understand", "plan", "What the mapping would do to real rows.", UNDERSTAND, {"": "octo_core.plan.model:Plan"}
    ),
    "approve": Entry(
        "gate", "approve", "Approve exactly the plan that was read.", GATE, {"": f"{_OUTCOMES}:DecisionAnswer"}
    ),
    "reject": Entry(
        "gate", "reject", "Reject a plan, or revoke an approval.", GATE, {"": f"{_OUTCOMES}:DecisionAnswer"}
    ),
    "approvals": Entry(
        "gate",
        "app",
        "The decisions so far.",
        GATE,
        {
            "list": f"{_OUTCOMES}:DecisionsAnswer",
            "export": f"{_OUTCOMES}:CarriedApprovals",
            "export --to": f"{_OUTCOMES}:WrittenAnswer",
            "import": f"{_OUTCOMES}:ImportedAnswer",
        },
    ),
    "run": Entry(
        "run", "run", "Load now.", RUN, {"": "octo_core.ledger:LoadResult", "--due": f"{_OUTCOMES}:DueAnswer"}
    ),
    "stream": Entry(
        "stream",
        "stream",
        "Load what comes from a stream as it comes.",
        RUN,
        {"": "octo_core.streaming:StreamState", "each": "octo_core.streaming:MicroBatch"},
    ),
    "start": Entry("control", "start", "Turn a pipeline's schedule on.", RUN, {"": f"{_OUTCOMES}:ControlAnswer"}),
    "stop": Entry(
        "control", "stop", "Turn it off; a running load ends cleanly.", RUN, {"": f"{_OUTCOMES}:ControlAnswer"}
    ),
    "pause": Entry("control", "pause", "Turn it off for a time.", RUN, {"": f"{_OUTCOMES}:ControlAnswer"}),
    "abort": Entry(
        "control", "abort", "End a running load with nothing half done.", RUN, {"": f"{_OUTCOMES}:AbortAnswer"}
    ),
    "serve": Entry("serve", "serve", "Serve the HTTP API that items are pushed to.", RUN),
    "token": Entry(
        "token",
        "app",
        "Who may use the HTTP API: create, list, rotate, revoke.",
        RUN,
        {
            "create": f"{_OUTCOMES}:MadeTokenAnswer",
            "list": f"{_OUTCOMES}:TokensAnswer",
            "rotate": f"{_OUTCOMES}:MadeTokenAnswer",
            "revoke": f"{_OUTCOMES}:TokensAnswer",
        },
    ),
    "status": Entry(
        "observe",
        "status",
        "What runs, ran, waits, failed, why, and what is next.",
        LOOK,
        {"": f"{_OUTCOMES}:StatusAnswer"},
    ),
    "logs": Entry(
        "observe",
        "logs",
        "The logs of a pipeline's loads.",
        LOOK,
        {"": f"{_OUTCOMES}:LogsAnswer", "-f": "octo_resources.flow.logs:LogLine"},
    ),
    "quarantine": Entry(
        "quarantine",
        "quarantine",
        "Rows that were set aside, with reasons.",
        LOOK,
        {
            "list": f"{_OUTCOMES}:QuarantineReasons",
            "show": f"{_OUTCOMES}:QuarantineRows",
            "replay": f"{_OUTCOMES}:ReplayedAnswer",
            "discard": f"{_OUTCOMES}:DiscardedAnswer",
        },
    ),
    "history": Entry(
        "observe",
        "history",
        "Past loads.",
        LOOK,
        {"list": f"{_OUTCOMES}:HistoryAnswer", "clean": f"{_OUTCOMES}:ForgottenAnswer"},
    ),
    "kafka": Entry(
        "kafka",
        "app",
        "What waits at the brokers of a pipeline's sources.",
        LOOK,
        {
            "topics": "octo_cli.kafka_answers:TopicsAnswer",
            "lag": "octo_cli.kafka_answers:LagAnswer",
            "peek": "octo_cli.kafka_answers:PeekAnswer",
        },
    ),
    "llm": Entry(
        "llm",
        "app",
        "What language models were asked, and what they said.",
        LOOK,
        {"list": f"{_OUTCOMES}:LlmCallsAnswer", "show": "octo_resources.registry.calls:LlmCall"},
    ),
}

LATER = ("erase", "auth", "watch", "try", "plugins", "import", "deploy", "rollback")
"""Commands with a place in Octopipe that are not built yet: nobody has to guess whether they mistyped."""


class LazyGroup(typer.core.TyperGroup):
    """A group that knows its commands' names and help by the table, and imports one when it is asked to run it."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            if importlib.util.find_spec(f"octo_cli.commands.{entry.module}") is not None:
                self.commands[name] = typer.core.TyperCommand(name, help=entry.help, rich_markup_mode=None)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by what they are for, and not in one long list."""
        del ctx
        for panel in (PROJECT, UNDERSTAND, GATE, RUN, LOOK):
            rows = [
                (name, entry.help) for name, entry in COMMANDS.items() if entry.panel == panel and name in self.commands
            ]
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Called for the command that is to run (and to complete its arguments), not for the list in --help."""
        if args and args[0] in LATER and not ctx.resilient_parsing:
            raise NotSupportedYet(f"octopipe {args[0]} is not supported yet (docs/limits.md)")
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name is not None and command is not None else command, rest


def load_command(name: str) -> Any:
    """Import a command of the table and make it a click command with the common options."""
    entry = COMMANDS[name]
    found = getattr(importlib.import_module(f"octo_cli.commands.{entry.module}"), entry.attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        for info in found.registered_commands:
            if info.callback is not None and not hasattr(info.callback, "__wrapped__"):
                info.callback = with_common_options(info.callback)
        if found.registered_callback is None:
            found.callback()(with_common_options(_family))
        command: Any = typer.main.get_group(found)
    else:
        family = typer.Typer(add_completion=False, rich_markup_mode=None)
        family.command(name, help=found.__doc__)(with_common_options(found))
        command = typer.main.get_command(family)
    command.name = name
    _keep_examples(command)
    return command


def _family() -> None:
    """A family has no options but the common ones, which may stand before its subcommand, too."""


def _keep_examples(command: Any) -> None:
    """Examples in help keep their lines: click re-flows every paragraph that no \\b goes before."""
    for inner in getattr(command, "commands", {}).values():
        _keep_examples(inner)
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(
        f"\b\n{paragraph}" if any(line.startswith(" ") for line in paragraph.splitlines()) else paragraph
        for paragraph in paragraphs
    )


app = typer.Typer(
    name="octopipe",
    cls=LazyGroup,
    help="From a source nobody controls to approved, loaded tables, with every row accounted for.",
    epilog="Example:  octopipe new shop && cd shop && octopipe check",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help looks nicer and takes 280 ms longer to import than it should answer in
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"octopipe {version('octopipe')}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    del version


app.callback()(with_common_options(_main))


def run() -> None:
    """The console script."""
    # Most of a command's time is imports, and what they make stays: looking for garbage in it takes 7 % of that time.
    gc.set_threshold(*SELDOM)
    # And to look through all installed packages for plugins of Pydantic takes another 30 ms; none has a word in here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    outlive_readers()
    sys.exit(execute(sys.argv[1:]))


def execute(args: list[str]) -> int:
    """Run one command line and give its exit code; every error is printed here and nowhere else."""
    console.start_session(console.Session())
    as_json = "--json" in args
    debug = "--debug" in args
    try:
        result = typer.main.get_command(app).main(args or ["--help"], prog_name="octopipe", standalone_mode=False)
        if result == INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
            console.interrupted(as_json=as_json)
        return result if isinstance(result, int) else 0
    except OctopipeError as error:
        if debug:
            _traceback()
        return console.fail(error, as_json=as_json)
    except typer.TyperException as error:
        return _usage(error, as_json)
    except (typer.Abort, KeyboardInterrupt):
        console.interrupted(as_json=as_json)
        return INTERRUPTED
    except ReaderGone:
        return 0  # whoever read what has no end of its own has gone, as in `octopipe logs x -f | head`
    except Exception as error:  # noqa: BLE001  # the edge: nothing may end in a traceback that nobody asked for
        return _bug(error, as_json, debug)


def _usage(error: typer.TyperException, as_json: bool) -> int:
    """A mistake in the command line itself."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "octopipe"
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return error.exit_code
    wrong = UsageError(error.format_message(), hint=f"See {path} --help")
    return console.fail(wrong, as_json=as_json)


def _bug(error: Exception, as_json: bool, debug: bool) -> int:
    from octo_resources.full_disk import full_disk

    if debug:
        _traceback()
    if (full := full_disk(error)) is not None:
        return console.fail(full, as_json=as_json)
    hint = "See the traceback with --debug, and please report it."
    unexpected = OctopipeError(f"this is a bug in octopipe: {type(error).__name__}: {error}", hint=hint)
    return console.fail(unexpected, as_json=as_json)


def _traceback() -> None:
    import traceback

    from octo_resources.redaction import redact

    sys.stderr.write(redact(traceback.format_exc()))


__all__ = ["COMMANDS", "Entry", "app", "begin", "execute", "load_command", "run"]

if __name__ == "__main__":
    run()
