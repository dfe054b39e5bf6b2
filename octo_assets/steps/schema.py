"""`schema/<source>`: the typed schema, derived from all that landed."""

import hashlib

import dagster as dg

from octo_assets.names import raw_key, schema_key
from octo_assets.steps.common import Materialized, Metadata, spec_fields
from octo_core.schema import Field, SourceSchema
from octo_core.spec.pipeline import PipelineSpec


def schema_spec(spec: PipelineSpec, source: str) -> dg.AssetSpec:
    """What the UI knows of a source's schema before it is made."""
    return dg.AssetSpec(
        schema_key(spec.name, source),
        deps=[raw_key(spec.name, source)],
        description=(
            f"The typed schema of `{source}`: type, format, unit and meaning of every field, from a profile of all "
            "rows landed.\n\nNext: look for a wrong type below; say what no data can tell (a unit, a format) under "
            f"`fields:` of the source. The generated Pydantic models: `octopipe schema {spec.name} --pydantic`."
        ),
        kinds={"pydantic"},
        **spec_fields(spec),
    )


def schema_result(spec: PipelineSpec, source: str, schema: SourceSchema) -> Materialized:
    """A schema as its asset's materialization; its data version changes with the types and formats only."""
    text = schema.model_dump_json(include={"fields": {"__all__": {"name", "type", "format", "unit", "nullable"}}})
    metadata: Metadata = {
        "dagster/column_schema": dg.TableSchema(columns=[_column(field) for field in schema.fields]),
        "key": ", ".join(schema.key),
        "rows_examined": schema.rows_examined,
        "complete": schema.complete,
    }
    return dg.MaterializeResult(
        asset_key=schema_key(spec.name, source),
        metadata=metadata,
        data_version=dg.DataVersion(hashlib.sha256(text.encode()).hexdigest()[:16]),
    )


def _column(field: Field) -> dg.TableColumn:
    tags = {name: value for name, value in (("semantic", field.semantic), ("unit", field.unit)) if value}
    if field.pii:
        tags["pii"] = "true"
    return dg.TableColumn(
        name=field.name,
        type=str(field.type),
        description=field.description,
        constraints=dg.TableColumnConstraints(nullable=field.nullable),
        tags={name: "".join(c if c.isalnum() or c in "_-." else "_" for c in value) for name, value in tags.items()},
    )
