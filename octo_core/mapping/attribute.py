"""What the matcher knows of one column of either side, made from a source's field, a destination's column or a name."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from octo_core.catalog import Catalog, Column, Table
from octo_core.inference.describing import told
from octo_core.mapping.constraints import allowed_values, number_range
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.shapes import VALUE
from octo_core.types import DataType

MAX_VALUES: Final = 2000


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column. `text` is its label, comment or description; `values` are distinct values as text, unordered.

    `closed`: no other values can be (an enum, a CHECK list). `low`/`high`: the range of a number, inclusive.
    `context`: the table's name, whose words say little in the names of its columns. `limit`: characters that fit;
    `length`, `min_length`: the longest and shortest that were seen. `distinct`: share of distinct values, 1.0: a key.
    `shares`: of the rows that have a value, how many have each of `values`; empty where nobody counted.
    """

    name: str
    text: str = ""
    type: DataType | None = None
    values: tuple[str, ...] = ()
    closed: bool = False
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    semantic: str | None = None
    key: bool = False
    reference: str | None = None
    limit: int | None = None
    length: int | None = None
    min_length: int | None = None
    distinct: float | None = None
    context: str = ""
    masks: tuple[str, ...] = field(default=())
    shares: tuple[float, ...] = ()


ColumnLike = Attribute | Field | Column | str
"""What `match` takes: a source's field, a destination's column, an Attribute with its values, or a bare name."""


def attribute(column: ColumnLike) -> Attribute:
    """The Attribute of anything that `match` takes."""
    if isinstance(column, Attribute):
        return column
    if isinstance(column, Field):
        return from_field(column, column.name)
    if isinstance(column, Column):
        return from_column(column)
    return Attribute(name=column)


def from_field(source: Field, path: str, key: bool = False) -> Attribute:
    """The Attribute of a source's field, named by its path (`a.b`)."""
    stats = source.stats
    values: tuple[str, ...] = ()
    distinct = None
    if stats is not None:
        values = stats.values if stats.values is not None else stats.examples
        if stats.distinct and stats.rows:
            distinct = min(1.0, stats.distinct / max(1, stats.rows - stats.nulls - stats.missing))
    nothing_seen = stats is not None and stats.nulls + stats.missing >= stats.rows
    return Attribute(
        name=path,
        text=told(source),
        type=None if nothing_seen else source.type,
        values=values[:MAX_VALUES],
        shares=_shares(stats)[:MAX_VALUES] if stats else (),
        closed=bool(stats and stats.values is not None),
        low=number_of(stats.min, source) if stats else None,
        high=number_of(stats.max, source) if stats else None,
        unit=source.unit,
        semantic=source.semantic,
        key=key,
        length=stats.max_length if stats else None,
        min_length=stats.min_length if stats else None,
        distinct=distinct,
        masks=tuple(mask for mask, _ in stats.masks) if stats else (),
        context=path.rpartition(".")[0],
    )


def _shares(stats: FieldStats) -> tuple[float, ...]:
    present = max(1, stats.rows - stats.nulls - stats.missing)
    return tuple(count / present for count in stats.counts)


def from_column(
    column: Column, table: Table | None = None, samples: Sequence[str] = (), parent: Iterable[str] = ()
) -> Attribute:
    """The Attribute of a destination's column; `parent` are key values of the table that its foreign key names."""
    checks = [check.sql for check in table.checks] if table else []
    closed = column.enum or allowed_values(checks, column.name)
    low, high = number_range(checks, column.name)
    label = column.label
    texts = [label.label if label else "", column.comment or ""]
    reference = None
    if table:
        reference = next((key.ref_table for key in table.foreign_keys if column.name in key.columns), None)
    return Attribute(
        name=column.name,
        text=". ".join(dict.fromkeys(text for text in texts if text)),
        type=column.type,
        values=tuple(closed or dict.fromkeys([*samples, *parent]))[:MAX_VALUES],
        closed=bool(closed),
        low=low,
        high=high,
        unit=label.unit if label else None,
        key=bool(table and column.name in table.primary_key),
        reference=reference,
        limit=column.max_length,
        context=table.table_name if table else "",
        distinct=1.0 if table and table.primary_key == (column.name,) else None,
    )


def target_attributes(table: Table, catalog: Catalog) -> list[Attribute]:
    """The columns of a table that can be written, with the values already there and those of its parents."""
    samples = catalog.samples.get(table.name, {})
    found = []
    for column in table.columns:
        parent: tuple[str, ...] = ()
        for key in table.foreign_keys:
            if column.name in key.columns:
                referred = key.ref_columns[key.columns.index(column.name)]
                parent = catalog.samples.get(key.ref_table, {}).get(referred, ())
        if column.writable:
            found.append(from_column(column, table, samples.get(column.name, ()), parent))
    return found


def source_fields(schema: SourceSchema) -> dict[str, Field]:
    """Every field a mapping can name, nested ones by their path; without what is in a list or has an empty name."""
    found: dict[str, Field] = {}

    def walk(fields: Iterable[Field], above: str) -> None:
        for one in fields:
            if one.name in ("[]", ""):
                continue
            path = above + spelled(one.name)
            found[path] = one
            if one.type.kind == "record":
                walk(one.children, path + ".")

    walk(schema.fields, "")
    return found


def source_attributes(schema: SourceSchema) -> list[Attribute]:
    """The fields of a source as attributes, in the order of `source_fields`; the elements of a list of values go by the
    list's name.
    """
    found = [
        from_field(one, path, key=one.name in schema.key or path in schema.key)
        for path, one in source_fields(schema).items()
    ]
    within = schema.source.partition(".")[2].rpartition(".")[2]
    return [replace(one, text=one.text or within) if one.name == VALUE else one for one in found]


def spelled(name: str) -> str:
    """A field's name as an expression writes it: quoted where it is no plain word, or one that means something else."""
    from octo_core.expressions.tree import quote_name  # with sqlglot 60 ms, which `match` does not have to wait for

    return quote_name(name)


def number_of(text: str | None, source: Field) -> float | None:
    """The least or greatest value of a field as a number, also where it is written `5.5%` or `1.234,56`."""
    if text is None:
        return None
    try:
        found = float(text)
        return found if math.isfinite(found) else None  # 1e400 stands in some file
    except ValueError:
        if source.format is None or not source.type.is_numeric:
            return None
    from octo_core.reading import read_token  # 20 ms that few fields need

    try:
        return float(str(read_token(text, source.type, source.format)))
    except ValueError:
        return None
