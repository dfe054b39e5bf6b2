"""One PostgreSQL as a destination: what its tables are, what is loaded there already, and loads into it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from octo_core.catalog import Catalog, Label, Table
from octo_core.errors import DestinationError
from octo_core.schema import Field
from octo_core.spec.names import split_table_name
from octo_resources.destinations.names import canonical, parse_name, quoted_table
from octo_resources.destinations.postgres import catalog_sql, state
from octo_resources.destinations.postgres.connection import Address, explained, open_control
from octo_resources.destinations.postgres.ddl import suggested_ddl

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import Connection

    from octo_resources.destinations.postgres.examine import Examination
    from octo_resources.destinations.postgres.load import Load
    from octo_resources.destinations.postgres.session import Sessions

_INTROSPECTION_SECONDS: Final = 60
_COUNTED: Final = 1_000_000_000
"""Bytes of a table up to which its rows are counted, a second or so; a bigger one's are estimated."""


@dataclass(frozen=True, slots=True)
class PostgresDestination:
    """Holds an address and no connection, but with `keeping`: each piece of work opens one and closes it."""

    address: Address
    state_schema: str = "_octopipe"
    direct: Address | None = None
    """The same database past a connection pooler: tasks of a cluster are told from others by their connection."""
    sessions: "Sessions | None" = field(default=None, compare=False)
    """Where loads that follow one another leave their connection; see `keeping`."""

    @classmethod
    def from_url(
        cls, url: str, *, state_schema: str = "_octopipe", direct_url: str | None = None
    ) -> "PostgresDestination":
        """Raises UsageError for a URL that cannot be one."""
        return cls(Address.from_url(url), state_schema, Address.from_url(direct_url) if direct_url else None)

    def keeping(self) -> "PostgresDestination":
        """The same, whose loads use one connection after the other, as long as it lives; to be closed in the end."""
        from octo_resources.destinations.postgres.session import Sessions

        return replace(self, sessions=Sessions(self.address))

    def close(self) -> None:
        """Give up what is kept."""
        if self.sessions is not None:
            self.sessions.close()

    def version(self) -> str:
        """The server's version, e.g. `18.4`. Raises DestinationError where it cannot be reached."""
        with self._reading() as connection:
            major, minor = divmod(connection.info.server_version, 10000)
            return f"{major}.{minor}"

    def pull(self, tables: Iterable[str], labels: Mapping[str, Mapping[str, Label]] | None = None) -> Catalog:
        """The tables as they are now, with the parents that they name and a few values of small columns.

        `labels`: table → column → label. Raises DestinationError for a table that is not there, with the nearest
        name, for views, and where the role lacks a right; UsageError for labels of a table that is none of these.
        """
        from octo_resources.destinations.postgres.pull import pull_catalog

        with explained(self.address, "the tables cannot be read"), self._reflecting() as connection:
            return pull_catalog(connection, tuple(tables), labels or {})

    def signature(self, tables: Iterable[str]) -> str:
        """A hash of these tables' definitions by one query: 64 hex digits that change with any definition of theirs."""
        with self._reading() as connection:
            connection.execute(catalog_sql.CATALOG_SETTINGS)
            row = connection.execute(catalog_sql.SIGNATURE, signature_parameters(tables)).fetchone()
            return str(row[0]) if row else ""

    def state_ddl(self) -> str:
        """The statements that make the state tables, for a DBA to read and run."""
        return state.ddl(self.state_schema)

    def prepare(self) -> None:
        """Make the state tables where they are missing; harmless when they are there, and when two do it at once."""
        from psycopg.errors import InsufficientPrivilege

        with explained(self.address, "the state tables cannot be made"), open_control(self.address) as connection:
            try:
                state.prepare(connection, self.state_schema)
            except InsufficientPrivilege as error:
                said = f"the role may not make the state tables: {error.diag.message_primary}"
                hint = "a DBA may run what `octopipe destination prepare PIPELINE --sql` prints"
                raise DestinationError(said, where=str(self.address), hint=hint) from error

    def prepared(self) -> bool:
        """Whether the state tables are there, in the version that this release writes."""
        with self._reading() as connection:
            return state.version(connection, self.state_schema) == state.VERSION

    def positions(self, pipeline: str) -> dict[tuple[str, str], state.Position]:
        """(source, table) → how far the destination is; empty before the first load. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.positions(connection, self.state_schema, pipeline)

    def known_batches(self, pipeline: str) -> dict[tuple[str, str], frozenset[str]]:
        """(source, table) → the ids of the batches loaded there. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.known_batches(connection, self.state_schema, pipeline)

    def replayed(self, pipeline: str) -> frozenset[tuple[str, str]]:
        """(table, id) of the rows set aside that a later load brought in. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.replayed(connection, self.state_schema, pipeline)

    def quarantine_sums(self, pipeline: str) -> dict[str, str]:
        """Load → the checksum of the file that holds the rows it set aside. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.quarantine_sums(connection, self.state_schema, pipeline)

    def row_counts(self, tables: Iterable[str]) -> dict[str, int]:
        """Table → its rows: counted where it is small, else PostgreSQL's own estimate."""
        found = {}
        with self._reading() as connection:
            for name in tables:
                where = quoted_table(*split_table_name(name))
                size, estimate = connection.execute(catalog_sql.SIZE, (where,)).fetchone() or (0, -1)
                if size < _COUNTED or estimate < 0:
                    row = connection.execute(f"SELECT count(*) FROM {where}".encode()).fetchone()
                    estimate = row[0] if row else 0
                found[name] = int(estimate)
        return found

    def loads(self, pipeline: str, limit: int = 100) -> list[dict[str, Any]]:
        """The newest loads first, each with its tables' ledgers under `tables`. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.loads(connection, self.state_schema, pipeline, limit)

    def newest_write(self, pipeline: str, table: str) -> datetime | None:
        """When a load of the pipeline last changed a row of the table. Needs `prepare`."""
        with self._reading() as connection:
            state.require(connection, self.state_schema)
            return state.newest_write(connection, self.state_schema, pipeline, canonical(table))

    def other_writers(self, pipeline: str, tables: Sequence[str]) -> dict[tuple[str, str], int]:
        """(table, another pipeline that loaded into it) → rows that it inserted; empty without state tables."""
        with self._reading() as connection:
            if state.version(connection, self.state_schema) is None:
                return {}
            return state.other_writers(connection, self.state_schema, pipeline, [canonical(one) for one in tables])

    def load(
        self,
        *,
        load_id: str,
        pipeline: str,
        fingerprint: str,
        tables: Sequence[Table],
        expected_signature: str | None,
        lock_timeout: timedelta = timedelta(seconds=60),
        statement_timeout: timedelta | None = None,
    ) -> "Load":
        """One transaction that writes `tables` (of the plan's catalog); see Load. Entering it may raise NotApproved
        where their definitions are not those of `expected_signature`, and DestinationError where they stay locked."""
        from octo_resources.destinations.postgres.load import Load

        return Load(
            self,
            load_id=load_id,
            pipeline=pipeline,
            fingerprint=fingerprint,
            tables=tables,
            expected_signature=expected_signature,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
        )

    def examination(self) -> "Examination":
        """Asks what a load of rows would do now, with nothing locked or written; see there."""
        from octo_resources.destinations.postgres.examine import Examination

        return Examination(self)

    @staticmethod
    def suggested_ddl(table: Table, new_fields: Sequence[Field]) -> list[str]:
        """`ALTER TABLE … ADD COLUMN` for fields that have no column: a person may run them, a load never does."""
        return suggested_ddl(table, new_fields)

    @contextmanager
    def _reading(self) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        """A read-only transaction."""
        with explained(self.address, "the destination cannot be read"), open_control(self.address) as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(f"SET LOCAL statement_timeout = '{_INTROSPECTION_SECONDS}s'")
            yield connection

    @contextmanager
    def _reflecting(self) -> Iterator["Connection"]:
        """SQLAlchemy's connection in a read-only transaction whose names are written out in full (0.5 s to import)."""
        import sqlalchemy

        from octo_resources.destinations.postgres.reflecting import reflecting

        try:
            with reflecting(open_control(self.address)) as connection:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_INTROSPECTION_SECONDS}s'")
                connection.exec_driver_sql(catalog_sql.CATALOG_SETTINGS)
                yield connection
        except sqlalchemy.exc.DBAPIError as error:
            raise error.orig if isinstance(error.orig, Exception) else DestinationError(str(error)) from error


def signature_parameters(tables: Iterable[str]) -> dict[str, list[str]]:
    names = [parse_name(name) for name in tables]
    return {"schemas": [schema for schema, _ in names], "tables": [table for _, table in names]}
