"""PostgreSQL's own count of what this transaction did to a table: the ledger's independent witness."""

from dataclasses import dataclass

from octo_core.catalog import Table
from octo_core.errors import DestinationError, LedgerMismatch
from octo_resources.destinations.names import literal, quoted_table
from octo_resources.destinations.postgres.session import Session


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows inserted, updated and deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted)

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(self.inserted - other.inserted, self.updated - other.updated, self.deleted - other.deleted)

    def __str__(self) -> str:
        return f"{self.inserted} inserted, {self.updated} updated, {self.deleted} deleted"


class Witness:
    """Counts one table. PostgreSQL also counts what a rolled-back savepoint did, so attempts are looked at one by one:
    `forget` after one that failed, `believe` after one that stands."""

    def __init__(self, session: Session, table: Table) -> None:
        self._session = session
        self._table = table
        self._seen = self._now()
        self.stands = Counts()

    def forget(self) -> None:
        self._seen = self._now()

    def believe(self) -> Counts:
        now = self._now()
        done = now - self._seen
        self._seen, self.stands = now, self.stands + done
        return done

    def attached(self, counts: Counts) -> None:
        """Take in rows of partitions that were attached: other transactions wrote them, and they were counted there."""
        self.stands += counts

    def check(self, said: Counts) -> None:
        """Raises LedgerMismatch unless what stands, and nothing else since, is what the load says it did."""
        self.believe()
        there = self.stands
        same = there == said
        if self._table.kind == "partitioned":  # an update that moves a row counts as an insert and a delete
            same = (
                there.inserted + there.updated == said.inserted + said.updated
                and there.inserted - there.deleted == said.inserted - said.deleted
            )
        if not same:
            hint = "a trigger, a rule, a cascade or another table's trigger adds, swallows or takes away rows there"
            message = f"PostgreSQL counts {there} rows, the load {said}; it was rolled back"
            raise LedgerMismatch(message, where=self._table.name, hint=hint)

    def _now(self) -> Counts:
        name = literal(quoted_table(self._table.schema_name, self._table.table_name))
        parts = "pg_stat_get_xact_tuples_{}"
        sums = ", ".join(f"coalesce(sum({parts.format(kind)}(relid)), 0)::bigint" for kind in _KINDS)
        tree = f"pg_partition_tree({name}::regclass)" if self._table.kind == "partitioned" else _one(name)
        return Counts(*self._session.rows(f"SELECT {sums} FROM {tree} AS tree")[0])


_KINDS = ("inserted", "updated", "deleted")


def _one(name: str) -> str:
    return f"(SELECT {name}::regclass AS relid)"


def require_counting(session: Session) -> None:
    """Raises DestinationError where the server does not count: the ledger could not be checked then."""
    if session.value("SELECT current_setting('track_counts')") != "on":
        hint = "set track_counts = on (PostgreSQL's default) for the loading role or the server"
        raise DestinationError("track_counts is off, so the ledger cannot be checked", hint=hint)
