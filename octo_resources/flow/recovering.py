"""What a killed process left: executions that never said how they ended, and rows set aside by no load that is there.

What became of a load whose process is gone only the destination knows.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from octo_core.errors import DestinationError
from octo_core.ledger import LoadResult, TableLedger
from octo_resources.engines.choice import choose
from octo_resources.flow.living import is_gone, over
from octo_resources.flow.pulling import pull
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline
from octo_resources.registry.model import Execution, ExecutionStatus

_PATIENCE: Final = timedelta(seconds=5)
_GONE = "its process ended without a word; nothing of it was committed, and what it was to load loads with the next run"


def recover(space: Workspace, pipeline: Pipeline) -> None:
    """Find out what became of the pipeline's loads whose process is gone, and write it down.

    What is in the destination was loaded, and gets its result from the destination's own ledger. Of the rest nothing
    is there; the rows that it set aside are its batch's again. Changes nothing where the tables stay locked.
    """
    running = space.registry.executions.recent(pipeline.name, status="running")
    gone = [one for one in running if is_gone(space.project.state, one.load_id)]
    if gone:
        with suppress(DestinationError):
            _settle(space, pipeline, gone)


def settle(space: Workspace, pipeline: Pipeline, load_id: str, end: tuple[ExecutionStatus, str]) -> Execution | None:
    """The same for one load of this process, whose commit was sent and not answered; None where nobody can tell yet.

    `end` is what is kept of a load that is not there: its status, and why.
    """
    execution = space.registry.executions.get(load_id)
    if execution is None:
        return None
    with suppress(DestinationError):
        _settle(space, pipeline, [execution], end)
    found = space.registry.executions.get(load_id)
    return found if found is not None and found.ended is not None else None


def _settle(
    space: Workspace, pipeline: Pipeline, gone: list[Execution], end: tuple[ExecutionStatus, str] = ("vanished", _GONE)
) -> None:
    destination = space.destination(pipeline)
    # A server may still be committing for a client that was killed: its locks are held until it is done.
    with destination.load(
        load_id="",
        pipeline=pipeline.name,
        fingerprint="",
        tables=list(pull(space, pipeline).tables.values()),
        expected_signature=None,
        lock_timeout=_PATIENCE,
    ):
        there = {str(one["load_id"]): one for one in destination.loads(pipeline.name, limit=1000)}
    for execution in gone:
        found = there.get(execution.load_id)
        if found is not None:
            space.registry.executions.end(execution.load_id, "loaded", result=_result(pipeline, execution, found))
        else:
            space.registry.executions.end(execution.load_id, end[0], error=end[1])
            space.quarantine.remove(pipeline.name, execution.load_id)
        over(space.project.state, execution.load_id)


def _result(pipeline: Pipeline, execution: Execution, found: dict[str, Any]) -> LoadResult:
    """A load's answer as the destination remembers it."""
    counts = TableLedger.model_fields.keys()
    return LoadResult(
        pipeline=execution.pipeline,
        load_id=execution.load_id,
        batches=tuple(found["batches"]),
        fingerprint=found["fingerprint"],
        status="loaded",
        engine=choose(pipeline.engine, 0).engine,
        engine_why="told by the destination: the process that loaded it ended before it could",
        tables={
            name: TableLedger.model_validate({key: row[key] for key in counts}) for name, row in found["tables"].items()
        },
        seconds=round((found["finished"] - found["started"]).total_seconds(), 3),
    )
