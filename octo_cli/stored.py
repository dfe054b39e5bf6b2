"""Mistakes that show only against what is known of a pipeline's sources and tables, without asking either again."""

from typing import TYPE_CHECKING

from octo_core.errors import Mistake
from octo_core.spec.nearest import did_you_mean

if TYPE_CHECKING:
    from octo_core.catalog import Catalog, Column
    from octo_core.schema import SourceSchema
    from octo_core.spec.mapping_file import FileColumn
    from octo_resources.project import Pipeline, Project
    from octo_resources.registry import Registry


def against_stored(project: "Project", pipeline: "Pipeline") -> tuple[list[Mistake], int]:
    """(mistakes, expressions checked) of labels, keys and mapping.yaml against the newest stored pull and schemas.

    Nothing is asked of a source or a destination, and no registry is made; what was never read is not checked.
    """
    if not _has_registry(project):
        return [], 0
    from octo_resources.registry import Registry

    registry = Registry.open(project.registry_url, project.state)
    try:
        stored = registry.catalogs.newest_version(pipeline.name)
        catalog = stored.value if stored is not None else None
        mistakes = _names(pipeline, catalog) if catalog is not None else []
        found, count = _expressions(registry, pipeline, catalog)
        return [*mistakes, *found], count
    finally:
        registry.close()


def _has_registry(project: "Project") -> bool:
    return project.spec.registry != "sqlite" or (project.state / "registry.db").is_file()


def _names(pipeline: "Pipeline", catalog: "Catalog") -> list[Mistake]:
    """Labels, keys and versions that name no column."""
    mistakes = []
    for name, spec in pipeline.tables.items():
        table = catalog.tables.get(name)
        if table is None:
            continue
        columns = [column.name for column in table.columns]
        named: list[tuple[str, str, tuple[str, ...]]] = [
            ("labels", column, ("labels", column)) for column in spec.labels
        ]
        named += [("key", column, ("key",)) for column in spec.key or ()]
        named += [("version", spec.version, ("version",))] if spec.version else []
        for what, column, place in named:
            if column not in columns:
                message = f"{what}: {name} has no column '{column}'.{did_you_mean(column, columns)}"
                mistakes.append(pipeline.mistake(message, "tables", name, *place))
    return mistakes


def _expressions(registry: "Registry", pipeline: "Pipeline", catalog: "Catalog | None") -> tuple[list[Mistake], int]:
    mistakes: list[Mistake] = []
    count = 0
    for name, columns in pipeline.file_mapping.items():
        source = pipeline.spec.source_of(name)
        stored = registry.schemas.newest_version(pipeline.name, source) if source else None
        table = catalog.tables.get(name) if catalog else None
        for target, entry in columns.items():
            if table is not None and table.column(target) is None:
                known = [column.name for column in table.columns]
                mistakes.append(_placed(entry, f"{name} has no column '{target}'.{did_you_mean(target, known)}"))
                continue
            column = table.column(target) if table is not None else None
            if column is not None and not column.writable:
                said = f"{name}.{target} cannot be written: the destination computes it. Leave it out"
                mistakes.append(_placed(entry, said))
            elif stored is not None and (text := _text(entry, column)) is not None:
                count += 1
                mistakes += _expression(entry, text, target, stored.value, column)
    return mistakes, count


def _text(entry: "FileColumn", column: "Column | None") -> str | None:
    """The expression that an entry stands for; None where it leaves the column unmapped."""
    if entry.values is None:
        return entry.expr
    from octo_core.mapping.spelling import file_value_map
    from octo_core.types import TEXT

    return file_value_map(entry.values, column.type if column is not None else TEXT)


def _expression(
    entry: "FileColumn", text: str, target: str, schema: "SourceSchema", column: "Column | None"
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


def _placed(entry: "FileColumn", message: str, line: int = 1, column: int = 1, snippet: str | None = None) -> Mistake:
    """A mistake at a place in an expression; its snippet stands below the message."""
    file, first, start = entry.position
    place = Mistake(file, first + line - 1, start + column - 1 if line == 1 else column, message)
    if not snippet:
        return place
    indent = " " * len(f"{file}:{place.line}:{place.column}  ")
    shown = "\n".join(f"{indent}{part}" for part in snippet.splitlines())
    return Mistake(file, place.line, place.column, message, shown)
