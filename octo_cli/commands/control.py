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
    """Turn a pipeline's schedule on.

    Example:  octopipe start flights
    """
    space, pipeline = opened(name)
    if pipeline.spec.schedule is None:
        raise UsageError(f"{name} has no schedule", hint='add to its file: schedule: {cron: "15 6 * * *"}')
    space.registry.controls.switch(name, "started", by=_who())
    _switch_in_dagster(space, name, on=True)
    _say(space, pipeline, f"{name} is started")


def stop(name: Name) -> None:
    """Turn a pipeline's schedule off; a load that runs ends cleanly.

    Example:  octopipe stop flights
    """
    space, pipeline = opened(name)
    space.registry.controls.switch(name, "stopped", by=_who())
    _switch_in_dagster(space, name, on=False)
    _say(space, pipeline, f"{name} is stopped")


def pause(
    name: Name,
    until: Annotated[
        str | None, typer.Option("--for", help="How long: 1d, 30 d, 2 h; till `start` when left out.")
    ] = None,
) -> None:
    """Turn a pipeline's schedule off for a time.

    Example:  octopipe pause flights --for 30d
    """
    from octo_core.spec.units import parse_duration

    space, pipeline = opened(name)
    try:
        end = datetime.now(UTC) + parse_duration(until) if until else None
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
    space.registry.controls.switch(name, "paused", until=end, by=_who())
    _say(
        space, pipeline, f"{name} is paused " + (f"until {end:%Y-%m-%d %H:%M} UTC" if end else "until `octopipe start`")
    )


def abort(
    name: Name, load: Annotated[str | None, typer.Option(help="Only this load; what runs now when left out.")] = None
) -> None:
    """End a load that runs, with nothing half done.

    Example:  octopipe abort flights
    """
    from octo_cli.outcomes import AbortAnswer

    space, _ = opened(name)
    running = space.registry.executions.recent(name, status="running", limit=1)
    if not running:
        raise UsageError(f"no load of {name} is running", hint=f"octopipe status {name}")
    space.registry.controls.ask_to_abort(name, load)
    answer = AbortAnswer(pipeline=name, load_id=running[0].load_id, asked=True)
    console.answer(answer, f"asked load {running[0].load_id} of {name} to end; it commits nothing")


def _say(space: "Workspace", pipeline: "Pipeline", text: str) -> None:
    from octo_cli.outcomes import ControlAnswer
    from octo_resources.flow import next_run

    control = space.registry.controls.of(pipeline.name)
    after = max(datetime.now(UTC), control.until or datetime.now(UTC))
    following = (
        next_run(pipeline, after)
        if control.state != "stopped" and (control.until or control.state == "started")
        else None
    )
    document = ControlAnswer(pipeline=pipeline.name, state=control.state, until=control.until, next=following)
    console.answer(document, text + (f"; its next run is at {following:%Y-%m-%d %H:%M} UTC" if following else ""))


def _who() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _switch_in_dagster(space: "Workspace", name: str, *, on: bool) -> None:
    """Turn the schedule in the project's Dagster instance, where one has been used."""
    if (space.project.root / ".octopipe" / "dagster").is_dir():
        from octo_assets.report import switch_schedule  # dagster: 2.5 s, paid only where an instance is there

        switch_schedule(space.project.root, space.pipeline(name).spec, on=on)
