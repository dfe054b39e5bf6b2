"""`propose`, the embedded proposer: for every column of a pipeline's tables the expression that feeds it, and why.

Fields and columns are paired (pairing.py, references.py); each pair is written as an expression (writing.py) that the
language accepts for that column, and is as sure as sureness.py says; what has none, or too little evidence, is left
unmapped with a reason.
"""

from collections.abc import Mapping, Sequence

from octo_core.catalog import Catalog, Column, Table
from octo_core.errors import UsageError
from octo_core.mapping.attribute import target_attributes
from octo_core.mapping.audit import audit_expression
from octo_core.mapping.links import ALONE, Beside, beside
from octo_core.mapping.model import DOUBTFUL, ColumnMapping, TableMapping
from octo_core.mapping.model import Mapping as WholeMapping
from octo_core.mapping.pairing import pair
from octo_core.mapping.reasons import unmapped_reason, why
from octo_core.mapping.remembered import Remembered
from octo_core.mapping.scoring import Scores
from octo_core.mapping.sides import Sides, sides
from octo_core.mapping.sureness import EQUAL, Choice, alternatives
from octo_core.mapping.writing import Writer
from octo_core.schema import SourceSchema
from octo_core.spec.pipeline import PipelineSpec, TableSpec
from octo_core.spec.shapes import JoinFrom, Shape, relation_name


def propose(
    schemas: Mapping[str, SourceSchema],
    catalog: Catalog,
    spec: PipelineSpec,
    *,
    remembered: Sequence[Remembered] = (),
) -> WholeMapping:
    """Propose the mapping of all of a pipeline's tables.

    `schemas`: the typed schema of each source by its name, and of each table's own relation by the table's name where
    joins or transformations make it. `remembered`: what was approved or corrected before; a decision of another table
    counts for none. Raises UsageError where a table's source has no schema.
    """
    tables, warnings = {}, []
    for name, table in spec.tables.items():
        if name not in catalog.tables:
            continue
        shape = spec.origin_of(name)
        schema = relation(name, table.model_copy(update={"from_": shape}), schemas)
        there = [one for one in remembered if one.table in ("", name)]
        tables[name] = propose_table(
            schema, catalog.tables[name], catalog, there, remembered, shape, _beside(shape, schemas, spec)
        )
        doubtful = [one.target for one in tables[name].columns if one.expr is not None and one.confidence < DOUBTFUL]
        if doubtful:
            warnings.append(f"{name}: doubtful, look at them first: {', '.join(doubtful)}")
    return WholeMapping(pipeline=spec.name, tables=tables, warnings=tuple(warnings))


def _beside(shape: Shape | None, schemas: Mapping[str, SourceSchema], spec: PipelineSpec) -> Beside:
    """What the pipeline's other sources say of the one that drives a table."""
    left = shape.join.left if isinstance(shape, JoinFrom) else shape
    if not isinstance(left, str) or left not in schemas:
        return ALONE
    others = [schemas[name] for name in spec.sources if name != left and name in schemas]
    return beside(schemas[left], others)


def relation(name: str, table: TableSpec, schemas: Mapping[str, SourceSchema]) -> SourceSchema:
    """The schema of what a table is made from."""
    if name in schemas:
        return schemas[name]
    if table.from_ is not None:
        wanted = relation_name(table.from_)
        if wanted in schemas:
            return schemas[wanted]
        raise UsageError(
            f"there is no schema of the source {wanted!r}",
            where=name,
            hint=f"Known sources: {', '.join(sorted(schemas)) or 'none'}.",
        )
    if len(schemas) == 1:
        return next(iter(schemas.values()))
    raise UsageError(
        "it does not say which source it is made from",
        where=name,
        hint=f"Add `from:` with one of {', '.join(sorted(schemas))}.",
    )


def propose_table(
    schema: SourceSchema,
    table: Table,
    catalog: Catalog,
    remembered: Sequence[Remembered] = (),
    carried: Sequence[Remembered] | None = None,
    shape: Shape | None = None,
    others: Beside = ALONE,
) -> TableMapping:
    """Propose the mapping of one table from one relation; `remembered`: decisions about this table.

    `carried`: decisions about any table, whose ways of writing are carried over to pairs that are alike. `shape`: how
    the relation is made, where it is more than a source. `others`: what the sources beside it say of it.
    """
    known = remembered if carried is None else carried
    both = sides(schema, table, target_attributes(table, catalog), remembered, known, shape, others)
    return _Proposal(both).table()


def written(schema: SourceSchema, table: Table, catalog: Catalog, path: str, column: str) -> str | None:
    """How a field is written into a column, in its units and values; None where the language has no way."""
    both = sides(schema, table, target_attributes(table, catalog))
    row, place = both.row(path), both.positions.get(column)
    found = Writer(both).write(row, place) if row is not None and place is not None else None
    return found.expr if found is not None else None


class _Proposal:
    """One table's proposal: what was paired, put in words; made for one use."""

    def __init__(self, both: Sides) -> None:
        self.sides = both
        self.writer = Writer(both)

    def table(self) -> TableMapping:
        choices, scores = pair(self.sides, self.writer) if self.sides.offers and self.sides.targets else ({}, None)
        found = {column.name: choice for column, choice in zip(self.sides.columns, self._each(choices), strict=True)}
        columns = tuple(self.column(column, found.get(column.name), scores) for column in self.sides.table.columns)
        used = {path for choice in choices.values() for path in self.sides.offers[choice.offer].uses}
        unused = [path for path in self.sides.fields if not self.is_used(path, used)]
        return TableMapping(table=self.sides.table.name, columns=columns, unmapped_source=tuple(unused))

    def _each(self, choices: Mapping[int, Choice]) -> list[Choice | None]:
        return [choices.get(position) for position in range(len(self.sides.columns))]

    def is_used(self, path: str, used: set[str]) -> bool:
        """Whether a field, its record or one of its own fields feeds something."""
        return any(path == one or path.startswith(one + ".") or one.startswith(path + ".") for one in used)

    def column(self, column: Column, choice: Choice | None, scores: Scores | None) -> ColumnMapping:
        """The ColumnMapping of one column of the table, whatever was found."""
        if choice is not None and scores is not None:
            return self.mapped(column, choice, scores)
        audit = audit_expression(column)
        if audit is not None and self.writer.accepts(audit.expr, column):
            return _mapping(column, audit.expr, audit.factor, audit.note)
        reason = unmapped_reason(column, self.sides.table, self.sides.schema, self.nearest(column, scores))
        return _mapping(column, None, 1.0 if not column.writable else 0.5, reason)

    def mapped(self, column: Column, choice: Choice, scores: Scores) -> ColumnMapping:
        position = self.sides.positions[column.name]
        offer, target = self.sides.offers[choice.offer], self.sides.targets[position]
        said = scores.evidence(choice.offer, position)
        rival = next(iter(choice.rivals), None)
        equal = rival is not None and choice.confidence <= EQUAL and not choice.twins
        also = "/".join(self.sides.offers[rival].uses) if rival is not None and equal else None
        text = why(offer, target, said, choice.candidate.note, rival=also, reused=choice.reused, twins=choice.twins)
        return ColumnMapping(
            target=column.name,
            expr=choice.candidate.expr,
            layer="embedded",
            confidence=choice.confidence,
            why=text,
            alternatives=alternatives(self.sides, self.writer, position, choice, scores),
        )

    def nearest(self, column: Column, scores: Scores | None) -> tuple[str, float, bool] | None:
        """The field that came nearest to a column that stays unmapped, and whether it could be written into it."""
        if scores is None or not column.writable:
            return None
        position = self.sides.positions[column.name]
        best = int(scores.score[:, position].argmax())
        value = float(scores.score[best, position])
        return (
            (self.sides.offers[best].uses[0], value, self.writer.write(best, position) is not None)
            if value >= 0.15
            else None
        )


def _mapping(column: Column, expr: str | None, confidence: float, reason: str) -> ColumnMapping:
    return ColumnMapping(target=column.name, expr=expr, layer="embedded", confidence=confidence, why=reason)
