"""The DDL that a person might run where a source's field has no column. Octopipe never runs it."""

from collections.abc import Sequence

from octo_core.catalog import Table
from octo_core.schema import Field
from octo_resources.destinations.names import literal, quoted, quoted_table
from octo_resources.destinations.postgres.types import ddl_type


def suggested_ddl(table: Table, new_fields: Sequence[Field]) -> list[str]:
    """One `ALTER TABLE … ADD COLUMN` a field, with a comment where something is known of it."""
    place = quoted_table(table.schema_name, table.table_name)
    statements = []
    for field in new_fields:
        statements.append(f"ALTER TABLE {place} ADD COLUMN {quoted(field.name)} {ddl_type(field.type)};")
        said = ", ".join(part for part in (field.description, f"in {field.unit}" if field.unit else None) if part)
        if said:
            statements.append(f"COMMENT ON COLUMN {place}.{quoted(field.name)} IS {literal(said)};")
    return statements
