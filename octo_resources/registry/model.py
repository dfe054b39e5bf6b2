"""The values that the registry hands out beside the contract's own: executions, steps, controls and logs."""

from datetime import datetime
from typing import Literal

from octo_core.approvals import Decision
from octo_core.ledger import LoadResult, LoadStatus
from octo_core.plan.model import Plan, Recipe
from octo_core.schema import Frozen

ExecutionStatus = LoadStatus | Literal["running", "aborted", "vanished"]
"""What became of an execution. `vanished`: its process is gone and never said how it ended."""

Step = Literal["raw", "schema", "mapping", "approval", "load"]
StepStatus = Literal["running", "done", "waiting", "failed", "skipped"]
Switch = Literal["started", "stopped", "paused"]


class StoredPlan(Frozen):
    """A plan as it was saved. `inputs` is the hash of what it was made from, so that a ready plan is not made again."""

    plan: Plan
    recipe: Recipe
    inputs: str | None
    made_at: datetime
    holds_rows: bool
    """False once retention took its sample rows away."""


class Ruling(Frozen):
    """The answer to an approval or a rejection. `already`: the same was decided before, and nothing was added."""

    decision: Decision
    already: bool
    message: str


class Execution(Frozen):
    """One load, as it runs or ran."""

    id: int
    pipeline: str
    load_id: str
    parent_id: int | None
    status: str
    started: datetime
    ended: datetime | None
    seconds: float | None
    full: bool
    fingerprint: str | None
    batches: tuple[str, ...]
    watermark: str | None
    next_watermark: str | None
    total_rows: int | None
    inserts: int | None
    updates: int | None
    soft_deletes: int | None
    error: str | None
    dagster_run_id: str | None
    process: str | None
    """host:pid of the process that runs it."""
    result: LoadResult | None


class Closure(Frozen):
    """One row of the executions' tree: `depth` 0 is the execution itself."""

    parent: int
    child: int
    depth: int


class StepState(Frozen):
    """Where one step of a pipeline stands. `part` is a source or table, empty for the whole."""

    pipeline: str
    step: Step
    part: str
    state: StepStatus
    started: datetime | None = None
    ended: datetime | None = None
    message: str | None = None
    log_path: str | None = None


class Control(Frozen):
    """Whether a pipeline's schedule and streams run, and whether somebody asked to end what runs."""

    pipeline: str
    state: Switch = "stopped"
    until: datetime | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None
    abort_load: str | None = None
    abort_at: datetime | None = None
    paused_from: Switch | None = None
    """What a pause goes back to; None in one of a version that did not keep it."""
    ticked_at: datetime | None = None
    """When `run --due` last ran it, whatever came of it."""


class LogFile(Frozen):
    """Where the log of a load or step is."""

    pipeline: str
    load_id: str | None
    step: str | None
    path: str
    started: datetime
