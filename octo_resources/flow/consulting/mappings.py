"""A table's mapping by a model: chosen, parsed, typed, run on the rows, sent back; the embedded proposal underneath."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from octo_core.asking import mapping_question
from octo_core.asking.cleaning import shown
from octo_core.asking.examples import ApprovedColumn, nearest
from octo_core.asking.mapping_question import EXAMPLES, Verdict
from octo_core.asking.replies import MappingReply
from octo_core.catalog import Catalog, Table
from octo_core.errors import TooMuch
from octo_core.expressions import Node
from octo_core.mapping.model import ColumnMapping, TableMapping
from octo_core.schema import SourceSchema
from octo_resources.flow.breaking import breaking
from octo_resources.flow.consulting.rounds import ROUNDS
from octo_resources.flow.ground import Ground
from octo_resources.llm import Door, Question, Unanswered

AT_ONCE: Final = 20.0
"""Seconds that one trial of the expressions may take."""
IN_ALL: Final = 120.0
"""Seconds after which what was not tried is refused."""
UNFIT: Final = 0.05
"""Share of rows for which a proposed expression may fail."""
NAMED: Final = 10
"""Columns that one warning names."""
SURE: Final = 0.7
"""From here on the embedded matcher's field is no guess."""
MAX_ROWS: Final = 200_000
"""Rows that a proposed expression is run on."""


def mapped_by_model(
    ground: Ground,
    door: Door,
    schema: SourceSchema,
    catalog: Catalog,
    table: TableMapping,
    *,
    only: frozenset[str] | None = None,
    feedback: Sequence[str] = (),
    known: Sequence[ApprovedColumn] = (),
) -> tuple[TableMapping, list[str]]:
    """A table's mapping with the model's choices over the embedded proposal, and warnings.

    `only`: the columns to ask for, all that can be written when None. `feedback`: the reviewer's words. `examples`:
    mappings that were approved before.
    """
    target = catalog.tables[table.table]
    asked = [one.name for one in target.columns if one.writable and (only is None or one.name in only)]
    columns, warnings = {one.target: one for one in table.columns}, []
    near = mapping_question.short_list(schema, target, catalog) if asked else {}
    silent: list[str] = []
    for start in range(0, len(asked), mapping_question.CHUNK):
        part = asked[start : start + mapping_question.CHUNK]
        like = nearest(known, table.table, part, [field.name for field in schema.fields], EXAMPLES)
        messages = mapping_question.messages(
            schema, target, catalog, part, near=near, share=door.share, feedback=feedback, examples=like
        )
        needed = [name for name in part if _needed(target, columns[name])]
        verdict = _talk(ground, door, schema, catalog, table.table, part, messages, needed)
        if isinstance(verdict, Unanswered):
            warnings.append(
                f"{table.table}: proposed by the embedded matcher, as {door.model} gave no answer: {verdict.why}"
            )
            break
        silent += [name for name in part if name not in verdict.chosen | verdict.refused]
        for name, chosen in verdict.chosen.items():
            columns[name] = mapping_question.laid_over(columns[name], chosen, door.model)
        for name, wrong in verdict.refused.items():
            warnings.append(f"{table.table}.{name}: the expression of {door.model} was refused: {shown(wrong, 300)}")
    if silent:
        more = f" and {len(silent) - NAMED} more" if len(silent) > NAMED else ""
        said = f"{', '.join(silent[:NAMED])}{more}"
        warnings.append(f"{table.table}: {door.model} did not say what feeds {said}: the embedded matcher's word holds")
    return table.model_copy(update={"columns": tuple(columns[one.target] for one in table.columns)}), warnings


def _talk(
    ground: Ground,
    door: Door,
    schema: SourceSchema,
    catalog: Catalog,
    table: str,
    columns: Sequence[str],
    messages: list[dict[str, str]],
    needed: Sequence[str],
) -> Verdict | Unanswered:
    """Ask for some columns until nothing is refused or the rounds are over. `needed`: those that null cannot be of."""
    whole, wanted = Verdict(), list(columns)
    for turn in range(ROUNDS + 1):
        reply = door.ask(Question("mapping", table, messages, MappingReply))
        if isinstance(reply, Unanswered):
            return whole if turn else reply
        verdict = mapping_question.judged(reply, schema, catalog.tables[table], wanted, needed)
        _try_out(ground, schema, catalog.tables[table], verdict)
        whole.chosen |= verdict.chosen
        whole.refused |= verdict.refused
        whole.refused = {name: why for name, why in whole.refused.items() if name not in whole.chosen}
        if not verdict.refused:
            break
        wanted = list(verdict.refused)
        answer = {"role": "assistant", "content": reply.model_dump_json(exclude_none=True)}
        messages = [*messages, answer, mapping_question.again(verdict.refused)]
    return whole


def _needed(target: Table, embedded: ColumnMapping) -> bool:
    """Whether no row would load without the column, which the embedded matcher feeds and is sure of."""
    column = target.column(embedded.target)
    fed = embedded.expr is not None and embedded.confidence >= SURE
    return fed and column is not None and column.required


def _try_out(ground: Ground, schema: SourceSchema, table: Table, verdict: Verdict) -> None:
    """Run the chosen expressions on the rows that landed; one that fails for too many, or gives what the column would
    refuse of most, is refused.
    """
    nodes = {name: chosen.node for name, chosen in verdict.chosen.items() if chosen.node is not None}
    _try_some(ground, schema, verdict, nodes, time.monotonic() + IN_ALL)
    left = {name: chosen.expr for name, chosen in verdict.chosen.items() if chosen.expr is not None}
    with suppress(TooMuch):  # each by itself was quick enough
        for name, why in breaking(ground, schema, table, left, limit=MAX_ROWS, seconds=AT_ONCE).items():
            verdict.refused[name] = why
            del verdict.chosen[name]


def _try_some(ground: Ground, schema: SourceSchema, verdict: Verdict, nodes: Mapping[str, Node], until: float) -> None:
    """Run some of them together; where that takes too much, each half by itself, until the one is found that does."""
    if not nodes:
        return
    try:
        if time.monotonic() > until:
            raise TooMuch("it was not tried: others took too long")
        found = ground.look(schema, nodes, limit=MAX_ROWS, seconds=AT_ONCE)
    except TooMuch as error:
        names = list(nodes)
        if len(names) == 1 or time.monotonic() > until:
            for name in names:
                verdict.refused[name] = error.message
                del verdict.chosen[name]
            return
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            _try_some(ground, schema, verdict, {name: nodes[name] for name in half}, until)
        return
    for name in nodes:
        failures = found.columns[name].failures
        if found.rows and failures > UNFIT * found.rows:
            kind = next((one.kind for one in found.reasons if one.column == name), "it fails")
            verdict.refused[name] = f"it fails for {failures} of {found.rows} rows: {kind}"
            del verdict.chosen[name]
