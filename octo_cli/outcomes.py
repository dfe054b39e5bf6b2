"""What the commands that understand, decide, run and look answer with --json; docs/schemas has each one's schema."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from octo_cli.answer import Answer
from octo_core.approvals import Decision, Seal, Verdict
from octo_core.ledger import LoadResult, QuarantinedRow
from octo_core.plan.model import PlanState, Recipe
from octo_core.schema import Role, SourceSchema
from octo_core.streaming import StreamState
from octo_core.types import TypeText
from octo_resources.flow.logs import LogLine
from octo_resources.registry.calls import LlmCall
from octo_resources.registry.model import ExecutionStatus, Step, StepStatus, Switch
from octo_resources.registry.tokens import Token


class FieldAnswer(Answer):
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


class SourceSchemaAnswer(Answer):
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


class SchemaAnswer(Answer):
    sources: dict[str, SourceSchemaAnswer]


class ModelsAnswer(Answer):
    """The generated Pydantic models of a pipeline's sources: one module's text."""

    pipeline: str
    sources: tuple[str, ...]
    pydantic: str


class InferAnswer(Answer):
    """What files hold, each under the name it was given by."""

    files: dict[str, SourceSchemaAnswer]


class MatchedPair(Answer):
    """How well two columns fit, from 0 to 1."""

    source: str
    target: str
    score: float


class MatchAnswer(Answer):
    """Every scored pair, best first, and which column of the source goes where; None where nothing fits well enough.

    `undecided`: of a source's column the targets that have equal evidence; `assignment` holds one of them, or none.
    """

    pairs: tuple[MatchedPair, ...]
    assignment: dict[str, str | None]
    undecided: dict[str, tuple[str, ...]]


class DecisionAnswer(Answer):
    """A decision that was made. `already`: it was decided so before, and nothing was added."""

    pipeline: str
    fingerprint: str
    decision: Verdict
    reviewer: str
    reason: str | None
    at: datetime
    already: bool


class DecisionsAnswer(Answer):
    """Every decision, oldest first."""

    decisions: tuple[Decision, ...]


class CarriedApprovals(Answer):
    """The document that `approvals export` writes and `approvals import` reads."""

    format: str
    decisions: tuple[Decision, ...]
    recipes: tuple[Recipe, ...]
    seal: Seal
    hash: str


class WrittenAnswer(Answer):
    file: str


class ImportedAnswer(Answer):
    imported: int
    skipped: tuple[str, ...]
    """What was left out, with the reason."""


class ErrorPlace(Answer):
    file: str
    line: int
    column: int
    message: str


class ErrorText(Answer):
    kind: str
    message: str
    where: str | None
    hint: str | None
    mistakes: tuple[ErrorPlace, ...]


class ErrorAnswer(Answer):
    """What any command answers that fails."""

    error: ErrorText


class FailedRun(Answer):
    """A pipeline that was due and could not be run."""

    pipeline: str
    status: Literal["failed"] = "failed"
    error: ErrorText


class DueAnswer(Answer):
    runs: tuple[LoadResult | FailedRun, ...]


class ControlAnswer(Answer):
    """Whether a pipeline runs by itself, and when it will next."""

    pipeline: str
    state: Switch
    until: datetime | None
    next: datetime | None


class AbortAnswer(Answer):
    """What was asked to end; `load_id` is empty where a source was still being read, or the run had not begun."""

    pipeline: str
    load_id: str
    asked: bool


class StepAnswer(Answer):
    step: Step
    part: str
    """A source or a table; empty for the whole."""
    state: StepStatus
    message: str | None
    ended: datetime | None


class PipelineStatus(Answer):
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
    stream: StreamState | None = None
    """How its stream stands, where it has or had one on this machine."""
    steps: tuple[StepAnswer, ...] = ()


class StatusAnswer(Answer):
    pipelines: tuple[PipelineStatus, ...]


class LogsAnswer(Answer):
    """A pipeline's log, oldest line first."""

    pipeline: str
    lines: tuple[LogLine, ...]


class ReasonCount(Answer):
    load_id: str
    table: str
    column: str | None
    reason: str
    rows: int


class QuarantineReasons(Answer):
    pipeline: str
    total: int
    reasons: tuple[ReasonCount, ...]


class ReplayedAnswer(Answer):
    """What a replay did: the load that it was, or the messages that were sent back, by topic."""

    pipeline: str
    load: LoadResult | None = None
    topics: dict[str, int] = Field(default_factory=dict)


class DiscardedAnswer(Answer):
    """How many rows were given up."""

    pipeline: str
    discarded: int


class SetAside(QuarantinedRow):
    """A row that was set aside, and the load that did."""

    load_id: str


class QuarantineRows(Answer):
    pipeline: str
    rows: tuple[SetAside, ...]


class PastLoad(Answer):
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


class HistoryAnswer(Answer):
    loads: tuple[PastLoad, ...]


class ForgottenAnswer(Answer):
    """How much was forgotten, or would be (`deleted` false)."""

    deleted: bool
    loads: int
    plans: int
    batches: int
    runs: int


class LlmCallRow(Answer):
    """One call to a language model, without its texts. `cost` is in US dollars, null where nobody knows the price."""

    id: int
    pipeline: str
    purpose: str
    part: str
    model: str
    state: str
    error: str | None
    attempts: int
    tokens_in: int
    tokens_out: int
    cost: Decimal | None
    seconds: float
    reused: int
    at: datetime

    @classmethod
    def of(cls, call: LlmCall) -> "LlmCallRow":
        return cls.model_validate(call.model_dump(include=set(cls.model_fields)))


class LlmCallsAnswer(Answer):
    """Newest first; `tokens` and `cost` are the sums of what is listed."""

    calls: tuple[LlmCallRow, ...]
    tokens: int
    cost: Decimal


class TokenRow(Answer):
    """A token without the token. `pipelines` is null where it is good for all of them."""

    id: str
    name: str
    scope: str
    pipelines: tuple[str, ...] | None
    state: Literal["good", "expired", "revoked"]
    made_by: str | None
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: Token, at: datetime) -> "TokenRow":
        """The row as it is at a moment."""
        state = "good" if token.good_at(at) else "expired" if token.revoked_at is None else "revoked"
        return cls.model_validate({**token.model_dump(), "state": state})


class TokensAnswer(Answer):
    tokens: tuple[TokenRow, ...]


class MadeTokenAnswer(Answer):
    """A new token; `token` is the secret, which nobody can be shown again."""

    token: str
    about: TokenRow
