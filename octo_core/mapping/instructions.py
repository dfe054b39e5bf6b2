"""Feedback that needs no model: a small closed grammar of sentences that say what feeds a column, or that nothing does.

`map X to Y`, `use X for Y`, `Y comes from X`, `set Y to X`, `leave Y empty`, `do not map Y`, `swap Y and Z`; several of
them parted by full stops, semicolons or new lines. X is a field, or an expression in backticks; Y a column.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from octo_core.catalog import Catalog
from octo_core.errors import UsageError
from octo_core.mapping.attribute import source_fields
from octo_core.mapping.model import Mapping as WholeMapping
from octo_core.schema import SourceSchema
from octo_core.spec.nearest import did_you_mean

SENTENCES: Final = "`map FIELD to COLUMN`, `use FIELD for COLUMN`, `leave COLUMN empty`, `swap COLUMN and COLUMN`"

_THING: Final = r"(`[^`]+`|\"[^\"]+\"|'[^']+'|[\w.$ -]+?)"
_VALUE: Final = r"(`[^`]+`|\"[^\"]+\"|'[^']+'|.+?)"
_LONG: Final = 4
"""A name of so many words is no name: the sentence is another one."""
_FILLER: Final = r"(?:the )?(?:source )?(?:field |column |columns )?"
_FROM_TO: Final = (
    rf"(?:map|send|put|write|load|copy|move) {_FILLER}(?P<x>{_VALUE}) (?:to|into|in|onto|on) {_FILLER}(?P<y>{_THING})",
    rf"(?:use|take) {_FILLER}(?P<x>{_VALUE}) (?:for|as|in) {_FILLER}(?P<y>{_THING})",
    rf"(?:fill|feed) {_FILLER}(?P<y>{_THING}) (?:with|from|by) {_FILLER}(?P<x>{_VALUE})",
    rf"(?:set|change) {_FILLER}(?P<y>{_THING}) to {_FILLER}(?P<x>{_VALUE})",
    rf"(?:take|get|read) {_FILLER}(?P<y>{_THING}) from {_FILLER}(?P<x>{_VALUE})",
    rf"{_FILLER}(?P<y>{_THING}) (?:comes from|should come from|should be|must be|is fed by|has to be|=|<-) "
    rf"{_FILLER}(?P<x>{_VALUE})",
    rf"{_FILLER}(?P<x>{_VALUE}) (?:belongs (?:in|to)|goes (?:in|to|into)|feeds|should feed|->|→) "
    rf"{_FILLER}(?P<y>{_THING})",
)
_NOTHING: Final = (
    rf"(?:leave|keep) {_FILLER}(?P<y>{_THING}) (?:empty|out|unmapped|blank|null|alone)",
    rf"(?:do not|don't|dont|never) (?:map|fill|feed|write|set|load) {_FILLER}(?P<y>{_THING})",
    rf"(?:unmap|clear) {_FILLER}(?P<y>{_THING})",
    rf"{_FILLER}(?P<y>{_THING}) (?:should|must|has to) (?:be|stay|remain) (?:empty|unmapped|blank|null)",
)
_SWAP: Final = rf"(?:swap|exchange) {_FILLER}(?P<y>{_THING}) (?:and|with) {_FILLER}(?P<z>{_THING})"


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(f"(?:please )?{one}(?:,? please)?", re.IGNORECASE) for one in patterns)


_MAPPED, _EMPTIED, _SWAPPED = _compiled(*_FROM_TO), _compiled(*_NOTHING), _compiled(_SWAP)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One column, and the expression that a sentence wants for it; None: nothing. `field`: it is a field by itself."""

    table: str
    column: str
    expr: str | None
    field: bool = False


def understood(
    text: str, catalog: Catalog, relations: Mapping[str, SourceSchema], current: WholeMapping
) -> list[Instruction] | None:
    """What the sentences want; None where one of them is no sentence of the grammar.

    `relations`: table → schema of what it is made from; `current`: the mapping that is spoken of. UsageError where a
    sentence is of the grammar but names a column or a field that is not there, or that several tables have.
    """
    found: list[Instruction] = []
    told: dict[tuple[str, str], str | None] = {}
    sentences = [one.strip(" .!") for one in re.split(r"[;\n]+|[.!](?:\s+|$)|,? and then ", text) if one.strip(" .!")]
    for sentence in sentences:
        try:
            said = _sentence(" ".join(sentence.split()), catalog, relations, current, told)
        except _NoNameError:
            return None
        if said is None:
            return None
        found += said
        told |= {(one.table, one.column): one.expr for one in said}
    return found or None


class _NoNameError(Exception):
    """What stands where a name should is too long for one."""


def _sentence(
    text: str,
    catalog: Catalog,
    relations: Mapping[str, SourceSchema],
    current: WholeMapping,
    told: Mapping[tuple[str, str], str | None],
) -> list[Instruction] | None:
    """`told`: what the sentences before this one wanted."""
    for pattern in _SWAPPED:
        if match := pattern.fullmatch(text):
            one, two = (_column(match[name], catalog) for name in ("y", "z"))
            swapped = ((one, two), (two, one))
            return [
                Instruction(*here, told[there] if there in told else _expr(current, *there)) for here, there in swapped
            ]
    for pattern in _EMPTIED:
        if match := pattern.fullmatch(text):
            return [Instruction(*_column(match["y"], catalog), None)]
    mistake: UsageError | None = None
    for pattern in _MAPPED:
        if match := pattern.fullmatch(text):
            try:
                table, column = _column(match["y"], catalog)
                expr, is_field = _source(match["x"], relations[table])
            except _NoNameError:
                continue
            except UsageError as error:  # another reading of the sentence may do
                mistake = mistake or error
                continue
            return [Instruction(table, column, expr, is_field)]
    if mistake is not None:
        raise mistake
    return None


def _column(said: str, catalog: Catalog) -> tuple[str, str]:
    """(table, column) that a name means: `table.column`, or a column that one table has."""
    name = said.strip("`\"' ")
    every = [(table, column.name) for table, known in catalog.tables.items() for column in known.columns]
    found = [one for one in every if _same(f"{one[0]}.{one[1]}", name)] or [
        one for one in every if _same(f"{one[0].rpartition('.')[2]}.{one[1]}", name)
    ]
    found = found or [one for one in every if _same(one[1], name)]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(f"{table}.{column}" for table, column in found)
        raise UsageError(
            f"the feedback names '{name}', which several tables have: {places}", hint="Name the table too."
        )
    if len(name.split()) >= _LONG:
        raise _NoNameError
    known = [column for _, column in every]
    raise UsageError(f"the feedback names '{name}', and no table has such a column.{did_you_mean(name, known)}")


def _source(said: str, schema: SourceSchema) -> tuple[str, bool]:
    """The expression that is meant, and whether it is a field by itself."""
    from octo_core.expressions import ExpressionError, parse

    name = said.strip("`\"' ")
    path = next((path for path in source_fields(schema) if _same(path.strip('"'), name)), None)
    if path is not None:
        return path, True
    if said.startswith(("'", '"')) or (said.startswith("`") and "(" not in name and " " not in name):
        raise _no_field(name, schema)
    try:
        parse(name, schema)
    except ExpressionError as error:
        if "(" in name:
            raise UsageError(f"the feedback's expression {name}: {error.message}") from None
        if len(name.split()) >= _LONG:
            raise _NoNameError from None
        raise _no_field(name, schema) from None
    return name, False


def _no_field(name: str, schema: SourceSchema) -> UsageError:
    near = did_you_mean(name, source_fields(schema))
    return UsageError(f"the feedback names '{name}', and {schema.source} has no such field.{near}")


def _same(left: str, right: str) -> bool:
    return _plain(left) == _plain(right)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def _expr(current: WholeMapping, table: str, column: str) -> str | None:
    mapped = current.tables[table].column(column) if table in current.tables else None
    return mapped.expr if mapped is not None else None
