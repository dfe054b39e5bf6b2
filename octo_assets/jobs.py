"""The jobs that all pipelines share: a schedule, a sensor or the command line requests a pipeline's part of them."""

from typing import Any

import dagster as dg

from octo_assets.lost import lost_runs
from octo_assets.pauses import load_after_pause
from octo_assets.stream_sensor import stream_job

PROPOSE = dg.AssetSelection.tag("octopipe/step", "propose")
ALL = PROPOSE | dg.AssetSelection.tag("octopipe/step", "load")


def shared_jobs(any_pipeline: bool) -> dict[str, Any]:
    """`propose` (from raw to the plan), `load` (all of it) and the automation sensor, over every pipeline's assets.

    One job for all and not one a pipeline: a thousand jobs make the code location slow to load. Their steps share one
    process, for each process more would cost seconds of imports.
    """
    if not any_pipeline:
        return {}
    return {
        "jobs": [
            dg.define_asset_job(
                "propose",
                selection=PROPOSE,
                description="Read the sources, derive schemas, pull the destination, and make the plan to approve.",
                executor_def=dg.in_process_executor,
            ),
            dg.define_asset_job(
                "load",
                selection=ALL,
                description="All of a pipeline, in order: what is approved is loaded, what is not waits.",
                executor_def=dg.in_process_executor,
            ),
            stream_job,
        ],
        "sensors": [
            dg.AutomationConditionSensorDefinition(
                "load_when_approved",
                target=ALL,
                default_status=dg.DefaultSensorStatus.RUNNING,
                description="Starts the load after an approval, and after new data has landed.",
            ),
            load_after_pause,
            lost_runs,
        ],
    }
