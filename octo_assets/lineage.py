"""Column schema and column lineage of a table, from the plan's expressions."""

import dagster as dg

from octo_assets.names import raw_key
from octo_core.expressions import parse, path_parts, paths
from octo_core.relations import read_from
from octo_resources.flow import Prepared


def column_schema(prepared: Prepared, table: str) -> dg.TableSchema:
    """The table's columns with their labels as descriptions."""
    columns = prepared.catalog.tables[table].columns
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.native,
                description=column.label.label if column.label else column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
                tags={"pii": "true"} if column.label and column.label.pii else {},
            )
            for column in columns
        ]
    )


def column_lineage(pipeline: str, prepared: Prepared, table: str) -> dg.TableColumnLineage:
    """Each mapped column → the source's fields that its expression reads."""
    recipe = prepared.recipe.tables[table]
    schema = prepared.schemas[recipe.source]
    return dg.TableColumnLineage(
        deps_by_column={
            target: [
                dg.TableColumnDep(asset_key=raw_key(pipeline, source), column_name=field)
                for source, field in dict.fromkeys(  # once, whatever of a field is read: `addr.street` and `addr.city`
                    read
                    for path in paths(parse(text, schema))
                    for read in read_from(recipe.origin, path_parts(path), prepared.schemas)
                )
            ]
            for target, text in recipe.columns.items()
        }
    )
