"""What a table is made from, where the file leaves it open: the source, list or join that feeds it best, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from octo_core.catalog import Catalog, Table
from octo_core.errors import UsageError
from octo_core.mapping.attribute import spelled as quoted
from octo_core.mapping.links import ALONE, Beside, Link, beside, links
from octo_core.mapping.model import ColumnMapping
from octo_core.mapping.proposal import propose_table
from octo_core.relations import each_schema, join_schema
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import INDEX, PARENT, VALUE, EachFrom, Join, JoinFrom, JoinWith, Shape, relation_name
from octo_core.types import INT32

SURE: Final = 0.6
"""So sure a column of a joined source has to be before it is worth a join."""
GUESSED: Final = 0.75
THERE: Final = 0.95
"""A column that one source feeds with less than GUESSED is worth a join with one that is so sure of it."""
AHEAD: Final = 0.25
"""So much surer than a guess is enough."""
ENOUGH: Final = 0.25
"""Mean confidence over a table's columns below which nothing is proposed while required columns have nothing."""
BETTER: Final = 1.5
"""How much better a list has to feed a child table than its record does, where both leave as many columns without."""
MOST_JOINED: Final = 4
"""Sources that are joined to one at the most."""
CLOSE: Final = 0.05
"""Two candidates whose confidence differs by a smaller share are equally good."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is proposed for a table. `shape` is None where nothing can be decided; `why` says the reason then."""

    shape: Shape | None
    why: str


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a candidate feeds a table."""

    shape: Shape
    schema: SourceSchema
    fed: Mapping[str, ColumnMapping]
    unfed: tuple[str, ...]
    """Required columns that nothing feeds."""
    score: float
    links: tuple[Link, ...] = ()
    others: Beside = ALONE


def propose_origin(table: Table, catalog: Catalog, sources: Mapping[str, SourceSchema]) -> Origin:
    """The source, list or join that feeds a table best, judged by its columns and by the sources' profiles."""
    whole = [
        _fit(
            name,
            schema,
            table,
            catalog,
            others=beside(schema, [one for one in sources.values() if one is not schema]),
        )
        for name, schema in sources.items()
    ]
    lists = [fit for base in sources.values() for fit in _lists(base, table, catalog)]
    ranked = sorted([*whole, *lists], key=lambda fit: (len(fit.unfed), -fit.score))
    best = ranked[0]
    best = _joined(best, whole, table, catalog, sources) or best
    columns = max(1, sum(column.writable for column in table.columns))
    little = best.score < ENOUGH * columns or 2 * len(best.fed) < columns
    if not best.fed or (best.unfed and little):
        return Origin(None, f"no source has fields that fit {table.name} well")
    rival = next((fit for fit in ranked[1:] if isinstance(best.shape, str) and isinstance(fit.shape, str)), None)
    if rival is not None and len(rival.unfed) == len(best.unfed) and rival.score > best.score * (1 - CLOSE):
        both = f"{_named(best)}, {_named(rival)}"
        said = f"{_named(best)} and {_named(rival)} fit it equally well; for the rows of both: {{union: [{both}]}}"
        return Origin(None, said)
    return Origin(best.shape, _why(best, table, whole))


def child_origin(table: Table, catalog: Catalog, base: SourceSchema) -> Origin | None:
    """A list of the only source, where the table refers to another and only the list's elements feed it; else None."""
    inside = {key.ref_table for key in table.foreign_keys} & (set(catalog.tables) - {table.name})
    if not inside:
        return None
    whole = _fit(base.source, base, table, catalog)
    best = min(_lists(base, table, catalog), key=lambda fit: (len(fit.unfed), -fit.score), default=None)
    if best is None:
        return None
    left, of_whole = (len(fit.unfed) + len(_shared_keys(fit, table)) for fit in (best, whole))
    is_whole = any(one.expr == best.schema.source.partition(".")[2] for one in whole.fed.values())
    if left > of_whole or (left == of_whole and not is_whole and best.score < BETTER * whole.score):
        return None
    return Origin(best.shape, _why(best, table, [whole]))


def _shared_keys(fit: _Fit, table: Table) -> list[str]:
    """The key's columns that share what feeds them with another: what refers to an order identifies no parcel."""
    used = Counter(one.expr for one in fit.fed.values())
    return [name for name in table.primary_key if name in fit.fed and used[fit.fed[name].expr] > 1]


def spelled(shape: Shape) -> str:
    """A `from` as a person writes it in the file, on one line."""
    if isinstance(shape, str):
        return shape
    if isinstance(shape, EachFrom):
        return f"{{source: {shape.source}, each: {shape.each}}}"
    if isinstance(shape, JoinFrom):
        parts = []
        for one in shape.join.with_:
            on = ", ".join(f"{left}: {right}" for left, right in one.on.items())
            called = f", as: {one.as_}" if one.as_ else ""
            parts.append(f"{{source: {one.source}{called}, on: {{{on}}}}}")
        return f"{{join: {{left: {shape.join.left}, with: [{', '.join(parts)}]}}}}"
    return relation_name(shape)


def _fit(
    shape: Shape,
    schema: SourceSchema,
    table: Table,
    catalog: Catalog,
    links: tuple[Link, ...] = (),
    others: Beside = ALONE,
) -> _Fit:
    found = propose_table(schema, table, catalog, shape=shape, others=others)
    fed = {one.target: one for one in found.columns if one.expr is not None}
    unfed = tuple(column.name for column in table.columns if column.required and column.name not in fed)
    keys = {name for key in table.foreign_keys for name in key.columns} | set(table.primary_key)
    each = isinstance(shape, EachFrom)
    score = sum(_weight(one, each and one.target not in keys) for one in fed.values())
    return _Fit(shape, schema, fed, unfed, score, links, others)


def _weight(column: ColumnMapping, own: bool) -> float:
    """A column that an element's parent feeds says little for the list, unless it is one of the keys."""
    return column.confidence * (0.5 if own and (column.expr or "").startswith(f"{PARENT}.") else 1.0)


def _lists(base: SourceSchema, table: Table, catalog: Catalog) -> Iterator[_Fit]:
    """Every list of a source of which an element's own field feeds something."""
    for steps, seen in _elements(base.fields, base):
        shape = EachFrom(source=base.source, each=".".join(steps))
        schema = each_schema(relation_name(shape), base, steps, seen)
        fit = _fit(shape, schema, table, catalog)
        own = [one for one in fit.fed.values() if not (one.expr or "").startswith((PARENT, INDEX))]
        if own:
            yield fit


def _elements(
    fields: Sequence[Field], base: SourceSchema, above: tuple[str, ...] = (), parent: Field | None = None
) -> Iterator[tuple[tuple[str, ...], SourceSchema]]:
    """(path, what is known of its elements) of each list, and of those in its records."""
    for field in fields:
        element = field.child("[]") if field.type.kind == "list" else None
        if element is None or "." in field.name:
            continue
        own = element.children if element.type.kind == "record" else (element.model_copy(update={"name": VALUE}),)
        index = Field(name=INDEX, type=INT32, nullable=False)
        more = (index,) if parent is None else (index, parent)
        steps = (*above, field.name)
        yield steps, SourceSchema(source=".".join(steps), fields=(*own, *more), rows_examined=base.rows_examined)
        if element.type.kind == "record" and not above:
            inner = element.model_copy(update={"name": PARENT, "children": (*element.children, index)})
            yield from _elements(element.children, base, steps, inner)


def _joined(
    best: _Fit, whole: Sequence[_Fit], table: Table, catalog: Catalog, sources: Mapping[str, SourceSchema]
) -> _Fit | None:
    """The join that feeds columns which no source feeds alone; None where there is none.

    Sources are joined one by one, each time the one that helps most.
    """
    found: list[_Fit] = []
    for left in whole:
        fit = left
        for _ in range(MOST_JOINED):
            more = [one for right in whole if (one := _with(fit, left, right, table, catalog, sources)) is not None]
            if not more:
                break
            fit = min(more, key=_rank)
        if fit is not left:
            found.append(fit)
    better = [fit for fit in found if _rank(fit) < _rank(best)]
    return min(better, key=_rank, default=None)


def _rank(fit: _Fit) -> tuple[int, float]:
    return len(fit.unfed), -fit.score


def _with(
    fit: _Fit, left: _Fit, right: _Fit, table: Table, catalog: Catalog, sources: Mapping[str, SourceSchema]
) -> _Fit | None:
    """A source, or a join of it, with one source more, where that one surely feeds what is not fed yet."""
    steps = fit.shape.join.with_ if isinstance(fit.shape, JoinFrom) else ()
    name = right.shape
    if right is left or not isinstance(left.shape, str) or not isinstance(name, str):
        return None
    if any(step.source == name for step in steps):
        return None
    link = next(links(left.schema, right.schema), None)
    if link is None or not _may_help(fit, right, link):
        return None
    alias = None if left.schema.field(name) is None else f"{name}_record"
    step = JoinWith.model_validate({"source": name, "as": alias, "on": dict(link.pairs)})
    shape = JoinFrom(join=Join(left=left.shape, with_=(*steps, step)))
    try:
        made = _fit(shape, join_schema(shape, sources), table, catalog, (*fit.links, link), left.others)
    except UsageError:  # both names are taken: the user says `as:`
        return None
    return made if _helps(made, fit, right, step, link) else None


def _may_help(fit: _Fit, right: _Fit, link: Link) -> bool:
    """Whether a source feeds what is not fed yet, or is a guess; or its records are named by what a guess is fed by."""
    guesses = {column: one for column, one in fit.fed.items() if one.confidence < GUESSED}
    return any(column not in fit.fed or column in guesses for column in right.fed) or any(
        _is_by_reference(one, link) for one in guesses.values()
    )


def _helps(made: _Fit, fit: _Fit, right: _Fit, step: JoinWith, link: Link) -> bool:
    """Whether a join feeds more columns than without it, or the same and one that was a guess surely; none less."""
    if not set(made.fed) >= set(fit.fed):
        return False
    gained, there = set(made.fed) - set(fit.fed), set(_fed_by(made, step))
    if any(column in right.fed and _least(right, made, column) for column in gained & there):
        return True
    guesses = {column: one for column, one in fit.fed.items() if column in there and one.confidence < GUESSED}
    return any(_is_surer(made.fed[column], one, link) for column, one in guesses.items())


def _is_surer(there: ColumnMapping, guess: ColumnMapping, link: Link) -> bool:
    """Whether a joined source's field feeds a column so much more surely than a guess that it is worth the join."""
    enough = _is_by_reference(guess, link) or there.confidence >= guess.confidence + AHEAD
    return there.confidence >= (GUESSED if enough else THERE)


def _least(right: _Fit, made: _Fit, column: str) -> bool:
    """Whether a column that only a joined source feeds is fed surely enough, from that source alone or once joined."""
    return right.fed[column].confidence >= SURE or made.fed[column].confidence >= GUESSED


def _is_by_reference(column: ColumnMapping, link: Link) -> bool:
    """Whether what names the other source's record is put, doubtfully, where something of that record may belong."""
    named = {way for here, _ in link.pairs for way in (here, f"cast({here} as text)")}
    return column.confidence < GUESSED and column.expr in named


def _fed_by(fit: _Fit, step: JoinWith) -> list[str]:
    """The columns that fields of a joined source feed."""
    alias = f"{quoted(step.alias)}."
    return [name for name, one in fit.fed.items() if alias in (one.expr or "")]


def _named(fit: _Fit) -> str:
    return relation_name(fit.shape)


def _why(fit: _Fit, table: Table, whole: Sequence[_Fit]) -> str:
    """One sentence for the plan's reader."""
    count = f"{len(fit.fed)} of {sum(column.writable for column in table.columns)} columns"
    if isinstance(fit.shape, EachFrom):
        keys = [key.ref_table for key in table.foreign_keys if all(name in fit.fed for name in key.columns)]
        refers = f", and {table.name} refers to {', '.join(keys)}" if keys else ""
        return f"the elements of {relation_name(fit.shape)} feed {count}{refers}"
    if isinstance(fit.shape, JoinFrom):
        return "; ".join(_why_joined(fit, fit.shape, whole))
    others = sorted((one.score for one in whole if one is not fit), reverse=True)
    is_ahead = bool(others) and 0 < fit.score > others[0]
    lead = f"; the next best source is {1 - others[0] / fit.score:.0%} weaker" if is_ahead else ""
    return f"its fields feed {count}{lead}"


def _why_joined(fit: _Fit, shape: JoinFrom, whole: Sequence[_Fit]) -> Iterator[str]:
    """For each joined source what it feeds that the left one does not, and what names it."""
    left = shape.join.left
    alone = next((one for one in whole if one.shape == left), None)
    for step, link in zip(shape.join.with_, fit.links, strict=True):
        by = _fed_by(fit, step)
        more = [name for name in by if alone is None or name not in alone.fed]
        surer = [name for name in by if name not in more]
        said = f"feeds no {', '.join(more)}" if more else f"may not be what feeds {', '.join(surer)}"
        yield f"{left} {said}, {step.source} does, and {link.why}"
