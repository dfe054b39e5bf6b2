"""`destination`: the tables as the destination's own catalog says, with the user's labels."""

import dagster as dg

from octo_assets.names import destination_key, op_name
from octo_assets.steps.common import (
    Materialized,
    failures_in_plain_words,
    patient,
    pipeline_of,
    retry_policy,
    spec_fields,
    workspace,
)
from octo_core.catalog import Catalog, Column
from octo_core.spec.pipeline import PipelineSpec


def destination_asset(spec: PipelineSpec) -> dg.AssetsDefinition:
    """The pulled catalog of the destination's tables."""

    key = destination_key(spec.name)
    about = (
        "The destination's tables as they are now, and what their columns mean by the labels.\n\n"
        f"Label one: `octopipe destination label {spec.name} TABLE.COLUMN TEXT`."
    )
    kinds: set[str] = {spec.destination.kind} if spec.destination else set()

    @dg.multi_asset(
        name=op_name(spec.name, "destination"),
        specs=[dg.AssetSpec(key, description=about, kinds=kinds, **spec_fields(spec))],
        retry_policy=retry_policy(spec),
        required_resource_keys={"registry", "landing"},
    )
    def destination(context: dg.AssetExecutionContext) -> Materialized:
        from octo_resources.flow import pull

        with failures_in_plain_words(patient(context, spec)):
            space = workspace(context)
            catalog = pull(space, pipeline_of(space, spec))
        return dg.MaterializeResult(
            asset_key=key,
            metadata={"tables": dg.MarkdownMetadataValue(_markdown(catalog)), "server": catalog.version},
            data_version=dg.DataVersion(catalog.signature[:16]),
        )

    return destination


def _markdown(catalog: Catalog) -> str:
    parts = []
    for table in catalog.tables.values():
        rows = "\n".join(_row(column) for column in table.columns)
        parts.append(f"**{table.name}**\n\n| column | type | label |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)


def _row(column: Column) -> str:
    said = column.label.label if column.label else column.comment or ""
    needed = " (required)" if column.required else ""
    return f"| {_cell(column.name)} | {_cell(column.native)}{needed} | {_cell(said)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
