"""What people approved so far, in any pipeline of the project: examples for the next proposal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from octo_core.asking.examples import ApprovedColumn
from octo_core.asking.sharing import masked_names, names_any, withheld, without_values
from octo_core.catalog import Catalog
from octo_core.errors import OctopipeError
from octo_core.mapping.attribute import Attribute, source_attributes, source_fields
from octo_core.mapping.patterns import likeness
from octo_core.mapping.remembered import Remembered
from octo_core.schema import Field, SourceSchema
from octo_core.spec.llm import Share
from octo_resources.flow.workspace import Workspace

MAX_PIPELINES = 200
MAX_PLANS = 50
"""Approved plans that are read for what they leave out: the newest."""


def approved_columns(space: Workspace) -> list[ApprovedColumn]:
    """The columns of every pipeline's newest approved plan, the last MAX_PIPELINES approved."""
    found: list[ApprovedColumn] = []
    newest = sorted(space.registry.decisions.all_last_approved().items(), key=lambda item: -item[1].seq)
    for name, approved in newest[:MAX_PIPELINES]:
        recipe = space.registry.plans.recipe(name, approved.fingerprint)
        for table in recipe.tables.values() if recipe else ():
            targets = {target.name: target for target in table.targets}
            for column, expr in table.columns.items():
                label, native = (targets[column].label, targets[column].native) if column in targets else (None, None)
                found.append(ApprovedColumn(name, table.source, table.table, column, expr, label, native))
    return found


def remembered(
    space: Workspace,
    known: Iterable[ApprovedColumn],
    pipeline: str,
    tables: Catalog,
    relations: Mapping[str, SourceSchema],
) -> list[Remembered]:
    """What was approved or corrected, for the embedded proposer: which field feeds which column, how, and which none.

    Of a pipeline's own decisions the source keeps its name; those about another table count where a column of that
    name is to be fed here too, and else, of the same pipelines, for how they are written. `relations`: what this
    pipeline's tables are made from; what it corrected and nobody approved yet counts in it alone.
    """
    columns = {column.name for table in tables.tables.values() for column in table.columns}
    about = _Fields(space)
    known = list(known)
    near = {one.pipeline for one in known if one.table in tables.tables or one.column in columns} | {pipeline}
    alike = [one for one in known if one.pipeline in near]
    corrections = {
        (name, one.table, one.column): one for name in near for one in space.registry.corrections.holding(name)
    }
    found = left_out(space, alike, pipeline, tables, about)
    for one in alike:
        said = corrections.pop((one.pipeline, one.table, one.column), None)
        expr = said.expr if said is not None and said.expr else one.expr
        schema = about.schema(one.pipeline, one.source)
        field = _field(schema, expr)
        if field is not None:
            there = one.table if one.table in tables.tables or one.column not in columns else ""
            source = _source(one, pipeline)
            like = _like(schema, field, one.native)
            known_of = about.of(one.pipeline, one.source, field)
            found.append(Remembered(field, one.column, source, there, expr, like, known_of))
        elif one.table in tables.tables:
            found.append(Remembered(None, one.column, _source(one, pipeline), one.table, expr))
    for (name, table, column), said in corrections.items():
        target = tables.tables[table].column(column) if table in tables.tables else None
        if name == pipeline and table in relations and target is not None and said.expr:
            schema = relations[table]
            field = _field(schema, said.expr)
            like = _like(schema, field, target.native) if field is not None else None
            found.append(Remembered(field, column, schema.source, table, said.expr, like))
    return found


def left_out(
    space: Workspace, alike: Iterable[ApprovedColumn], pipeline: str, tables: Catalog, about: _Fields
) -> list[Remembered]:
    """The fields that approved plans leave unused, of the tables that are to be fed here too.

    Only where that plan knew every column which the table has today: nothing is said of what came later.
    """
    places = {(one.pipeline, one.table): one for one in alike if one.table in tables.tables}
    approved = space.registry.decisions.all_last_approved()
    newest = sorted(places, key=lambda place: (-approved[place[0]].seq, place[1]))[:MAX_PLANS]
    plans = {name: space.registry.plans.get(name, approved[name].fingerprint) for name in {name for name, _ in newest}}
    found = []
    for name, table in reversed(newest):
        stored = plans[name]
        seen = stored.plan.tables.get(table) if stored is not None else None
        if seen is None:
            continue
        there = {one.target for one in seen.columns} | {one.target for one in seen.unmapped_target}
        if all(column.name in there for column in tables.tables[table].columns):
            one = places[name, table]
            source = _source(one, pipeline)
            found += [
                Remembered(path, None, source, table, about=about.of(name, one.source, path))
                for path in seen.unmapped_source
            ]
    return found


class _Fields:
    """What is known of the fields that were decided: of each source its newest schema, read once."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._schemas: dict[tuple[str, str], SourceSchema | None] = {}
        self._fields: dict[tuple[str, str], dict[str, Attribute]] = {}

    def schema(self, pipeline: str, source: str) -> SourceSchema | None:
        if (pipeline, source) not in self._schemas:
            self._schemas[pipeline, source] = self._space.registry.schemas.newest(pipeline, source)
        return self._schemas[pipeline, source]

    def of(self, pipeline: str, source: str, path: str) -> Attribute | None:
        """The field as the matcher sees it, with what was seen of its values; None where no schema has it."""
        if (pipeline, source) not in self._fields:
            schema = self.schema(pipeline, source)
            every = source_attributes(schema) if schema is not None else []
            self._fields[pipeline, source] = {one.name: one for one in every}
        return self._fields[pipeline, source].get(path)


def _source(one: ApprovedColumn, pipeline: str) -> str:
    """Whose decision it is: a pipeline's own sources keep their names."""
    return one.source if one.pipeline == pipeline else f"{one.pipeline}.{one.source}"


def _like(schema: SourceSchema | None, path: str, native: str | None) -> str | None:
    """What other pairs have to have in common with this one to be written like it."""
    field = source_fields(schema).get(path) if schema is not None else None
    return likeness(field, path, native) if field is not None and native is not None else None


def _field(schema: SourceSchema | None, expr: str) -> str | None:
    """The one field that an expression reads; None where it reads none or several."""
    from octo_core.expressions import ExpressionError, parse, paths

    if schema is None:
        return expr if expr.isidentifier() else None
    try:
        used = paths(parse(expr, schema))
    except ExpressionError:
        return None
    return used[0] if len(used) == 1 else None


def that_may_leave(space: Workspace, known: Iterable[ApprovedColumn]) -> list[ApprovedColumn]:
    """Those whose own pipeline lets them: none where its `share` is none, and none that reads a field whose name does
    not leave (a map's key); without texts where it is not samples, or where one may be somebody's.
    """
    columns = list(known)
    shares = {name: _share(space, name) for name in {one.pipeline for one in columns}}
    fields = {name: _fields(space, name) for name, share in shares.items() if share != "none"}
    stay = {name: withheld(found) for name, found in fields.items()}
    masked = {name: masked_names(found) for name, found in fields.items()}
    found: list[ApprovedColumn] = []
    for one in columns:
        bare = without_values(one.expr)
        if one.pipeline not in fields or names_any(bare, stay[one.pipeline]):
            continue
        whole = shares[one.pipeline] == "samples" and not names_any(bare, masked[one.pipeline])
        found.append(one if whole else replace(one, expr=bare))
    return found


def _fields(space: Workspace, name: str) -> list[Field]:
    """The fields of all of a pipeline's sources, as far as they are known."""
    schemas = [space.registry.schemas.newest(name, source) for source in space.pipeline(name).spec.sources]
    return [field for schema in schemas if schema is not None for field in schema.fields]


def _share(space: Workspace, name: str) -> Share:
    """What a pipeline shares; nothing where its file is gone or cannot be read."""
    try:
        return space.pipeline(name).llm.share or "statistics"
    except OctopipeError:
        return "none"
