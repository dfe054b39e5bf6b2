"""A few values that small tables already hold, to help a mapping: never of columns labelled pii."""

from typing import TYPE_CHECKING, Final

from octo_core.catalog import Column, Table
from octo_resources.destinations.names import quoted, quoted_table

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

VALUES: Final = 50
"""A column with more distinct values than this is no reference column; its values say little."""
SCANNED: Final = 10_000
"""Rows looked at, from the table's start: the cost stays the same however large it is."""
LONGEST: Final = 80
_FAMILIES: Final = frozenset({"text", "integer", "boolean", "uuid"})


def sample_values(connection: "Connection", table: Table, columns: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """column → its distinct values as text, sorted, for the columns that hold few; `columns` narrows it to those."""
    wanted = [own for own in table.columns if _telling(own) and (not columns or own.name in columns)]
    if table.kind == "view" or not wanted:
        return {}
    place = quoted_table(table.schema_name, table.table_name)
    found: dict[str, tuple[str, ...]] = {}
    for column in wanted:
        name = quoted(column.name)
        query = (
            f"SELECT DISTINCT left({name}::text, {LONGEST}) FROM (SELECT {name} FROM {place} LIMIT {SCANNED}) s "
            f"WHERE {name} IS NOT NULL LIMIT {VALUES + 1}"
        )
        written = query.replace("%", "%%")  # a name may have one, and the driver looks for parameters
        values = [row[0] for row in connection.exec_driver_sql(written)]
        if 0 < len(values) <= VALUES:
            found[column.name] = tuple(sorted(values))
    return found


def _telling(column: Column) -> bool:
    if column.enum is not None or (column.label is not None and column.label.pii):
        return False  # an enum's values are in the catalog already
    return column.type.family in _FAMILIES
