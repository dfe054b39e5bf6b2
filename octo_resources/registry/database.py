"""The registry's database: SQLite or PostgreSQL behind one pair of transactions, one that reads and one that writes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from octo_core.errors import RegistryError, UsageError
from octo_resources.full_disk import full_disk

SCHEMA = "octopipe"
"""Where the tables are on PostgreSQL: Dagster's storage may share the database, and has its own alembic_version."""

_BUSY_MS = 30_000


class Database:
    """Opens transactions. Every failure of the database comes out as a RegistryError without its address's password."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self.sqlite = url.get_backend_name() == "sqlite"
        self.name = url.render_as_string(hide_password=True) if not self.sqlite else str(url.database)
        # A connection a transaction: opening SQLite's file costs 0.2 ms, and nothing is held over a fork.
        pool = {"poolclass": sa.NullPool} if self.sqlite else {"pool_size": 2, "pool_pre_ping": True}
        self.engine = sa.create_engine(url, **pool)
        if self.sqlite:
            sa.event.listen(self.engine, "connect", _configure_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            sa.event.listen(self.engine, "begin", _begin_postgres)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the registry throughout."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes: on SQLite the only one of its time, from its first statement on."""
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def open(self) -> Iterator[None]:
        """One connection stays open meanwhile: with the last one SQLite writes its log back and syncs it, each time."""
        with self._guard():
            connection = self.engine.connect()
        try:
            yield
        finally:
            connection.close()

    def hold(self, connection: sa.Connection, name: str) -> None:
        """Let one writer at a time past this point, till its transaction ends. SQLite has one writer anyway."""
        if not self.sqlite:
            lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[sa.Connection]:
        with self._guard(), self.engine.connect() as plain:
            connection = plain.execution_options(octopipe_writes=writes)
            with connection.begin():
                yield connection

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as problem:
            full = full_disk(problem)
            raise RegistryError(
                f"The registry {self.name} cannot be used: {full.message if full else _first_line(problem)}",
                hint=full.hint
                if full
                else "Check `registry:` in octopipe.yaml, and that it is reachable and writable: octopipe doctor",
            ) from problem


def database_url(url: str, state: Path) -> sa.URL:
    """`sqlite` (a file in the state folder), a sqlite:/// URL or a PostgreSQL URL; UsageError for anything else."""
    if url == "sqlite":
        return sa.URL.create("sqlite", database=str(state / "registry.db"))
    try:
        found = sa.make_url(url)
    except sa.exc.ArgumentError:
        found = None
    backend = found.drivername.split("+")[0] if found else ""
    if found is not None and backend in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    if found is not None and backend == "sqlite" and found.database not in (None, "", ":memory:"):
        return found.set(drivername="sqlite")
    raise UsageError(
        "the registry's address is neither `sqlite` nor a PostgreSQL URL",  # not shown: it may hold a password
        where="octopipe.yaml: registry",
        hint="Write for example: registry: postgresql://user@host/octopipe",
    )


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin when SQLAlchemy says so, see _begin_sqlite
    for pragma in (f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):  # WAL is set when the file is made, and stays
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("octopipe_writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgres(connection: sa.Connection) -> None:
    """Set for the transaction only, which a connection pooler in between does not mind."""
    connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")


def _first_line(problem: sa.exc.SQLAlchemyError) -> str:
    text = str(getattr(problem, "orig", None) or problem).strip()
    return text.splitlines()[0] if text else type(problem).__name__
