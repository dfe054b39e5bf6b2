"""A mapping that a changed source has outgrown: it waits for a person, and is no mistake that somebody made now."""

from collections.abc import Mapping as MappingOf

from octo_core.errors import MappingOutgrown, SpecError
from octo_core.plan.model import Recipe
from octo_core.schema import SourceSchema
from octo_resources.flow.workspace import Workspace


def outgrown(
    space: Workspace, pipeline: str, typed: MappingOf[str, SourceSchema], error: SpecError
) -> MappingOutgrown | None:
    """What to raise for the mistakes of a mapping where its source changed since the approval; None where it did not.

    It did where a field that the approved plan uses is not what it was.
    """
    approved = space.registry.decisions.last_approved(pipeline)
    recipe = space.registry.plans.recipe(pipeline, approved.fingerprint) if approved is not None else None
    if approved is None or recipe is None or not _changed(recipe, typed):
        return None
    return MappingOutgrown(
        error.mistakes,
        fingerprint=approved.fingerprint,
        where=pipeline,
        hint=f"mend mapping.yaml, or correct what is wrong (octopipe map {pipeline} --set TABLE.COLUMN=…); then read "
        f"and approve the new plan: octopipe plan {pipeline}",
    )


def _changed(recipe: Recipe, typed: MappingOf[str, SourceSchema]) -> bool:
    from octo_core.plan.fields import used_field  # with the expressions 0.15 s, and most plans need none of it

    return any(
        source not in typed or used_field(typed[source], field.name) != field
        for source, fields in recipe.sources.items()
        for field in fields
    )
