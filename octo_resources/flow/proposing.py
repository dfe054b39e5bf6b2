"""Propose a mapping, and lay the user's file and the reviewers' corrections over it."""

import hashlib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from octo_core.catalog import Catalog
from octo_core.deletes import marks
from octo_core.errors import UsageError
from octo_core.mapping import layered
from octo_core.mapping.model import Correction, Mapping, TableMapping
from octo_core.schema import SourceSchema
from octo_core.spec.names import canonical_table_name
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.shapes import relation_name
from octo_resources.flow.origins import settled
from octo_resources.flow.pulling import pull
from octo_resources.flow.relations import typed_relations
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_core.asking.examples import ApprovedColumn

Proposer = Literal["embedded", "llm"]


def mapping(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    *,
    again: bool = False,
    proposer: Proposer | None = None,
) -> Mapping:
    """The whole mapping: correction over mapping.yaml over the proposal.

    The proposal is kept until a schema, the destination or what the file says of its tables changes. `proposer`: who
    proposes; when left out a language model where the pipeline has one. Raises SpecError for what does not hold in
    mapping.yaml.
    """
    return layered(
        _unmarked(pipeline, _proposal(space, pipeline, typed, catalog, again, proposer)),
        pipeline.file_mapping,
        space.registry.corrections.holding(pipeline.name),
        catalog=catalog,
        relations=relations(pipeline, typed),
    )


def _unmarked(pipeline: Pipeline, found: Mapping) -> Mapping:
    """The proposal without the columns that mark what is gone: a machine's word on them does not count.

    What a person says of one is laid over it: the recipe refuses that, and says so.
    """
    tables = dict(found.tables)
    for name, table in found.tables.items():
        said = marks(pipeline.spec, name)
        at = table.column(said.mark) if said is not None else None
        if said is not None and at is not None and at.layer in ("llm", "embedded"):
            why = f"set where a row is gone from the source (deletes, found by {said.found_by})"
            left = at.model_copy(update={"expr": None, "confidence": 1.0, "why": why, "alternatives": ()})
            columns = tuple(left if one is at else one for one in table.columns)
            tables[name] = table.model_copy(update={"columns": columns})
    return found.model_copy(update={"tables": tables})


def relations(pipeline: Pipeline, typed: MappingOf[str, SourceSchema]) -> dict[str, SourceSchema]:
    """Table → the schema of what it is made from."""
    return {
        name: typed[relation_name(table.from_)] for name, table in pipeline.tables.items() if table.from_ is not None
    }


def _proposal(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    again: bool,
    proposer: Proposer | None = None,
) -> Mapping:
    inputs = proposal_inputs(pipeline, typed, catalog)
    stored = space.registry.mappings.newest_version(pipeline.name)
    if stored is not None and stored.inputs == inputs and not again:
        return stored.value
    from octo_core.mapping import propose  # 30 ms, and a proposal that stands needs none of it
    from octo_core.mapping.keeping import kept
    from octo_resources.flow.remembering import approved_columns, remembered
    from octo_resources.flow.trying import tried

    known = approved_columns(space)
    memory = remembered(space, known, pipeline.name, catalog, relations(pipeline, typed))
    found = propose(dict(typed), catalog, pipeline.spec, remembered=memory)
    found = tried(space, pipeline, typed, catalog, found, relations(pipeline, typed))
    approved = space.registry.decisions.last_approved(pipeline.name)
    recipe = space.registry.plans.recipe(pipeline.name, approved.fingerprint) if approved else None
    same_tables = stored is not None and (stored.inputs or "").partition("-")[0] == inputs.partition("-")[0]
    if stored is not None and same_tables and recipe is not None and not again:
        found = kept(stored.value, found, recipe, catalog=catalog, relations=relations(pipeline, typed))
        before = stored.value
    else:
        before = None
    if proposer != "embedded":
        found = _asked(space, pipeline, typed, catalog, found, before, known)
    space.registry.mappings.save(pipeline.name, found, inputs=inputs)
    return found


def _asked(
    space: Workspace,
    pipeline: Pipeline,
    typed: MappingOf[str, SourceSchema],
    catalog: Catalog,
    found: Mapping,
    before: Mapping | None,
    known: "Sequence[ApprovedColumn]",
) -> Mapping:
    """The proposal after a language model was asked, where there is one.

    `before`: it is asked only about what is not as it was. `known`: what was approved so far.
    """
    from octo_resources.llm import access, door

    asked = access(pipeline)
    if not asked.asks:
        said = (f"proposed by the embedded matcher: {asked.why_not}",) if asked.why_not else ()
        return found.model_copy(update={"warnings": (*found.warnings, *said)})
    from octo_resources.flow.consulting import mapped_by_model
    from octo_resources.flow.ground import Ground
    from octo_resources.flow.remembering import that_may_leave

    tables, warnings, feedback = dict(found.tables), list(found.warnings), space.registry.feedback.of(pipeline.name)
    leaving, through = that_may_leave(space, known), door(pipeline, space.registry, asked, space.silences)
    for name, schema in relations(pipeline, typed).items():
        origin = pipeline.tables[name].from_
        if name not in tables or origin is None:
            continue
        only = None if before is None else _changed(before.tables.get(name), tables[name])
        if only is None or only:
            ground = Ground.of_table(space, pipeline, origin, typed)
            tables[name], more = mapped_by_model(
                ground, through, schema, catalog, tables[name], only=only, feedback=feedback, known=leaving
            )
            warnings += more
    return found.model_copy(update={"tables": tables, "warnings": tuple(warnings), "proposer": "llm"})


def _changed(before: TableMapping | None, now: TableMapping) -> frozenset[str] | None:
    """The columns that are not as they were; None where the table is new."""
    if before is None:
        return None
    return frozenset(one.target for one in now.columns if before.column(one.target) != one)


def proposal_inputs(pipeline: Pipeline, typed: MappingOf[str, SourceSchema], catalog: Catalog) -> str:
    """`destination-sources`: a hash of what is said of the tables, and one of the schemas."""
    tables = [f"{name} {table.from_} {table.key} {table.version}" for name, table in pipeline.tables.items()]
    schemas = [schema.model_dump_json(exclude={"batches"}) for schema in typed.values()]
    return f"{_hash([catalog.model_dump_json(), *tables])}-{_hash(schemas)}"


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]


def correct(
    space: Workspace,
    pipeline: Pipeline,
    corrections: MappingOf[str, str],
    *,
    reviewer: str,
    reason: str | None = None,
) -> None:
    """Keep a reviewer's word on columns: `TABLE.COLUMN` → expression, an empty one to leave the column unmapped.

    All of them are checked first: UsageError where one names no column, or does not fit it, and none is kept.
    """
    pipeline = settled(space, pipeline)
    typed, catalog = typed_relations(space, pipeline), pull(space, pipeline)
    made = [_correction(catalog, place, text, reviewer, reason) for place, text in corrections.items()]
    holding = {(one.table, one.column): one for one in (*space.registry.corrections.holding(pipeline.name), *made)}
    layered(
        _proposal(space, pipeline, typed, catalog, False),
        pipeline.file_mapping,
        tuple(holding.values()),
        catalog=catalog,
        relations=relations(pipeline, typed),
    )
    for one in made:
        space.registry.corrections.add(pipeline.name, one)


MAX_FEEDBACK = 2000


def heed(space: Workspace, pipeline: Pipeline, text: str, *, reviewer: str, proposer: Proposer | None = None) -> None:
    """Keep what a reviewer says in words: every later question to the pipeline's model brings it.

    Without a model, or where `proposer` is "embedded", sentences of a small grammar (octo_core/mapping/instructions.py)
    are kept as corrections. Raises UsageError where it is empty or too long, or where there is no model to ask and it
    is no such sentence.
    """
    said = " ".join(text.split())
    if not said or len(said) > MAX_FEEDBACK:
        wrong = "says nothing" if not said else f"is longer than {MAX_FEEDBACK} characters"
        raise UsageError(f"the feedback {wrong}", hint="Say in a few sentences what should be otherwise.")
    from octo_resources.llm import access

    if proposer == "embedded" or not access(pipeline).asks:
        _follow(space, pipeline, text, reviewer, proposer)
    else:
        space.registry.feedback.add(pipeline.name, said, reviewer)


def _follow(space: Workspace, pipeline: Pipeline, text: str, reviewer: str, proposer: Proposer | None) -> None:
    """Do what feedback says that can be understood without a model."""
    from octo_core.mapping.instructions import understood
    from octo_core.mapping.proposal import written

    pipeline = settled(space, pipeline)
    typed, catalog = typed_relations(space, pipeline), pull(space, pipeline)
    made_of = relations(pipeline, typed)
    found = understood(text, catalog, made_of, mapping(space, pipeline, typed, catalog, proposer=proposer))
    if found is None:
        require_model(pipeline, "feedback in words", unasked=proposer)
    corrections = {}
    for one in found or ():
        expr = one.expr
        if one.field and expr is not None:
            expr = written(made_of[one.table], catalog.tables[one.table], catalog, expr, one.column) or expr
        corrections[f"{one.table}.{one.column}"] = expr or ""
    correct(space, pipeline, corrections, reviewer=reviewer, reason=" ".join(text.split()))


def require_model(pipeline: Pipeline, what: str, *, unasked: str | None = None) -> None:
    """UsageError where the pipeline has no language model that could be asked, or where the proposer `unasked` was
    wished for instead, with the reason."""
    from octo_resources.llm import access

    asked = access(pipeline)
    if unasked is not None or not asked.asks:
        why = f"the proposer is to be the {unasked} one" if unasked is not None else asked.why_not
        why = why or "llm.model is not set, in octopipe.yaml or in the pipeline's file"
        hint = f"Correct a column yourself: octopipe map {pipeline.name} --set TABLE.COLUMN=EXPR"
        if what == "feedback in words":
            from octo_core.mapping.instructions import SENTENCES

            hint = f"Understood without one: {SENTENCES}. {hint}"
        raise UsageError(f"{what} needs a language model, and none is asked: {why}", hint=hint)


def _split(catalog: Catalog, place: str) -> tuple[str, str]:
    """(table, column) of TABLE.COLUMN; a shell takes the quotes of 'public."My Table".x' off, and names have dots."""
    for name, known in catalog.tables.items():
        for spelled in (name, f"{known.schema_name}.{known.table_name}"):
            if place.startswith(f"{spelled}."):
                return name, place[len(spelled) + 1 :]
    table, _, column = place.rpartition(".")
    return table, column


def _correction(catalog: Catalog, place: str, text: str, reviewer: str, reason: str | None) -> Correction:
    table, column = _split(catalog, place)
    if not table:
        hint = "write TABLE.COLUMN, for example public.flight.note"
        raise UsageError(f"'{place}' names no column of a table", hint=hint)
    try:
        name = canonical_table_name(table)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if name not in catalog.tables:
        raise UsageError(f"the pipeline writes no table '{table}'.{did_you_mean(table, catalog.tables)}")
    columns = [known.name for known in catalog.tables[name].columns]
    column = column.strip('"') if column.strip('"') in columns else column
    if column not in columns:
        raise UsageError(f"{name} has no column '{column}'.{did_you_mean(column, columns)}")
    return Correction(
        table=name,
        column=column,
        expr=text.strip() or None,
        reviewer=reviewer,
        reason=reason,
        made_at=datetime.now(UTC),
    )
