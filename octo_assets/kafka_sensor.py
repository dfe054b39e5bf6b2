"""A sensor for Kafka sources: looks at topics' ends and starts a run for the offsets that wait. It consumes nothing.

A range begins at the destination's position as it is at the tick, and only one run of a pipeline is under way: a range
that failed is asked for again, a while later each time.
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import dagster as dg

from octo_assets.names import op_name
from octo_assets.schedules import started_keys
from octo_assets.sensing import is_under_way, once_more, space_of, switched, waited
from octo_core.errors import OctopipeError
from octo_core.spec.pipeline import PipelineSpec
from octo_core.spec.sources import KafkaSource
from octo_resources.project import Project

if TYPE_CHECKING:
    from octo_core.offsets import OffsetRange

FEWEST_SECONDS: Final = 5
BEGINS: Final = "octopipe/offsets_from"
"""The tag of a run that says where its ranges begin: attempts at the same are counted by it."""


def kafka_sensor(project: Project, spec: PipelineSpec) -> dg.SensorDefinition | None:
    """The sensor of a pipeline that reads topics; off until `octopipe start` (or at once by `autostart`).

    None where it reads none, or where it streams: then it is read without pause.
    """
    ages = [one.batch.age.total_seconds() for one in spec.sources.values() if isinstance(one, KafkaSource)]
    if not ages or spec.stream is not None:
        return None

    @dg.sensor(
        name=op_name(spec.name, "kafka"),
        job_name="load",
        minimum_interval_seconds=max(FEWEST_SECONDS, int(min(ages) / 2)),
        default_status=switched(project),
        description=f"Runs {spec.name} when messages wait at its topics.",
        required_resource_keys={"registry", "landing"},
    )
    def waiting_offsets(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _tick(context, spec)

    return waiting_offsets


def _tick(context: dg.SensorEvaluationContext, spec: PipelineSpec) -> dg.RunRequest | dg.SkipReason:
    from octo_resources.flow import standing
    from octo_resources.flow.offsets import due_ranges, leaves_with_broker, retention_warnings

    space = space_of(context.resources)
    pipeline, state = space.pipeline(spec.name), standing(space, spec.name)
    if state.paused:
        return dg.SkipReason(f"{spec.name} is paused; what waits stays at the brokers")
    tags = {"octopipe/pipeline": spec.name}
    if is_under_way(context.instance, tags):
        return dg.SkipReason(f"a run of {spec.name} is under way; the next range begins where it ends")
    if state.waits_for is not None:
        tags["octopipe/waits_for_approval"] = state.waits_for[:8]
        for warning in retention_warnings(space, pipeline):
            context.log.warning(warning)
        context.log.warning(f"Plan {state.waits_for[:8]} of {spec.name} waits for approval.")
    try:
        due = due_ranges(space, pipeline)
    except OctopipeError as error:
        raise dg.Failure(str(error)) from None
    due = {name: ranges for name, ranges in due.items() if not leaves_with_broker(space, pipeline, name)}
    if not due:
        again = once_more(context, spec, started_keys(spec), tags) if state.waits_for is None else None
        return again or dg.SkipReason("nothing waits that is due")
    return _request(context, spec, due, tags)


def _request(
    context: dg.SensorEvaluationContext,
    spec: PipelineSpec,
    due: "dict[str, list[OffsetRange]]",
    tags: dict[str, str],
) -> dg.RunRequest | dg.SkipReason:
    begins = _digest([(name, one.topic_id, one.partition, one.start) for name, found in due.items() for one in found])
    attempts = dg.RunsFilter(tags={"octopipe/pipeline": spec.name, BEGINS: begins})
    earlier = context.instance.get_runs_count(attempts)
    if earlier:
        [newest] = context.instance.get_run_records(filters=attempts, limit=1)
        wait = waited(spec.retries.delay, earlier)
        if datetime.now(UTC).timestamp() < (newest.end_time or 0.0) + wait:
            return dg.SkipReason(f"this range was tried {earlier} times; once more after {wait:.0f} s")
    document = {name: [one.model_dump() for one in found] for name, found in due.items()}
    key = _digest([(one.topic_id, one.partition, one.start, one.end) for found in due.values() for one in found])
    return dg.RunRequest(
        run_key=f"{spec.name}:{key}:{earlier}",  # another one each time: Dagster starts no run for a key it had
        run_config={"ops": {op_name(spec.name, "raw"): {"config": {"ranges": json.dumps(document)}}}},
        asset_selection=started_keys(spec),
        tags={**tags, BEGINS: begins},
    )


def _digest(value: object) -> str:
    import hashlib

    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
