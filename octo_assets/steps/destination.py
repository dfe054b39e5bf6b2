"""`destination`: the tables as the destination's own catalog says, with the user's labels."""

import dagster as dg

from octo_assets.names import destination_key
from octo_assets.steps.common import Materialized, spec_fields
from octo_core.catalog import Catalog, Column
from octo_core.plan.markdown import escaped
from octo_core.spec.pipeline import PipelineSpec


def destination_spec(spec: PipelineSpec) -> dg.AssetSpec:
    """What the UI knows of the destination before it is pulled."""
    return dg.AssetSpec(
        destination_key(spec.name),
        description=(
            "The destination's tables as they are now, and what their columns mean by the labels.\n\n"
            f"Next: label what no name tells, `octopipe destination label {spec.name} TABLE.COLUMN TEXT`."
        ),
        kinds={spec.destination.kind} if spec.destination else set(),
        **spec_fields(spec),
    )


def destination_result(spec: PipelineSpec, catalog: Catalog) -> Materialized:
    """The pulled catalog as its asset's materialization; its data version changes with any definition."""
    return dg.MaterializeResult(
        asset_key=destination_key(spec.name),
        metadata={"tables": dg.MarkdownMetadataValue(_markdown(catalog)), "server": catalog.version},
        data_version=dg.DataVersion(catalog.signature[:16]),
    )


def _markdown(catalog: Catalog) -> str:
    parts = []
    for table in catalog.tables.values():
        rows = "\n".join(_row(column) for column in table.columns)
        parts.append(f"**{table.name}**\n\n| column | type | label |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)


def _row(column: Column) -> str:
    said = column.label.label if column.label else column.comment or ""
    needed = " (required)" if column.required else ""
    return f"| {escaped(column.name)} | {escaped(column.native)}{needed} | {escaped(said)} |"
