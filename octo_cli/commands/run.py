"""`run`: land what is new, and load it by the approved plan."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import completing, console
from octo_core.errors import NotApproved, OctopipeError, UsageError

if TYPE_CHECKING:
    from octo_core.ledger import LoadResult
    from octo_resources.flow import Workspace

WAITS = 3


def run(
    name: Annotated[
        str | None, typer.Argument(help="The pipeline.", metavar="NAME", autocompletion=completing.pipelines)
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Run every started pipeline that is due.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what is new.")] = False,
    since: Annotated[str | None, typer.Option(help="Read from this cursor value on.")] = None,
    table: Annotated[list[str] | None, typer.Option("--table", help="Load only this table; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all but the commit.")] = False,
) -> int:
    """Load now: what is approved is loaded; what is not lands and waits (exit code 3).

    Example:  octopipe run flights
    """
    from octo_resources.flow import Workspace
    from octo_resources.flow.landing_step import require_one_way

    space = Workspace(console.open_project())
    if due:
        if name or full or since or table or dry_run:
            raise UsageError("--due goes with no name and no other option of run")
        return _run_due(space)
    require_one_way(full, since)
    if not name:
        raise UsageError("which pipeline?", hint="octopipe run NAME, or octopipe run --due")
    tables = _canonical(space, name, table)
    result = _dry(space, name, full, since, tables) if dry_run else _run(space, name, full, since, tables)
    console.answer(result, console.page(lambda width, colour: _page(space, result, width, colour)))
    return WAITS if result.status == "waiting_for_approval" else 0


def _canonical(space: "Workspace", name: str, tables: Sequence[str] | None) -> list[str] | None:
    from octo_core.spec.names import canonical_table_name
    from octo_core.spec.nearest import did_you_mean

    pipeline = space.pipeline(name)
    if not tables:
        return None
    found = []
    for table in tables:
        try:
            known = canonical_table_name(table)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if known not in pipeline.tables:
            raise UsageError(f"{name} writes no table '{table}'.{did_you_mean(table, pipeline.tables)}")
        found.append(known)
    return found


def _run(space: "Workspace", name: str, full: bool, since: str | None, tables: list[str] | None) -> "LoadResult":
    """As a Dagster run. What failed in it fails here, with the same words."""
    from octo_assets.launch import launch  # dagster: 2.5 s to import
    from octo_cli.sparing import spare_pandas
    from octo_resources.flow import waiting

    spare_pandas()
    with console.progress(f"running {name}") as progress:
        progress(0, 0, "starting Dagster")
        ran = launch(space.project, name, tables=tables, full=full, since=since)
    if ran.error is not None:
        raise ran.error
    if ran.result is not None:
        return ran.result
    return waiting(space, space.pipeline(name), ran.landed)


def _dry(space: "Workspace", name: str, full: bool, since: str | None, tables: list[str] | None) -> "LoadResult":
    """Outside Dagster: nothing is committed, so there is nothing to record."""
    from octo_resources.flow import land, load

    pipeline = space.pipeline(name)
    with console.progress(f"trying {name}") as progress:
        land(space, pipeline, full=full, since=since, progress=progress)
        return load(space, pipeline, tables=tables, dry_run=True).result


def _run_due(space: "Workspace") -> int:
    """All that is due, those that others need first; one that fails does not stop the rest."""
    from octo_cli.outcomes import DueAnswer, ErrorText, FailedRun
    from octo_resources.flow import due_pipelines, take_tick

    results: list[LoadResult | FailedRun] = []
    worst = 0
    for name in due_pipelines(space):
        if not take_tick(space, name):
            continue  # another `run --due` has it
        try:
            result = _run(space, name, False, None, None)
            results.append(result)
            code = WAITS if result.status == "waiting_for_approval" else 0
        except OctopipeError as error:
            text = ErrorText.model_validate(console.error_document(error))
            results.append(FailedRun(pipeline=name, error=text))
            console.note(str(error))
            code = WAITS if isinstance(error, NotApproved) else error.exit_code
        worst = code if worst in (0, WAITS) and code else worst
    lines = [f"{one.pipeline}: {one.status}" for one in results] or ["nothing is due"]
    console.answer(DueAnswer(runs=tuple(results)), "\n".join(lines))
    return worst


def _page(space: "Workspace", result: "LoadResult", width: int, colour: bool) -> str:
    from octo_core.plan.show import load_text, misfit_text, refusal_text

    decisions = space.registry.decisions
    decision = decisions.holding(result.pipeline, result.fingerprint)
    if result.status != "waiting_for_approval":
        cursors = _cursors(space, result.pipeline)
        return load_text(result, decision=decision, cursors=cursors, width=width, colour=colour)
    if decision is not None and decision.decision == "approve":
        return misfit_text(result.pipeline, result.warnings, result.batches)
    recipe = space.registry.plans.recipe(result.pipeline, result.fingerprint)
    since = decisions.diff_to_approved(recipe) if recipe is not None else None
    rejected = decision if decision is not None and decision.decision == "reject" else None
    text = refusal_text(result.pipeline, result.fingerprint, rejected=rejected, since=since, batches=result.batches)
    return f"{text}\n  Read: octopipe plan {result.pipeline}{' --diff' if since else ''}"


def _cursors(space: "Workspace", name: str) -> dict[str, str]:
    """Source → the field of its cursor, where it has one."""
    cursors = {key: getattr(source, "cursor", None) for key, source in space.pipeline(name).spec.sources.items()}
    return {key: cursor.field for key, cursor in cursors.items() if cursor is not None}
