"""What plans stand on, every version kept: typed schemas, pulled catalogs, mappings; and reviewers' corrections."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel

from octo_core.mapping.model import Correction
from octo_core.schema import SourceSchema
from octo_resources.registry.database import Database
from octo_resources.registry.tables import correction, document

SCHEMA = "schema"
Value = TypeVar("Value", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Version(Generic[Value]):
    """One version of a value. `inputs` is the hash of what it was made from, where the maker gave one."""

    number: int
    value: Value
    inputs: str | None
    saved_at: datetime


class Versions(Generic[Value]):
    """The versions of one kind of value, by pipeline and (for schemas) source."""

    def __init__(self, database: Database, kind: str, model: type[Value]) -> None:
        self._database, self._kind, self._model = database, kind, model

    def save(
        self, pipeline: str, value: Value, *, part: str = "", inputs: str | None = None, at: datetime | None = None
    ) -> int:
        """Keep `value` as a new version if it differs from the newest; the number of the version that holds it."""
        body = value.model_dump_json(by_alias=True)
        digest = hashlib.sha256(body.encode()).hexdigest()
        with self._database.write() as connection:
            self._database.hold(connection, f"{self._kind} {pipeline} {part}")
            found = connection.execute(self._of(pipeline, part).limit(1)).one_or_none()
            if found is not None and (found.digest, found.inputs) == (digest, inputs):
                return int(found.version)
            number = 1 if found is None else int(found.version) + 1
            connection.execute(
                sa.insert(document).values(
                    kind=self._kind,
                    pipeline=pipeline,
                    part=part,
                    version=number,
                    digest=digest,
                    inputs=inputs,
                    body=body,
                    saved_at=at or datetime.now(UTC),
                )
            )
        return number

    def newest(self, pipeline: str, part: str = "") -> Value | None:
        """The newest version's value, or None where there is none."""
        found = self.newest_version(pipeline, part)
        return found.value if found else None

    def newest_version(self, pipeline: str, part: str = "") -> Version[Value] | None:
        with self._database.read() as connection:
            row = connection.execute(self._of(pipeline, part).limit(1)).one_or_none()
        return None if row is None else self._version(row)

    def newest_number(self, pipeline: str, part: str = "") -> int | None:
        """The newest version's number, or None where there is none."""
        query = self._of(pipeline, part).with_only_columns(document.c.version).limit(1)
        with self._database.read() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else int(found)

    def history(self, pipeline: str, part: str = "", limit: int = 100) -> list[Version[Value]]:
        """At most `limit` versions, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(self._of(pipeline, part).limit(limit)).all()
        return [self._version(row) for row in rows]

    def clean(self, before: datetime, *, pipeline: str | None = None, dry_run: bool = False) -> int:
        """Remove versions saved before `before`, never the newest; how many."""
        later = document.alias("later")
        same = sa.and_(
            later.c.kind == document.c.kind,
            later.c.pipeline == document.c.pipeline,
            later.c.part == document.c.part,
            later.c.version > document.c.version,
        )
        old = sa.and_(document.c.kind == self._kind, document.c.saved_at < before, sa.exists().where(same))
        if pipeline is not None:
            old = sa.and_(old, document.c.pipeline == pipeline)
        with self._database.write() as connection:
            count = int(connection.execute(sa.select(sa.func.count()).select_from(document).where(old)).scalar_one())
            if not dry_run:
                connection.execute(sa.delete(document).where(old))
        return count

    def _of(self, pipeline: str, part: str) -> sa.Select[Any]:
        same = (document.c.kind == self._kind, document.c.pipeline == pipeline, document.c.part == part)
        return sa.select(document).where(*same).order_by(document.c.version.desc())

    def _version(self, row: sa.Row[Any]) -> Version[Value]:
        value = self._model.model_validate_json(row.body)
        return Version(int(row.version), value, row.inputs, row.saved_at)


class Corrections:
    """What reviewers said of single columns. Added, never changed; the newest for a column holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, pipeline: str, made: Correction) -> None:
        with self._database.write() as connection:
            connection.execute(
                sa.insert(correction).values(
                    pipeline=pipeline,
                    table_name=made.table,
                    column_name=made.column,
                    expr=made.expr,
                    reviewer=made.reviewer,
                    reason=made.reason,
                    made_at=made.made_at,
                )
            )

    def history(self, pipeline: str) -> tuple[Correction, ...]:
        """All corrections of a pipeline, oldest first."""
        query = sa.select(correction).where(correction.c.pipeline == pipeline).order_by(correction.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Correction(
                table=row.table_name,
                column=row.column_name,
                expr=row.expr,
                reviewer=row.reviewer,
                reason=row.reason,
                made_at=row.made_at,
            )
            for row in rows
        )

    def holding(self, pipeline: str) -> tuple[Correction, ...]:
        """The newest correction of each column, in the order of their columns' first correction."""
        newest = {(made.table, made.column): made for made in self.history(pipeline)}
        return tuple(newest.values())


def read_schemas(connection: sa.Connection, pipeline: str) -> dict[str, SourceSchema]:
    """The newest schema of each of a pipeline's sources, read within a transaction."""
    of_one = (document.c.kind == SCHEMA, document.c.pipeline == pipeline)
    newest = sa.select(sa.func.max(document.c.id)).where(*of_one).group_by(document.c.part)
    rows = connection.execute(sa.select(document.c.part, document.c.body).where(document.c.id.in_(newest))).all()
    return {row.part: SourceSchema.model_validate_json(row.body) for row in rows}
