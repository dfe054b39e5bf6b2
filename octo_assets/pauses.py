"""What `octopipe pause` holds back in runs that nobody started by hand, and the sensor that makes up for it."""

import json
from typing import TYPE_CHECKING, Final

import dagster as dg
from dagster._core.storage.tags import AUTOMATION_CONDITION_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from octo_assets.sensing import end_of_pause, space_of

if TYPE_CHECKING:
    from octo_resources.flow import Workspace

HELD_BACK: Final = "octopipe/held_back"
"""The tag of a run that loaded nothing as its pipeline was paused."""
_PIPELINES: Final = "octopipe/held_back_pipelines"
_BY_ITSELF: Final = (AUTOMATION_CONDITION_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG)
_NEWEST: Final = 100


def held_back(context: dg.AssetExecutionContext, space: "Workspace", pipeline: str) -> bool:
    """Whether this run is to load nothing: a pause came after it was asked for, or an approval came within the pause.

    What a person starts by hand runs. The run is tagged, so that its load follows the pause.
    """
    from octo_resources.flow import standing

    run = context.instance.get_run_by_id(context.run.run_id) or context.run
    if not any(tag in run.tags for tag in _BY_ITSELF):
        return False
    state = standing(space, pipeline)
    if not state.paused:
        return False
    names = {*filter(None, run.tags.get(_PIPELINES, "").split(",")), pipeline}
    context.instance.add_run_tags(run.run_id, {HELD_BACK: "paused", _PIPELINES: ",".join(sorted(names))})
    until = end_of_pause(state, pipeline)
    context.log.warning(f"{pipeline} is paused until {until}: nothing is loaded by itself before, and all of it then.")
    return True


@dg.sensor(
    name="load_after_pause",
    job_name="load",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts what a pause held back, once that is over.",
    required_resource_keys={"registry", "landing"},
)
def load_after_pause(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A run of the same assets as each run that was held back. Its cursor: those that were made up for."""
    found = context.instance.get_runs(dg.RunsFilter(tags={HELD_BACK: "paused"}), limit=_NEWEST)
    done = set(json.loads(context.cursor or "[]"))
    waits = [run for run in found if run.run_id not in done]
    if not waits:
        return dg.SkipReason("no pause held anything back")
    space = space_of(context.resources)
    over = [run for run in waits if _over(space, run)]
    requests = [
        dg.RunRequest(run_key=f"after the pause {run.run_id}", asset_selection=sorted(run.asset_selection or ()))
        for run in over
    ]
    done |= {run.run_id for run in over}
    return dg.SensorResult(
        requests,
        skip_reason=None if requests else dg.SkipReason(f"{len(waits)} runs wait for the end of a pause"),
        cursor=json.dumps(sorted(done & {run.run_id for run in found})),
    )


def _over(space: "Workspace", run: dg.DagsterRun) -> bool:
    """Whether any of its pipelines may run again; what is paused still is held back again in the new run."""
    from octo_resources.flow import standing

    return not all(standing(space, name).paused for name in run.tags[_PIPELINES].split(","))
