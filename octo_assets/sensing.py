"""What sensors have in common: whether a run is under way, and how a pipeline stands at a tick."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Project

if TYPE_CHECKING:
    from octo_resources.flow import Workspace
    from octo_resources.flow.state import Standing

UNDER_WAY: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

LONGEST_WAIT: Final = 3600.0
"""Seconds between attempts at what keeps failing."""
_DOUBLED: Final = 30
"""Times that a wait is doubled at most: far beyond LONGEST_WAIT."""


def switched(project: Project) -> dg.DefaultSensorStatus:
    """Off until `octopipe start`, or on at once where octopipe.yaml says autostart."""
    return dg.DefaultSensorStatus.RUNNING if project.spec.rules.autostart else dg.DefaultSensorStatus.STOPPED


def space_of(resources: Any) -> "Workspace":
    """The workspace of a tick's resources."""
    from octo_resources.flow import Workspace

    return Workspace.open(resources.landing.project, registry=resources.registry.open())


def end_of_pause(state: "Standing", name: str) -> str:
    """Until when a paused pipeline is, in words: a time, or what ends the pause."""
    return f"{state.paused_until:%Y-%m-%d %H:%M} UTC" if state.paused_until else f"octopipe start {name}"


def is_under_way(instance: dg.DagsterInstance, tags: dict[str, str]) -> bool:
    """Whether a run with these tags waits, runs or is being cancelled."""
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=UNDER_WAY)) > 0


def waited(delay: timedelta, attempts: int) -> float:
    """Seconds between the last of so many attempts and the next: twice as long each time."""
    return float(min(LONGEST_WAIT, delay.total_seconds() * 2.0 ** min(attempts - 1, _DOUBLED)))


def until_again(instance: dg.DagsterInstance, tags: dict[str, str], delay: timedelta) -> float | None:
    """Seconds until a run with these tags is started again, as the newest failed: twice as many for each that failed
    before it. None where the newest did not fail."""
    failed = 0
    ended = 0.0
    for record in instance.get_run_records(filters=dg.RunsFilter(tags=tags), limit=12):
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
            break
        failed, ended = failed + 1, max(ended, record.end_time or 0.0)
    if not failed:
        return None
    return max(0.0, ended + waited(delay, failed) - datetime.now(UTC).timestamp())


def once_more(
    context: dg.SensorEvaluationContext, spec: PipelineSpec, keys: Sequence[dg.AssetKey], tags: dict[str, str]
) -> dg.RunRequest | dg.SkipReason | None:
    """Another run of `keys` where the last one failed and nothing new came since: what it landed is still to be loaded.

    None where the last one did not fail, or another sensor starts the load (`transport`).
    """
    wait = until_again(context.instance, tags, spec.retries.delay) if spec.transport is None else None
    if wait is None:
        return None
    if wait:
        return dg.SkipReason(f"the last run of {spec.name} failed; once more after {wait:.0f} s")
    return dg.RunRequest(asset_selection=keys, tags=tags)
