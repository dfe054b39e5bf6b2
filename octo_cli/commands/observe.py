"""`status`, `logs`, `quarantine` and `history`: what runs, ran, waits, failed, why, and what is next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import console
from octo_cli.commands.understand import Name, opened
from octo_core.errors import SpecError, UsageError

if TYPE_CHECKING:
    from octo_resources.flow import Workspace
    from octo_resources.flow.cleaning import Purge
    from octo_resources.registry.model import Execution

Pipeline = Annotated[str | None, typer.Argument(help="One pipeline; all when left out.", metavar="[NAME]")]

quarantine = typer.Typer(help="Rows that were set aside, with reasons.", no_args_is_help=True)
history = typer.Typer(help="Past loads.", no_args_is_help=True)


def status(name: Pipeline = None) -> None:
    """Show what runs, ran, waits, failed, why, and what is next.

    Example:  octopipe status flights
    """
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
            one["pipeline"],
            one["state"],
            one["plan_text"],
            one["load_id"],
            one["status"],
            one["rows"],
            one["ended"],
            one["next"],
        )
        for one in found
    ]

    def show(screen: Any) -> None:
        screen.print(console.table(columns, rows))
        for one in found:
            if one["message"]:
                screen.print(f"{one['pipeline']}: {console.clean(one['message'])}")
            for step in one["steps"]:
                screen.print(f"  {step['step']:<9} {step['state']:<8} {console.clean(step['message'] or '')}".rstrip())

    console.answer({"pipelines": found}, show)


def _status(space: "Workspace", name: str, last: "Execution | None") -> dict[str, Any]:
    from octo_resources.flow import next_run

    control = space.registry.controls.of(name)
    stored = space.registry.plans.newest(name)
    state = space.registry.plan_state(name, stored.plan.fingerprint) if stored else None
    message = last.error if last is not None and last.error else None
    following = None
    try:
        pipeline = space.project.pipeline(name)
        if control.state == "started":
            following = next_run(pipeline, datetime.now(UTC))
    except SpecError as error:
        message = str(error)
    if state is not None and state != "approved" and stored is not None:
        message = message or f"plan {stored.plan.fingerprint[:8]} waits for approval: octopipe plan {name}"
    return {
        "pipeline": name,
        "state": control.state,
        "until": _iso(control.until),
        "plan": stored.plan.fingerprint if stored else None,
        "plan_state": state,
        "plan_text": f"{stored.plan.fingerprint[:8]} {state}" if stored else None,
        "load_id": last.load_id if last else None,
        "status": last.status if last else None,
        "rows": last.total_rows if last else None,
        "started": _iso(last.started) if last else None,
        "ended": _iso(last.ended) if last else None,
        "next": _iso(following),
        "message": message,
        "steps": [
            {
                "step": step.step,
                "part": step.part,
                "state": step.state,
                "message": step.message,
                "ended": _iso(step.ended),
            }
            for step in space.registry.steps.of(name)
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def logs(
    name: Name,
    load: Annotated[str | None, typer.Option(help="One load, by its id or the beginning of it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
) -> None:
    """Show a pipeline's logs.

    Example:  octopipe logs flights -f
    """
    from octo_resources.flow.logs import read_log

    space, _ = opened(name)
    if load is not None:
        _execution(space, name, load)
    for line in read_log(space.project.state, name, load=load, follow=follow):
        console.say(line) if not console.session().json else console.answer({"line": line}, line)


@quarantine.command("list")
def quarantine_list(
    name: Name, load: Annotated[str | None, typer.Option(help="One load, by its id or the beginning of it.")] = None
) -> None:
    """Reasons for which rows were set aside, with their numbers, by load.

    Example:  octopipe quarantine list flights
    """
    from collections import Counter

    space, _ = opened(name)
    store = _store(space)
    wanted = [_execution(space, name, load).load_id] if load else store.loads(name)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for load_id in wanted:
        for row in store.read(name, load_id):
            counts[load_id, row.table, row.column or "", row.reason] += 1
    found = [
        {"load_id": load_id, "table": table, "column": column or None, "reason": reason, "rows": rows}
        for (load_id, table, column, reason), rows in sorted(counts.items(), key=lambda item: (item[0][0], -item[1]))
    ]
    total = sum(counts.values())
    rows = [(one["load_id"], one["table"], one["column"], one["reason"], one["rows"]) for one in found]
    columns: list[console.Heading] = ["load", "table", "column", "reason", ("rows", "right")]

    def show(screen: Any) -> None:
        screen.print(console.table(columns, rows) if rows else f"no row of {name} is set aside")

    console.answer({"pipeline": name, "total": total, "reasons": found}, show)


@quarantine.command("show")
def quarantine_show(
    name: Name,
    load: Annotated[str | None, typer.Option(help="One load, by its id or the beginning of it.")] = None,
    column: Annotated[str | None, typer.Option(help="Only rows set aside for this column.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
) -> None:
    """Rows that were set aside, with their payload as it came.

    Example:  octopipe quarantine show flights --rows 5
    """
    space, _ = opened(name)
    store = _store(space)
    wanted = [_execution(space, name, load).load_id] if load else list(reversed(store.loads(name)))
    found: list[dict[str, Any]] = []
    for load_id in wanted:
        for row in store.read(name, load_id):
            if len(found) < rows and column in (None, row.column):
                found.append({"load_id": load_id, **row.model_dump(mode="json")})

    def show(screen: Any) -> None:
        for one in found:
            place = f"{one['table']}{'.' + one['column'] if one['column'] else ''}"
            screen.print(console.clean(f"{one['id']}  {place}: {one['reason']}"), style="bold", soft_wrap=True)
            screen.print(console.clean(f"  {one['payload']}"), soft_wrap=True)
        if not found:
            screen.print(f"no row of {name} is set aside")

    console.answer({"pipeline": name, "rows": found}, show)


@history.command("list")
def history_list(
    name: Pipeline = None, rows: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20
) -> None:
    """Past loads, the newest first.

    Example:  octopipe history list flights
    """
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
    document = {"loads": [one.model_dump(mode="json", by_alias=True, exclude={"process"}) for one in found]}
    console.answer(document, lambda screen: screen.print(console.table(columns, lines)))


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
            there.document(deleted=False), f"would forget {text}" if there.anything else "nothing is that old"
        )
        return
    if not console.confirm(f"Forget {text}?", assume=yes):
        raise UsageError("nothing was forgotten", hint="say yes, or give --yes")
    done = clean_history(space, name, age, dry_run=False, purge=purge)
    console.answer(done.document(deleted=True), f"forgot {text}")


def _purge(space: "Workspace") -> "Purge | None":
    """Forgets runs in the project's own Dagster instance, where one has been used."""
    if not (space.project.state / "dagster").is_dir():
        return None
    from octo_resources.dagster import purge_runs  # dagster: 2.5 s, paid only where an instance is there

    root = space.project.root
    return lambda pipeline, before, dry_run: purge_runs(root, pipeline, before, dry_run=dry_run)


def _store(space: "Workspace") -> Any:
    from octo_resources.quarantine import Quarantine

    return Quarantine(space.project.state / "quarantine")


def _execution(space: "Workspace", name: str, prefix: str) -> "Execution":
    found: Sequence[Execution] = space.registry.executions.find(name, prefix)
    if not found:
        raise UsageError(f"{name} has no load '{prefix}'", hint=f"octopipe history list {name}")
    if len(found) > 1:
        raise UsageError(f"'{prefix}' begins {len(found)} loads of {name}", hint="give more of its id")
    return found[0]
