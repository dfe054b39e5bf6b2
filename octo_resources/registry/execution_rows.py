"""The rows behind executions: how they are made, ended and read, each within the caller's transaction."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from octo_core.errors import RegistryError
from octo_core.ledger import LoadResult
from octo_resources.registry.model import Execution, ExecutionStatus
from octo_resources.registry.tables import pipeline as pipelines
from octo_resources.registry.tables import pipeline_execution as executions
from octo_resources.registry.tables import pipeline_execution_closure as closure
from octo_resources.registry.tables import pipeline_type as types

SUCCEEDED = ("loaded", "nothing_new", "already_loaded")
"""What moves a pipeline's watermark."""
_NO_TYPE = "extraction"


def ending(
    status: ExecutionStatus, result: LoadResult | None, error: str | None, ended: datetime, seconds: float
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "status": status,
        "completed_successfully": status in SUCCEEDED,
        "end_date": ended,
        "duration_seconds": seconds,
        "error": error,
    }
    if result is not None:
        tables = result.tables.values()
        total = sum(table.read for table in tables)
        values |= {
            "result": result.model_dump_json(by_alias=True),
            "fingerprint": result.fingerprint,
            "batches": json.dumps(list(result.batches)),
            "total_rows": total,
            "inserts": sum(table.inserted for table in tables),
            "updates": sum(table.updated for table in tables),
            "soft_deletes": sum(table.soft_deleted for table in tables),
            "throughput": total / seconds if seconds > 0 else None,
        }
    return values


def pipeline_id(connection: sa.Connection, name: str, type_name: str | None, at: datetime) -> int:
    """The pipeline's row, made if missing; its type follows what the file says now."""
    wanted = _type_id(connection, type_name or _NO_TYPE, at)
    row = connection.execute(sa.select(pipelines).where(pipelines.c.name == name)).one_or_none()
    if row is None:
        values = {"name": name, "pipeline_type_id": wanted, "created_at": at}
        return int(connection.execute(sa.insert(pipelines).values(values).returning(pipelines.c.id)).scalar_one())
    if type_name is not None and row.pipeline_type_id != wanted:
        change = sa.update(pipelines).where(pipelines.c.id == row.id)
        connection.execute(change.values(pipeline_type_id=wanted, updated_at=at))
    return int(row.id)


def _type_id(connection: sa.Connection, name: str, at: datetime) -> int:
    found = connection.execute(sa.select(types.c.id).where(types.c.name == name)).scalar()
    if found is not None:
        return int(found)
    made = sa.insert(types).values(name=name, created_at=at).returning(types.c.id)
    return int(connection.execute(made).scalar_one())


def close(connection: sa.Connection, made: int, parent: int | None) -> None:
    """The new execution's rows of the closure: itself at depth 0, and one below each of its parent's ancestors."""
    connection.execute(sa.insert(closure).values(parent_execution_id=made, child_execution_id=made, depth=0))
    if parent is not None:
        above = sa.select(closure.c.parent_execution_id, sa.literal(made), closure.c.depth + 1)
        rows = above.where(closure.c.child_execution_id == parent)
        names = ["parent_execution_id", "child_execution_id", "depth"]
        connection.execute(sa.insert(closure).from_select(names, rows))


def selected() -> sa.Select[Any]:
    return sa.select(executions, pipelines.c.name.label("pipeline")).join(pipelines)


def one(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Execution | None:
    row = connection.execute(selected().where(condition)).one_or_none()
    return None if row is None else execution(row)


def known(execution: Execution | None, load_id: str) -> Execution:
    if execution is None:
        raise RegistryError(f"the registry knows no execution {load_id}")
    return execution


def execution(row: sa.Row[Any]) -> Execution:
    return Execution(
        id=row.id,
        pipeline=row.pipeline,
        load_id=row.load_id or str(row.id),
        parent_id=row.parent_id,
        status=row.status,
        started=row.start_date,
        ended=row.end_date,
        seconds=row.duration_seconds,
        full=row.full_load,
        fingerprint=row.fingerprint,
        batches=tuple(json.loads(row.batches)),
        watermark=row.watermark,
        next_watermark=row.next_watermark,
        total_rows=row.total_rows,
        inserts=row.inserts,
        updates=row.updates,
        soft_deletes=row.soft_deletes,
        error=row.error,
        dagster_run_id=row.dagster_run_id,
        process=row.process,
        result=LoadResult.model_validate_json(row.result) if row.result else None,
    )
