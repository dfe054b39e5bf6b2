"""What people approved so far, in any pipeline of the project: examples for the next proposal."""

from collections.abc import Iterable
from dataclasses import replace

from octo_core.asking.examples import ApprovedColumn
from octo_core.asking.sharing import without_values
from octo_core.errors import OctopipeError
from octo_core.spec.llm import Share
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


def that_may_leave(space: Workspace, known: Iterable[ApprovedColumn]) -> list[ApprovedColumn]:
    """Those whose own pipeline lets them: none where its `share` is none, without texts where it is not samples."""
    columns = list(known)
    shares = {name: _share(space, name) for name in {one.pipeline for one in columns}}
    return [
        one if shares[one.pipeline] == "samples" else replace(one, expr=without_values(one.expr))
        for one in columns
        if shares[one.pipeline] != "none"
    ]


def _share(space: Workspace, name: str) -> Share:
    """What a pipeline shares; nothing where its file is gone or cannot be read."""
    try:
        return space.pipeline(name).llm.share or "statistics"
    except OctopipeError:
        return "none"
