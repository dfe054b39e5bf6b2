"""`mapping`: what is proposed to feed every column; its page is the plan."""

from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.names import approved_key, destination_key, mapping_key, schema_key
from octo_assets.steps.common import Materialized, Metadata, spec_fields
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.flow import Prepared


def mapping_spec(pipeline: Pipeline) -> dg.AssetSpec:
    """What the UI knows of the mapping before it is proposed, with the path of the pipeline's file."""
    spec = pipeline.spec
    return dg.AssetSpec(
        mapping_key(spec.name),
        deps=[destination_key(spec.name), *(schema_key(spec.name, source) for source in spec.sources)],
        description=(
            "The proposed mapping and its plan: what it would do to real rows.\n\n"
            "Next: read `plan` of the latest materialization, then approve it on "
            f"`{approved_key(spec.name).to_user_string()}`, or correct a column there."
        ),
        skippable=True,
        kinds={"markdown"},
        metadata={"pipeline file": dg.MetadataValue.path(str(pipeline.file))},
        **spec_fields(spec),
    )


def mapping_result(prepared: "Prepared") -> Materialized:
    """The plan as the mapping's materialization; its data version is the plan's fingerprint."""
    version = dg.DataVersion(prepared.plan.fingerprint[:16])
    key = mapping_key(prepared.plan.pipeline)
    return dg.MaterializeResult(asset_key=key, metadata=plan_metadata(prepared), data_version=version)


def show_new_plan(context: dg.AssetExecutionContext, prepared: "Prepared", why: str) -> None:
    """Put a plan that came after the mapping's own step on the mapping's page, where a reviewer reads it."""
    plan = prepared.plan
    context.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            asset_key=mapping_key(plan.pipeline),
            description=why,
            metadata=plan_metadata(prepared),
            tags={"dagster/data_version": plan.fingerprint[:16]},
        )
    )
    context.log.info(f"{why}. Plan {plan.fingerprint[:8]} waits: read it on the mapping's page, then approve it")


def plan_metadata(prepared: "Prepared") -> Metadata:
    """The plan for the UI: its table first, what stands below it as entries of their own, and numbers to plot."""
    from octo_core.plan.show import plan_markdown, plan_sections

    plan = prepared.plan
    tables = plan.tables.values()
    # Dagster leaves raw HTML out of Markdown, so nothing folds there: one page for the table, one for each part below.
    sections = {_entry(title): dg.MarkdownMetadataValue(body) for title, body in plan_sections(plan).items()}
    return {
        "plan": dg.MarkdownMetadataValue(plan_markdown(plan, whole=False)),
        **sections,
        "approve or correct it": dg.MetadataValue.asset(approved_key(plan.pipeline)),
        "fingerprint": plan.fingerprint,
        "state": plan.state,
        "rows_read": sum(table.rows_read for table in tables),
        "rows_quarantined": sum(table.rows_quarantined for table in tables),
        "columns_mapped": sum(len(table.columns) for table in tables),
        "columns_unmapped": sum(len(table.unmapped_target) for table in tables),
    }


def _entry(title: str) -> str:
    return title.lower().replace("sql for", "sql")
