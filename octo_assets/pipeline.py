"""One pipeline's definitions: its assets from raw to tables, its checks, its schedule and sensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from octo_assets.announced_sensor import announced_sensor
from octo_assets.kafka_sensor import kafka_sensor
from octo_assets.names import mapping_key
from octo_assets.push_sensor import push_sensor
from octo_assets.schedules import pipeline_keys, pipeline_schedule
from octo_assets.steps.approval import approval_asset
from octo_assets.steps.freshness import freshness_checks
from octo_assets.steps.raw import raw_assets
from octo_assets.steps.tables import table_assets
from octo_assets.steps.understand import understanding_assets
from octo_assets.stream_sensor import stream_sensor
from octo_resources.project import Pipeline, Project


@dataclass(frozen=True)
class Built:
    """What one pipeline brings to the code location."""

    keys: Sequence[dg.AssetKey]
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
    checks: Sequence[dg.AssetChecksDefinition] = ()
    schedule: dg.ScheduleDefinition | None = None
    sensors: Sequence[dg.SensorDefinition] = ()
    broken: bool = False
    mistakes: str = ""
    """What is wrong with a broken one, as it was said."""


def pipeline_definitions(project: Project, pipeline: Pipeline) -> Built:
    """Assets, checks and schedule of one pipeline. Reads files only: no source, destination or registry is touched.

    Raises SpecError, and Dagster's DagsterInvalidDefinitionError for what Dagster cannot take.
    """
    spec = pipeline.spec
    assets = [
        raw_assets(spec),
        understanding_assets(pipeline),
        approval_asset(spec),
        table_assets(project, spec),
    ]
    made = (kafka_sensor, push_sensor, stream_sensor, announced_sensor)
    sensors = [make(project, spec) for make in made]
    return Built(
        pipeline_keys(spec),
        assets,
        freshness_checks(spec),
        pipeline_schedule(project, spec),
        [sensor for sensor in sensors if sensor is not None],
    )


def broken_pipeline(name: str, mistakes: str) -> Built:
    """A pipeline whose file has mistakes: one asset that cannot be run and whose description names them."""
    spec = dg.AssetSpec(
        mapping_key(name),
        group_name=name if name.replace("_", "a").isalnum() and name.isascii() else None,
        description=(
            f"This pipeline's files have mistakes, so nothing of it can run.\n\n```\n{mistakes}\n```\n\n"
            "Mend them (`octopipe check` tells all of them), then reload the code location."
        ),
        tags={"octopipe/broken": "true"},
        kinds={"broken"},
    )
    return Built([spec.key], [spec], broken=True, mistakes=mistakes)
