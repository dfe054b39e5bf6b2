"""A pipeline's schedule: a cron tick that asks for its part of the `load` job."""

import dagster as dg
from dagster._core.storage.tags import SCHEDULE_NAME_TAG

from octo_assets.names import approved_key, destination_key, mapping_key, op_name, raw_key, schema_key, table_keys
from octo_assets.sensing import end_of_pause, space_of
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Project


def pipeline_keys(spec: PipelineSpec) -> list[dg.AssetKey]:
    """Every asset of a pipeline: what a run of it selects."""
    return [
        *(raw_key(spec.name, source) for source in spec.sources),
        *(schema_key(spec.name, source) for source in spec.sources),
        destination_key(spec.name),
        mapping_key(spec.name),
        approved_key(spec.name),
        *table_keys(spec).values(),
    ]


def started_keys(spec: PipelineSpec) -> list[dg.AssetKey]:
    """What a schedule or sensor starts: all of a pipeline; with a transport its landing, which announces the rest."""
    if spec.transport is None:
        return pipeline_keys(spec)
    return [raw_key(spec.name, source) for source in spec.sources]


def pipeline_schedule(project: Project, spec: PipelineSpec) -> dg.ScheduleDefinition | None:
    """The file's `schedule`; off until `octopipe start` (or at once where octopipe.yaml says autostart)."""
    if spec.schedule is None:
        return None
    keys = started_keys(spec)
    running = project.spec.rules.autostart

    @dg.schedule(
        name=op_name(spec.name, "schedule"),
        job_name="load",
        cron_schedule=spec.schedule.cron,
        execution_timezone=spec.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED,
        description=f"Runs {spec.name}: {spec.schedule.cron} ({spec.schedule.timezone}).",
        required_resource_keys={"registry", "landing"},
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from octo_resources.flow import standing

        state = standing(space_of(context.resources), spec.name)
        if state.paused:
            return dg.SkipReason(f"{spec.name} is paused until {end_of_pause(state, spec.name)}")
        tags = {"octopipe/pipeline": spec.name}
        if _queued(context.instance, {**tags, SCHEDULE_NAME_TAG: op_name(spec.name, "schedule")}):
            return dg.SkipReason(f"a run of {spec.name} waits in the queue already; it reads all that is new")
        if state.waits_for is not None:
            context.log.warning(f"Plan {state.waits_for[:8]} of {spec.name} waits for approval; its data still lands.")
            tags["octopipe/waits_for_approval"] = state.waits_for[:8]
        return dg.RunRequest(asset_selection=keys, tags=tags)

    return tick


def _queued(instance: dg.DagsterInstance, tags: dict[str, str]) -> bool:
    """Whether such a run has not begun yet: where ticks come faster than runs end, they would pile up."""
    waits = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=waits)) > 0
