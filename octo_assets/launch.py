"""Run a pipeline's part of the `load` job here and now, in the project's Dagster instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from octo_assets.component import project_definitions
from octo_assets.names import raw_key, table_keys
from octo_assets.schedules import pipeline_keys
from octo_core.ledger import LoadResult
from octo_resources.dagster import instance_of
from octo_resources.project import Project


@dataclass(frozen=True)
class Ran:
    """A run that has ended. `result` is None where no table was loaded: the plan waits, or a step before failed."""

    run_id: str
    success: bool
    result: LoadResult | None
    error: str | None
    landed: dict[str, dict[str, Any]]
    """Source → the metadata of its landing."""


def launch(
    project: Project,
    name: str,
    *,
    tables: Sequence[str] | None = None,
    full: bool = False,
    since: str | None = None,
) -> Ran:
    """Land, plan and load one pipeline as a Dagster run of the job `load`; the run is in the UI's list afterwards."""
    spec = project.pipeline(name).spec
    definitions = project_definitions(project, [name])
    keys = pipeline_keys(spec)
    if tables is not None:
        unwanted = {key for table, key in table_keys(spec).items() if table not in tables}
        keys = [key for key in keys if key not in unwanted]
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {f"{name}__raw": {"config": {"full": full, "since": since}}},
    }
    with instance_of(project.root) as instance:
        done = definitions.resolve_job_def("load").execute_in_process(
            instance=instance,
            asset_selection=keys,
            run_config=config,
            tags={"octopipe/pipeline": name, "octopipe/started_by": "cli"},
            raise_on_error=False,
        )
    return _ran(spec.name, list(spec.sources), done)


def _ran(name: str, sources: Sequence[str], done: dg.ExecuteInProcessResult) -> Ran:
    raw = {raw_key(name, source): source for source in sources}
    landed: dict[str, dict[str, Any]] = {}
    result, error = None, None
    for event in done.all_events:
        if event.event_type_value == "ASSET_MATERIALIZATION" and event.asset_key in raw:
            found = event.step_materialization_data.materialization.metadata
            landed[raw[event.asset_key]] = {key: value.value for key, value in found.items()}
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            document = event.asset_check_evaluation_data.metadata.get("result")
            result = LoadResult.model_validate(document.value) if document is not None else result
        if event.event_type_value == "STEP_FAILURE" and error is None:
            failure = event.step_failure_data.user_failure_data
            cause = event.step_failure_data.error
            error = failure.description if failure else cause.message if cause else "a step failed"
    return Ran(done.run_id, done.success, result, error, landed)
