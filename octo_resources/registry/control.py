"""Where steps stand, what is switched on, who asked to end a load, and where the logs are."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from octo_resources.registry.database import Database
from octo_resources.registry.model import Control, LogFile, Step, StepState, StepStatus, Switch
from octo_resources.registry.tables import control, log, step

_ANY_LOAD = "*"


class Steps:
    """The newest state of each step of a pipeline."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        pipeline: str,
        name: Step,
        state: StepStatus,
        *,
        part: str = "",
        message: str | None = None,
        log_path: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Say where a step stands. `running` starts it anew; anything else ends it and keeps when it started."""
        moment = at or datetime.now(UTC)
        values: dict[str, Any] = {"state": state, "message": message}
        values |= {"started": moment, "ended": None} if state == "running" else {"ended": moment}
        if log_path is not None or state == "running":
            values["log_path"] = log_path
        key = {"pipeline": pipeline, "step": name, "part": part}
        _put(self._database, step, key, values)

    def of(self, pipeline: str) -> tuple[StepState, ...]:
        """A pipeline's steps, oldest start first."""
        query = sa.select(step).where(step.c.pipeline == pipeline).order_by(step.c.started, step.c.step, step.c.part)
        with self._database.read() as connection:
            return tuple(StepState.model_validate(dict(row)) for row in connection.execute(query).mappings())


class Controls:
    """Schedules and streams: on, off, or off for a time; and requests to end what runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, pipeline: str, at: datetime | None = None) -> Control:
        """How a pipeline is switched at the moment `at`; a pause that is over gives back what it found."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(control).where(control.c.pipeline == pipeline)).mappings().one_or_none()
        found = Control(pipeline=pipeline) if row is None else Control.model_validate(dict(row))
        over = found.state == "paused" and found.until is not None and found.until <= (at or datetime.now(UTC))
        return found.model_copy(update={"state": found.paused_from or "started", "until": None}) if over else found

    def switch(
        self, pipeline: str, state: Switch, *, until: datetime | None = None, by: str | None = None,
        at: datetime | None = None,
    ) -> Control:  # fmt: skip
        """Switch on, off, or (`paused`) off until a moment; without one until it is started again."""
        if until is not None and state != "paused":
            raise ValueError("only a pause has an end")
        values = {"state": state, "until": until, "changed_by": by, "changed_at": at or datetime.now(UTC)}
        values["paused_from"] = self._paused_from(pipeline, at) if state == "paused" else None
        _put(self._database, control, {"pipeline": pipeline}, values)
        return self.of(pipeline, at)

    def stop(self, pipeline: str, *, by: str | None = None, at: datetime | None = None) -> Control:
        """Switch off. A pause lasts as long as was said: what it holds back beside the schedule, the load after an
        approval, stays held back, and it goes back to `stopped`."""
        found = self.of(pipeline, at)
        if found.state != "paused":
            return self.switch(pipeline, "stopped", by=by, at=at)
        values = {"paused_from": "stopped", "changed_by": by, "changed_at": at or datetime.now(UTC)}
        _put(self._database, control, {"pipeline": pipeline}, values)
        return self.of(pipeline, at)

    def _paused_from(self, pipeline: str, at: datetime | None) -> Switch | None:
        found = self.of(pipeline, at)
        return found.paused_from if found.state == "paused" else found.state

    def tick(self, pipeline: str, at: datetime, *, seen: datetime | None) -> bool:
        """Take a tick, before what it starts begins. False where another process took one since `seen`."""
        with self._database.write() as connection:
            self._database.hold(connection, f"tick {pipeline}")
            query = sa.select(control.c.ticked_at).where(control.c.pipeline == pipeline)
            if connection.execute(query).scalar_one_or_none() != seen:
                return False
            there = sa.update(control).where(control.c.pipeline == pipeline).values(ticked_at=at)
            if connection.execute(there).rowcount == 0:
                first = {"pipeline": pipeline, "state": "stopped", "ticked_at": at}
                connection.execute(sa.insert(control).values(first))
        return True

    def ask_to_abort(self, pipeline: str, load_id: str | None = None, *, at: datetime | None = None) -> None:
        """Ask that a load (whatever runs now, when none is named) ends with nothing half done."""
        values = {"abort_load": load_id or _ANY_LOAD, "abort_at": at or datetime.now(UTC)}
        _put(self._database, control, {"pipeline": pipeline}, values, first={"state": "stopped"})

    def abort_asked(self, pipeline: str, load_id: str, started: datetime) -> bool:
        """Whether this load, begun at `started`, was asked to end. A request made before it began is not for it."""
        found = self.of(pipeline)
        if found.abort_load == _ANY_LOAD:
            return found.abort_at is not None and found.abort_at >= started
        return found.abort_load == load_id

    def abort_done(self, pipeline: str) -> None:
        """Take the request away, once the load has ended."""
        _put(
            self._database,
            control,
            {"pipeline": pipeline},
            {"abort_load": None, "abort_at": None},
            {"state": "stopped"},
        )


class Logs:
    """Where logs are: the files themselves are in the project's .octopipe folder, or in object storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, pipeline: str, path: str, *, load_id: str | None = None, step: str | None = None,
        at: datetime | None = None,
    ) -> None:  # fmt: skip
        values = {"pipeline": pipeline, "path": path, "load_id": load_id, "step": step}
        with self._database.write() as connection:
            connection.execute(sa.insert(log).values(started=at or datetime.now(UTC), **values))

    def of(self, pipeline: str, load_id: str | None = None, limit: int = 50) -> tuple[LogFile, ...]:
        """Logs of a pipeline or of one load, the newest first."""
        conditions = [log.c.pipeline == pipeline]
        if load_id is not None:
            conditions.append(log.c.load_id == load_id)
        query = sa.select(log.c.pipeline, log.c.load_id, log.c.step, log.c.path, log.c.started).where(*conditions)
        ordered = query.order_by(log.c.started.desc(), log.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(LogFile.model_validate(dict(row)) for row in connection.execute(ordered).mappings())

    def clean(self, before: datetime, *, pipeline: str | None = None, dry_run: bool = False) -> tuple[str, ...]:
        """Forget logs begun before `before`; their paths, for the caller to remove."""
        old = [log.c.started < before]
        if pipeline is not None:
            old.append(log.c.pipeline == pipeline)
        with self._database.write() as connection:
            paths = tuple(connection.execute(sa.select(log.c.path).where(*old).order_by(log.c.id)).scalars())
            if not dry_run:
                connection.execute(sa.delete(log).where(*old))
        return paths


def _put(
    database: Database,
    table: sa.Table,
    key: dict[str, Any],
    values: dict[str, Any],
    first: dict[str, Any] | None = None,
) -> None:
    """Update the row of a key, or insert it (then with the values of `first` too)."""
    with database.write() as connection:
        database.hold(connection, f"{table.name} {sorted(key.items())}")
        same = [table.c[name] == value for name, value in key.items()]
        if connection.execute(sa.update(table).where(*same).values(values)).rowcount == 0:
            connection.execute(sa.insert(table).values({**(first or {}), **key, **values}))
