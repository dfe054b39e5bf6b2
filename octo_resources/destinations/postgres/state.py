"""Octopipe's own tables in the destination: loads, ledgers, batch ids, positions, replays. Only loads write them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import DestinationError
from octo_resources.destinations.names import quoted

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

VERSION: Final = 1
_LOCK: Final = 0x6F63746F  # "octo": two that prepare at once wait for one another


@dataclass(frozen=True, slots=True)
class Position:
    """How far a (source, table) is. `epoch` counts its moves; a move names the epoch it has seen."""

    value: dict[str, Any]
    epoch: int = 0


_TABLES: Final = """\
CREATE SCHEMA IF NOT EXISTS {s};

CREATE TABLE IF NOT EXISTS {s}.version (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version integer NOT NULL
);

CREATE TABLE IF NOT EXISTS {s}.loads (
    load_id text PRIMARY KEY,
    pipeline text NOT NULL,
    fingerprint text NOT NULL,
    batches text[] NOT NULL,
    status text NOT NULL,
    started timestamptz NOT NULL,
    finished timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL DEFAULT session_user
);
CREATE INDEX IF NOT EXISTS loads_of_pipeline ON {s}.loads (pipeline, finished);

CREATE TABLE IF NOT EXISTS {s}.ledger (
    load_id text NOT NULL REFERENCES {s}.loads,
    table_name text NOT NULL,
    read bigint NOT NULL,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    deduplicated bigint NOT NULL,
    filtered bigint NOT NULL,
    quarantined bigint NOT NULL,
    tombstoned bigint NOT NULL,
    soft_deleted bigint NOT NULL,
    removed bigint NOT NULL,
    seconds double precision NOT NULL,
    quarantine_file text,
    quarantine_sha256 text,
    PRIMARY KEY (load_id, table_name),
    CHECK (read = inserted + updated + unchanged + deduplicated + filtered + quarantined + tombstoned),
    CHECK (quarantined = 0 OR (quarantine_file IS NOT NULL AND quarantine_sha256 IS NOT NULL))
);

CREATE TABLE IF NOT EXISTS {s}.batches (
    pipeline text NOT NULL,
    source text NOT NULL,
    table_name text NOT NULL,
    batch_id text NOT NULL,
    load_id text NOT NULL REFERENCES {s}.loads,
    PRIMARY KEY (pipeline, source, table_name, batch_id)
);

CREATE TABLE IF NOT EXISTS {s}.positions (
    pipeline text NOT NULL,
    source text NOT NULL,
    table_name text NOT NULL,
    position jsonb NOT NULL,
    epoch bigint NOT NULL,
    load_id text NOT NULL,
    moved timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (pipeline, source, table_name)
);

CREATE TABLE IF NOT EXISTS {s}.replays (
    pipeline text NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    load_id text NOT NULL REFERENCES {s}.loads,
    PRIMARY KEY (pipeline, table_name, row_id)
);

INSERT INTO {s}.version (version) VALUES ({version}) ON CONFLICT DO NOTHING;
"""

_GRANTS: Final = """
-- What a role that loads needs here (put its name for LOADER). Its rights elsewhere: docs/destinations.md
-- GRANT USAGE ON SCHEMA {s} TO LOADER;
-- GRANT SELECT ON {s}.version TO LOADER;
-- GRANT SELECT, INSERT ON {s}.loads, {s}.ledger, {s}.batches, {s}.replays TO LOADER;
-- GRANT SELECT, INSERT, UPDATE ON {s}.positions TO LOADER;
"""


def ddl(schema: str) -> str:
    """The statements that make the state tables, and as comments the GRANTs that a loading role needs."""
    return (_TABLES + _GRANTS).format(s=quoted(schema), version=VERSION)


def prepare(connection: "Connection", schema: str) -> None:
    """Make what is missing, in one transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    found = version(connection, schema)
    if found is not None and found != VERSION:
        raise other_version(schema, found)
    if found is None:
        connection.execute(_TABLES.format(s=quoted(schema), version=VERSION).encode())
    connection.commit()


def version(connection: "Connection", schema: str) -> int | None:
    """The version of the state tables; None where there are none."""
    there = connection.execute("SELECT to_regclass(%s)", (f"{quoted(schema)}.version",)).fetchone()
    if there is None or there[0] is None:
        return None
    row = connection.execute(f"SELECT version FROM {quoted(schema)}.version".encode()).fetchone()
    return int(row[0]) if row else None


def require(connection: "Connection", schema: str) -> None:
    """Raises DestinationError where the state tables are missing or of another version."""
    found = version(connection, schema)
    if found is None:
        raise not_prepared(schema)
    if found != VERSION:
        raise other_version(schema, found)


def not_prepared(schema: str) -> DestinationError:
    hint = "run `octopipe destination prepare PIPELINE`, or hand a DBA what `… prepare PIPELINE --sql` prints"
    return DestinationError(f"the destination has no state tables (schema {schema}) yet", hint=hint)


def other_version(schema: str, found: int) -> DestinationError:
    newer = "this Octopipe is older than the one that made them: upgrade it" if found > VERSION else "ask for help"
    return DestinationError(f"the state tables in {schema} are of version {found}, not {VERSION}", hint=newer)


def positions(connection: "Connection", schema: str, pipeline: str) -> dict[tuple[str, str], Position]:
    query = f"SELECT source, table_name, position, epoch FROM {quoted(schema)}.positions WHERE pipeline = %s"
    rows = connection.execute(query.encode(), (pipeline,)).fetchall()
    return {(source, table): Position(value, epoch) for source, table, value, epoch in rows}


def known_batches(connection: "Connection", schema: str, pipeline: str) -> dict[tuple[str, str], frozenset[str]]:
    query = f"SELECT source, table_name, batch_id FROM {quoted(schema)}.batches WHERE pipeline = %s"
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for source, table, batch in connection.execute(query.encode(), (pipeline,)):
        found[source, table].add(batch)
    return {place: frozenset(batches) for place, batches in found.items()}


def replayed(connection: "Connection", schema: str, pipeline: str) -> frozenset[tuple[str, str]]:
    """(table, id) of the rows set aside that a later load brought in."""
    query = f"SELECT table_name, row_id FROM {quoted(schema)}.replays WHERE pipeline = %s"
    return frozenset(connection.execute(query.encode(), (pipeline,)).fetchall())


def quarantine_sums(connection: "Connection", schema: str, pipeline: str) -> dict[str, str]:
    """Load → the checksum of the file that holds the rows it set aside."""
    place = quoted(schema)
    query = (
        f"SELECT DISTINCT load_id, quarantine_sha256 FROM {place}.ledger JOIN {place}.loads USING (load_id) "
        "WHERE pipeline = %s AND quarantine_sha256 IS NOT NULL"
    )
    return dict(connection.execute(query.encode(), (pipeline,)).fetchall())


def newest_write(connection: "Connection", schema: str, pipeline: str, table: str) -> datetime | None:
    """When a load of the pipeline last changed a row of the table."""
    place = quoted(schema)
    query = f"""
        SELECT max(l.finished) FROM {place}.loads l JOIN {place}.ledger g USING (load_id)
        WHERE l.pipeline = %s AND g.table_name = %s AND g.inserted + g.updated + g.removed + g.soft_deleted > 0
    """
    row = connection.execute(query.encode(), (pipeline, table)).fetchone()
    return row[0] if row else None


def other_writers(
    connection: "Connection", schema: str, pipeline: str, tables: Sequence[str]
) -> dict[tuple[str, str], int]:
    """(table, another pipeline that loaded into it) → rows that it inserted."""
    place = quoted(schema)
    query = f"""
        SELECT g.table_name, l.pipeline, sum(g.inserted)::bigint
        FROM {place}.loads l JOIN {place}.ledger g USING (load_id)
        WHERE l.pipeline <> %s AND g.table_name = ANY(%s) GROUP BY 1, 2 HAVING sum(g.inserted) > 0 ORDER BY 1, 2
    """
    found = connection.execute(query.encode(), (pipeline, list(tables))).fetchall()
    return {(table, other): rows for table, other, rows in found}


def loads(connection: "Connection", schema: str, pipeline: str, limit: int) -> list[dict[str, Any]]:
    from psycopg.rows import dict_row

    place = quoted(schema)
    with connection.cursor(row_factory=dict_row) as cursor:
        query = f"SELECT * FROM {place}.loads WHERE pipeline = %s ORDER BY finished DESC, load_id DESC LIMIT %s"
        found = cursor.execute(query.encode(), (pipeline, limit)).fetchall()
        ids = [load["load_id"] for load in found]
        query = f"SELECT * FROM {place}.ledger WHERE load_id = ANY(%s) ORDER BY table_name"
        ledgers = cursor.execute(query.encode(), (ids,)).fetchall()
    tables: dict[str, dict[str, Any]] = {load_id: {} for load_id in ids}
    for row in ledgers:
        tables[row["load_id"]][row["table_name"]] = {k: v for k, v in row.items() if k not in ("load_id", "table_name")}
    return [{**load, "tables": tables[load["load_id"]]} for load in found]
