"""`schema/<source>`: the typed schema, derived from all that landed."""

import hashlib
from collections.abc import Iterator

import dagster as dg

from octo_assets.names import op_name, raw_key, schema_key
from octo_assets.steps.common import (
    Materialized,
    Metadata,
    failures_in_plain_words,
    pipeline_of,
    spec_fields,
    workspace,
)
from octo_core.schema import Field, SourceSchema
from octo_core.spec.pipeline import PipelineSpec


def schema_assets(spec: PipelineSpec) -> dg.AssetsDefinition:
    """One multi-asset with the typed schema of each source."""

    @dg.multi_asset(
        name=op_name(spec.name, "schema"),
        specs=[_spec(spec, source) for source in spec.sources],
        can_subset=True,
        required_resource_keys={"registry", "landing"},
    )
    def schema(context: dg.AssetExecutionContext) -> Iterator[Materialized]:
        from octo_resources.flow import schemas

        with failures_in_plain_words():
            space = workspace(context)
            found = schemas(space, pipeline_of(space, spec))
        for source, typed in found.items():
            if schema_key(spec.name, source) in context.selected_asset_keys:
                yield _result(spec, source, typed)

    return schema


def _spec(spec: PipelineSpec, source: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        schema_key(spec.name, source),
        deps=[raw_key(spec.name, source)],
        description=(
            f"The typed schema of `{source}`: type, format, unit and meaning of every field, from a profile of all "
            f"rows landed.\n\nThe generated Pydantic models: `octopipe schema {spec.name} --pydantic`."
        ),
        kinds={"pydantic"},
        **spec_fields(spec),
    )


def _result(spec: PipelineSpec, source: str, schema: SourceSchema) -> Materialized:
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
