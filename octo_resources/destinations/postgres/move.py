"""Moves the staged rows into their table: INSERT, MERGE (17 and later) or UPDATE with an anti-join INSERT, DELETE."""

from dataclasses import dataclass
from typing import Final

from octo_core.catalog import Column
from octo_resources.destinations.names import literal, quoted
from octo_resources.destinations.postgres.relations import marked
from octo_resources.destinations.postgres.stage import Stage
from octo_resources.destinations.writing import Deletes, WriteJob

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


def insert_into(stage: Stage, other: str, where: str) -> None:
    """Insert the rows into another table with the same columns."""
    stage.session.run(f"{_insert(stage, target=other)} WHERE {where}")


def inserting(stage: Stage, part: str) -> str:
    """SQL that inserts the rows of one other table with the staging table's columns."""
    return _insert(stage, part)


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


def mark_gone(stage: Stage, job: WriteJob, deletes: Deletes, mark: Column) -> tuple[str, str]:
    """(SQL that marks the rows whose tombstones came, SQL that counts those of them not marked yet).

    A row that is newer than its tombstone stays; a tombstone's newer version is kept, so that what is older than it
    and comes later is seen to be late.
    """
    where, said = stage.key_equal(job.key), f"{quoted(mark.name)} = {_marking(mark, deletes)}"
    unmarked = f"NOT ({marked(mark)})"
    if not job.version:
        where = f"{where} AND {unmarked}"
    else:
        theirs, ours = f"t.{quoted(job.version)}", stage.by_name[job.version]
        said = f"{said}, {quoted(job.version)} = coalesce({ours.value}, {theirs})"
        newer = f"{theirs} IS NULL OR {ours.plain} IS NULL OR {ours.plain} >= {theirs}"
        where = f"{where} AND ({newer}) AND ({unmarked} OR {ours.plain} > {theirs})"
    found = f"{stage.target} t, {stage.gone} s WHERE {where}"
    return (
        f"UPDATE {stage.target} t SET {said} FROM {stage.gone} s WHERE {where}",
        f"SELECT count(*) FILTER (WHERE {unmarked}), count(*) FROM {found}",
    )


def mark_absent(stage: Stage, job: WriteJob, deletes: Deletes, mark: Column) -> tuple[str, str]:
    """(SQL that marks the rows that the source does not have any more, SQL that counts them)."""
    where = f"NOT ({marked(mark)}) AND NOT EXISTS (SELECT FROM {stage.seen} s WHERE {stage.key_equal(job.key)})"
    said = f"{quoted(mark.name)} = {_marking(mark, deletes)}"
    return (
        f"UPDATE {stage.target} t SET {said} WHERE {where}",
        f"SELECT count(*), count(*) FROM {stage.target} t WHERE {where}",
    )


def _marking(mark: Column, deletes: Deletes) -> str:
    if mark.type.kind == "boolean":
        return "true"
    if deletes.at is None:
        return "now()"
    at = f"{literal(deletes.at.isoformat())}::timestamptz"
    return at if mark.type.kind == "timestamptz" else f"{at} AT TIME ZONE 'UTC'"


def _insert(stage: Stage, part: str | None = None, target: str | None = None) -> str:
    names = ", ".join(map(quoted, stage.by_name))
    values = ", ".join(staged.value for staged in stage.columns)
    return f"INSERT INTO {target or stage.target} ({names}) SELECT {values} FROM {part or stage.name} s"


def _changed(stage: Stage, job: WriteJob) -> str:
    """SQL of `a written column, other than the key and those fed by the load itself, has another value`.

    So has a row that is marked as gone: it is there again.
    """
    names = [name for name in stage.by_name if name not in job.key and name not in job.load_columns]
    found = ["{} IS DISTINCT FROM {}".format(*stage.compared(name)) for name in names]
    if job.deletes is not None and job.deletes.mark is not None:
        found.append(marked(job.deletes.mark))
    return " OR ".join(found) or "false"


def _assignments(stage: Stage, job: WriteJob) -> str:
    found = [f"{quoted(name)} = {own.value}" for name, own in stage.by_name.items() if name not in job.key]
    if job.deletes is not None and (mark := job.deletes.mark) is not None:
        found.append(f"{quoted(mark.name)} = {'false' if mark.type.kind == 'boolean' else 'NULL'}")
    return ", ".join(found)


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
    """By one statement: at its end both are judged together, so that a row that is updated may refer to a new one."""
    assigned = _assignments(stage, job)
    there = f"EXISTS (SELECT FROM {stage.target} t WHERE {stage.key_equal(job.key)})"
    insert = f"{_insert(stage)} WHERE {where} AND NOT {there}"
    if not assigned:
        return Moved(stage.session.run(insert))
    row = stage.session.rows(
        f"WITH u AS (UPDATE {stage.target} t SET {assigned} FROM {stage.name} s "
        f"WHERE {stage.key_equal(job.key)} AND {where} AND ({_changed(stage, job)}) RETURNING 1), "
        f"i AS ({insert} RETURNING 1) SELECT (SELECT count(*) FROM i), (SELECT count(*) FROM u)"
    )[0]
    return Moved(*row)
