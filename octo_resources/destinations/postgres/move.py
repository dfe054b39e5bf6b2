"""Moves the staged rows into their table: INSERT, MERGE (17 and later) or UPDATE with an anti-join INSERT, DELETE."""

from dataclasses import dataclass
from typing import Final

from octo_resources.destinations.names import quoted
from octo_resources.destinations.postgres.stage import Stage
from octo_resources.destinations.writing import WriteJob

MERGE_RETURNING: Final = 170000
"""MERGE … RETURNING merge_action() is of 17 and later."""


@dataclass(frozen=True, slots=True)
class Moved:
    inserted: int = 0
    updated: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.inserted + other.inserted, self.updated + other.updated)


def insert_all(stage: Stage, where: str = "true") -> Moved:
    return Moved(inserted=stage.session.run(f"{_insert(stage)} WHERE {where}"))


def upsert(stage: Stage, job: WriteJob, server: int, where: str = "true") -> Moved:
    """Insert the rows with new keys, update those with another value in a compared column."""
    return _merge(stage, job, where) if server >= MERGE_RETURNING else _update_and_insert(stage, job, where)


def expected(stage: Stage, job: WriteJob, where: str = "true") -> Moved:
    """What `upsert` would do if no trigger came between: asked beforehand where there are triggers."""
    there = f"EXISTS (SELECT FROM {stage.target} t WHERE {stage.key_equal(job.key)})"
    changed = f"EXISTS (SELECT FROM {stage.target} t WHERE {stage.key_equal(job.key)} AND ({_changed(stage, job)}))"
    row = stage.session.rows(
        f"SELECT count(*) FILTER (WHERE NOT {there}), count(*) FILTER (WHERE {changed}) "
        f"FROM {stage.name} s WHERE {where}"
    )[0]
    return Moved(*row)


def absent(stage: Stage, job: WriteJob) -> str:
    """SQL that deletes the table's rows that the batch does not have: all of them where there is no key.

    What the batch had and was set aside stays as it is (`Stage.remember_keys`).
    """
    if not job.key:
        return f"DELETE FROM {stage.target}"
    return (
        f"DELETE FROM {stage.target} t WHERE NOT EXISTS (SELECT FROM {stage.seen} s WHERE {stage.key_equal(job.key)})"
    )


def count_absent(stage: Stage, job: WriteJob) -> int:
    """How many rows `absent` would delete."""
    return int(stage.session.value(absent(stage, job).replace("DELETE FROM", "SELECT count(*) FROM", 1)))


def _insert(stage: Stage) -> str:
    names = ", ".join(map(quoted, stage.by_name))
    values = ", ".join(staged.value for staged in stage.columns)
    return f"INSERT INTO {stage.target} ({names}) SELECT {values} FROM {stage.name} s"


def _changed(stage: Stage, job: WriteJob) -> str:
    """SQL of `a written column, other than the key and those fed by the load itself, has another value`."""
    names = [name for name in stage.by_name if name not in job.key and name not in job.load_columns]
    return " OR ".join("{} IS DISTINCT FROM {}".format(*stage.compared(name)) for name in names) or "false"


def _assignments(stage: Stage, job: WriteJob) -> str:
    return ", ".join(f"{quoted(name)} = {own.value}" for name, own in stage.by_name.items() if name not in job.key)


def _merge(stage: Stage, job: WriteJob, where: str) -> Moved:
    names = ", ".join(map(quoted, stage.by_name))
    values = ", ".join(staged.value for staged in stage.columns)
    assigned = _assignments(stage, job)
    update = f"WHEN MATCHED AND ({_changed(stage, job)}) THEN UPDATE SET {assigned} " if assigned else ""
    row = stage.session.rows(
        f"WITH m AS (MERGE INTO {stage.target} t USING (SELECT * FROM {stage.name} s WHERE {where}) s "
        f"ON {stage.key_equal(job.key)} {update}WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values}) "
        "RETURNING merge_action() AS done) "
        "SELECT count(*) FILTER (WHERE done = 'INSERT'), count(*) FILTER (WHERE done = 'UPDATE') FROM m"
    )[0]
    return Moved(*row)


def _update_and_insert(stage: Stage, job: WriteJob, where: str) -> Moved:
    assigned, updated = _assignments(stage, job), 0
    if assigned:
        updated = stage.session.run(
            f"UPDATE {stage.target} t SET {assigned} FROM {stage.name} s "
            f"WHERE {stage.key_equal(job.key)} AND {where} AND ({_changed(stage, job)})"
        )
    there = f"EXISTS (SELECT FROM {stage.target} t WHERE {stage.key_equal(job.key)})"
    return Moved(stage.session.run(f"{_insert(stage)} WHERE {where} AND NOT {there}"), updated)
