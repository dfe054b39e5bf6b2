"""A sensor for `transport`: the steps after landing start where a batch is announced on the pipeline's topic."""

import json

import dagster as dg

from octo_assets.names import op_name, raw_key
from octo_assets.schedules import pipeline_keys
from octo_assets.sensing import space_of, switched
from octo_core.errors import OctopipeError
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Project


def announced_sensor(project: Project, spec: PipelineSpec) -> dg.SensorDefinition | None:
    """The sensor of a pipeline with a transport; off until `octopipe start` (or at once by `autostart`)."""
    if spec.transport is None:
        return None
    landing = {raw_key(spec.name, source) for source in spec.sources}
    keys = [key for key in pipeline_keys(spec) if key not in landing]

    @dg.sensor(
        name=op_name(spec.name, "announced"),
        job_name="load",
        minimum_interval_seconds=5,
        default_status=switched(project),
        description=f"Loads what is announced of {spec.name} on {spec.transport.kafka}.",
        required_resource_keys={"registry", "landing"},
    )
    def announced(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from octo_core.offsets import Offsets
        from octo_resources.flow import standing
        from octo_resources.kafka.transport import heard

        space = space_of(context.resources)
        if standing(space, spec.name).paused:
            return dg.SkipReason(f"{spec.name} is paused; what is announced waits")
        since = Offsets.of_position({"offsets": json.loads(context.cursor)}) if context.cursor else Offsets()
        try:
            found = heard(space.pipeline(spec.name), since)
        except OctopipeError as error:
            raise dg.Failure(str(error)) from None
        cursor = json.dumps(found.read_to.document())
        if not found.batches:
            return dg.SensorResult(skip_reason="nothing new is announced", cursor=cursor)
        request = dg.RunRequest(
            run_key=f"{spec.name}:{found.batches[-1]}:{len(found.batches)}",
            asset_selection=keys,
            tags={"octopipe/pipeline": spec.name, "octopipe/announced": found.batches[-1]},
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return announced
