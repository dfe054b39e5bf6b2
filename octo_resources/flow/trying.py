"""The embedded proposal, run on rows that landed: what fails for most of them is doubtful, or left out."""

from collections.abc import Mapping as MappingOf

from octo_core.catalog import Catalog, Column, Table
from octo_core.expressions import assign, parse
from octo_core.mapping.constraints import kept_by
from octo_core.mapping.model import Alternative, ColumnMapping, Mapping, TableMapping
from octo_core.schema import Field, SourceSchema
from octo_resources.flow.breaking import breaking
from octo_resources.flow.ground import Ground
from octo_resources.flow.workspace import Workspace
from octo_resources.pipeline import Pipeline

ROWS = 20_000
"""Rows that the expressions are run on."""
MOST = 0.5
NEARLY_ALL = 0.9
"""Share of the rows for which an expression may fail at the most, to feed a column that may stay empty."""
DOUBTFUL = 0.3
"""The confidence that is left to an expression that fails for most rows."""


def tried(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    found: Mapping,
    relations: MappingOf[str, SourceSchema],
) -> Mapping:
    """The proposal with less confidence where rows refute it; a column that may stay empty is fed by nothing then."""
    tables = dict(found.tables)
    for name, schema in relations.items():
        origin = pipeline.tables[name].from_
        if name in tables and origin is not None:
            tables[name] = _table(Ground.of_table(space, pipeline, origin, typed), schema, catalog, tables[name])
    return found.model_copy(update={"tables": tables})


def _table(ground: Ground, schema: SourceSchema, catalog: Catalog, table: TableMapping) -> TableMapping:
    target, nodes = catalog.tables[table.table], {}
    for one in table.columns:
        column = target.column(one.target)
        if one.expr is not None and column is not None and not _surely_fits(schema.field(one.expr), column):
            nodes[one.target] = assign(parse(one.expr, schema), column)
    table = _kept(ground, schema, target, table)
    seen = ground.look(schema, nodes, limit=ROWS) if nodes and ground.batches else None
    if seen is None or not seen.rows:
        return table
    columns = []
    for one in table.columns:
        failures = seen.columns[one.target].failures if one.target in nodes else 0
        if failures <= MOST * seen.rows:
            columns.append(one)
            continue
        kind = next((reason.kind for reason in seen.reasons if reason.column == one.target), "it does not fit")
        said = f"fails for {failures:,} of {seen.rows:,} rows ({kind})"
        required = bool((column := target.column(one.target)) and column.required)
        columns.append(_doubted(one, said, drop=failures > NEARLY_ALL * seen.rows and not required))
    return table.model_copy(update={"columns": tuple(columns)})


def _kept(ground: Ground, schema: SourceSchema, target: Table, table: TableMapping) -> TableMapping:
    """The proposal with less confidence where most values break their column's own check."""
    listed = {
        one.target: one.expr
        for one in table.columns
        if one.expr is not None
        and (column := target.column(one.target)) is not None
        and kept_by(one.expr, column, target.checks) is not None
    }
    broken = breaking(ground, schema, target, listed, limit=ROWS) if listed and ground.batches else {}
    columns = [
        _doubted(one, broken[one.target].removeprefix("it "), drop=False) if one.target in broken else one
        for one in table.columns
    ]
    return table.model_copy(update={"columns": tuple(columns)})


def _surely_fits(field: Field | None, column: Column) -> bool:
    """Whether a field goes over as it is into a column of its own family that takes any length and any value."""
    plain = column.max_length is None and column.enum is None and column.domain is None
    return field is not None and plain and field.type.family == column.type.family


def _doubted(one: ColumnMapping, said: str, *, drop: bool) -> ColumnMapping:
    sure = min(one.confidence, DOUBTFUL)
    if not drop or one.expr is None:
        return one.model_copy(update={"confidence": sure, "why": f"{one.why}; but it {said}"})
    beaten = Alternative(expr=one.expr, confidence=sure, why=f"{one.why}; but it {said}")
    why = f"the nearest, {one.expr}, {said}"
    return one.model_copy(
        update={"expr": None, "confidence": 0.5, "why": why, "alternatives": (beaten, *one.alternatives)[:3]}
    )
