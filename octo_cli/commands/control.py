"""`start`, `stop`, `pause` and `abort`: whether a pipeline runs by itself, and the end of what runs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import console
from octo_cli.commands.understand import Name, opened
from octo_core.errors import UsageError

if TYPE_CHECKING:
    from octo_resources.flow import Workspace
    from octo_resources.project import Pipeline


def start(name: Name) -> None:
    """Turn a pipeline's schedule on, and the sensors of what comes by itself; it ends a pause.

    Example:  octopipe start flights
    """
    space, pipeline = opened(name)
    sensed = any(source.kind in ("kafka", "push") for source in pipeline.spec.sources.values())
    if pipeline.spec.schedule is None and not sensed and pipeline.spec.transport is None:
        if space.registry.controls.of(name).state == "paused":
            space.registry.controls.switch(name, "stopped", by=who())
            _say(space, pipeline, f"{name} is no longer paused; it has no schedule")
            return
        raise UsageError(f"{name} has no schedule", hint='add to its file: schedule: {cron: "15 6 * * *"}')
    space.registry.controls.switch(name, "started", by=who())
    _switch_in_dagster(space, name, on=True)
    _say(space, pipeline, f"{name} is started")


def stop(name: Name) -> None:
    """Turn a pipeline's schedule off; a load that runs ends cleanly. A pause stays one, with nothing to go back to.

    Example:  octopipe stop flights
    """
    space, pipeline = opened(name)
    control = space.registry.controls.stop(name, by=who())
    _switch_in_dagster(space, name, on=False)
    until = f"{control.until:%Y-%m-%d %H:%M} UTC" if control.until else "`octopipe start`"
    _say(space, pipeline, f"{name} is stopped" + (f", and paused until {until}" * (control.state == "paused")))


def pause(
    name: Name,
    until: Annotated[
        str | None, typer.Option("--for", help="How long: 1d, 30 d, 2 h; till `start` when left out.")
    ] = None,
) -> None:
    """Turn a pipeline off for a time: its schedule, and the load that follows an approval.

    Example:  octopipe pause flights --for 30d
    """
    from octo_core.spec.units import parse_duration

    space, pipeline = opened(name)
    try:
        end = datetime.now(UTC) + parse_duration(until) if until else None
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
    except OverflowError:
        raise UsageError(
            f"--for: {until} from now is past the calendar's end; leave it out to pause till `start`"
        ) from None
    space.registry.controls.switch(name, "paused", until=end, by=who())
    _say(
        space, pipeline, f"{name} is paused " + (f"until {end:%Y-%m-%d %H:%M} UTC" if end else "until `octopipe start`")
    )


def abort(
    name: Name, load: Annotated[str | None, typer.Option(help="Only this load; what runs now when left out.")] = None
) -> None:
    """End a load that runs, the reading before it, or a run that waits in Dagster's queue, with nothing half done.

    Example:  octopipe abort flights
    """
    from octo_cli.outcomes import AbortAnswer
    from octo_resources.flow.living import is_gone
    from octo_resources.flow.watching import reading

    space, pipeline = opened(name)
    known = space.registry.executions.recent(name, status="running")
    running = [one for one in known if not is_gone(space.project.state, one.load_id)]
    if load is not None:
        running = [one for one in running if one.load_id.startswith(load)]
    if not running and load is None and (sources := reading(space, pipeline)):
        space.registry.controls.ask_to_abort(name)
        console.answer(
            AbortAnswer(pipeline=name, load_id="", asked=True),
            f"asked the reading of {', '.join(sources)} to end; nothing of it lands",
        )
        return
    if not running and load is None and (waited := _cancelled_in_dagster(space, name)):
        console.answer(
            AbortAnswer(pipeline=name, load_id="", asked=True),
            f"cancelled {' and '.join(f'run {one[:8]}' for one in waited)} of {name}, which had not begun",
        )
        return
    if not running:
        what = f"no load of {name} is running" if load is None else f"{name} runs no load '{load}'"
        raise UsageError(what, hint=f"octopipe status {name}")
    if load is not None and len(running) > 1:
        raise UsageError(f"'{load}' begins {len(running)} loads of {name} that run", hint="give more of its id")
    space.registry.controls.ask_to_abort(name, running[0].load_id if load is not None else None)
    asked = ", ".join(one.load_id for one in running)
    answer = AbortAnswer(pipeline=name, load_id=running[0].load_id, asked=True)
    console.answer(answer, f"asked load {asked} of {name} to end; it commits nothing")


def _say(space: "Workspace", pipeline: "Pipeline", text: str) -> None:
    from octo_cli.outcomes import ControlAnswer
    from octo_resources.flow import next_run

    control = space.registry.controls.of(pipeline.name)
    on = "started" in (control.state, control.paused_from)
    after = max(datetime.now(UTC), control.until or datetime.now(UTC))
    following = next_run(pipeline, after) if on and (control.until or control.state == "started") else None
    document = ControlAnswer(pipeline=pipeline.name, state=control.state, until=control.until, next=following)
    console.answer(document, text + (f"; its next run is at {following:%Y-%m-%d %H:%M} UTC" if following else ""))


def who() -> str | None:
    """The user who runs this command, as the machine knows them."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _cancelled_in_dagster(space: "Workspace", name: str) -> list[str]:
    """The runs of the pipeline that waited in Dagster's queue and are cancelled."""
    if not (space.project.root / "workspace.yaml").is_file():
        return []
    from octo_assets.report import cancel_queued

    return cancel_queued(space.project.root, name)


def _switch_in_dagster(space: "Workspace", name: str, *, on: bool) -> None:
    """Turn the schedule in the project's Dagster instance."""
    # Also before `dagster dev` ran for the first time: a schedule that is said to be on and is not runs nothing.
    if (space.project.root / "workspace.yaml").is_file():
        from octo_assets.report import switch_schedule  # dagster: 2.5 s, paid only where there is a code location

        switch_schedule(space.project.root, space.pipeline(name).spec, on=on)
