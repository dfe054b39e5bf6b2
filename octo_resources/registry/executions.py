"""Executions: every load that ran or runs, in the watcher's model of pipelines, executions and their closure."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from octo_core.errors import NotApproved, RegistryError
from octo_core.ledger import LoadResult
from octo_resources.redaction import redact
from octo_resources.registry.database import Database
from octo_resources.registry.execution_rows import (
    SUCCEEDED,
    close,
    ending,
    execution,
    known,
    one,
    pipeline_id,
    selected,
)
from octo_resources.registry.model import Closure, Execution, ExecutionStatus
from octo_resources.registry.tables import pipeline as pipelines
from octo_resources.registry.tables import pipeline_execution as executions
from octo_resources.registry.tables import pipeline_execution_closure as closure


@dataclass
class Running:
    """What a load says of its end while it lasts."""

    result: LoadResult | None = None
    status: ExecutionStatus | None = None
    error: str | None = None
    next_watermark: str | None = None

    def end(
        self,
        result: LoadResult | None,
        *,
        status: ExecutionStatus | None = None,
        error: str | None = None,
        next_watermark: str | None = None,
    ) -> None:
        """How it ended: by the result's own status unless another is given; `error` comes redacted."""
        self.result, self.status, self.error, self.next_watermark = result, status, error, next_watermark


class Executions:
    """Starts, ends and lists executions. `load_id` names one; starting the same twice gives the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self,
        pipeline: str,
        load_id: str,
        *,
        pipeline_type: str | None = None,
        parent_load_id: str | None = None,
        fingerprint: str | None = None,
        batches: Sequence[str] = (),
        full: bool = False,
        watermark: str | None = None,
        next_watermark: str | None = None,
        dagster_run_id: str | None = None,
        at: datetime | None = None,
    ) -> Execution:
        """Note that a load began; its rows of the closure are written in the same transaction."""
        started = at or datetime.now(UTC)
        with self._database.write() as connection:
            self._database.hold(connection, "executions")  # types and pipelines are made here, each once
            found = one(connection, executions.c.load_id == load_id)
            if found is not None:
                return found
            parent = one(connection, executions.c.load_id == parent_load_id) if parent_load_id else None
            if parent_load_id and parent is None:
                raise RegistryError(f"there is no execution {parent_load_id} to be the parent of {load_id}")
            values = {
                "pipeline_id": pipeline_id(connection, pipeline, pipeline_type, started),
                "parent_id": parent.id if parent else None,
                "load_id": load_id,
                "start_date": started,
                "full_load": full,
                "watermark": watermark,
                "next_watermark": next_watermark,
                "status": "running",
                "fingerprint": fingerprint,
                "batches": json.dumps(list(batches)),
                "dagster_run_id": dagster_run_id,
                "process": f"{socket.gethostname()}:{os.getpid()}",
            }
            made = connection.execute(sa.insert(executions).values(values).returning(executions.c.id)).scalar_one()
            close(connection, made, parent.id if parent else None)
            return known(one(connection, executions.c.id == made), load_id)

    def end(
        self,
        load_id: str,
        status: ExecutionStatus,
        *,
        result: LoadResult | None = None,
        error: str | None = None,
        next_watermark: str | None = None,
        at: datetime | None = None,
    ) -> Execution:
        """Note how a load ended. An execution that ended keeps its end: a second call changes nothing.

        `error` comes redacted. Only a success moves the pipeline's watermark, and never to nothing.
        """
        with self._database.write() as connection:
            running = known(one(connection, executions.c.load_id == load_id), load_id)
            if running.ended is not None:
                return running
            ended = at or datetime.now(UTC)
            seconds = max((ended - running.started).total_seconds(), 0.0)
            watermark = next_watermark or running.next_watermark
            values = ending(status, result, error, ended, seconds) | {"next_watermark": watermark}
            connection.execute(sa.update(executions).where(executions.c.load_id == load_id).values(values))
            if status in SUCCEEDED and watermark:
                moved = sa.update(pipelines).where(pipelines.c.name == running.pipeline)
                connection.execute(moved.values(watermark=watermark, updated_at=ended))
            return known(one(connection, executions.c.load_id == load_id), load_id)

    @contextmanager
    def running(self, pipeline: str, load_id: str, **more: Any) -> Iterator["Running"]:
        """An execution for as long as a load lasts. It ends as `Running.end` is told, or as failed by an exception.

        `more` is what `start` takes. What goes wrong is noted without secrets, and raised on.
        """
        self.start(pipeline, load_id, **more)
        running = Running()
        try:
            yield running
        except NotApproved as problem:
            self.end(load_id, "waiting_for_approval", error=redact(str(problem)))
            raise
        except Exception as problem:
            self.end(load_id, "failed", error=redact(f"{type(problem).__name__}: {problem}"))
            raise
        except BaseException:  # an interrupt, or the interpreter going down
            self.end(load_id, "aborted", error="interrupted")
            raise
        status = running.status or (running.result.status if running.result else "failed")
        self.end(load_id, status, result=running.result, error=running.error, next_watermark=running.next_watermark)

    def get(self, load_id: str) -> Execution | None:
        with self._database.read() as connection:
            return one(connection, executions.c.load_id == load_id)

    def find(self, pipeline: str, prefix: str) -> tuple[Execution, ...]:
        """Executions whose load id begins as somebody typed, the newest first."""
        begins = executions.c.load_id.startswith(prefix, autoescape=True)
        return self._all([pipelines.c.name == pipeline, begins], limit=20)

    def recent(
        self, pipeline: str | None = None, *, status: ExecutionStatus | None = None, limit: int = 50
    ) -> tuple[Execution, ...]:
        """Executions of one pipeline or of all, the newest first."""
        conditions: list[sa.ColumnElement[bool]] = []
        if pipeline is not None:
            conditions.append(pipelines.c.name == pipeline)
        if status is not None:
            conditions.append(executions.c.status == status)
        return self._all(conditions, limit)

    def of_batch(self, pipeline: str, batch: str) -> tuple[Execution, ...]:
        """The executions that took a landed batch, the newest first."""
        held = executions.c.batches.contains(json.dumps(batch), autoescape=True)
        return self._all([pipelines.c.name == pipeline, held], limit=20)

    def newest(self, pipeline: str, status: ExecutionStatus | None = None) -> Execution | None:
        found = self.recent(pipeline, status=status, limit=1)
        return found[0] if found else None

    def newest_of_all(self) -> dict[str, Execution]:
        """Each pipeline's newest execution, in one question: what `status` shows."""
        last = sa.select(sa.func.max(executions.c.id)).group_by(executions.c.pipeline_id)
        with self._database.read() as connection:
            rows = connection.execute(selected().where(executions.c.id.in_(last))).all()
        return {row.pipeline: execution(row) for row in rows}

    def watermark(self, pipeline: str) -> str | None:
        """Where the pipeline's last successful load got to."""
        query = sa.select(pipelines.c.watermark).where(pipelines.c.name == pipeline)
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else str(found)

    def tree(self, load_id: str) -> tuple[Closure, ...]:
        """The execution and all below it, by depth."""
        own = sa.select(executions.c.id).where(executions.c.load_id == load_id).scalar_subquery()
        query = sa.select(closure).where(closure.c.parent_execution_id == own)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(closure.c.depth, closure.c.child_execution_id)).all()
        return tuple(
            Closure(parent=row.parent_execution_id, child=row.child_execution_id, depth=row.depth) for row in rows
        )

    def clean(self, before: datetime, *, pipeline: str | None = None, dry_run: bool = False) -> tuple[str, ...]:
        """Forget executions that ended before `before` and stand above nothing that is kept; their load ids."""
        below = sa.select(closure.c.parent_execution_id).join(
            executions, executions.c.id == closure.c.child_execution_id
        )
        kept = below.where(sa.or_(executions.c.end_date.is_(None), executions.c.end_date >= before))
        old = [executions.c.end_date < before, executions.c.id.not_in(kept)]
        if pipeline is not None:
            old.append(pipelines.c.name == pipeline)
        query = sa.select(executions.c.id, executions.c.load_id).join(pipelines).where(*old)
        with self._database.write() as connection:
            rows = connection.execute(query.order_by(executions.c.id.desc())).all()  # children before their parents
            for row in [] if dry_run else rows:
                connection.execute(sa.delete(executions).where(executions.c.id == row.id))
        return tuple(row.load_id for row in rows)

    def _all(self, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> tuple[Execution, ...]:
        query = selected().where(*conditions).order_by(executions.c.start_date.desc(), executions.c.id.desc())
        with self._database.read() as connection:
            return tuple(execution(row) for row in connection.execute(query.limit(limit)))
