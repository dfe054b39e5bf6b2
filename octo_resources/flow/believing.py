"""Whether a stored plan shows what would run. Its page is what a reviewer reads, and somebody may have edited it."""

from octo_core.mapping.model import Mapping
from octo_core.plan.model import Plan, Recipe


def shows(plan: Plan, fingerprint: str, recipe: Recipe, mapping: Mapping) -> bool:
    """Whether the plan names this fingerprint, and of every table the columns and expressions of this mapping."""
    return (
        plan.fingerprint == fingerprint
        and plan.pipeline == recipe.pipeline
        and set(plan.tables) == set(recipe.tables)
        and all(_table_shown(plan, recipe, mapping, name) for name in recipe.tables)
    )


def _table_shown(plan: Plan, recipe: Recipe, mapping: Mapping, name: str) -> bool:
    shown, signed = plan.tables[name], recipe.tables[name]
    said = {column.target: column.expr for column in shown.columns}
    real = {column.target: column.expr for column in mapping.tables[name].columns if column.target in signed.columns}
    return said == real and (shown.key, shown.write) == (signed.key, signed.write)
