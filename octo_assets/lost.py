"""Runs of `octopipe run` whose process was killed: they would stand as running for ever.

Each takes a place in Dagster's queue, and nothing loads by itself while a table seems to be loading. After the
processes that it starts itself Dagster looks.
"""

from pathlib import Path
from typing import Final

import dagster as dg

from octo_assets.sensing import UNDER_WAY

ALIVE: Final = "octopipe/alive"
"""The tag that names the lock which a run's process holds while it lives."""


def end_lost_runs(instance: dg.DagsterInstance, state: Path) -> list[str]:
    """Mark as failed what says that it runs and has no process on this machine any more; the ids of the runs."""
    from octo_resources.flow.living import is_gone, over

    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)):
        name = run.tags.get(ALIVE)
        if name is not None and is_gone(state, name):
            instance.report_run_failed(run, "Its process ended without a word: the next run loads what it did not.")
            over(state, name)
            ended.append(run.run_id)
    return ended


@dg.sensor(
    name="lost_runs",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs of `octopipe run` whose process was killed.",
    required_resource_keys={"landing"},
)
def lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing."""
    from octo_resources.project import Project

    ended = end_lost_runs(context.instance, Project.at(context.resources.landing.project).state)
    return dg.SkipReason(f"ended {', '.join(ended)}" if ended else "every run has its process")
