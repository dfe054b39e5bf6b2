"""The DDL that a person might run where a source's field has no column. Octopipe never runs it."""

from collections.abc import Collection, Sequence
from typing import Final

from octo_core.catalog import Table
from octo_core.schema import Field
from octo_resources.destinations.names import literal, quoted, quoted_table
from octo_resources.destinations.postgres.types import ddl_type

_LONGEST: Final = 63
"""Bytes of a name; PostgreSQL cuts what is longer."""
_SYSTEM: Final = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


def suggested_ddl(table: Table, new_fields: Sequence[Field]) -> list[str]:
    """One `ALTER TABLE … ADD COLUMN` a field, with a comment where something is known of it."""
    place = quoted_table(table.schema_name, table.table_name)
    statements: list[str] = []
    made: set[str] = set()
    for field in new_fields:
        name = _column_name(field.name, made)
        made.add(name)
        if table.column(name) is not None:  # somebody ran it: what PostgreSQL cannot call a column has its name there
            continue
        statements.append(f"ALTER TABLE {place} ADD COLUMN {quoted(name)} {ddl_type(field.type)};")
        said = ", ".join(part for part in (field.description, f"in {field.unit}" if field.unit else None) if part)
        if said:
            statements.append(f"COMMENT ON COLUMN {place}.{quoted(name)} IS {literal(said)};")
    return statements


def _column_name(field: str, made: Collection[str]) -> str:
    """The field's name, or the nearest that PostgreSQL takes for a column, unlike those that were made."""
    plain = _cut(field.replace("\0", ""), _LONGEST) or "field"
    base = f"{plain}_" if plain in _SYSTEM else plain
    name, number = base, 1
    while name in made:
        number += 1
        name = f"{_cut(base, _LONGEST - 1 - len(str(number)))}_{number}"
    return name


def _cut(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore")
