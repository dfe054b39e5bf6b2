"""What a mapping would do to the rows of one table: the part of the plan that looks at data."""

import math
from typing import TYPE_CHECKING, Any

from octo_core.batch import Batch
from octo_core.catalog import Table
from octo_core.expressions import Node, path_parts, paths
from octo_core.expressions.questions import is_carried_over
from octo_core.mapping.model import TableMapping
from octo_core.plan.model import ColumnPlan, PlannedQuarantine, Sample, TablePlan, UnmappedTarget
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import LoadVariables
from octo_resources.engines.duckdb.preview import Preview
from octo_resources.flow.asking import Asked
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.understand import sample_limits
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.flow.planning import Prepared

MASKED = "‹masked›"
SAMPLE_ROWS = 5
REASONS = 50


def table_plan(space: Workspace, pipeline: Pipeline, prepared: "Prepared", name: str) -> tuple[TablePlan, list[str]]:
    """The plan of one table over the rows that landed and are not loaded, and warnings.

    Over the newest batch where all is loaded. What only the destination can judge is asked of it as well.
    """
    recipe = prepared.recipe.tables[name]
    schema, table = prepared.schemas[recipe.source], prepared.catalog.tables[name]
    mapped, nodes = prepared.mapping.tables[name], prepared.nodes(name)
    engine = space.engine(pipeline)
    batches = _batches(space, pipeline, recipe.source, name)
    sample = sample_limits(space, pipeline, batches)
    limit = schema.rows_examined if sample is not None else None
    inputs = [one for batch in batches for one in space.inputs(batch)]
    variables = LoadVariables.for_plans(pseudonym_key(space))
    key = [column for column in recipe.key if column in nodes]
    found = engine.preview(
        inputs, schema, nodes, variables, key=key, sample_rows=SAMPLE_ROWS, reasons=REASONS, limit=limit
    )
    hidden = Hidden(table, schema, nodes)
    asked = Asked(space, pipeline, prepared, name).ask(engine, inputs, variables, limit)
    refusals = [hidden.quarantined(one) for one in found.reasons]
    refusals += [hidden.quarantined(one) for one in asked.reasons]
    return TablePlan(
        columns=tuple(_column(table, mapped, found, target, node) for target, node in nodes.items()),
        unmapped_target=_unmapped(table, mapped),
        unmapped_source=mapped.unmapped_source,
        sample=tuple(Sample(before=hidden.before(one.before), after=hidden.after(one.after)) for one in found.samples),
        quarantined=tuple(refusals),
        rows_read=found.rows,
        rows_quarantined=found.rows if asked.hopeless else found.refused + asked.refused,
        would=asked.would,
        key=recipe.key,
        write=recipe.write,
        rows_there=table.rows,
        key_collisions=found.key_collisions,
        sql={"duckdb": engine.sql(schema, nodes), "spark": None},
        suggested_ddl=_suggested(space, pipeline, table, schema, mapped),
    ), asked.warnings


def _batches(space: Workspace, pipeline: Pipeline, source: str, table: str) -> list[Batch]:
    """The batches that the table has not got; the newest where it has them all."""
    batches = space.seen(pipeline.name, source)
    destination = space.destination(pipeline)
    known = destination.known_batches(pipeline.name) if destination.prepared() else {}
    there = known.get((source, table), frozenset())
    return [batch for batch in batches if batch.id not in there] or batches[-1:]


class Hidden:
    """Masks what is personal: columns labelled pii, and the source's fields that feed them or are pii themselves."""

    def __init__(self, table: Table, schema: SourceSchema, nodes: dict[str, Node]) -> None:
        self.columns = {column.name for column in table.columns if column.label and column.label.pii}
        feeding = {path for target in self.columns & set(nodes) for path in paths(nodes[target])}
        self.fields = {_top(path) for path in feeding} | {field.name for field in schema.fields if field.pii}
        exposing = {target for target, node in nodes.items() if {_top(path) for path in paths(node)} & self.fields}
        self.columns |= exposing

    def before(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            name: MASKED if _top(name) in self.fields and value is not None else _shown(value)
            for name, value in row.items()
        }

    def after(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: _masked(value, name in self.columns) for name, value in row.items()}

    def quarantined(self, one: Any) -> PlannedQuarantine:
        # A reason may quote the value that was refused.
        reason = f"{one.kind} ({MASKED})" if one.column in self.columns else one.reason
        return PlannedQuarantine(
            reason=reason, column=one.column, row=self.before(one.row), rows=one.rows, first_row=one.first_row
        )


def _masked(value: Any, hide: bool) -> Any:
    return MASKED if hide and value is not None else _shown(value)


def _shown(value: Any) -> Any:
    """A value as a plan's JSON can hold it: bytes and numbers that JSON has no spelling for as PostgreSQL's text."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _shown(one) for name, one in value.items()}
    return value


def _top(path: str) -> str:
    return str(path_parts(path)[0])


def _column(table: Table, mapped: TableMapping, found: Preview, target: str, node: Node) -> ColumnPlan:
    said, column, counts = mapped.column(target), table.column(target), found.columns[target]
    if said is None or column is None or said.expr is None:
        raise ValueError(f"{table.name}.{target} is in the recipe and not in the mapping")
    return ColumnPlan(
        target=target,
        type=column.native,
        expr=said.expr,
        layer=said.layer,
        confidence=said.confidence,
        why=said.why,
        alternatives=said.alternatives,
        nulls=counts.nulls,
        distinct=counts.distinct,
        failures=counts.failures,
        truncated=counts.truncated,
        pii=bool(column.label and column.label.pii),
        converted=not is_carried_over(node),
        overrides=said.overrides,
    )


def _unmapped(table: Table, mapped: TableMapping) -> tuple[UnmappedTarget, ...]:
    return tuple(
        UnmappedTarget(target=said.target, why=said.why, type=column.native, required=column.required)
        for said in mapped.columns
        if said.expr is None and (column := table.column(said.target)) is not None and column.writable
    )


def _suggested(
    space: Workspace, pipeline: Pipeline, table: Table, schema: SourceSchema, mapped: TableMapping
) -> tuple[str, ...]:
    """ALTER TABLE statements for fields that have no column, for a person to run."""
    fields = [
        field
        for name in mapped.unmapped_source
        if (field := schema.field(name)) is not None and table.column(name) is None
    ]
    return tuple(space.destination(pipeline).suggested_ddl(table, fields))
