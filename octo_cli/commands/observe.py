"""`status`, `logs` and `history`: what runs, ran, waits, failed, why, and what is next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import completing, console
from octo_cli.commands.understand import Name, opened
from octo_core.errors import SpecError, UsageError
from octo_core.wording import rows_text

if TYPE_CHECKING:
    from octo_cli.outcomes import PipelineStatus
    from octo_cli.screen import Screen
    from octo_core.streaming import StreamState
    from octo_resources.flow import Workspace
    from octo_resources.flow.cleaning import Purge
    from octo_resources.registry.model import Execution

Pipeline = Annotated[
    str | None,
    typer.Argument(help="One pipeline; all when left out.", metavar="[NAME]", autocompletion=completing.pipelines),
]

history = typer.Typer(help="Past loads.", epilog="Example:  octopipe history list flights", no_args_is_help=True)


def status(name: Pipeline = None) -> None:
    """Show what runs, ran, waits, failed, why, and what is next.

    Example:  octopipe status flights
    """
    from octo_cli.outcomes import StatusAnswer
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    names = [name] if name else space.project.pipeline_names()
    if name:
        space.project.pipeline_file(name)
    newest = space.registry.executions.newest_of_all()
    found = [_status(space, one, newest.get(one)) for one in names]
    columns: list[console.Heading] = [
        "pipeline",
        "schedule",
        "plan",
        "last load",
        "status",
        ("rows", "right"),
        "at (UTC)",
        "next (UTC)",
    ]
    rows = [
        (
            one.pipeline,
            one.state,
            f"{one.plan[:8]} {one.plan_state}" if one.plan else None,
            one.load_id,
            one.status,
            one.rows,
            _shown(one.ended),
            _shown(one.next),
        )
        for one in found
    ]

    def show(screen: "Screen") -> None:
        screen.print(console.table(columns, rows))
        for one in found:
            whose = "" if name else f"{one.pipeline}: "
            if one.message:
                screen.print(f"{one.pipeline}: {console.clean(one.message)}")
            if one.stream is not None:
                screen.print(f"  {whose}{'stream':<9} {_streamed(one.stream)}")
            for step in one.steps:
                if name or step.state != "done":  # of all pipelines only what is not as it should be
                    said = console.clean(step.message or "")
                    screen.print(f"  {whose}{step.step:<9} {step.state:<8} {said}".rstrip())

    console.answer(StatusAnswer(pipelines=tuple(found)), show)


def _status(space: "Workspace", name: str, last: "Execution | None") -> "PipelineStatus":
    from octo_cli.outcomes import PipelineStatus, StepAnswer
    from octo_resources.flow import next_run
    from octo_resources.flow.living import is_gone
    from octo_resources.flow.stream_state import stream_state

    control = space.registry.controls.of(name)
    stored = space.registry.plans.newest(name)
    state = space.registry.plan_state(name, stored.plan.fingerprint) if stored else None
    message = last.error if last is not None and last.error else None
    gone = last is not None and last.status == "running" and is_gone(space.project.state, last.load_id)
    if gone:
        message = f"its process is gone; the next run finds out what became of it: octopipe run {name}"
    following = None
    try:
        pipeline = space.project.pipeline(name)
        if control.state == "started":
            following = next_run(pipeline, datetime.now(UTC))
    except SpecError as error:
        message = str(error)
    if state is not None and state != "approved" and stored is not None:
        message = message or f"plan {stored.plan.fingerprint[:8]} waits for approval: octopipe plan {name}"
    kept = set(StepAnswer.model_fields)
    return PipelineStatus.model_validate(
        {
            "pipeline": name,
            "state": control.state,
            "until": control.until,
            "plan": stored.plan.fingerprint if stored else None,
            "plan_state": state,
            "load_id": last.load_id if last else None,
            "status": "vanished" if gone else last.status if last else None,
            "rows": last.total_rows if last else None,
            "started": last.started if last else None,
            "ended": last.ended if last else None,
            "next": following,
            "message": message,
            "stream": stream_state(space.project.state, name),
            "steps": [step.model_dump(include=kept) for step in space.registry.steps.of(name)],
        }
    )


def _streamed(state: "StreamState") -> str:
    """A stream in a line."""
    parts = [state.status.replace("_", " "), f"{state.micro_batches:,} micro-batches, {rows_text(state.rows)}"]
    if state.delay is not None:
        parts.append(f"{state.delay.p50:.1f} s after the message, p99 {state.delay.p99:.1f} s")
    if state.behind:
        parts.append(f"{state.behind:,} messages wait")
    if state.message:
        parts.append(console.clean(state.message.splitlines()[0]))
    return " · ".join([*parts, f"since {_shown(state.since)}"])


def _shown(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None


def logs(
    name: Name,
    load: Annotated[str | None, typer.Option(help="One load, by its id or the beginning of it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
) -> None:
    """Show a pipeline's logs. With --json one document; with -f a document a line, as they come.

    Example:  octopipe logs flights -f
    """
    from octo_cli.outcomes import LogsAnswer
    from octo_resources.flow.logs import read_log

    space, _ = opened(name)
    if load is not None:
        _execution(space, name, load)
    lines = read_log(space.project.state, name, load=load, follow=follow)
    if console.session().json and not follow:
        console.answer(LogsAnswer(pipeline=name, lines=tuple(lines)), "")
        return
    for line in lines:
        console.answer_line(line, line.text)


@history.command("list")
def history_list(
    name: Pipeline = None, rows: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20
) -> None:
    """Past loads, the newest first.

    Example:  octopipe history list flights
    """
    from octo_cli.outcomes import HistoryAnswer, PastLoad
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    if name:
        space.project.pipeline_file(name)
    found = space.registry.executions.recent(name, limit=rows)
    columns: list[console.Heading] = [
        "load",
        "pipeline",
        "status",
        "plan",
        ("rows", "right"),
        ("seconds", "right"),
        "began (UTC)",
        "error",
    ]
    lines = [
        (
            one.load_id,
            one.pipeline,
            one.status,
            (one.fingerprint or "")[:8],
            one.total_rows,
            f"{one.seconds:.1f}" if one.seconds is not None else None,
            f"{one.started:%Y-%m-%d %H:%M:%S}",
            (one.error or "").split("\n")[0],
        )
        for one in found
    ]
    past = [PastLoad.model_validate(one.model_dump(exclude={"process"})) for one in found]
    console.answer(HistoryAnswer(loads=tuple(past)), lambda screen: screen.print(console.table(columns, lines)))


@history.command("clean")
def history_clean(
    name: Pipeline = None,
    older_than: Annotated[str, typer.Option("--older-than", help="How old: 30d, 12 w.")] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget old loads; never batch ids, approvals, positions, nor what runs.

    Example:  octopipe history clean --older-than 30d --dry-run
    """
    from octo_cli.outcomes import ForgottenAnswer
    from octo_core.spec.units import parse_duration
    from octo_resources.flow import Workspace
    from octo_resources.flow.cleaning import clean_history

    space = Workspace(console.open_project())
    if name:
        space.project.pipeline_file(name)
    try:
        age = parse_duration(older_than)
    except ValueError as error:
        raise UsageError(f"--older-than: {error}") from None
    if age.total_seconds() <= 0:
        raise UsageError("--older-than 0 would forget everything", hint="give an age, e.g. 30d")
    purge = _purge(space)
    there = clean_history(space, name, age, dry_run=True, purge=purge)
    text = (
        f"{there.loads} loads, {there.plans} plans' rows, {there.batches} batches' files and {there.runs} Dagster runs"
    )
    if dry_run or not there.anything:
        console.answer(
            ForgottenAnswer.model_validate(there.document(deleted=False)),
            f"would forget {text}" if there.anything else "nothing is that old",
        )
        return
    if not console.confirm(f"Forget {text}?", assume=yes):
        raise UsageError("nothing was forgotten", hint="say yes, or give --yes")
    done = clean_history(space, name, age, dry_run=False, purge=purge)
    console.answer(ForgottenAnswer.model_validate(done.document(deleted=True)), f"forgot {text}")


def _purge(space: "Workspace") -> "Purge | None":
    """Forgets runs in the project's own Dagster instance, where one has been used."""
    if not (space.project.state / "dagster").is_dir():
        return None
    from octo_resources.dagster import purge_runs  # dagster: 2.5 s, paid only where an instance is there

    root = space.project.root
    return lambda pipeline, before, dry_run: purge_runs(root, pipeline, before, dry_run=dry_run)


def _execution(space: "Workspace", name: str, prefix: str) -> "Execution":
    found: Sequence[Execution] = space.registry.executions.find(name, prefix)
    if not found:
        raise UsageError(f"{name} has no load '{prefix}'", hint=f"octopipe history list {name}")
    if len(found) > 1:
        raise UsageError(f"'{prefix}' begins {len(found)} loads of {name}", hint="give more of its id")
    return found[0]
