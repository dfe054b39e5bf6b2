"""The plan that is to be read, without making it again where nothing that it was made from has changed.

`prepare` takes a stored plan to its parts each time, so that nobody's edit of the registry is shown as the plan; that
needs the expression language and costs 0.2 s. What it found is remembered here in a file beside the registry, not in
it: a hash of all that the plan was made from, and one of its page. Only a plan is shown that has both; approving and
loading go by `prepare`, and never by this.
"""

import json
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from octo_core.catalog import Catalog
from octo_core.language import LANGUAGE_VERSION
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe
from octo_core.schema import SourceSchema
from octo_resources.flow.landing_step import Progress
from octo_resources.flow.origins import settled
from octo_resources.flow.planning import missed_parents, prepare, standing
from octo_resources.flow.proposing import proposal_inputs
from octo_resources.flow.pulling import pull
from octo_resources.flow.relations import typed_relations
from octo_resources.flow.unchanged import hashed, newest_batches, remember
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline


@dataclass(frozen=True, slots=True)
class Seal:
    """What a plan was made from, and what its page says; each a hash of 64 hex digits."""

    fingerprint: str
    parts: str
    batches: str
    page: str

    @classmethod
    def read(cls, path: Path) -> "Seal | None":
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # none yet, or of another version

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def plan_to_read(space: Workspace, pipeline: Pipeline, *, progress: Progress | None = None) -> tuple[Plan, Recipe]:
    """The plan as it stands with the reviewers, and its recipe. Raises what `prepare` raises."""
    written, pipeline = pipeline, settled(space, pipeline, progress=progress)
    typed = typed_relations(space, pipeline, progress=progress)
    catalog = pull(space, pipeline)
    path = space.project.state / "plans" / f"{pipeline.name}.json"
    parts, batches = _parts(space, pipeline, typed, catalog), newest_batches(space, pipeline)
    found = _sealed(space, pipeline, Seal.read(path), parts, batches) if parts is not None else None
    if found is not None:
        plan, recipe = standing(space, *found), found[1]
        _remember(space, written, plan, recipe, catalog, _page(found[0]))
        return plan, recipe
    made = prepare(space, pipeline, progress=progress)
    parts = _parts(space, pipeline, made.schemas, made.catalog)
    stored = space.registry.plans.get(pipeline.name, made.plan.fingerprint)
    if parts is not None and stored is not None:
        Seal(made.plan.fingerprint, parts, batches, _page(stored.plan)).write(path)
        _remember(space, written, made.plan, made.recipe, made.catalog, _page(stored.plan))
    return made.plan, made.recipe


def _remember(space: Workspace, written: Pipeline, plan: Plan, recipe: Recipe, catalog: Catalog, page: str) -> None:
    if plan.state == "approved" or not missed_parents(plan):
        remember(space, written, plan, recipe, catalog.signature, page)


def _sealed(
    space: Workspace, pipeline: Pipeline, seal: Seal | None, parts: str, batches: str
) -> tuple[Plan, Recipe] | None:
    """The stored plan, if it is the one that was sealed and was made from just this."""
    if seal is None or seal.parts != parts:
        return None
    stored = space.registry.plans.get(pipeline.name, seal.fingerprint)
    if stored is None or _page(stored.plan) != seal.page or fingerprint(stored.recipe) != stored.plan.fingerprint:
        return None
    if stored.recipe.language != LANGUAGE_VERSION:
        return None
    approved = space.registry.plan_state(pipeline.name, seal.fingerprint) == "approved"
    if not approved and (seal.batches != batches or missed_parents(stored.plan)):
        return None
    return stored.plan, stored.recipe


def _parts(space: Workspace, pipeline: Pipeline, typed: MappingOf[str, SourceSchema], catalog: Catalog) -> str | None:
    """A hash of all that decides recipe and page; None where the mapping has to be proposed first."""
    proposal = space.registry.mappings.newest_version(pipeline.name)
    if proposal is None or proposal.inputs != proposal_inputs(pipeline, typed, catalog):
        return None
    return hashed(
        version("octopipe"),
        pipeline.text_hash,
        catalog.model_dump_json(),
        proposal.value.model_dump_json(),
        *(f"{name} {schema.model_dump_json()}" for name, schema in sorted(typed.items())),
        *(one.model_dump_json() for one in space.registry.corrections.holding(pipeline.name)),
    )


def _page(plan: Plan) -> str:
    return hashed(plan.model_dump_json())
