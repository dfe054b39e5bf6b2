"""When a source changed: what the pass over its rows found, and the new schema and plan that wait for approval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from octo_core.batch import Batch
from octo_core.drift import Drift, FieldCounts, apply, detect
from octo_core.expressions import Node, path_parts, paths
from octo_core.schema import Field, SourceSchema
from octo_core.types import decimal
from octo_resources.engines.duckdb import Scan, Tally
from octo_resources.flow.planning import Prepared, prepare
from octo_resources.flow.understand import derive
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline


@dataclass(frozen=True)
class DriftFound:
    """What drifted in a load. `stops` and `waits` hold the messages that the pipeline's policy answers so."""

    stops: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    by_table: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, list[tuple[str, Drift]]] = field(default_factory=dict)
    """Source → (batch id, what drifted in it)."""


def drift_of(pipeline: Pipeline, prepared: Prepared, scans: Mapping[str, Scan]) -> DriftFound:
    """Judge every batch of every table's pass by the pipeline's policy. A field that no column uses cannot drift."""
    stops: dict[str, None] = {}
    waits: dict[str, None] = {}
    warnings: dict[str, None] = {}
    by_table: dict[str, tuple[str, ...]] = {}
    sources: dict[str, list[tuple[str, Drift]]] = {}
    for table, scan in scans.items():
        source = prepared.recipe.tables[table].source
        schema, used = prepared.schemas[source], _used(prepared.nodes(table).values())
        for batch, tally in scan.batches.items():
            drift = _detect(schema, used, tally)
            decision = apply(pipeline.spec.drift, drift)
            warnings |= dict.fromkeys(decision.warnings)
            if decision.action == "ignore":
                warnings |= dict.fromkeys(f"{message} (ignored)" for message in decision.messages)
                continue
            (stops if decision.action == "stop" else waits).update(dict.fromkeys(decision.messages))
            by_table[table] = (*by_table.get(table, ()), *decision.messages)
            sources.setdefault(source, []).append((batch, drift))
    return DriftFound(tuple(stops), tuple(waits), tuple(warnings), by_table, sources)


def _used(nodes: Iterable[Node]) -> frozenset[str]:
    """The source's fields that expressions read, by their top names."""
    return frozenset(str(path_parts(path)[0]) for node in nodes for path in paths(node))


def _detect(schema: SourceSchema, used: frozenset[str], tally: Tally) -> Drift:
    rows = tally.rows_read - tally.malformed
    seen = {name: FieldCounts(rows, tally.missing.get(name, 0), tally.contract_failures.get(name, 0)) for name in used}
    return detect(schema, seen, tally.new_fields, rows)


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
        batches = [space.landing.get(pipeline.name, source, batch) for batch in dict.fromkeys(one for one, _ in found)]
        drifted = {entry.field for _, one in found for entry in (*one.changed, *one.missing, *one.new)}
        new = derive(space, pipeline, source, batches, ask=frozenset(drifted))
        evolved = _evolved(old, new, [one for _, one in found], batches)
        stored = space.registry.schemas.newest_version(pipeline.name, source)
        space.registry.schemas.save(pipeline.name, evolved, part=source, inputs=stored.inputs if stored else None)
    prepared = prepare(space, pipeline)
    if prepared.plan.state == "approved":
        space.registry.withdraw(pipeline.name, prepared.plan.fingerprint, "; ".join(drift.waits))
        prepared = prepare(space, pipeline)
    return prepared


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
