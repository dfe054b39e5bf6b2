"""What became of one request that was pushed: accepted, landed, loaded, and which of its items were set aside."""

from datetime import UTC, datetime
from typing import Any, Literal

from octo_core.batch import LandedFile
from octo_core.errors import LandingError
from octo_core.ledger import TableLedger
from octo_core.offsets import Offsets
from octo_core.schema import Frozen
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline
from octo_resources.registry.model import Execution
from octo_resources.sources.push.drain import landed_to
from octo_resources.sources.push.forward import marked
from octo_resources.sources.push.queue import Pushed, QueueReader, queue_path

PushState = Literal["accepted", "landed", "loaded"]
_SHOWN = 100


class SetAside(Frozen):
    """An item that was not loaded. `item` counts from 1 in its request."""

    item: int
    table: str
    column: str | None
    reason: str


class PushLoad(Frozen):
    """A load that took the batch which the items are in. The counts are of the whole load, not of these items alone."""

    load_id: str
    status: str
    ended: datetime | None
    tables: dict[str, TableLedger]
    error: str | None


class PushStatus(Frozen):
    """Where a request's items are. `state`: in the queue, in a landed batch, or in every table that they feed."""

    pipeline: str
    source: str
    batch: str
    state: PushState
    items: int
    accepted: datetime
    landed: str | None = None
    """The landed batch that they are in."""
    loads: tuple[PushLoad, ...] = ()
    quarantined: int = 0
    set_aside: tuple[SetAside, ...] = ()
    """The first hundred."""


def push_status(space: Workspace, pipeline: Pipeline, push_id: str) -> PushStatus | None:
    """The state of a request, by what the queue, the landing zone and the registry say; None where it is not known."""
    queue = QueueReader(queue_path(space.project.root))
    pushed = queue.get(pipeline.name, push_id)
    if pushed is None:
        return None
    found = PushStatus(
        pipeline=pipeline.name,
        source=pushed.source,
        batch=push_id,
        state="accepted",
        items=pushed.items,
        accepted=datetime.fromtimestamp(pushed.accepted, UTC),
    )
    topic = marked(pushed.landed or "")
    batch = _from_topic(space, pushed, topic) if topic else pushed.landed or _landed(space, queue, pushed)
    if batch is None:
        return found
    executions = space.registry.executions.of_batch(pipeline.name, batch)
    loads = tuple(_load(one) for one in executions)
    into = {table for load in loads if load.status in ("loaded", "already_loaded") for table in load.tables}
    fed = {table for table in pipeline.tables if pushed.source in pipeline.spec.sources_of(table)}
    aside = _set_aside(space, queue, pushed, batch, loads)
    return found.model_copy(
        update={
            "state": "loaded" if fed and fed <= into else "landed",
            "landed": batch,
            "loads": loads,
            "quarantined": len(aside),
            "set_aside": tuple(aside[:_SHOWN]),
        }
    )


def _landed(space: Workspace, queue: QueueReader, pushed: Pushed) -> str | None:
    """The batch that took the request, where the queue was not told yet."""
    for batch in reversed(space.landing.history(pushed.pipeline, pushed.source)):
        queue_id = (batch.cursor_to or "").partition(":")[0]
        if queue_id != queue.id:
            continue
        if any(_holds(file, pushed.seq) for file in batch.files):
            return batch.id
        if landed_to(batch, queue_id) < pushed.seq:
            return None
    return None


def _from_topic(space: Workspace, pushed: Pushed, mark: dict[str, Any]) -> str | None:
    """The batch that read the topic past all of the request's items; None where none did, or nobody knows where."""
    offsets = {int(part): at for part, at in mark["offsets"].items()}
    found = None
    for batch in reversed(space.landing.history(pushed.pipeline, pushed.source) if offsets else []):
        read = Offsets.of_position(batch.position)
        if not all((read.next(mark["topic"], part) or 0) > at for part, at in offsets.items()):
            break
        found = batch.id
    return found


def _holds(file: LandedFile, seq: int) -> bool:
    return bool(file.position) and file.position["from"] <= seq <= file.position["to"]


def _load(execution: Execution) -> PushLoad:
    return PushLoad(
        load_id=execution.load_id,
        status=execution.status,
        ended=execution.ended,
        tables=dict(execution.result.tables) if execution.result else {},
        error=execution.error,
    )


def _set_aside(
    space: Workspace, queue: QueueReader, pushed: Pushed, batch: str, loads: tuple[PushLoad, ...]
) -> list[SetAside]:
    """The request's own items among the rows that the batch's loads set aside."""
    if not any(ledger.quarantined for load in loads for ledger in load.tables.values()):
        return []
    if marked(pushed.landed or ""):
        return []  # which of a topic's messages were this request's is not kept; the loads' counts stand
    quarantine = space.quarantine
    try:
        files = space.landing.get(pushed.pipeline, pushed.source, batch).files
        file = next(one for one in files if _holds(one, pushed.seq))
        begins = queue.items_between(pushed.pipeline, pushed.source, file.position["from"], pushed.seq)
        return [
            SetAside(item=row.row - begins, table=row.table, column=row.column, reason=row.reason)
            for load in loads
            if any(ledger.quarantined for ledger in load.tables.values())
            for row in quarantine.read(pushed.pipeline, load.load_id)
            if row.batch == batch and row.file == file.path and begins < row.row <= begins + pushed.items
        ]
    except (LandingError, StopIteration):
        return []  # what was set aside long ago went with its files
