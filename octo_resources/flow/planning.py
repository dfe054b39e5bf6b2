"""Make the plan: the recipe that an approval signs, and what it would do to every row that landed."""

import hashlib
import json
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from octo_core.approvals import Decision
from octo_core.asking.unanswered import once
from octo_core.catalog import Catalog
from octo_core.errors import DestinationError, SpecError
from octo_core.mapping.model import Mapping
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe, SourcePlan
from octo_core.schema import SourceSchema
from octo_resources.flow.believing import shows
from octo_resources.flow.landing_step import Progress
from octo_resources.flow.logs import step
from octo_resources.flow.origins import settled
from octo_resources.flow.outgrown import outgrown
from octo_resources.flow.pulling import pull
from octo_resources.flow.relations import typed_relations
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_core.expressions import Node
    from octo_resources.flow.proposing import Proposer


@dataclass(frozen=True)
class Prepared:
    """A plan with all it was made from, and the decision that holds about it."""

    plan: Plan
    recipe: Recipe
    schemas: dict[str, SourceSchema]
    """Of the sources, and of what tables are made from where that is no whole source, by their names."""
    catalog: Catalog
    mapping: Mapping
    decision: Decision | None

    def nodes(self, table: str) -> "dict[str, Node]":
        """Column → its typed expression, ready to be evaluated: from the recipe, which is what was signed."""
        from octo_core.expressions import assign, parse  # with sqlglot 0.1 s, and a plan that stands needs neither

        recipe = self.recipe.tables[table]
        schema, columns = self.schemas[recipe.source], self.catalog.tables[table]
        found = {}
        for target, text in recipe.columns.items():
            column = columns.column(target)
            if column is not None:
                found[target] = assign(parse(text, schema), column)
        return found


def prepare(
    space: Workspace,
    pipeline: Pipeline,
    *,
    again: bool = False,
    refresh: bool = False,
    proposer: "Proposer | None" = None,
    progress: Progress | None = None,
) -> Prepared:
    """Bring schemas, pull, mapping and plan up to date, and say how the plan stands with the reviewers.

    A stored plan is taken where nothing that it was made from has changed: its fingerprint is taken again each time.
    Raises SpecError for mistakes in the mapping, MappingOutgrown where it fitted until the source changed.
    """
    from octo_core.plan.recipe import build_recipe
    from octo_resources.flow.proposing import mapping

    pipeline = settled(space, pipeline, refresh=refresh, progress=progress)
    typed = typed_relations(space, pipeline, refresh=refresh, progress=progress)
    catalog = pull(space, pipeline, refresh=refresh)
    try:
        mapped = mapping(space, pipeline, typed, catalog, again=again, proposer=proposer)
    except SpecError as error:
        raise outgrown(space, pipeline.name, typed, error) or error from None
    recipe = build_recipe(pipeline.spec, typed, catalog, mapped, texts(pipeline))
    print_ = fingerprint(recipe)
    stored = space.registry.plans.get(pipeline.name, print_)
    # What was approved was read already: later batches are for the load to judge, not for another preview.
    approved = stored is not None and space.registry.plan_state(pipeline.name, print_) == "approved"
    inputs = _inputs(space, pipeline, typed, catalog, mapped)
    if (
        stored
        and (approved or (stored.inputs == inputs and not missed_parents(stored.plan)))
        and not (again or refresh)
        and shows(stored.plan, print_, recipe, mapped)
    ):
        plan = stored.plan
    else:
        with step(space, pipeline.name, "mapping") as log:
            plan = _plan(space, pipeline, typed, catalog, mapped, recipe)
            log.line(f"made plan {plan.fingerprint[:8]}")
        space.registry.plans.save(plan, recipe, inputs=inputs)
    decision = space.registry.decisions.holding(pipeline.name, print_)
    return Prepared(standing(space, plan, recipe), recipe, typed, catalog, mapped, decision)


def missed_parents(plan: Plan) -> bool:
    """Whether rows had no parent in another table: it may have been loaded since, so the plan is made again."""
    return any(one.reason.startswith("no such ") for table in plan.tables.values() for one in table.quarantined)


def texts(pipeline: Pipeline) -> dict[str, str]:
    """The text of every transformation and `after` file that the pipeline names."""
    named = [name for table in pipeline.tables.values() for name in (*table.transforms, *table.after)]
    return pipeline.texts(dict.fromkeys(named))


def standing(space: Workspace, plan: Plan, recipe: Recipe) -> Plan:
    """The plan with its state, the approved one beside it, and what changed since that."""
    decisions, name = space.registry.decisions, plan.pipeline
    approved = decisions.last_approved(name)
    changed = approved is not None and approved.fingerprint != plan.fingerprint
    return plan.model_copy(
        update={
            "state": decisions.state(name, plan.fingerprint),
            "approved_fingerprint": approved.fingerprint if approved else None,
            "diff": decisions.diff_to_approved(recipe) if changed else None,
        }
    )


def _plan(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    mapped: Mapping,
    recipe: Recipe,
) -> Plan:
    from octo_resources.flow.preview import table_plans  # with the engine 0.4 s

    draft = Plan(pipeline=pipeline.name, fingerprint=fingerprint(recipe))
    prepared = Prepared(draft, recipe, dict(typed), catalog, mapped, None)
    tables, told = table_plans(space, pipeline, prepared)
    proposed = [f"{table}: {said}" for table, said in pipeline.proposed.items()]
    warnings = [*proposed, *mapped.warnings, *(warning for schema in typed.values() for warning in schema.warnings)]
    warnings += told
    warnings += _shared(space, pipeline, recipe)
    sources = {
        name: SourcePlan(
            kind=pipeline.spec.sources[name].kind,
            rows_examined=schema.rows_examined,
            rows_total=schema.rows_total,
            complete=schema.complete,
        )
        for name in pipeline.spec.sources
        for schema in (typed[name],)
    }
    return draft.model_copy(
        update={"tables": tables, "sources": sources, "warnings": once(warnings), "made_at": datetime.now(UTC)}
    )


def _shared(space: Workspace, pipeline: Pipeline, recipe: Recipe) -> list[str]:
    """What another pipeline's rows in a table mean for this plan: nothing but for `append` and `replace`.

    A pipeline that was renamed or moved is another one: it reads its source from the beginning.
    """
    harm = {
        "append": "what both read comes in twice",
        "replace": "each takes away the rows that only the other brought",
    }
    wanted = [name for name, table in recipe.tables.items() if table.write in harm]
    try:
        found = space.destination(pipeline).other_writers(pipeline.name, wanted) if wanted else {}
    except DestinationError:  # the load will tell
        return []
    known = space.project.pipeline_names()
    return [
        f"{table}: the pipeline {other} has loaded {rows:,} rows into it, and this one would "
        f"{recipe.tables[table].write}: {harm[recipe.tables[table].write]}"
        + ("" if other in known else f" (there is no {other} here any more: was it renamed?)")
        for (table, other), rows in found.items()
    ]


def _inputs(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    mapped: Mapping,
) -> str:
    """What a plan's figures depend on beside its recipe: another hash, and it is made again."""
    newest = {name: batch for name in pipeline.spec.sources for batch in space.seen(pipeline.name, name)[-1:]}
    said = {
        "file": pipeline.text_hash,
        "schemas": {name: schema.model_dump_json() for name, schema in typed.items()},
        "catalog": catalog.model_dump_json(exclude={"samples"}),
        "mapping": mapped.model_dump_json(),
        "batches": {name: batch.id for name, batch in newest.items()},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
