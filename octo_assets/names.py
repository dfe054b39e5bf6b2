"""The names that Dagster knows a pipeline's parts by. Contract: docs/dagster.md."""

import dagster as dg

from octo_core.spec.names import split_table_name
from octo_core.spec.pipeline import PipelineSpec, TableSpec


def raw_key(pipeline: str, source: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "raw", source])


def schema_key(pipeline: str, source: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "schema", source])


def destination_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "destination"])


def mapping_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "mapping"])


def approved_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "approved_mapping"])


def table_key(pipeline: str, table: str, spec: TableSpec) -> dg.AssetKey:
    """`asset_key` where the file says one, else [pipeline, schema, table]."""
    return dg.AssetKey(list(spec.asset_key)) if spec.asset_key else dg.AssetKey([pipeline, *split_table_name(table)])


def table_keys(pipeline: PipelineSpec) -> dict[str, dg.AssetKey]:
    """Table → its asset's key, in the file's order."""
    taken = {
        key
        for source in pipeline.sources
        for key in (raw_key(pipeline.name, source), schema_key(pipeline.name, source))
    }
    found = {table: table_key(pipeline.name, table, spec) for table, spec in pipeline.tables.items()}
    # A table of a database's schema `raw` may have the name of a source.
    return {table: _below(key, "table") if key in taken else key for table, key in found.items()}


def _below(key: dg.AssetKey, part: str) -> dg.AssetKey:
    return dg.AssetKey([key.path[0], part, *key.path[1:]])


def op_name(*parts: str) -> str:
    """A Dagster op's name: letters, digits and underscores only."""
    return "__".join("".join(letter if letter.isalnum() else "_" for letter in part) for part in parts)
