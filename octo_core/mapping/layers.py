"""Lays a mapping's layers over one another: a reviewer's correction, mapping.yaml, the LLM, the embedded matcher."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from octo_core.catalog import Catalog, Column
from octo_core.errors import Mistake, SpecError
from octo_core.mapping.attribute import source_fields
from octo_core.mapping.model import DOUBTFUL, Alternative, ColumnMapping, Correction, Layer, TableMapping
from octo_core.mapping.model import Mapping as WholeMapping
from octo_core.mapping.spelling import file_value_map
from octo_core.schema import SourceSchema
from octo_core.spec.mapping_file import FileColumn
from octo_core.spec.nearest import did_you_mean
from octo_core.types import TEXT

Relations = Mapping[str, SourceSchema]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a layer says of one column. `expr` None leaves it unmapped; `written`: its text begins at `place`."""

    layer: Layer
    expr: str | None
    why: str
    place: tuple[str, int, int]
    written: bool = True


@dataclass(slots=True)
class _Judge:
    """Checks what the stronger layers say against the tables and the language, and gathers every mistake."""

    pipeline: str
    catalog: Catalog
    relations: Relations
    mistakes: list[Mistake] = field(default_factory=list)

    def known(self, table: str, name: str, place: tuple[str, int, int]) -> Column | None:
        """The column, or None with a mistake noted where table or column do not exist or cannot be written."""
        found = self.catalog.tables.get(table)
        if found is None:
            self.wrong(place, f"there is no table '{table}'.{did_you_mean(table, self.catalog.tables)}")
            return None
        column = found.column(name)
        if column is None:
            self.wrong(
                place, f"{table} has no column '{name}'.{did_you_mean(name, [one.name for one in found.columns])}"
            )
        elif not column.writable:
            self.wrong(place, f"{table}.{name} cannot be written: the destination computes it. Leave it out")
            return None
        return column

    def accepts(self, table: str, column: Column, said: _Said) -> bool:
        from octo_core.expressions import ExpressionError, assign, parse  # sqlglot: 60 ms

        if said.expr is None or table not in self.relations:
            return said.expr is None
        try:
            assign(parse(said.expr, self.relations[table]), column)
        except ExpressionError as error:
            file, line, start = said.place
            if said.written:
                start = start + error.column - 1 if error.line == 1 else error.column
                line += error.line - 1
            near = f" Did you mean '{error.nearest}'?" if error.nearest and error.nearest not in error.message else ""
            if said.layer == "correction":
                near += "" if f"{error.message}{near}".endswith(("?", ".")) else "."
                near += f" Correct it anew: octopipe map {self.pipeline} --set {table}.{column.name}=…"
            self.wrong((file, line, start), f"{table}.{column.name}: {error.message}{near}", error.snippet or None)
            return False
        return True

    def wrong(self, place: tuple[str, int, int], message: str, snippet: str | None = None) -> None:
        self.mistakes.append(Mistake(*place, message, snippet))


def layered(
    proposal: WholeMapping,
    file: Mapping[str, Mapping[str, FileColumn]],
    corrections: Sequence[Correction],
    *,
    catalog: Catalog,
    relations: Relations,
) -> WholeMapping:
    """The mapping after every layer: correction over mapping.yaml over the proposal, column by column.

    `relations`: for each table the schema of what it is made from. `overrides` names the weaker layer that says
    something else. Raises SpecError with all mistakes at once: unknown tables and columns, and expressions that the
    language refuses, each at its file, line and column (corrections: `correction of TABLE.COLUMN`).
    """
    judge = _Judge(proposal.pipeline, catalog, relations)
    found = dict(proposal.tables)
    for said_of in (_from_file(file, catalog), _from_corrections(corrections)):
        for (table, name), said in said_of.items():
            column = judge.known(table, name, said.place)
            if column is not None and table in found and judge.accepts(table, column, said):
                found[table] = _replaced(found[table], name, said)
    if judge.mistakes:
        raise SpecError(sorted(judge.mistakes, key=lambda one: (one.file, one.line, one.column)))
    tables = {name: _with_unused(table, relations.get(name)) for name, table in found.items()}
    return proposal.model_copy(update={"tables": tables, "warnings": _warnings(proposal, tables)})


def _from_file(file: Mapping[str, Mapping[str, FileColumn]], catalog: Catalog) -> dict[tuple[str, str], _Said]:
    found = {}
    for table, columns in file.items():
        for name, entry in columns.items():
            says = f"{entry.position[0].rsplit('/', 1)[-1]} says so"
            if entry.values is not None:
                column = catalog.tables[table].column(name) if table in catalog.tables else None
                text = file_value_map(entry.values, column.type if column else TEXT)
                said = _Said("file", text, says, entry.position, written=False)
            elif entry.unmapped is not None:
                said = _Said("file", None, entry.unmapped, entry.position)
            else:
                said = _Said("file", entry.expr, says, entry.position)
            found[table, name] = said
    return found


def _from_corrections(corrections: Sequence[Correction]) -> dict[tuple[str, str], _Said]:
    """The newest for each column; of two of the same moment the later in the sequence."""
    newest: dict[tuple[str, str], Correction] = {}
    for one in corrections:
        before = newest.get((one.table, one.column))
        if before is None or one.made_at >= before.made_at:
            newest[one.table, one.column] = one
    found = {}
    for key, one in newest.items():
        reason = f": {one.reason}" if one.reason else ""
        why = f"{one.reviewer} corrected it{reason}" if one.expr else f"{one.reviewer} left it unmapped{reason}"
        found[key] = _Said("correction", one.expr, why, (f"correction of {one.table}.{one.column}", 1, 1))
    return found


def _replaced(table: TableMapping, name: str, said: _Said) -> TableMapping:
    """The table with what a stronger layer says of one column; what stood there becomes an alternative."""
    columns: list[ColumnMapping] = []
    for column in table.columns:
        if column.target != name:
            columns.append(column)
            continue
        other = _same(column.expr, said.expr)
        beaten = Alternative(expr=column.expr, confidence=column.confidence, why=column.why) if column.expr else None
        kept = tuple(one for one in column.alternatives if one.expr != said.expr)
        columns.append(
            ColumnMapping(
                target=name,
                expr=said.expr,
                layer=said.layer,
                confidence=1.0,
                why=said.why,
                alternatives=((beaten, *kept) if beaten and not other else kept)[:3],
                overrides=_overridden(column) if not other else column.overrides,
            )
        )
    return table.model_copy(update={"columns": tuple(columns)})


def _overridden(column: ColumnMapping) -> Layer | None:
    """The layer that is contradicted; an embedded proposer that found nothing contradicts nobody."""
    return column.layer if column.expr is not None or column.layer != "embedded" else None


def _same(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and " ".join(left.split()) == " ".join(right.split())


def _with_unused(table: TableMapping, schema: SourceSchema | None) -> TableMapping:
    """The table with the fields that nothing uses after all layers."""
    if schema is None:
        return table
    from octo_core.expressions import parse, paths  # sqlglot: 60 ms

    used = {path for column in table.columns if column.expr is not None for path in paths(parse(column.expr, schema))}
    unused = tuple(path for path in source_fields(schema) if not any(_covers(path, one) for one in used))
    return table.model_copy(update={"unmapped_source": unused})


def _covers(path: str, used: str) -> bool:
    return path == used or used.startswith((path + ".", path + "[")) or path.startswith(used + ".")


def _warnings(proposal: WholeMapping, tables: Mapping[str, TableMapping]) -> tuple[str, ...]:
    """The proposal's doubts that no stronger layer has settled, and every correction that overrides the file."""
    found: list[str] = []
    for name, table in tables.items():
        doubtful = [
            one.target
            for one in table.columns
            if one.layer in ("llm", "embedded") and one.expr and one.confidence < DOUBTFUL
        ]
        if doubtful:
            found.append(f"{name}: doubtful, look at them first: {', '.join(doubtful)}")
        found.extend(
            f"{name}.{one.target}: a correction overrides mapping.yaml"
            for one in table.columns
            if one.layer == "correction" and one.overrides == "file"
        )
    ours = tuple(one for one in proposal.warnings if ": doubtful, look at them first: " not in one)
    return (*ours, *found)
