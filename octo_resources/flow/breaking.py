"""Which expressions give what their column refuses: nulls where it takes none, values outside its lists and bounds."""

from collections.abc import Mapping

from octo_core.catalog import Table
from octo_core.expressions import ExpressionError, Node, assign, parse
from octo_core.mapping.constraints import kept_by
from octo_core.schema import SourceSchema
from octo_resources.flow.ground import Ground

MOST = 0.5
"""Share of rows: what fewer rows break is the rows' fault, and the quarantine's business."""


def breaking(
    ground: Ground,
    schema: SourceSchema,
    table: Table,
    expressions: Mapping[str, str],
    *,
    limit: int,
    seconds: float | None = None,
) -> dict[str, str]:
    """Column → what most of its values break, of expressions that are known to fit their columns."""
    nodes: dict[str, Node] = {}
    conditions: dict[str, str] = {}
    for name, expr in expressions.items():
        column = table.column(name)
        if column is None:
            continue
        condition = kept_by(expr, column, table.checks)
        if condition is not None:
            try:
                nodes[f"{name} kept"] = parse(f"case when {condition} then 1 end", schema)
                conditions[name] = condition
            except ExpressionError:
                condition = None  # of a kind that is not compared with texts or numbers: the plan will say
        if condition is not None or not column.nullable:
            nodes[name] = assign(parse(expr, schema), column)
    if not nodes:
        return {}
    found = ground.look(schema, nodes, limit=limit, seconds=seconds)
    rows = found.rows - found.refused
    said: dict[str, str] = {}
    for name in expressions:
        column = table.column(name)
        if name not in nodes or column is None:
            continue
        nulls = found.columns[name].nulls
        outside = found.columns[f"{name} kept"].nulls - nulls if name in conditions else 0
        made = schema.field(expressions[name]) is None  # that a field itself is empty is the rows' fault
        if made and not column.nullable and nulls > MOST * rows:
            said[name] = f"it is null for {nulls:,} of {rows:,} rows, and the column takes no null"
        elif outside > MOST * rows:
            said[name] = f"it breaks the column's check for {outside:,} of {rows:,} rows"
    return said
