"""The names that Dagster knows a pipeline's parts by. Contract: docs/dagster.md."""

import dagster as dg

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
    if spec.asset_key:
        return dg.AssetKey(list(spec.asset_key))
    return dg.AssetKey([pipeline, *(part.strip('"') for part in split_name(table))])


def split_name(table: str) -> list[str]:
    """`public."My.Table"` → ['public', '"My.Table"']."""
    parts, current, quoted = [], "", False
    for letter in table:
        quoted ^= letter == '"'
        if letter == "." and not quoted:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [*parts, current]


def table_keys(pipeline: PipelineSpec) -> dict[str, dg.AssetKey]:
    """Table → its asset's key, in the file's order."""
    return {table: table_key(pipeline.name, table, spec) for table, spec in pipeline.tables.items()}


def op_name(*parts: str) -> str:
    """A Dagster op's name: letters, digits and underscores only."""
    return "__".join("".join(letter if letter.isalnum() else "_" for letter in part) for part in parts)
