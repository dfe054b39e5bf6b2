"""Builds the recipe: of schemas, catalog, mapping and file exactly what decides what rows become, and nothing else."""

from collections.abc import Mapping as MappingOf
from typing import Any

from octo_core.catalog import Catalog, Column, ForeignKey, Table, Unique
from octo_core.deletes import marked_column
from octo_core.errors import NotSupportedYet, UsageError
from octo_core.expressions import Node, canonical, parse, path_text, paths
from octo_core.language import LANGUAGE_VERSION
from octo_core.mapping.model import Mapping, TableMapping
from octo_core.plan.fields import used_field
from octo_core.plan.model import Recipe, TableRecipe, TargetColumn, UsedField
from octo_core.relations import join_paths
from octo_core.schema import SourceSchema
from octo_core.spec.names import canonical_table_name
from octo_core.spec.pipeline import MarkDeletes, PipelineSpec, TableSpec
from octo_core.spec.shapes import EachFrom, JoinFrom, Shape, SqlFrom, driving, plain_shape, relation_name
from octo_core.types import INTEGER_BITS, DataType

_DIGITS = {"int8": 3, "int16": 5, "int32": 10, "int64": 19}
_EXACT_BITS = {"float32": 24, "float64": 53}
"""Whole numbers of so many bits come through a float as they were."""


def build_recipe(
    spec: PipelineSpec,
    schemas: MappingOf[str, SourceSchema],
    catalog: Catalog,
    mapping: Mapping,
    texts: MappingOf[str, str],
) -> Recipe:
    """The recipe of a pipeline. `texts`: name → text of each transformation and `after` file.

    Raises ExpressionError for an expression that does not fit its schema any more, UsageError where a part is missing.
    """
    tables: dict[str, TableRecipe] = {}
    used: dict[str, dict[str, UsedField]] = {}
    for written, table_spec in spec.tables.items():
        name = canonical_table_name(written)
        if name not in catalog.tables or name not in mapping.tables:
            raise UsageError(f"{name} was not pulled and mapped", hint=f"Run: octopipe map {spec.name}")
        origin = origin_of(spec, name)
        source = relation_name(origin)
        schema = _schema(schemas, source)
        nodes = _nodes(mapping.tables[name], schema)
        table = _table(table_spec, catalog.tables[name], origin, _source_key(spec, origin), nodes)
        tables[name] = table.model_copy(update={"files": _files(table_spec, texts, name)})
        wanted = {path for node in nodes.values() for path in paths(node)} | _ordering(table_spec, schema)
        wanted |= set(join_paths(origin, schema))
        used.setdefault(source, {}).update((path, _used(schema, path)) for path in wanted)
    return Recipe(
        pipeline=spec.name,
        language=LANGUAGE_VERSION,
        drift={name: str(value) for name, value in spec.drift.model_dump().items()},
        sources={source: tuple(fields[path] for path in sorted(fields)) for source, fields in sorted(used.items())},
        tables=dict(sorted(tables.items())),
    )


def origin_of(spec: PipelineSpec, table: str) -> Shape:
    """What a table is made from. Raises UsageError where nobody said it, NotSupportedYet for what is not built."""
    origin = spec.origin_of(table)
    if origin is None:
        raise UsageError(f"{table}: `from` is missing, and there are several sources", where=spec.name)
    if isinstance(origin, SqlFrom):
        raise NotSupportedYet(f"{table}: `from` with sql is not supported yet")
    return origin


def _source_key(spec: PipelineSpec, origin: Shape) -> tuple[str, ...]:
    """The key that the file gives a relation's rows: its source's own, where its rows are that source's records."""
    keys = {spec.sources[name].key for name in driving(origin)}
    many = isinstance(origin, JoinFrom) and any(one.many for one in origin.join.with_)
    return () if many or isinstance(origin, EachFrom) or len(keys) > 1 else keys.pop()


def effective_key(
    table_spec: TableSpec, table: Table, source_key: tuple[str, ...], columns: MappingOf[str, str]
) -> tuple[str, ...]:
    """What makes a row the same row: the file's key, else the primary key, else the source's key where it is mapped.

    `columns` is target → canonical expression; a source's key counts only where each of its fields goes over unchanged,
    and only if its file says it: what no two rows shared so far may be shared by the next two, and one would be lost.
    A primary key that the destination makes by itself (serial, identity, a default) and nothing feeds tells no rows of
    the source apart.
    """
    if table_spec.key is not None:
        return table_spec.key
    parts = [column for name in table.primary_key if (column := table.column(name)) is not None]
    if table.primary_key and all(column.name in columns or column.required for column in parts):
        return table.primary_key
    carried = {expression: target for target, expression in columns.items()}
    wanted = [path_text((name,)) for name in source_key]
    return tuple(carried[path] for path in wanted) if wanted and all(path in carried for path in wanted) else ()


def effective_write(table_spec: TableSpec, key: tuple[str, ...]) -> str:
    """How rows are written: as the file says, else `merge` where there is a key, else `append`."""
    return table_spec.write or ("merge" if key else "append")


def _schema(schemas: MappingOf[str, SourceSchema], source: str) -> SourceSchema:
    if source not in schemas:
        raise UsageError(f"the schema of {source} is not known", hint="The sources are: " + ", ".join(sorted(schemas)))
    return schemas[source]


def _nodes(mapped: TableMapping, schema: SourceSchema) -> dict[str, Node]:
    found = {column.target: column.expr for column in mapped.columns if column.expr is not None}
    return {target: parse(expression, schema) for target, expression in sorted(found.items())}


def _table(
    table_spec: TableSpec,
    table: Table,
    origin: Shape,
    source_key: tuple[str, ...],
    nodes: MappingOf[str, Node],
) -> TableRecipe:
    columns = {target: canonical(node) for target, node in nodes.items()}
    key = effective_key(table_spec, table, source_key, columns)
    write = effective_write(table_spec, key)
    mark = _mark(table_spec, table, columns, write)
    targets = [column for column in table.columns if column.name in columns or column.required or column is mark]
    return TableRecipe(
        table=table.name,
        source=relation_name(origin),
        from_=plain_shape(origin),
        key=key,
        version=table_spec.version,
        write=write,
        deletes=_plain(table_spec.deletes),
        columns=columns,
        targets=tuple(sorted((_target(column, columns) for column in targets), key=lambda target: target.name)),
        primary_key=table.primary_key,
        uniques=_sorted([_unique(unique) for unique in table.uniques]),
        foreign_keys=_sorted([_foreign_key(reference) for reference in table.foreign_keys]),
        checks=tuple(sorted(check.sql for check in table.checks)),
        triggers=tuple(sorted(trigger.sql for trigger in table.triggers)),
        exclusions=tuple(sorted(table.exclusions)),
        functions=_functions(table, {column.name for column in targets}) or None,
        policies=tuple(sorted(table.policies)) or None,
        generated={column.name: column.generated for column in table.columns if column.generated} or None,
        transforms=table_spec.transforms,
        after=table_spec.after,
        narrowed=tuple(sorted(name for name, node in nodes.items() if not _holds(table.column(name), node.type))),
    )


def _mark(table_spec: TableSpec, table: Table, columns: MappingOf[str, str], write: str) -> Column | None:
    """The column that marks what is gone. UsageError where it cannot, or where there is no row to find again."""
    if not isinstance(table_spec.deletes, MarkDeletes):
        return None
    mark = marked_column(table, table_spec.deletes)
    if mark.name in columns:
        raise UsageError(f"deletes: {table.name}.{mark.name} is mapped, and marks what is gone: it cannot do both")
    if write != "merge":
        raise UsageError(
            f"deletes: rows of {table.name} are {'appended' if write == 'append' else 'replaced'}: none is marked",
            hint="give the table a `key:` and write: merge",
        )
    return mark


def _target(column: Column, mapped: MappingOf[str, str]) -> TargetColumn:
    label = column.label if column.name in mapped else None
    return TargetColumn(
        name=column.name,
        native=column.native,
        nullable=column.nullable,
        default=column.default,
        generated=column.generated,
        identity=column.identity,
        enum=column.enum,
        domain=column.domain,
        collation=column.collation,
        label=label.label if label else None,
        unit=label.unit if label else None,
        pii=label.pii if label else False,
    )


def _functions(table: Table, targets: set[str]) -> dict[str, str]:
    """What is called for a row; a default's only where the load leans on the default, or writes the column."""
    leaning = targets | {column.name for column in table.columns if not column.nullable}
    called = (one for one in table.functions if one.used_by != "default" or one.column in leaning)
    return {one.name: one.body for one in called}


def _used(schema: SourceSchema, path: str) -> UsedField:
    found = used_field(schema, path)
    if found is None:
        raise UsageError(f"{schema.source} has no field {path}")
    return found


def _ordering(table_spec: TableSpec, schema: SourceSchema) -> set[str]:
    """The field that `version` names counts as used, where it is one of the source's and not a column."""
    version = table_spec.version
    return {path_text((version,))} if version is not None and schema.field(version) is not None else set()


def _holds(column: Column | None, kind: DataType) -> bool:
    """Whether every whole number of this type fits the column: else a wider integer makes another recipe."""
    if column is None or not kind.is_integer:
        return True
    into = column.type
    if into.is_integer:
        return INTEGER_BITS[kind.kind] <= INTEGER_BITS[into.kind]
    if into.kind == "decimal":
        return _DIGITS[kind.kind] <= (into.precision or 0) - (into.scale or 0)
    return into.kind not in _EXACT_BITS or INTEGER_BITS[kind.kind] - 1 <= _EXACT_BITS[into.kind]


def _files(table_spec: TableSpec, texts: MappingOf[str, str], table: str) -> dict[str, str]:
    named = sorted({*table_spec.transforms, *table_spec.after})
    missing = [name for name in named if name not in texts]
    if missing:
        raise UsageError(f"{table} names a file whose text is not there: {', '.join(missing)}")
    return {name: texts[name] for name in named}


def _unique(unique: Unique) -> dict[str, Any]:
    """Without its name, which decides nothing."""
    return unique.model_dump(exclude={"name"}, mode="json")


def _foreign_key(reference: ForeignKey) -> dict[str, Any]:
    return reference.model_dump(exclude={"name", "deferrable"}, mode="json")


def _sorted(values: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    return tuple(sorted(values, key=repr))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True) if hasattr(value, "model_dump") else value
