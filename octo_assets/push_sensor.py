"""A sensor for what is pushed: a run of its pipeline where enough waits, or where something has waited long enough."""

import dagster as dg

from octo_assets.names import op_name
from octo_assets.schedules import started_keys
from octo_assets.sensing import is_under_way, once_more, space_of, switched
from octo_core.spec.pipeline import PipelineSpec
from octo_core.spec.sources import PushSource
from octo_resources.project import Project

_FEWEST_SECONDS = 5


def push_sensor(project: Project, spec: PipelineSpec) -> dg.SensorDefinition | None:
    """The sensor of a pipeline that is pushed to; off until `octopipe start` (or at once by `autostart`).

    None where nothing is pushed, or where the pipeline streams.
    """
    ages = [one.batch.age.total_seconds() for one in spec.sources.values() if isinstance(one, PushSource)]
    if not ages or spec.stream is not None:  # a stream takes what is pushed as it comes
        return None
    keys = started_keys(spec)

    @dg.sensor(
        name=op_name(spec.name, "pushed"),
        job_name="load",
        minimum_interval_seconds=max(_FEWEST_SECONDS, int(min(ages))),
        default_status=switched(project),
        description=f"Runs {spec.name} when what was pushed waits.",
        required_resource_keys={"registry", "landing"},
    )
    def pushed_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from octo_resources.flow import standing
        from octo_resources.flow.pushing import pushed_due

        space = space_of(context.resources)
        state = standing(space, spec.name)
        if state.paused:
            return dg.SkipReason(f"{spec.name} is paused; what is pushed waits in the queue")
        tags = {"octopipe/pipeline": spec.name}
        due = pushed_due(space, spec)
        if not due:
            again = once_more(context, spec, keys, tags) if state.waits_for is None else None
            return again or dg.SkipReason("nothing waits that is due")
        if is_under_way(context.instance, tags):
            return dg.SkipReason(f"{'; '.join(due)}: a run of {spec.name} is under way")
        if state.waits_for is not None:
            context.log.warning(f"Plan {state.waits_for[:8]} of {spec.name} waits for approval; its data still lands.")
            tags["octopipe/waits_for_approval"] = state.waits_for[:8]
        return dg.RunRequest(asset_selection=keys, tags=tags)

    return pushed_sensor
