"""Run a pipeline's part of the `load` job here and now, in the project's Dagster instance."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster_shared.error import SerializableErrorInfo

from octo_assets.component import mistakes_of, project_definitions
from octo_assets.lost import ALIVE, end_lost_runs
from octo_assets.names import raw_key, table_keys
from octo_assets.schedules import pipeline_keys
from octo_assets.steps.common import ERROR, INTERRUPTED, STARTED_BY, at_terminal
from octo_core import errors
from octo_core.errors import OctopipeError, UsageError
from octo_core.ledger import LoadResult
from octo_resources.dagster import instance_of
from octo_resources.flow.living import alive
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Project

_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


@dataclass(frozen=True)
class Ran:
    """A run that has ended. `result` is None where no table was loaded: the plan waits, or a step before failed."""

    run_id: str
    success: bool
    result: LoadResult | None
    error: OctopipeError | None
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
    """Land, plan and load one pipeline as a Dagster run of the job `load`; the run is in the UI's list afterwards.

    Raises KeyboardInterrupt where it was interrupted.
    """
    spec = project.pipeline(name).spec
    definitions = project_definitions(project, [name])
    if not definitions.jobs:
        raise UsageError(f"Dagster does not take this pipeline: {mistakes_of(project, name)}", where=name)
    keys = pipeline_keys(spec)
    if tables is not None:
        unwanted = {key for table, key in table_keys(spec).items() if table not in tables}
        keys = [key for key in keys if key not in unwanted]
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {f"{name}__raw": {"config": {"full": full, "since": since}}},
    }
    alive_by = new_ulid(None)
    with instance_of(project.root) as instance, alive(project.state, alive_by), _at_terminal():
        end_lost_runs(instance, project.state)
        done = definitions.resolve_job_def("load").execute_in_process(
            instance=instance,
            asset_selection=keys,
            run_config=config,
            tags={"octopipe/pipeline": name, STARTED_BY: "cli", ALIVE: alive_by},
            raise_on_error=False,
        )
    if any(one.is_step_failure and _interrupted(one.step_failure_data) for one in done.all_events):
        raise KeyboardInterrupt
    return _ran(spec.name, list(spec.sources), done)


@contextmanager
def _at_terminal() -> Iterator[None]:
    token = at_terminal.set(True)
    try:
        yield
    finally:
        at_terminal.reset(token)


def _interrupted(failed: StepFailureData) -> bool:
    if failed.user_failure_data is not None:
        return failed.user_failure_data.description == INTERRUPTED
    return failed.error is not None and failed.error.cls_name in _INTERRUPTS


def _ran(name: str, sources: Sequence[str], done: dg.ExecuteInProcessResult) -> Ran:
    raw = {raw_key(name, source): source for source in sources}
    landed: dict[str, dict[str, Any]] = {}
    result: LoadResult | None = None
    error: OctopipeError | None = None
    for event in done.all_events:
        if event.event_type_value == "ASSET_MATERIALIZATION" and event.asset_key in raw:
            found = event.step_materialization_data.materialization.metadata
            landed[raw[event.asset_key]] = {key: value.value for key, value in found.items()}
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            document = event.asset_check_evaluation_data.metadata.get("result")
            result = LoadResult.model_validate(document.value) if document is not None else result
        if event.event_type_value == "STEP_FAILURE" and error is None:
            error = _error(event.step_failure_data)
    return Ran(done.run_id, done.success, result, error, landed)


def _unforeseen(error: SerializableErrorInfo | None) -> str | None:
    """What a step tripped over; where it ran out of tries, the last one's error says it."""
    while error is not None and error.cls_name == "RetryRequestedFromPolicy" and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else None


def _error(failed: StepFailureData) -> OctopipeError:
    """The error that ended a step, as it was raised there."""
    failure = failed.user_failure_data
    told = failure.metadata.get(ERROR) if failure else None
    if told is None or not isinstance(told.value, dict):
        said = failure.description if failure else _unforeseen(failed.error)
        return OctopipeError(said or "a step failed")
    kind = getattr(errors, str(told.value["kind"]), OctopipeError)
    message, where, hint = (told.value[part] for part in ("message", "where", "hint"))
    if kind is errors.NotApproved or kind is errors.TablesChanged:
        return kind(message, fingerprint=str(told.value["fingerprint"]), where=where, hint=hint)
    if kind in (errors.SpecError, errors.MappingOutgrown):
        mistakes = [errors.Mistake(**mistake) for mistake in told.value["mistakes"]]
        if kind is errors.SpecError:
            return errors.SpecError(mistakes)
        return errors.MappingOutgrown(mistakes, fingerprint=str(told.value["fingerprint"]), where=where, hint=hint)
    found: OctopipeError = kind(message, where=where, hint=hint)
    return found
