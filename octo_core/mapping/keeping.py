"""After drift only what is affected is proposed anew: everything else stays as a person approved it."""

from collections.abc import Mapping

from octo_core.catalog import Catalog, Table
from octo_core.mapping.model import ColumnMapping, TableMapping
from octo_core.mapping.model import Mapping as WholeMapping
from octo_core.plan.fields import family_text
from octo_core.plan.model import Recipe, UsedField
from octo_core.schema import SourceSchema

SURE = 0.8
"""So sure the proposer has to be for a column whose field drifted to go over to another field without a doubt."""
RENAMED = 0.65
"""The confidence that is left to what took its place without that."""
LIKELY = 0.6
"""So sure, at least, for it to go over at all; below, a person says what feeds it."""


def kept(
    before: WholeMapping,
    proposal: WholeMapping,
    approved: Recipe,
    *,
    catalog: Catalog,
    relations: Mapping[str, SourceSchema],
) -> WholeMapping:
    """The new proposal with the earlier one's columns wherever nothing that they stand on has changed.

    `approved` says what the sources' fields were when a person last approved them. The destination is as it was.
    """
    tables = {}
    for name, table in proposal.tables.items():
        recipe, old = approved.tables.get(name), before.tables.get(name)
        if recipe is None or old is None or name not in relations or name not in catalog.tables:
            tables[name] = table
            continue
        fields = {field.name: field for field in approved.sources.get(recipe.source, ())}
        tables[name] = _Keeping(fields, relations[name], catalog.tables[name]).table(old, table)
    return proposal.model_copy(update={"tables": tables})


class _Keeping:
    """One table's columns, each held against what it stood on."""

    def __init__(self, fields: Mapping[str, UsedField], schema: SourceSchema, table: Table) -> None:
        self.fields, self.schema, self.catalog = fields, schema, table

    def table(self, old: TableMapping, new: TableMapping) -> TableMapping:
        columns = tuple(self._column(old.column(one.target), one) for one in new.columns)
        return new.model_copy(update={"columns": columns})

    def _column(self, old: ColumnMapping | None, new: ColumnMapping) -> ColumnMapping:
        if old is None:
            return new
        if old.expr is None:
            return new if self._uses_something_new(new) else old
        affected = [name for name in self._paths(old.expr) if self._changed(name)]
        if not affected:
            return old if self._still_fits(old) else new
        if new.expr is None or new.confidence >= SURE or set(self._paths(new.expr)) & set(affected):
            return new
        if new.confidence >= LIKELY:
            why = (
                f"{new.why}; its source field {affected[0]} changed, and whether this one is it, nothing says: check it"
            )
            return new.model_copy(update={"confidence": min(new.confidence, RENAMED), "why": why})
        why = f"its source field {affected[0]} changed, and {_doubt(new)}"
        return new.model_copy(update={"expr": None, "why": why})

    def _changed(self, path: str) -> bool:
        """Whether a field that was approved is gone, or of another family, format or unit."""
        was = self.fields.get(path)
        now = self.schema.field(path)
        if was is None:
            return now is None and "." not in path and "[" not in path
        return now is None or (family_text(now.type), now.format, now.unit) != (was.family, was.format, was.unit)

    def _uses_something_new(self, column: ColumnMapping) -> bool:
        known = set(self.fields)
        return column.expr is not None and any(path not in known for path in self._paths(column.expr))

    def _still_fits(self, column: ColumnMapping) -> bool:
        from octo_core.expressions import ExpressionError, assign, parse

        target = self.catalog.column(column.target)
        try:
            return target is not None and assign(parse(column.expr or "", self.schema), target) is not None
        except ExpressionError:
            return False

    def _paths(self, expr: str) -> tuple[str, ...]:
        """The fields of an expression, also of one that the schema of today refuses."""
        from octo_core.expressions import ExpressionError, parse, paths

        try:
            return paths(parse(expr, self.schema))
        except ExpressionError:
            return tuple(name for name in self.fields if name in expr)


def _doubt(column: ColumnMapping) -> str:
    return f"no other fits well enough (the nearest: {column.expr}, {column.confidence:.0%} sure); say what feeds it"
