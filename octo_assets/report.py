"""Tell Dagster of a decision that was made elsewhere: the load follows by automation condition."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.names import approved_key, op_name
from octo_assets.selection import PIPELINE_TAG
from octo_assets.steps.common import Metadata
from octo_core.plan.model import Plan
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.dagster import instance_of

if TYPE_CHECKING:
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.scheduler.instigation import InstigatorState


def report_decision(root: Path, pipeline: str, fingerprint: str, verdict: str, reviewer: str) -> None:
    """An approval as a materialization of `approved_mapping`; and either verdict as its `approval` check."""
    key = approved_key(pipeline)
    approved = verdict == "approve"
    with instance_of(root) as instance:
        if approved:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset_key=key,
                    metadata={"fingerprint": fingerprint, "reviewer": reviewer, "state": "approved"},
                    tags={"dagster/data_version": fingerprint[:16]},
                )
            )
        _report_check(instance, key, passed=approved, metadata={"fingerprint": fingerprint, "reviewer": reviewer})


def report_plan(root: Path, plan: Plan) -> None:
    """A plan made elsewhere that waits for approval: the gate's `approval` check says so from now on."""
    about: Metadata = {"fingerprint": plan.fingerprint, "state": plan.state}
    with instance_of(root) as instance:
        _report_check(instance, approved_key(plan.pipeline), passed=plan.state == "approved", metadata=about)


def _report_check(instance: dg.DagsterInstance, key: dg.AssetKey, *, passed: bool, metadata: Metadata) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=key, check_name="approval", passed=passed, metadata=metadata)
    )


def switch_schedule(root: Path, spec: PipelineSpec, *, on: bool) -> None:
    """Start or stop a pipeline's schedule and sensors in the instance, as their switches in the UI do.

    No code server is needed.
    """
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    if (spec.schedule is None and not _sensors(spec)) or not (root / "workspace.yaml").is_file():
        return
    with instance_of(root) as instance:
        for location in location_origins_from_yaml_paths([str(root / "workspace.yaml")]):
            repository = RemoteRepositoryOrigin(location, "__repository__")
            for state in _switched(spec, repository, on=on):
                selector = state.origin.get_selector().get_id()
                if instance.get_instigator_state(state.origin.get_id(), selector) is None:
                    instance.add_instigator_state(state)
                else:
                    instance.update_instigator_state(state)


def cancel_queued(root: Path, pipeline: str) -> list[str]:
    """Cancel the runs of a pipeline, and of no other with it, that nobody has begun; their ids."""
    with instance_of(root) as instance:
        waiting = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
        own = [run.run_id for run in waiting if _is_of(run, pipeline)]
        return [run_id for run_id in own if instance.run_coordinator.cancel_run(run_id)]


def _is_of(run: dg.DagsterRun, pipeline: str) -> bool:
    """Whether a run is a pipeline's alone: by its tag, or where an automation asked for it by its assets."""
    tag, keys = run.tags.get(PIPELINE_TAG), run.asset_selection or ()
    return tag == pipeline if tag is not None else bool(keys) and all(key.path[0] == pipeline for key in keys)


def _sensors(spec: PipelineSpec) -> list[str]:
    """The names of the sensors that watch what comes by itself."""
    kinds = {source.kind for source in spec.sources.values()}
    comes = {
        "stream": spec.stream is not None,
        "kafka": spec.stream is None and "kafka" in kinds,
        "pushed": spec.stream is None and "push" in kinds,
        "announced": spec.transport is not None,
    }
    return [op_name(spec.name, name) for name, there in comes.items() if there]


def _switched(spec: PipelineSpec, repository: "RemoteRepositoryOrigin", *, on: bool) -> "Iterator[InstigatorState]":
    """The states of a pipeline's schedule and sensors, as they are to be."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.remote_origin import RemoteInstigatorOrigin
    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorStatus,
        ScheduleInstigatorData,
        SensorInstigatorData,
    )
    from dagster._time import get_current_timestamp

    status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
    if spec.schedule is not None:
        data = ScheduleInstigatorData(spec.schedule.cron, get_current_timestamp() if on else None)
        origin = RemoteInstigatorOrigin(repository, op_name(spec.name, "schedule"))
        yield InstigatorState(origin, InstigatorType.SCHEDULE, status, data)
    for name in _sensors(spec):
        origin = RemoteInstigatorOrigin(repository, name)
        yield InstigatorState(origin, InstigatorType.SENSOR, status, SensorInstigatorData())
