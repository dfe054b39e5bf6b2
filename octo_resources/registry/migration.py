"""Brings a registry to this version's tables, once, however many processes open it at the same moment."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from octo_core.errors import RegistryError
from octo_resources.registry.database import SCHEMA, Database

REVISIONS: Final = ("0001", "0002", "0003", "0004")
"""Every revision that this version knows, oldest first; the last is what its code works with."""

VERSION_TABLE: Final = "alembic_version"


def ensure_current(database: Database, state: Path) -> None:
    """Migrate where a migration is due; RegistryError where the registry was made by a newer version.

    Alembic is imported only then: it costs 0.15 s, the plain question after the version 1 ms.
    """
    if _is_current(database):
        return
    if not database.sqlite:
        _migrate_postgres(database)
        return
    path = Path(str(database.url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        state.mkdir(parents=True, exist_ok=True)
        _migrate_sqlite(database, path)
    except OSError as problem:
        raise RegistryError(
            f"The registry {path} cannot be made: {problem.strerror}",
            hint="Check that the project's .octopipe folder can be written.",
        ) from problem


def _migrate_sqlite(database: Database, path: Path) -> None:
    """A new registry is made beside its place and moved there whole, so that nobody ever opens half of one."""
    import filelock

    with filelock.FileLock(f"{path}.lock"):
        if _is_current(database):
            return
        if path.exists():
            with database.write() as connection:
                _upgrade(connection)
            return
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        with Database(database.url.set(database=str(fresh))).write() as connection:
            _upgrade(connection)
        with closing(sqlite3.connect(fresh)) as plain:
            plain.execute("PRAGMA journal_mode=WAL")
        fresh.rename(path)


def _is_current(database: Database) -> bool:
    if database.sqlite and not Path(str(database.url.database)).exists():
        return False
    with database.read() as connection:
        revision = _revision(connection)
    if revision is None or revision in REVISIONS:
        return revision == REVISIONS[-1]
    raise RegistryError(
        f"The registry {database.name} is of a newer version ({revision}) than this octopipe knows ({REVISIONS[-1]})",
        hint="Install the octopipe that made it, or a later one.",
    )


def _revision(connection: sa.Connection) -> str | None:
    if not _exists(connection):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # a constant
    return None if found is None else str(found)


def _exists(connection: sa.Connection) -> bool:
    if connection.dialect.name == "sqlite":
        question = "SELECT 1 FROM sqlite_master WHERE name = :name"
        return connection.execute(sa.text(question), {"name": VERSION_TABLE}).scalar() is not None
    question = "SELECT to_regclass(:name) IS NOT NULL"
    return bool(connection.execute(sa.text(question), {"name": f"{SCHEMA}.{VERSION_TABLE}"}).scalar())


def _migrate_postgres(database: Database) -> None:
    with database.write() as connection:
        database.hold(connection, "migration")
        # Looked up first, as CREATE SCHEMA IF NOT EXISTS asks for the right to create even where it is there.
        if not connection.execute(sa.text("SELECT to_regnamespace(:s) IS NOT NULL"), {"s": SCHEMA}).scalar():
            connection.execute(sa.text(f"CREATE SCHEMA {SCHEMA}"))
        if _revision(connection) != REVISIONS[-1]:
            _upgrade(connection)


def _upgrade(connection: sa.Connection) -> None:
    """Within the caller's transaction: all of it or nothing, definitions included, on SQLite as on PostgreSQL."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, REVISIONS[-1])
