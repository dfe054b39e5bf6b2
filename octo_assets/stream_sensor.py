"""Continuous pipelines: one long run of the job `stream`, which a sensor keeps going while the pipeline is started."""

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from octo_assets.names import op_name, table_keys
from octo_assets.sensing import is_under_way, space_of, switched, until_again
from octo_assets.steps.common import failures_in_plain_words, workspace
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Project

if TYPE_CHECKING:
    from octo_core.streaming import MicroBatch, StreamState

STREAMS: Final = "octopipe/stream"
"""The tag of a run that streams a pipeline, with its name."""
SHOWN_EVERY: Final = 60.0
"""Seconds between two materializations of a stream's tables: one for each micro-batch would flood the event log."""
_EVERY: Final = 15


def stream_sensor(project: Project, spec: PipelineSpec) -> dg.SensorDefinition | None:
    """The sensor of a pipeline with `stream`; off until `octopipe start` (or at once by `autostart`)."""
    if spec.stream is None:
        return None

    @dg.sensor(
        name=op_name(spec.name, "stream"),
        job_name="stream",
        minimum_interval_seconds=_EVERY,
        default_status=switched(project),
        description=f"Keeps {spec.name} streaming: one long run, started again where it ended.",
        required_resource_keys={"registry", "landing"},
    )
    def streaming(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _tick(context, spec)

    return streaming


def _tick(context: dg.SensorEvaluationContext, spec: PipelineSpec) -> dg.RunRequest | dg.SkipReason:
    from octo_resources.flow import standing

    state = standing(space_of(context.resources), spec.name)
    if state.paused:
        return dg.SkipReason(f"{spec.name} is paused; what comes stays at the brokers")
    if state.waits_for is not None:
        return dg.SkipReason(f"plan {state.waits_for[:8]} of {spec.name} waits for approval; nothing is lost meanwhile")
    tags = {STREAMS: spec.name}
    if is_under_way(context.instance, tags):
        return dg.SkipReason(f"{spec.name} streams")
    if wait := until_again(context.instance, tags, spec.retries.delay):
        return dg.SkipReason(f"the stream failed; it is started again in {wait:.0f} s")
    return dg.RunRequest(
        run_config={"ops": {"follow": {"config": {"pipeline": spec.name}}}},
        tags={**tags, "octopipe/pipeline": spec.name},
    )


class FollowConfig(dg.Config):
    """Which pipeline streams."""

    pipeline: str


@dg.op(required_resource_keys={"registry", "landing"}, config_schema=FollowConfig.to_fields_dict())
def follow(context: dg.OpExecutionContext) -> None:
    """Load what comes as it comes, until the pipeline is stopped, the run is cancelled, or the plan waits."""
    from octo_resources.flow.streaming import Streaming

    with failures_in_plain_words(retry=False):
        space = workspace(context)
        pipeline = space.pipeline(str(context.op_config["pipeline"]))
        shown = _Shown(context, pipeline.spec)
        streaming = Streaming(
            space,
            pipeline,
            told=shown.micro_batch,
            stopping=threading.Event(),
            dagster_run=context.run_id,
            said=context.log.warning,
        )
        state = streaming.run()
        shown.all()
    context.add_output_metadata(_ending(state))
    (context.log.info if state.status == "stopped" else context.log.warning)(
        f"{state.pipeline}: {state.status.replace('_', ' ')}. {state.message or ''}".strip()
    )


@dg.job(
    name="stream",
    executor_def=dg.in_process_executor,
    description="One pipeline's stream, until it is stopped: a long run, started by the pipeline's stream sensor.",
)
def stream_job() -> None:
    follow()


class _Shown:
    """What the UI shows of a stream: its tables, now and then."""

    def __init__(self, context: dg.OpExecutionContext, spec: PipelineSpec) -> None:
        self._context, self._keys = context, table_keys(spec)
        self._newest: MicroBatch | None = None
        self._rows: dict[str, int] = {}
        self._since = time.monotonic()

    def micro_batch(self, made: "MicroBatch") -> None:
        self._newest = made
        for table, ledger in made.tables.items():
            self._rows[table] = self._rows.get(table, 0) + ledger.read
        for warning in made.warnings:
            self._context.log.warning(warning)
        if time.monotonic() - self._since > SHOWN_EVERY:
            self.all()

    def all(self) -> None:
        """A materialization of each table that got rows since the last one."""
        made, self._since = self._newest, time.monotonic()
        if made is None:
            return
        for table, rows in self._rows.items():
            metadata: dict[str, Any] = {
                "dagster/row_count": rows,
                "load_id": made.load_id,
                "offsets": made.to,
                "behind": made.behind,
                "dagster/table_name": table,
            }
            if made.delay is not None:
                metadata |= {"delay_p50": made.delay.p50, "delay_p99": made.delay.p99}
            self._context.log_event(dg.AssetMaterialization(asset_key=self._keys[table], metadata=metadata))
        self._rows = {}


def _ending(state: "StreamState") -> dict[str, Any]:
    found: dict[str, Any] = {"status": state.status, "micro_batches": state.micro_batches, "rows": state.rows}
    if state.delay is not None:
        found |= {"delay_p50": state.delay.p50, "delay_p99": state.delay.p99}
    return found
