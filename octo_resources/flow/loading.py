"""The load: what landed and is not loaded yet, by the approved plan, in one transaction, every row accounted for.

The gate stands here. However a load was started, it takes the fingerprint of what it is about to run, asks the
registry for an approval of exactly that, locks the tables, and compares their catalog with the approved one; just
before the commit it asks once more.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import LoadAborted, UsageError
from octo_core.ledger import LoadResult, Phases, SourceCount, TableLedger
from octo_core.plan.fingerprint import fingerprint
from octo_resources.flow.drifting import DriftFound, drift_of, evolve
from octo_resources.flow.planning import Prepared, prepare
from octo_resources.flow.setting_aside import rejected_rows, within_limits
from octo_resources.flow.workspace import Workspace
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Pipeline
from octo_resources.redaction import redact

if TYPE_CHECKING:
    from octo_resources.destinations import WriteOutcome
    from octo_resources.engines.duckdb import LoadVariables, Scan

Stage = Callable[[str], None]
"""Told as the load reaches a point: `copied`, `before_commit`, `after_commit`."""


@dataclass(frozen=True)
class LoadOutcome:
    """A load's result, and what the UI shows beside it."""

    result: LoadResult
    prepared: Prepared | None = None
    drift: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → what changed at its source, in plain words."""
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    """Table → reason → rows set aside."""
    rows_there: dict[str, int | None] = field(default_factory=dict)
    newest_load: str | None = None


@dataclass
class _Work:
    """One table of a load: the batches that it has not got yet, and what becomes of their rows."""

    table: str
    source: str
    batches: list[Batch]
    scan: "Scan"
    started: float = 0.0
    seconds: float = 0.0
    outcome: "WriteOutcome | None" = None


def load(
    space: Workspace,
    pipeline: Pipeline,
    *,
    tables: Sequence[str] | None = None,
    dry_run: bool = False,
    dagster_run: str | None = None,
    prepared: Prepared | None = None,
    stage: Stage | None = None,
) -> LoadOutcome:
    """Load every landed batch that the pipeline's tables (or `tables` of them) have not got yet.

    Raises NotApproved where nobody approved exactly this plan, DriftStop, QuarantineLimit, LedgerMismatch and
    DestinationError; nothing is committed then. With `dry_run` all is done but the commit.
    """
    prepared = prepared or prepare(space, pipeline)
    print_ = fingerprint(prepared.recipe)  # of what will run, whatever the plan object says of itself
    if not dry_run:
        space.registry.decisions.require_approved(pipeline.name, print_)
    wanted = _wanted(pipeline, prepared, tables)
    started = time.monotonic()
    pending = _pending(space, pipeline, prepared, wanted)
    if not any(pending.values()):
        return _nothing_new(pipeline, print_, wanted, prepared, started)
    load_id = new_ulid(None)
    under_way = _Load(space, pipeline, prepared, load_id, print_, dry_run, stage or (lambda point: None))
    if dry_run:
        return under_way.run(pending)
    return _recorded(space, pipeline, under_way, pending, dagster_run)


def _recorded(
    space: Workspace, pipeline: Pipeline, under_way: "_Load", pending: dict[str, list[Batch]], dagster_run: str | None
) -> LoadOutcome:
    """The load with its beginning and its end in the registry; an error is kept redacted, and raised again."""
    executions, load_id = space.registry.executions, under_way.load_id
    executions.start(
        pipeline.name,
        load_id,
        pipeline_type=pipeline.spec.type,
        fingerprint=under_way.fingerprint,
        batches=sorted({batch.id for batches in pending.values() for batch in batches}),
        dagster_run_id=dagster_run,
    )
    try:
        outcome = under_way.run(pending)
    except BaseException as error:
        aborted = isinstance(error, KeyboardInterrupt | LoadAborted)
        executions.end(load_id, "aborted" if aborted else "failed", error=redact(str(error) or type(error).__name__))
        raise
    newest = max((source.to or "" for source in outcome.result.sources.values()), default="")
    executions.end(load_id, outcome.result.status, result=outcome.result, next_watermark=newest or None)
    return outcome


def _wanted(pipeline: Pipeline, prepared: Prepared, tables: Sequence[str] | None) -> list[str]:
    if tables is None:
        return list(prepared.recipe.tables)
    from octo_core.spec.nearest import did_you_mean

    for name in tables:
        if name not in prepared.recipe.tables:
            raise UsageError(f"{pipeline.name} writes no table '{name}'.{did_you_mean(name, prepared.recipe.tables)}")
    return list(tables)


def _pending(space: Workspace, pipeline: Pipeline, prepared: Prepared, wanted: Sequence[str]) -> dict[str, list[Batch]]:
    """Table → batches of its source that it has not got, oldest first."""
    known = space.destination(pipeline).known_batches(pipeline.name)
    found = {}
    for name in wanted:
        source = prepared.recipe.tables[name].source
        there = known.get((source, name), frozenset())
        batches = [batch for batch in space.landing.batches(pipeline.name, source) if batch.id not in there]
        if prepared.recipe.tables[name].write == "replace":
            batches = batches[-1:]  # the newest is the whole source; what was before it is gone from there
        found[name] = batches
    return found


def _nothing_new(
    pipeline: Pipeline, print_: str, wanted: Sequence[str], prepared: Prepared, started: float
) -> LoadOutcome:
    result = LoadResult(
        pipeline=pipeline.name,
        load_id="",
        fingerprint=print_,
        status="nothing_new",
        engine_why="nothing to do",
        tables={name: TableLedger() for name in wanted},
        seconds=round(time.monotonic() - started, 3),
    )
    return LoadOutcome(result, prepared)


class _Load:
    """One load under way; made for one use."""

    def __init__(
        self,
        space: Workspace,
        pipeline: Pipeline,
        prepared: Prepared,
        load_id: str,
        print_: str,
        dry_run: bool,
        stage: Stage,
    ) -> None:
        self.space, self.pipeline, self.prepared = space, pipeline, prepared
        self.load_id, self.fingerprint, self.dry_run, self.stage = load_id, print_, dry_run, stage
        self.engine = space.engine(pipeline)
        self.began = time.monotonic()
        self.load_time = datetime.now(UTC)
        self.warnings: list[str] = []

    def run(self, pending: dict[str, list[Batch]]) -> LoadOutcome:
        """Write all tables, judge, record and commit."""
        destination = self.space.destination(self.pipeline)
        tables = [self.prepared.catalog.tables[name] for name in pending]
        with destination.load(
            load_id=self.load_id,
            pipeline=self.pipeline.name,
            fingerprint=self.fingerprint,
            tables=tables,
            signature_tables=list(self.prepared.catalog.tables),
            expected_signature=self.prepared.catalog.signature,
            started=self.load_time,
        ) as transaction:
            works = []
            for table in transaction.in_order():
                known = transaction.known_batches(self.prepared.recipe.tables[table.name].source, table.name)
                batches = [batch for batch in pending[table.name] if batch.id not in known]
                if batches:
                    works.append(self._write(transaction, table.name, batches))
            if not works:
                return self._answer("already_loaded", [], {}, {})
            self.stage("copied")
            drift = self._judge_drift(works)
            if drift.asks:
                transaction.rollback()
                return self._drifted(works, drift)
            ledgers, reasons = self._set_aside_and_record(transaction, works)
            if self.dry_run:
                transaction.rollback()
                return self._answer("loaded", works, ledgers, reasons, drift)
            self.space.registry.decisions.require_approved(self.pipeline.name, self.fingerprint)
            self.stage("before_commit")
            self.commit_seconds = transaction.commit()
            self.stage("after_commit")
        return self._answer("loaded", works, ledgers, reasons, drift)
