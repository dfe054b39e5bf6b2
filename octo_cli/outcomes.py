"""What the commands that understand, decide, run and look answer with --json; docs/schemas has each one's schema."""

from datetime import datetime
from typing import Literal

from octo_core.approvals import Decision, Seal, Verdict
from octo_core.ledger import LoadResult, QuarantinedRow
from octo_core.plan.model import PlanState, Recipe
from octo_core.schema import Frozen, Role, SourceSchema
from octo_core.types import TypeText
from octo_resources.flow.logs import LogLine
from octo_resources.registry.model import ExecutionStatus, Step, StepStatus, Switch


class FieldAnswer(Frozen):
    """One field of a source: what `Field` says of it, without what was counted in the data."""

    name: str
    type: TypeText
    nullable: bool
    nulls: tuple[str, ...]
    format: str | None
    unit: str | None
    semantic: str | None
    role: Role | None
    pii: bool
    description: str | None
    carrier: str
    confidence: float
    why: str | None


class SourceSchemaAnswer(Frozen):
    fields: tuple[FieldAnswer, ...]
    key: tuple[str, ...]
    rows_examined: int
    rows_total: int | None
    complete: bool
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, found: SourceSchema) -> "SourceSchemaAnswer":
        """The answer about a stored schema."""
        kept = found.model_dump(include=set(cls.model_fields) - {"fields"})
        fields = [field.model_dump(exclude={"stats", "children"}) for field in found.fields]
        return cls.model_validate({**kept, "fields": fields})


class SchemaAnswer(Frozen):
    sources: dict[str, SourceSchemaAnswer]


class InferAnswer(Frozen):
    """What files hold, each under the name it was given by."""

    files: dict[str, SourceSchemaAnswer]


class DecisionAnswer(Frozen):
    """A decision that was made. `already`: it was decided so before, and nothing was added."""

    pipeline: str
    fingerprint: str
    decision: Verdict
    reviewer: str
    reason: str | None
    at: datetime
    already: bool


class DecisionsAnswer(Frozen):
    """Every decision, oldest first."""

    decisions: tuple[Decision, ...]


class CarriedApprovals(Frozen):
    """The document that `approvals export` writes and `approvals import` reads."""

    format: str
    decisions: tuple[Decision, ...]
    recipes: tuple[Recipe, ...]
    seal: Seal
    hash: str


class WrittenAnswer(Frozen):
    file: str


class ImportedAnswer(Frozen):
    imported: int
    skipped: tuple[str, ...]
    """What was left out, with the reason."""


class ErrorPlace(Frozen):
    file: str
    line: int
    column: int
    message: str


class ErrorText(Frozen):
    kind: str
    message: str
    where: str | None
    hint: str | None
    mistakes: tuple[ErrorPlace, ...]


class ErrorAnswer(Frozen):
    """What any command answers that fails."""

    error: ErrorText


class FailedRun(Frozen):
    """A pipeline that was due and could not be run."""

    pipeline: str
    status: Literal["failed"] = "failed"
    error: ErrorText


class DueAnswer(Frozen):
    runs: tuple[LoadResult | FailedRun, ...]


class ControlAnswer(Frozen):
    """Whether a pipeline runs by itself, and when it will next."""

    pipeline: str
    state: Switch
    until: datetime | None
    next: datetime | None


class AbortAnswer(Frozen):
    pipeline: str
    load_id: str
    asked: bool


class StepAnswer(Frozen):
    step: Step
    part: str
    """A source or a table; empty for the whole."""
    state: StepStatus
    message: str | None
    ended: datetime | None


class PipelineStatus(Frozen):
    """Where one pipeline stands: its schedule, its newest plan, its last load and the steps of it."""

    pipeline: str
    state: Switch
    until: datetime | None = None
    plan: str | None = None
    plan_state: PlanState | None = None
    load_id: str | None = None
    status: ExecutionStatus | None = None
    rows: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    next: datetime | None = None
    message: str | None = None
    steps: tuple[StepAnswer, ...] = ()


class StatusAnswer(Frozen):
    pipelines: tuple[PipelineStatus, ...]


class LogsAnswer(Frozen):
    """A pipeline's log, oldest line first."""

    pipeline: str
    lines: tuple[LogLine, ...]


class ReasonCount(Frozen):
    load_id: str
    table: str
    column: str | None
    reason: str
    rows: int


class QuarantineReasons(Frozen):
    pipeline: str
    total: int
    reasons: tuple[ReasonCount, ...]


class SetAside(QuarantinedRow):
    """A row that was set aside, and the load that did."""

    load_id: str


class QuarantineRows(Frozen):
    pipeline: str
    rows: tuple[SetAside, ...]


class PastLoad(Frozen):
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
    result: LoadResult | None


class HistoryAnswer(Frozen):
    loads: tuple[PastLoad, ...]


class ForgottenAnswer(Frozen):
    """How much was forgotten, or would be (`deleted` false)."""

    deleted: bool
    loads: int
    plans: int
    batches: int
    runs: int
