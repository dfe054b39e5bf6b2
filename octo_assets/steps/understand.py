"""`schema/<source>`, `destination` and `mapping`: from what landed to the plan, in one step.

One step and not three, as they stand on one another and a thousand pipelines load in less time so; each of its outputs
can still be made alone.
"""

from collections.abc import Iterator

import dagster as dg

from octo_assets.names import approved_key, destination_key, mapping_key, op_name, schema_key
from octo_assets.steps.calls import with_calls
from octo_assets.steps.common import (
    Materialized,
    failures_in_plain_words,
    patient,
    pipeline_of,
    retry_policy,
    workspace,
)
from octo_assets.steps.destination import destination_result, destination_spec
from octo_assets.steps.mapping import mapping_result, mapping_spec
from octo_assets.steps.schema import schema_result, schema_spec
from octo_core.errors import MappingOutgrown
from octo_resources.project import Pipeline
from octo_resources.redaction import redact


def understanding_assets(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The typed schemas, the pulled catalog, and the proposed mapping with its plan."""
    spec = pipeline.spec

    @dg.multi_asset(
        name=op_name(spec.name, "plan"),
        specs=[
            *(schema_spec(spec, source) for source in spec.sources),
            destination_spec(spec),
            mapping_spec(pipeline),
        ],
        can_subset=True,
        retry_policy=retry_policy(spec),
        required_resource_keys={"registry", "landing"},
    )
    def plan(context: dg.AssetExecutionContext) -> Iterator[Materialized]:
        from octo_resources.flow import prepare, pull, schemas

        wanted = context.selected_asset_keys
        retry = patient(context, spec)
        with failures_in_plain_words(retry):
            space = workspace(context)
            now = pipeline_of(space, spec)
            found = schemas(space, now) if {schema_key(spec.name, one) for one in spec.sources} & wanted else {}
        for source, typed in found.items():
            if schema_key(spec.name, source) in wanted:
                yield with_calls(schema_result(spec, source, typed), space, spec.name, "schema", source)
        if destination_key(spec.name) in wanted:
            with failures_in_plain_words(retry):
                catalog = pull(space, now)
            yield destination_result(spec, catalog)
        if mapping_key(spec.name) in wanted:
            try:
                with failures_in_plain_words(retry, but=MappingOutgrown):
                    prepared = prepare(space, now)
            except MappingOutgrown as error:  # the data landed, and a person has to mend the mapping: no red run
                _tell(context, spec.name, error)
            else:
                yield with_calls(mapping_result(prepared), space, spec.name, "mapping")

    return plan


def _tell(context: dg.AssetExecutionContext, name: str, error: MappingOutgrown) -> None:
    """The approval check failed, with what to mend; what stands on the mapping is skipped."""
    said = redact(str(error))
    context.log.warning(said)
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=approved_key(name),
            check_name="approval",
            passed=False,
            description=said,
            metadata={"fingerprint": error.fingerprint, "state": "outgrown"},
        )
    )
