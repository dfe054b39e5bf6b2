"""Rows that a source took away: how a record says so, and which column of the destination is marked then."""

from typing import Final

from octo_core.catalog import Column, Table
from octo_core.errors import UsageError
from octo_core.spec.pipeline import MarkDeletes, PipelineSpec
from octo_core.spec.shapes import Shape, UnionFrom, driving

TOMBSTONE: Final = "_deleted"
"""The field of a landed record that says, where it is true, that the record with this key is gone from the source.

Readers of change streams put it there (Kafka's null values, Debezium's deletes); a file or an API may have it too. It
is never offered to a mapping."""
STREAMS: Final = ("kafka", "push")
"""Kinds of source whose records may be tombstones, whatever a table makes of them."""


def marks(spec: PipelineSpec, table: str) -> MarkDeletes | None:
    """How a table marks what its source took away; None where deletes are ignored."""
    said = spec.tables[table].deletes if table in spec.tables else None
    return said if isinstance(said, MarkDeletes) else None


def has_tombstones(spec: PipelineSpec, table: str, origin: Shape) -> bool:
    """Whether records of what feeds the table may be tombstones: they are no rows, marked or not."""
    if not isinstance(origin, str | UnionFrom):
        return False
    said = marks(spec, table)
    asked = said is not None and said.found_by == "tombstone"
    return asked or any(spec.sources[name].kind in STREAMS for name in driving(origin))


def marked_source(spec: PipelineSpec, source: str) -> bool:
    """Whether TOMBSTONE is no field of this source, but says which of its records are gone."""
    if spec.sources[source].kind in STREAMS:
        return True
    fed = [(name, spec.origin_of(name)) for name in spec.tables]
    return any(
        source in driving(origin) and has_tombstones(spec, name, origin)
        for name, origin in fed
        if isinstance(origin, str | UnionFrom)
    )


def marked_column(table: Table, said: MarkDeletes) -> Column:
    """The column that is set on a row that is gone. UsageError where it cannot hold that."""
    column = table.column(said.mark)
    if column is None:
        from octo_core.spec.nearest import did_you_mean

        known = [one.name for one in table.columns]
        raise UsageError(f"deletes: {table.name} has no column '{said.mark}'.{did_you_mean(said.mark, known)}")
    if wrong := unfit(column):
        raise UsageError(f"deletes: {table.name}.{column.name} {wrong}")
    return column


def unfit(column: Column) -> str | None:
    """Why a column cannot say that its row is gone; None where it can."""
    if not column.writable:
        return "cannot be written: the destination computes it"
    if column.type.kind == "boolean":
        return None if not column.required else "takes no null and has no default, so a new row would be refused"
    if column.type.kind not in ("timestamp", "timestamptz"):
        return f"is {column.native}; a timestamp (set to the load's time) or a boolean (set to true) can mark a row"
    return None if column.nullable else "takes no null, so that a row that is there could not be told from one gone"
