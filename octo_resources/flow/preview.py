"""What a mapping would do to the rows of one table: the part of the plan that looks at data."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from octo_core.batch import Batch
from octo_core.catalog import Column, Table
from octo_core.errors import DestinationError
from octo_core.expressions import Node, path_parts, paths
from octo_core.expressions.questions import is_carried_over
from octo_core.mapping.model import TableMapping
from octo_core.offsets import MESSAGE_FIELDS
from octo_core.plan.model import SAMPLE_ROWS, ColumnPlan, PlannedQuarantine, Sample, TablePlan, UnmappedTarget
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import INDEX, PARENT, EachFrom, JoinFrom, Shape, driving, looked_up
from octo_core.spec.sources import Source
from octo_resources.destinations.postgres.order import order_by_foreign_keys
from octo_resources.engines.duckdb import LoadVariables
from octo_resources.engines.duckdb.preview import Preview
from octo_resources.engines.shown import spark_sql
from octo_resources.flow.asking import Asked
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.shaping import Shaped, Shaper, shaping
from octo_resources.flow.states import state_of
from octo_resources.flow.understand import sample_limits
from octo_resources.flow.workspace import Workspace
from octo_resources.flow.write_job import counting, tombstones_of
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.destinations.postgres.examine import Examination
    from octo_resources.flow.planning import Prepared

MASKED = "‹masked›"
REASONS = 50
MANY_ALIKE = 0.2
"""Share of rows with a key that an earlier one has, from which on the plan warns."""


def table_plans(space: Workspace, pipeline: Pipeline, prepared: "Prepared") -> tuple[dict[str, TablePlan], list[str]]:
    """The plan of each table over the rows that landed and are not loaded, and warnings.

    Over the newest batch where all is loaded. What only the destination can judge is asked of it as well.
    """
    names, warnings = list(prepared.recipe.tables), []
    order = names
    try:
        order = [table.name for table in order_by_foreign_keys([prepared.catalog.tables[name] for name in names])]
    except DestinationError as error:
        warnings.append(f"no load can write them: {error.message}; {error.hint}")
    planned = {}
    with space.destination(pipeline).examination() as examination:
        for name in order:
            with shaping(space, pipeline, prepared.schemas) as shaper:
                planned[name] = _planned(space, pipeline, prepared, name, shaper, examination)
    warnings += [one for name in names for one in planned[name][1]]
    return {name: planned[name][0] for name in names}, warnings


def _planned(
    space: Workspace, pipeline: Pipeline, prepared: "Prepared", name: str, shaper: Shaper, examination: "Examination"
) -> tuple[TablePlan, list[str]]:
    recipe = prepared.recipe.tables[name]
    origin = recipe.origin
    schema, table = prepared.schemas[recipe.source], prepared.catalog.tables[name]
    mapped, nodes = prepared.mapping.tables[name], prepared.nodes(name)
    engine = space.engine(pipeline)
    batches = counting(recipe, [one for source in driving(origin) for one in _batches(space, pipeline, source, name)])
    sample = sample_limits(space, pipeline, batches)
    limit = schema.rows_examined if sample is not None else None
    beside = {source: state_of(space.seen(pipeline.name, source)) for source in looked_up(origin)}
    shaped = shaper.shaped(origin, batches, nodes, beside=beside, limit=limit)
    inputs = shaped.inputs
    variables = LoadVariables.for_plans(pseudonym_key(space))
    key = [column for column in recipe.key if column in nodes]
    found = engine.preview(
        inputs,
        schema,
        nodes,
        variables,
        key=key,
        sample_rows=SAMPLE_ROWS,
        reasons=REASONS,
        limit=limit,
        tombstones=tombstones_of(pipeline, recipe),
    )
    unused = tuple(name for name in mapped.unmapped_source if _is_own(origin, name, pipeline.spec.sources))
    hidden = Hidden(table, schema, nodes)
    asked = Asked(examination, pipeline, prepared, name).ask(engine, inputs, variables, limit)
    refusals = [hidden.quarantined(one) for one in found.reasons]
    refusals += [hidden.quarantined(one) for one in asked.reasons]
    return TablePlan(
        columns=tuple(_column(table, mapped, found, target, node) for target, node in nodes.items()),
        unmapped_target=_unmapped(table, mapped),
        unmapped_source=unused,
        sample=tuple(Sample(before=hidden.before(one.before), after=hidden.after(one.after)) for one in found.samples),
        quarantined=tuple(refusals),
        rows_read=found.rows,
        rows_quarantined=found.rows if asked.hopeless else found.refused + asked.refused,
        would=asked.would,
        key=recipe.key,
        write=recipe.write,
        deletes=recipe.deletes if isinstance(recipe.deletes, dict) else None,
        rows_there=table.rows,
        key_collisions=found.key_collisions,
        sql={"duckdb": engine.sql(schema, nodes), "spark": spark_sql(schema, nodes)},
        suggested_ddl=_suggested(space, pipeline, table, schema, unused),
    ), [*shaped.warnings, *_of_shape(name, origin, shaped), *_of_key(name, recipe.key, found), *asked.warnings]


def _of_key(table: str, key: Sequence[str], found: Preview) -> Iterator[str]:
    """That a key tells far too few rows apart: of each one row is left."""
    if found.key_collisions > MANY_ALIKE * found.rows:
        names = ", ".join(key)
        yield f"{table}: {found.key_collisions:,} of {found.rows:,} rows repeat an earlier one's {names}: is it a key?"


def _of_shape(table: str, origin: Shape, shaped: Shaped) -> Iterator[str]:
    """What a reviewer has to know of how a table's rows come about."""
    if isinstance(origin, JoinFrom):
        for one in origin.join.with_:
            lost = shaped.counts.unmatched.get(one.alias, 0) if shaped.counts is not None else 0
            if lost:
                left = "are left out" if one.kind == "inner" else f"get nulls for {one.alias}"
                yield f"{table}: {lost:,} rows of {origin.join.left} match none of {one.alias} and {left}"
        names = ", ".join(looked_up(origin))
        yield (
            f"{table}: rows are joined with what {names} holds when they load; a later change of {names} alone does"
            f" not load rows of {origin.join.left} again (octopipe run --full does)"
        )


def _batches(space: Workspace, pipeline: Pipeline, source: str, table: str) -> list[Batch]:
    """The batches that the table has not got; the newest where it has them all."""
    batches = space.seen(pipeline.name, source)
    destination = space.destination(pipeline)
    known = destination.known_batches(pipeline.name) if destination.prepared() else {}
    there = known.get((source, table), frozenset())
    return [batch for batch in batches if batch.id not in there] or batches[-1:]


class Hidden:
    """Masks what is personal: columns labelled pii or, without a label, called for it, and the source's fields that
    feed them or are pii themselves.
    """

    def __init__(self, table: Table, schema: SourceSchema, nodes: dict[str, Node]) -> None:
        self.columns = {column.name for column in table.columns if _is_personal(column)}
        feeding = {path_parts(path) for target in self.columns & set(nodes) for path in paths(nodes[target])}
        self.personal = feeding | set(_personal(schema.fields, ()))
        """Paths of fields that are personal."""
        exposing = {target for target, node in nodes.items() if any(map(self.hides, paths(node)))}
        self.columns |= exposing

    def hides(self, path: str) -> bool:
        """Whether what is at a path (or in the field of that name) is personal, in something personal, or has it."""
        spelled = path_parts(path), (path,)
        return any(parts[: len(one)] == one[: len(parts)] for one in self.personal for parts in spelled)

    def before(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            _key(name): MASKED if value is not None and self.hides(name) else _shown(value)
            for name, value in row.items()
        }

    def after(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: _masked(value, name in self.columns) for name, value in row.items()}

    def quarantined(self, one: Any) -> PlannedQuarantine:
        # A reason may quote the value that was refused; in the destination's own words, any value of the row.
        hide = one.column in self.columns or (one.quotes and bool(self.columns))
        reason = f"{one.kind} ({MASKED})" if hide else one.reason
        return PlannedQuarantine(
            reason=reason, column=one.column, row=self.before(one.row), rows=one.rows, first_row=one.first_row
        )


def _is_personal(column: Column) -> bool:
    from octo_core.inference.semantics import called_personal

    return column.label.pii if column.label else called_personal(column.name, column.type.family)


def _key(path: str) -> str:
    """A field's own name; the path of what is inside of one."""
    first, *rest = path_parts(path) or (path,)
    return path if rest or set('.["') & set(str(first)) else str(first)


def _masked(value: Any, hide: bool) -> Any:
    return MASKED if hide and value is not None else _shown(value)


def _shown(value: Any) -> Any:
    """A value as a plan's JSON can hold it: bytes and numbers that JSON has no spelling for as PostgreSQL's text."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if hasattr(value, "nanoseconds"):  # an interval of Arrow
        return _interval(value.months, value.days, value.nanoseconds)
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _shown(one) for name, one in value.items()}
    return value


def _interval(months: int, days: int, nanoseconds: int) -> str:
    """A length of time as PostgreSQL writes it: `1 mon 2 days 03:04:05.5`."""
    seconds, rest = divmod(abs(nanoseconds) // 1000, 1_000_000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    clock = ("-" if nanoseconds < 0 else "") + clock + (f".{rest:06d}".rstrip("0") if rest else "")
    parts = [
        f"{count} {noun}{'' if abs(count) == 1 else 's'}" for count, noun in ((months, "mon"), (days, "day")) if count
    ]
    return " ".join([*parts, *([clock] if nanoseconds or not parts else [])])


def _personal(fields: Sequence[Field], above: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    for field in fields:
        if field.pii:
            yield (*above, field.name)
        elif field.name != "[]":
            yield from _personal(field.children, (*above, field.name))
        elif any(_personal(field.children, ())):
            yield above


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
        pii=_is_personal(column),
        converted=not is_carried_over(node),
        overrides=said.overrides,
    )


def _unmapped(table: Table, mapped: TableMapping) -> tuple[UnmappedTarget, ...]:
    return tuple(
        UnmappedTarget(target=said.target, why=said.why, type=column.native, required=column.required)
        for said in mapped.columns
        if said.expr is None and (column := table.column(said.target)) is not None and column.writable
    )


def _is_own(origin: Shape, path: str, sources: Mapping[str, Source]) -> bool:
    """Whether a field that nothing uses is the row's own, and not one that came with what it was found in."""
    top = str(path_parts(path)[0])
    if isinstance(origin, JoinFrom):
        return all(one.alias != path for one in origin.join.with_)
    if top in MESSAGE_FIELDS and any(sources[name].kind == "kafka" for name in driving(origin)):
        return False
    return not (isinstance(origin, EachFrom) and top in (PARENT, INDEX))


def _suggested(
    space: Workspace, pipeline: Pipeline, table: Table, schema: SourceSchema, unused: Sequence[str]
) -> tuple[str, ...]:
    """ALTER TABLE statements for fields that have no column, for a person to run."""
    names = [parts[0] for path in unused if len(parts := path_parts(path)) == 1]
    fields = [
        field for name in names if (field := schema.field(str(name))) is not None and table.column(field.name) is None
    ]
    return tuple(space.destination(pipeline).suggested_ddl(table, fields))
