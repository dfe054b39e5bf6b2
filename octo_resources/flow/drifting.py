"""When a source changed: what the pass over its rows found, and the new schema and plan that wait for approval."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.drift import Drift, FieldCounts, apply, detect
from octo_core.expressions import Node, path_parts, paths
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import EachFrom, JoinFrom, Shape, UnionFrom, relation_name
from octo_core.types import decimal
from octo_resources.engines.duckdb import Tally
from octo_resources.flow.afar import looked_at
from octo_resources.flow.planning import Prepared, prepare
from octo_resources.flow.relations import derive_each
from octo_resources.flow.states import state_of
from octo_resources.flow.understand import derive
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.flow.work import Work


@dataclass(frozen=True)
class DriftFound:
    """What drifted in a load. `stops` and `waits` hold the messages that the pipeline's policy answers so."""

    stops: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    by_table: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, list[tuple[str, Drift]]] = field(default_factory=dict)
    """Source → (batch id, what drifted in it)."""


Wide = Callable[[str, str, Tally], tuple[Tally, int]]
"""(table, source, a batch's counts) → the counts to judge, and the rows that shares are taken of at least."""


def _as_counted(_table: str, _source: str, tally: Tally) -> tuple[Tally, int]:
    return tally, 0


def drift_of(pipeline: Pipeline, prepared: Prepared, works: Sequence["Work"], wide: "Wide | None" = None) -> DriftFound:
    """Judge every batch of every table's pass by the pipeline's policy. A field that no column uses cannot drift.

    `wide`: what is judged in place of a small batch's own counts.
    """
    stops: dict[str, None] = {}
    waits: dict[str, None] = {}
    warnings: dict[str, None] = {}
    by_table: dict[str, tuple[str, ...]] = {}
    sources: dict[str, list[tuple[str, Drift]]] = {}
    for work in works:
        table = work.table
        for source, batch, drift in _found(prepared, work, wide or _as_counted):
            decision = apply(pipeline.spec.drift, drift)
            warnings |= dict.fromkeys(decision.warnings)
            if decision.action == "ignore":
                warnings |= dict.fromkeys(f"{message} (ignored)" for message in decision.messages)
                continue
            (stops if decision.action == "stop" else waits).update(dict.fromkeys(decision.messages))
            by_table[table] = (*by_table.get(table, ()), *decision.messages)
            sources.setdefault(source, []).append((batch, drift))
    return DriftFound(tuple(stops), tuple(waits), tuple(warnings), by_table, sources)


def _found(prepared: Prepared, work: "Work", wide: "Wide") -> Iterator[tuple[str, str, Drift]]:
    """(source or relation, batch, drift) of all that a table's pass looked at."""
    recipe = prepared.recipe.tables[work.table]
    origin, used = recipe.origin, _used(prepared.nodes(work.table).values())
    owners = {batch.id: batch.source for batch in work.batches}
    for batch, tally in work.scan.batches.items():
        schema = prepared.schemas[recipe.source]
        if isinstance(origin, UnionFrom):  # each source by what it has itself
            schema = prepared.schemas[owners[batch]]
        drift = _detect(schema, used, *wide(work.table, owners[batch], tally))
        yield from ((name, batch, part) for name, part in _parted(work, origin, recipe.source, owners[batch], drift))
    for seen in work.shaped.seen:
        for batch, tally in seen.batches.items():
            yield seen.source, batch, _detect(prepared.schemas[seen.source], seen.used, tally, 0)


def _parted(work: "Work", origin: Shape, relation: str, owner: str, drift: Drift) -> Iterator[tuple[str, Drift]]:
    """A relation's drift as its sources', whose schemas it is made of; a list's elements have one of their own."""
    if isinstance(origin, UnionFrom):
        yield owner, drift
    elif isinstance(origin, JoinFrom):
        joined = {one.alias for one in origin.join.with_}
        yield origin.join.left, _of_fields(drift, lambda name: name not in joined)
        for one, seen in zip(origin.join.with_, work.shaped.seen, strict=True):
            said = [entry for entry in drift.changed if entry.field == one.alias]
            changed = [entry.model_copy(update={"field": field}) for entry in said for field in sorted(seen.used)]
            if changed:
                yield one.source, Drift(changed=tuple(changed))
    else:
        yield relation, drift


def _of_fields(drift: Drift, wanted: Callable[[str], bool]) -> Drift:
    return Drift(
        new=tuple(one for one in drift.new if wanted(one.field)),
        missing=tuple(one for one in drift.missing if wanted(one.field)),
        changed=tuple(one for one in drift.changed if wanted(one.field)),
        warnings=drift.warnings,
    )


def _used(nodes: Iterable[Node]) -> frozenset[str]:
    """The source's fields that expressions read, by their top names."""
    return frozenset(str(path_parts(path)[0]) for node in nodes for path in paths(node))


def _detect(schema: SourceSchema, used: frozenset[str], tally: Tally, of_rows: int) -> Drift:
    rows = tally.rows_read - tally.malformed - tally.gone
    seen = {name: _counts(tally, name, rows) for name in used}
    return detect(schema, seen, tally.new_fields, rows, least=of_rows)


def _counts(tally: Tally, name: str, rows: int) -> FieldCounts:
    """A field's counts in `rows` well-formed ones, and in those that it alone kept from being so."""
    unfit = tally.unfit.get(name, 0)
    return FieldCounts(rows + unfit, tally.missing.get(name, 0), tally.contract_failures.get(name, 0) + unfit)


def evolve(space: Workspace, pipeline: Pipeline, drift: DriftFound) -> Prepared:
    """Take what drifted into the schemas, and make the plan that waits for approval.

    Only what drifted is derived anew, from the batches in which it did; all else stays as it was approved. Where the
    new plan is one that was approved before (a new field that nothing uses), its approval is withdrawn: the pipeline
    says `ask`, so a person looks at it again.
    """
    for source, found in drift.sources.items():
        old = space.registry.schemas.newest(pipeline.name, source)
        if old is None:
            continue
        origin = _elements(pipeline, source)
        batches = _batches(space, pipeline, origin.source if origin is not None else source, [one for one, _ in found])
        if origin is None:
            drifted = {entry.field for _, one in found for entry in (*one.changed, *one.missing, *one.new)}
            with looked_at(space, pipeline, source, batches) as here:
                new = derive(space, pipeline, source, here, ask=frozenset(drifted))
        else:
            base = space.registry.schemas.newest(pipeline.name, origin.source)
            new = derive_each(space, pipeline, origin, base or old, batches)
        evolved = _evolved(old, new, [one for _, one in found], batches)
        stored = space.registry.schemas.newest_version(pipeline.name, source)
        space.registry.schemas.save(pipeline.name, evolved, part=source, inputs=stored.inputs if stored else None)
    prepared = prepare(space, pipeline)
    if prepared.plan.state == "approved":
        space.registry.withdraw(pipeline.name, prepared.plan.fingerprint, "; ".join(drift.waits))
        prepared = prepare(space, pipeline)
    return prepared


def _elements(pipeline: Pipeline, relation: str) -> EachFrom | None:
    """The `from` of a relation that is a list's elements; None for a source."""
    origins = (table.from_ for table in pipeline.tables.values())
    return next((one for one in origins if isinstance(one, EachFrom) and relation_name(one) == relation), None)


def _batches(space: Workspace, pipeline: Pipeline, source: str, ids: Sequence[str]) -> list[Batch]:
    """A source's batches of these ids; what it holds now where they are another's, whose rows were joined with it."""
    landed = space.landing.batches(pipeline.name, source)
    return [batch for batch in landed if batch.id in set(ids)] or state_of(landed)


def _evolved(old: SourceSchema, new: SourceSchema, drifts: Sequence[Drift], batches: Sequence[Batch]) -> SourceSchema:
    """The old schema with the fields that drifted as the new data has them."""
    changed = {entry.field for drift in drifts for entry in (*drift.changed, *drift.missing)}
    fields = [_joined(one, new.field(one.name)) if one.name in changed else one for one in old.fields]
    known = {one.name for one in old.fields}
    fresh = {entry.field for drift in drifts for entry in drift.new}
    added = [one for one in new.fields if one.name in fresh and one.name not in known]
    ids = (*old.batches, *(batch.id for batch in batches if batch.id not in old.batches))
    return old.model_copy(update={"fields": tuple(one for one in (*fields, *added) if one is not None), "batches": ids})


def _joined(old: Field, new: Field | None) -> Field | None:
    """A field that holds old and new values alike: two numbers join to the wider one, else what the new data is."""
    if new is None:
        return None
    if old.type.is_integer and new.type.kind == "decimal":
        digits = max(19, (new.type.precision or 38) - (new.type.scale or 0)) + (new.type.scale or 0)
        return new.model_copy(update={"type": decimal(min(38, digits), new.type.scale or 0)})
    if old.type.kind == "decimal" and new.type.is_integer:
        return old
    return new.model_copy(update={"nullable": old.nullable or new.nullable})
