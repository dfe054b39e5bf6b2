"""`mapping`: what is proposed to feed every column; its page is the plan."""

from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.names import approved_key, destination_key, mapping_key, op_name, schema_key
from octo_assets.steps.common import (
    Materialized,
    failures_in_plain_words,
    pipeline_of,
    spec_fields,
    workspace,
)
from octo_core.spec.pipeline import PipelineSpec

if TYPE_CHECKING:
    from octo_resources.flow import Prepared


def mapping_asset(spec: PipelineSpec) -> dg.AssetsDefinition:
    """The proposed mapping and its plan."""

    key = mapping_key(spec.name)
    about = (
        "The proposed mapping and its plan: what it would do to real rows. Read it below, in `plan`, before you "
        f"approve it on `{approved_key(spec.name).to_user_string()}`."
    )

    @dg.multi_asset(
        name=op_name(spec.name, "mapping"),
        specs=[
            dg.AssetSpec(
                key,
                deps=[destination_key(spec.name), *(schema_key(spec.name, source) for source in spec.sources)],
                description=about,
                kinds={"markdown"},
                **spec_fields(spec),
            )
        ],
        required_resource_keys={"registry", "landing"},
    )
    def mapping(context: dg.AssetExecutionContext) -> Materialized:
        from octo_resources.flow import prepare

        with failures_in_plain_words():
            space = workspace(context)
            prepared = prepare(space, pipeline_of(space, spec))
        version = dg.DataVersion(prepared.plan.fingerprint[:16])
        return dg.MaterializeResult(asset_key=key, metadata=plan_metadata(prepared), data_version=version)

    return mapping


def plan_metadata(prepared: "Prepared") -> dict[str, dg.MetadataValue | str | int]:
    """The plan for the UI: one Markdown page, and numbers that Dagster plots over time."""
    from octo_core.plan.show import plan_markdown

    plan = prepared.plan
    tables = plan.tables.values()
    return {
        "plan": dg.MarkdownMetadataValue(plan_markdown(plan)),
        "fingerprint": plan.fingerprint,
        "state": plan.state,
        "rows_read": sum(table.rows_read for table in tables),
        "rows_quarantined": sum(table.rows_quarantined for table in tables),
        "columns_mapped": sum(len(table.columns) for table in tables),
        "columns_unmapped": sum(len(table.unmapped_target) for table in tables),
    }
