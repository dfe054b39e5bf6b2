"""Rows of tasks that become partitions of their table, instead of being inserted into it.

Where a partition of the table is empty, tasks COPY what belongs there into a table of the same definition, under a
parent of the same bounds in the load's own schema. The load's transaction then takes the empty partition away and
attaches the full one in its place; a CHECK that each row met on its way in says that it fits, so nothing is scanned.
All attempts share these tables: each writes down its transaction, and rows of one that does not count are deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from octo_core.errors import DestinationError
from octo_resources.destinations.names import literal, quoted, quoted_table
from octo_resources.destinations.postgres.counters import Counts, Witness
from octo_resources.destinations.postgres.depot import PostgresDelivery, PostgresDepot, PostgresLedge
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.staging import Renamed
from octo_resources.destinations.writing import WriteJob
from octo_resources.engines.protocol import Brought

NOT_NOW: Final = frozenset({"55P03", "2BP01", "42501"})
"""States in which partitions cannot be exchanged and rows can still be inserted: a lock, dependents, a right."""
MOST: Final = 200
"""Partitions of a table that is looked at."""
_NUMBERS: Final = 10_000
"""Where the numbers of attached tables begin: what they leave is not taken for what is brought the ordinary way."""
_BOUND: Final = "octo_bound"
_WAIT: Final = "5s"
"""How long readers may keep a partition from being exchanged, and how long later ones wait behind it."""

# A partition can be exchanged where nothing of it would be lost: its owner is the loading role, nothing hangs on it
# that CREATE TABLE … LIKE does not copy, and nobody follows its rows by logical decoding.
_LEAVES: Final = """
SELECT n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid), pg_get_partition_constraintdef(c.oid),
       obj_description(c.oid, 'pg_class'),
       ARRAY(SELECT format('%s ON TABLE %%s TO %s%s', x.privilege_type,
                    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
                    CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
             FROM aclexplode(c.relacl) x WHERE x.grantee <> c.relowner)
FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_partitioned_table t ON t.partrelid = p.oid
WHERE p.oid = %(table)s::regclass AND t.partstrat IN ('l', 'r') AND NOT p.relispartition AND c.relkind = 'r'
  AND t.partdefid <> c.oid AND c.relowner = p.relowner AND NOT p.relrowsecurity
  AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
  AND has_schema_privilege(n.oid, 'CREATE') AND c.relpersistence = 'p' AND c.reltablespace = 0
  AND NOT (c.relhastriggers OR c.relhasrules OR c.relrowsecurity) AND c.relreplident = 'd' AND c.reloptions IS NULL
  AND (SELECT o.reloptions FROM pg_class o WHERE o.oid = c.reltoastrelid) IS NULL
  AND (SELECT amname FROM pg_am a WHERE a.oid = c.relam) = current_setting('default_table_access_method')
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = c.oid AND o.coninhcount = 0 AND o.contype <> 'n')
  AND NOT EXISTS (SELECT FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid
                  WHERE x.indrelid = c.oid AND NOT xc.relispartition)
  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid IN (c.oid, p.oid) AND a.attnum > 0
                  AND (a.attacl IS NOT NULL OR a.attoptions IS NOT NULL OR a.attidentity <> ''
                       OR coalesce(a.attstattarget, -1) <> -1))
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                  WHERE d.classid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype IN ('a', 'i'))
  AND (t.partdefid = 0 OR pg_relation_size(t.partdefid) = 0)
  AND NOT EXISTS (SELECT FROM pg_publication)
  AND NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database())
  AND pg_relation_size(c.oid) = 0
ORDER BY c.oid
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An empty partition. `grants` have a place for the table's name."""

    schema: str
    name: str
    bound: str
    check: str
    comment: str | None
    grants: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True)
class PartedDepot:
    """What a task needs to bring rows under the parent that all attempts share."""

    depot: PostgresDepot
    parent: str

    def delivery(self, part: int, attempt: int) -> "PartedDelivery":
        return PartedDelivery(self.depot, f"s{self.depot.number}_{part}_{attempt}", self.parent)


class PartedDelivery(PostgresDelivery):
    """One attempt's rows, in one transaction; what it refused goes into a table of its own."""

    def __init__(self, depot: PostgresDepot, table: str, parent: str) -> None:
        super().__init__(depot, table)
        self._parent = parent

    def make(self, session: Session) -> None:
        """Its table is there."""

    def copy(self, session: Session, rows: pa.RecordBatchReader) -> int:
        names = [*self._depot.names]
        return self.copied(session, Renamed(rows, names, names), self._parent)


@dataclass
class Attaching:
    """The empty partitions of one table, and those that tasks fill for them."""

    session: Session
    job: WriteJob
    ledge: PostgresLedge
    number: int
    leaves: Sequence[Leaf] = field(default_factory=tuple)

    @classmethod
    def of(cls, session: Session, job: WriteJob, ledge: PostgresLedge, number: int) -> "Attaching | None":
        """Ready for tasks; None where no partition can be exchanged."""
        made = cls(session, job, ledge, _NUMBERS + number)
        made.leaves = made.found()
        if not 0 < len(made.leaves) <= MOST:
            return None
        made.prepare()
        return made

    def found(self) -> tuple[Leaf, ...]:
        path = self.session.value("SELECT current_setting('search_path')")
        self.session.run("SET LOCAL search_path = pg_catalog")
        rows = self.session.rows(_LEAVES.replace("%(table)s", literal(self.target)))
        self.session.run(f"SELECT set_config('search_path', {literal(path)}, true)")
        return tuple(
            Leaf(schema, name, bound, check, comment, tuple(grants))
            for schema, name, bound, check, comment, grants in rows
        )

    @property
    def target(self) -> str:
        return quoted_table(self.job.table.schema_name, self.job.table.table_name)

    @property
    def parent(self) -> str:
        return f"{quoted(self.ledge.schema)}.{quoted(f'p{self.number}')}"

    def _leaf(self, place: int | str) -> str:
        return f"{quoted(self.ledge.schema)}.{quoted(f'p{self.number}_{place}')}"

    def prepare(self) -> None:
        """Make the parent, a full-to-be partition for each empty one, and one for the rows of all others."""
        key = self.session.value(f"SELECT pg_get_partkeydef({literal(self.target)}::regclass)")
        run = self.ledge.run
        run(
            f"CREATE TABLE {self.parent} (LIKE {self.target} INCLUDING DEFAULTS INCLUDING GENERATED) PARTITION BY {key}"
        )
        for place, leaf in enumerate(self.leaves):
            name = self._leaf(place)
            kept = "DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING STATISTICS"
            run(f"CREATE TABLE {name} (LIKE {leaf.place} INCLUDING {kept} INCLUDING COMMENTS)")
            run(f"ALTER TABLE {name} ADD CONSTRAINT {_BOUND} CHECK ({leaf.check})")
            run(f"ALTER TABLE {self.parent} ATTACH PARTITION {name} {leaf.bound}")
        run(f"CREATE TABLE {self._leaf('rest')} PARTITION OF {self.parent} DEFAULT")

    def depot(self, arrow: pa.Schema) -> PartedDepot:
        names = [column.name for column in self.job.columns]
        return PartedDepot(self.ledge.depot(self.number, names, (), arrow), f"p{self.number}")

    def attach(self, brought: Sequence[Brought], witness: Witness) -> tuple[int, int]:
        """Exchange the partitions that have rows now; gives (rows in them, rows inserted into others).

        Raises Refused, and DestinationError where what is there is not what the tasks say.
        """
        before = self.session.value("SELECT current_setting('lock_timeout')")
        self._only_winners(brought)
        self.session.run(f"SET LOCAL lock_timeout = '{_WAIT}'")
        attached = sum(self._exchange(place, leaf) for place, leaf in enumerate(self.leaves))
        self.session.run(f"SET LOCAL lock_timeout = '{before}'")
        witness.forget()
        inserted = self._insert_rest()
        witness.believe()
        witness.attached(Counts(inserted=attached))
        return attached, inserted

    def _only_winners(self, brought: Sequence[Brought]) -> None:
        """Delete what attempts that do not count have committed. Whoever still writes is waited for."""
        self.session.run(f"LOCK TABLE {self.parent} IN ACCESS EXCLUSIVE MODE")
        kept = self.ledge.kept(self.session, self.number)
        counting = {one.place for one in brought}
        if missing := [one for one in brought if one.place not in kept or kept[one.place].rows != one.rows]:
            said = f"part {missing[0].part} is not there as its task says"
            raise DestinationError(said, where=self.job.table.name, hint="nothing was loaded; run it again")
        losers = [one.xid for place, one in kept.items() if place not in counting and one.rows]
        if losers:
            self.session.run(f"DELETE FROM {self.parent} WHERE xmin = ANY('{{{','.join(losers)}}}'::xid[])")

    def _insert_rest(self) -> int:
        """Rows of partitions that hold some already, or of none: those PostgreSQL refuses."""
        rest, names = self._leaf("rest"), ", ".join(quoted(column.name) for column in self.job.columns)
        if not self.session.value(f"SELECT EXISTS (SELECT FROM {rest})"):
            return 0
        return self.session.run(f"INSERT INTO {self.target} ({names}) SELECT {names} FROM {rest}")

    def _exchange(self, place: int, leaf: Leaf) -> int:
        """The full table in the empty one's place; gives the rows that PostgreSQL counts there."""
        full, run = self._leaf(place), self.session.run
        if not self.session.value(f"SELECT EXISTS (SELECT FROM {full})"):
            return 0
        if self.session.value(f"SELECT relacl IS NOT NULL FROM pg_class WHERE oid = {literal(full)}::regclass"):
            raise Refused("42501", "new tables get rights of their own here", None, None)
        run(f"ALTER TABLE {self.parent} DETACH PARTITION {full}")
        run(f"DROP TABLE {leaf.place}")
        run(f"ALTER TABLE {full} SET SCHEMA {quoted(leaf.schema)}")
        run(f"ALTER TABLE {quoted(leaf.schema)}.{quoted(f'p{self.number}_{place}')} RENAME TO {quoted(leaf.name)}")
        run(f"ALTER TABLE {self.target} ATTACH PARTITION {leaf.place} {leaf.bound}")
        run(f"ALTER TABLE {leaf.place} DROP CONSTRAINT {_BOUND}")
        if leaf.comment is not None:
            run(f"COMMENT ON TABLE {leaf.place} IS {literal(leaf.comment)}")
        for grant in leaf.grants:
            run(f"GRANT {grant.replace('%s', leaf.place)}")
        return int(self.session.value(f"SELECT count(*) FROM {leaf.place}"))
