"""Mistakes in a pipeline's files that show only against what was read of its tables and sources.

They are looked for in what the files say, and not in the models: a part with a mistake of its own hides no other.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from octo_core.catalog import Catalog, Column, Table
from octo_core.deletes import unfit
from octo_core.errors import Mistake
from octo_core.schema import SourceSchema
from octo_core.spec.mapping_file import FileColumn
from octo_core.spec.names import canonical_table_name
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.pipeline import MarkDeletes, TableSpec
from octo_core.spec.shapes import relation_name
from octo_resources.pipeline import Pipeline

if TYPE_CHECKING:
    from octo_resources.registry import Registry


def unknown_columns(pipeline: Pipeline, catalog: Catalog) -> list[Mistake]:
    """Labels, keys, versions and marks of pipeline.yaml that name no (fit) column, each at its place."""
    mistakes = []
    for name, said in _written_tables(pipeline):
        table = catalog.tables.get(name)
        if table is None:
            continue
        columns = [column.name for column in table.columns]
        spec = pipeline.spec.tables.get(name)
        deletes = spec.deletes if spec is not None else None
        mark = table.column(deletes.mark) if isinstance(deletes, MarkDeletes) else None
        if mark is not None and (wrong := unfit(mark)):
            message = f"deletes: {name}.{mark.name} {wrong}"
            mistakes.append(pipeline.mistake(message, "tables", name, "deletes", "mark"))
        for column, *place in _named(said):
            if column not in columns:
                message = f"{place[0]}: {name} has no column '{column}'.{did_you_mean(column, columns)}"
                mistakes.append(pipeline.mistake(message, "tables", name, *place))
        if spec is not None and spec.write == "merge" and not _may_have_a_key(pipeline, name, spec, table):
            message = f"write: merge needs a key, and {name} has no primary key; give `key:`, or write: append"
            mistakes.append(pipeline.mistake(message, "tables", name, "write"))
    return sorted(mistakes, key=lambda one: (one.line, one.column))


def _may_have_a_key(pipeline: Pipeline, name: str, spec: TableSpec, table: Table) -> bool:
    """Whether something says what makes a row the same row. A source's key does, where the mapping carries it."""
    if spec.key is not None:
        return bool(spec.key)
    return bool(table.primary_key) or any(
        pipeline.spec.sources[source].key
        for source in pipeline.spec.sources_of(name)
        if source in pipeline.spec.sources
    )


def unknown_fields(registry: "Registry", pipeline: Pipeline) -> list[Mistake]:
    """Keys, cursors of APIs and `fields` of sources that name no field of the newest stored schema, each at its place.

    A source that has no record yet has no fields, and nothing can be said then.
    """
    mistakes = []
    for name in _said_of_sources(pipeline):
        stored = registry.schemas.newest_version(pipeline.name, name)
        mistakes += unknown_in(pipeline, name, [field.name for field in stored.value.fields] if stored else [])
    return sorted(mistakes, key=lambda one: (one.line, one.column))


def unknown_in(pipeline: Pipeline, source: str, names: Collection[str]) -> list[Mistake]:
    """Those of one source, whose fields these are."""
    return [
        pipeline.mistake(
            f"{place[0]}: source '{source}' has no field '{field}'.{did_you_mean(field, names)}",
            *("sources", source, *place),
        )
        for field, *place in (_named_fields(_said_of_sources(pipeline).get(source)) if names else ())
        if field not in names and field.split(".")[0] not in names
    ]


def _said_of_sources(pipeline: Pipeline) -> Mapping[str, Any]:
    data = pipeline.document.data
    sources = data.get("sources") if isinstance(data, dict) else None
    return sources if isinstance(sources, dict) else {}


def wrong_expressions(registry: "Registry", pipeline: Pipeline, catalog: Catalog | None) -> tuple[list[Mistake], int]:
    """(mistakes, expressions checked) of mapping.yaml against the catalog and the newest stored schemas."""
    mistakes: list[Mistake] = []
    count = 0
    for name, columns in pipeline.file_mapping.items():
        source = _source(pipeline, name)
        stored = registry.schemas.newest_version(pipeline.name, source) if source else None
        table = catalog.tables.get(name) if catalog else None
        for target, entry in columns.items():
            column = table.column(target) if table is not None else None
            if table is not None and (said := _unwritable(table, target, column)):
                mistakes.append(_placed(entry, said))
            if stored is not None and (text := _text(entry, column)) is not None:
                count += 1
                mistakes += _expression(entry, text, target, stored.value, column)
    return mistakes, count


def _written_tables(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    """(canonical name, what the file says) of every table."""
    data = pipeline.document.data
    tables = data.get("tables") if isinstance(data, dict) else None
    for written, said in tables.items() if isinstance(tables, dict) else ():
        try:
            yield canonical_table_name(written), said
        except ValueError:
            continue  # a mistake that was told already


def _named_fields(said: Any) -> Iterator[tuple[str, *tuple[str | int, ...]]]:
    """Each field that a source's part of the file names, and where in it."""
    if not isinstance(said, dict):
        return
    yield from _key(said.get("key"))
    fields, cursor = said.get("fields"), said.get("cursor")
    for field in fields if isinstance(fields, dict) else ():
        yield field, "fields", field
    if said.get("kind") == "rest" and isinstance(cursor, dict) and isinstance(cursor.get("field"), str):
        yield cursor["field"], "cursor", "field"


def _key(key: Any) -> Iterator[tuple[str, *tuple[str | int, ...]]]:
    for index, part in enumerate(key if isinstance(key, list) else ()):
        if isinstance(part, str):
            yield part, "key", index
    if isinstance(key, str):
        yield key, "key"


def _named(said: Any) -> Iterator[tuple[str, *tuple[str | int, ...]]]:
    """Each column that a table's part of the file names, and where in it."""
    if not isinstance(said, dict):
        return
    labels, version = said.get("labels"), said.get("version")
    for column in labels if isinstance(labels, dict) else ():
        yield column, "labels", column
    yield from _key(said.get("key"))
    if isinstance(version, str):
        yield version, "version"
    deletes = said.get("deletes")
    if isinstance(deletes, dict) and isinstance(deletes.get("mark"), str):
        yield deletes["mark"], "deletes", "mark"


def _source(pipeline: Pipeline, table: str) -> str | None:
    """The relation that feeds a table, also one with mistakes of its own, and also for a table that is none."""
    data = pipeline.document.data
    written = data.get("sources") if isinstance(data, dict) else None
    sources = list(written) if isinstance(written, dict) else list(pipeline.spec.sources)
    spec = pipeline.spec.tables.get(table)
    origin = spec.from_ if spec is not None else None
    if origin is None:
        return sources[0] if len(sources) == 1 else None
    return relation_name(origin)


def _unwritable(table: Table, target: str, column: Column | None) -> str | None:
    """What is wrong with a column as the target of a mapping."""
    if column is None:
        known = [one.name for one in table.columns]
        return f"{table.name} has no column '{target}'.{did_you_mean(target, known)}"
    if not column.writable:
        return f"{table.name}.{target} cannot be written: the destination computes it. Leave it out"
    return None


def _text(entry: FileColumn, column: Column | None) -> str | None:
    """The expression that an entry stands for; None where it leaves the column unmapped."""
    if entry.values is None:
        return entry.expr
    from octo_core.mapping.spelling import file_value_map
    from octo_core.types import TEXT

    return file_value_map(entry.values, column.type if column is not None else TEXT)


def _expression(
    entry: FileColumn, text: str, target: str, schema: SourceSchema, column: Column | None
) -> list[Mistake]:
    """The mistake of one expression, if it has one, with the place marked under its text."""
    from octo_core.expressions import assign, parse
    from octo_core.expressions.mistakes import ExpressionError

    try:
        node = parse(text, schema)
        if column is not None:
            assign(node, column)
    except ExpressionError as error:
        hint = f" Did you mean {error.nearest}?" if error.nearest and "Did you mean" not in error.message else ""
        where = (error.line, error.column) if entry.values is None else (1, 1)  # a map's text is ours
        return [_placed(entry, f"{target}: {error.message}{hint}", *where, error.snippet)]
    return []


def _placed(entry: FileColumn, message: str, line: int = 1, column: int = 1, snippet: str | None = None) -> Mistake:
    """A mistake at a place in an expression; its snippet stands below the message."""
    file, first, start = entry.position
    place = Mistake(file, first + line - 1, start + column - 1 if line == 1 else column, message)
    if not snippet:
        return place
    indent = " " * len(f"{file}:{place.line}:{place.column}  ")
    shown = "\n".join(f"{indent}{part}" for part in snippet.splitlines())
    return Mistake(file, place.line, place.column, message, shown)
