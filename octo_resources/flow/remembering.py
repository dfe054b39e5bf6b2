"""What people approved so far, in any pipeline of the project: examples for the next proposal."""

from octo_core.asking.examples import ApprovedColumn
from octo_resources.flow.workspace import Workspace

MAX_PIPELINES = 200


def approved_columns(space: Workspace) -> list[ApprovedColumn]:
    """The columns of every pipeline's newest approved plan, the last MAX_PIPELINES approved."""
    found = []
    newest = sorted(space.registry.decisions.all_last_approved().items(), key=lambda item: -item[1].seq)
    for name, approved in newest[:MAX_PIPELINES]:
        recipe = space.registry.plans.recipe(name, approved.fingerprint)
        for table in recipe.tables.values() if recipe else ():
            labels = {target.name: target.label for target in table.targets}
            found += [
                ApprovedColumn(name, table.source, table.table, column, expr, labels.get(column))
                for column, expr in table.columns.items()
            ]
    return found
