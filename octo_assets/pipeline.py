"""One pipeline's definitions: its assets from raw to tables, its checks and its schedule."""

import dagster as dg

from octo_assets.names import mapping_key
from octo_assets.schedules import pipeline_schedule
from octo_assets.steps.approval import approval_asset
from octo_assets.steps.destination import destination_asset
from octo_assets.steps.freshness import freshness_checks
from octo_assets.steps.mapping import mapping_asset
from octo_assets.steps.raw import raw_assets
from octo_assets.steps.schema import schema_assets
from octo_assets.steps.tables import table_assets
from octo_resources.project import Pipeline, Project


def pipeline_definitions(project: Project, pipeline: Pipeline) -> dg.Definitions:
    """Assets, checks and schedule of one pipeline. Reads files only: no source, destination or registry is touched."""
    spec = pipeline.spec
    assets = [
        raw_assets(spec),
        schema_assets(spec),
        destination_asset(spec),
        mapping_asset(spec),
        approval_asset(spec),
        table_assets(project, spec),
    ]
    schedule = pipeline_schedule(project, spec)
    return dg.Definitions(
        assets=assets, asset_checks=freshness_checks(spec), schedules=[schedule] if schedule is not None else []
    )


def broken_pipeline(name: str, mistakes: str) -> dg.Definitions:
    """A pipeline whose file has mistakes: one asset that cannot be run and whose description names them."""
    spec = dg.AssetSpec(
        mapping_key(name),
        group_name=name,
        description=f"This pipeline's files have mistakes, so nothing of it can run.\n\n```\n{mistakes}\n```",
        tags={"octopipe/broken": "true"},
    )
    return dg.Definitions(assets=[spec])
