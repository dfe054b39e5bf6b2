"""The jobs that all pipelines share: a schedule, a sensor or the command line requests a pipeline's part of them."""

from collections.abc import Sequence

import dagster as dg


def shared_jobs(parts: Sequence[dg.Definitions]) -> dg.Definitions:
    """`propose` (from raw to the plan) and `load` (all of it), over every pipeline's assets.

    One job for all and not one a pipeline: a thousand jobs make the code location slow to load.
    """
    if not any(part.assets for part in parts):
        return dg.Definitions()
    loading = dg.AssetSelection.tag("octopipe/step", "propose") | dg.AssetSelection.tag("octopipe/step", "load")
    in_process = dg.in_process_executor
    return dg.Definitions(
        jobs=[
            dg.define_asset_job(
                "propose",
                selection=dg.AssetSelection.tag("octopipe/step", "propose"),
                description="Read the sources, derive schemas, pull the destination, and make the plan to approve.",
                executor_def=in_process,
            ),
            dg.define_asset_job(
                "load",
                selection=loading,
                description="All of a pipeline, in order: what is approved is loaded, what is not waits.",
                executor_def=in_process,
            ),
        ],
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "load_when_approved",
                target=loading,
                default_status=dg.DefaultSensorStatus.RUNNING,
                description="Starts the load after an approval, and after new data has landed.",
            )
        ],
    )
