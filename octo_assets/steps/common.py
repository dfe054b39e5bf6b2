"""What all steps of a pipeline share: its folder at run time, its place in the UI, and how errors become failures."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.utils import is_valid_owner

from octo_assets.selection import PIPELINE_TAG
from octo_core.errors import LoadAborted, Mistake, OctopipeError
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.full_disk import full_disk
from octo_resources.project import Pipeline
from octo_resources.redaction import redact

if TYPE_CHECKING:
    from octo_resources.flow import Workspace

at_terminal: ContextVar[bool] = ContextVar("at_terminal", default=False)
"""Whether the run is a command's own process. Dagster tries steps that were interrupted again as `retries` says; who
presses Ctrl-C has had enough."""
INTERRUPTED = "interrupted"

Materialized = dg.MaterializeResult[None]
Metadata = dict[str, Any]

STARTED_BY = "octopipe/started_by"
"""The tag of a run that says who asked for it."""
ERROR = "octopipe/error"
"""Metadata of a failed step: the error's kind, message, place and hint, for who started the run."""


_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]")


def spec_fields(spec: PipelineSpec, step: str = "propose") -> dict[str, Any]:
    """Group, owner and tags that every asset of a pipeline carries; `step` is `propose` or `load`."""
    tags = {_tag(key): _tag(value) for key, value in spec.tags.items()}
    return {
        "group_name": spec.name,
        "owners": [_owner(spec.owner)] if spec.owner else [],
        "tags": {**tags, PIPELINE_TAG: spec.name, "octopipe/step": step},
    }


def _tag(text: str) -> str:
    """Dagster's tags hold fewer signs than a file's."""
    return _NOT_IN_TAGS.sub("_", text)[:63]


def _owner(text: str) -> str:
    """Dagster knows e-mail addresses and teams: what is neither is a team's name."""
    return text if is_valid_owner(text) else f"team:{text}"


def retry_policy(spec: PipelineSpec) -> dg.RetryPolicy | None:
    """The file's `retries` as Dagster's policy, with full jitter."""
    if spec.retries.max == 0:
        return None
    backoff = {"exponential": dg.Backoff.EXPONENTIAL, "linear": dg.Backoff.LINEAR, "none": None}[spec.retries.backoff]
    return dg.RetryPolicy(
        max_retries=spec.retries.max,
        delay=spec.retries.delay.total_seconds(),
        backoff=backoff,
        jitter=dg.Jitter.FULL,
    )


def patient(context: dg.AssetExecutionContext, spec: PipelineSpec) -> bool:
    """Whether a step may be tried again: not while a person waits at a terminal, unless the file asks for `retries`."""
    return "retries" in spec.model_fields_set or context.run.tags.get(STARTED_BY) != "cli"


@contextmanager
def failures_in_plain_words(retry: bool = True, *, but: type[OctopipeError] | tuple[()] = ()) -> Iterator[None]:
    """Turn our errors into Dagster failures: the message and no traceback; retried only where that can help.

    `but` goes through as it is.
    """
    try:
        with _full_disks():
            yield
    except but:
        raise
    except OctopipeError as error:
        told = {
            "kind": type(error).__name__,
            "message": redact(error.message),
            "where": redact(error.where) if error.where else None,
            "hint": redact(error.hint) if error.hint else None,
            "fingerprint": getattr(error, "fingerprint", None),
            "mistakes": [_told(mistake) for mistake in getattr(error, "mistakes", ())],
        }
        _let_go(error)
        raise dg.Failure(
            description=redact(str(error)),
            metadata={ERROR: dg.JsonMetadataValue(told)},
            allow_retries=retry and error.retryable,
        ) from None
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt) as interrupt:
        _let_go(interrupt)
        if not at_terminal.get():
            raise
        raise dg.Failure(description=INTERRUPTED, allow_retries=False) from None


def _let_go(error: BaseException | None) -> None:
    """Empty the frames that an error and those before it hold.

    Dagster keeps the failure as long as the process lives, and with it what its frames held: DuckDB's connections would
    tell of leaks on standard error at the end of `octopipe run`.
    """
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def being_cancelled(context: dg.AssetExecutionContext) -> bool:
    """Whether somebody ends this run in Dagster."""
    run = context.instance.get_run_by_id(context.run.run_id)
    return run is not None and run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


@contextmanager
def cancelled_with_its_run(context: dg.AssetExecutionContext) -> Iterator[None]:
    """A load that ended because its run is being cancelled is cancelled, and not failed."""
    try:
        yield
    except LoadAborted:
        if being_cancelled(context):
            raise dg.DagsterExecutionInterruptedError from None
        raise


@contextmanager
def _full_disks() -> Iterator[None]:
    """What DuckDB, SQLite or the system says of a full disk as an error of ours."""
    try:
        yield
    except OctopipeError:
        raise
    except Exception as error:
        full = full_disk(error)
        if full is None:
            raise
        raise full from error


def _told(mistake: Mistake) -> dict[str, Any]:
    """A mistake as metadata can hold it; Mistake(**told) makes it again."""
    said = asdict(mistake)
    return {**said, "message": redact(mistake.message), "snippet": mistake.snippet and redact(mistake.snippet)}


def workspace(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> "Workspace":
    """The project folder as the run's resources say."""
    from octo_resources.flow import Workspace  # with DuckDB and sqlglot 0.5 s, which no code location has to wait for

    resources = context.resources
    registry = resources.registry
    return Workspace.open(resources.landing.project, registry=registry.open(), silences=registry.silences)


def pipeline_of(space: "Workspace", spec: PipelineSpec) -> Pipeline:
    """The pipeline's files as they are now, which may be newer than the definitions of this code location."""
    return space.project.pipeline(spec.name)


def progress_to(context: dg.AssetExecutionContext) -> Callable[[int, int, str], None]:
    """A progress callable that writes a line to the run's log at most every few seconds."""
    import time

    last = [time.monotonic()]

    def report(rows: int, size: int, note: str) -> None:
        if time.monotonic() - last[0] >= 5:
            last[0] = time.monotonic()
            context.log.info(f"{note}: {rows:,} rows, {size / 1e6:,.1f} MB")

    return report
