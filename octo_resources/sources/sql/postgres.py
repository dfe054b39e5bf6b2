"""PostgreSQL: binary COPY to Arrow by ADBC, in one exported snapshot that parallel ranges share."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.types import (
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT32,
    FLOAT64,
    INT16,
    INT32,
    INT64,
    INTERVAL,
    JSON,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    DataType,
    list_of,
)
from octo_resources.arrow_text import out_of_calendar
from octo_resources.sources.sql.convert import settled
from octo_resources.sources.sql.reader import OddValues
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn, Wire, numeric
from octo_resources.sources.sql.statement import Bound, as_asked, exactly, named, select

if TYPE_CHECKING:
    import adbc_driver_postgresql.dbapi
    import sqlalchemy as sa
    from sqlalchemy.engine.interfaces import Dialect

_NATIVE: Final[dict[str, DataType]] = {
    "bool": BOOLEAN, "int2": INT16, "int4": INT32, "int8": INT64, "float4": FLOAT32, "float8": FLOAT64, "text": TEXT,
    "varchar": TEXT, "bytea": BYTES, "date": DATE, "timestamp": TIMESTAMP, "timestamptz": TIMESTAMPTZ, "time": TIME,
}  # fmt: skip
_AS_TEXT: Final[dict[str, DataType]] = {"uuid": UUID, "json": JSON, "jsonb": JSON, "interval": INTERVAL}
_SETTINGS: Final = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)
_STEADY: Final = ("SET LOCAL synchronize_seqscans = off", "SET LOCAL max_parallel_workers_per_gather = 0")
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TYPES: Final = """
    SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typbasetype, t.typtypmod, t.typelem, t.typcategory::text
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ANY(%s)
"""
_COLUMNS: Final = """
    SELECT a.attname, a.attnotnull, pg_catalog.col_description(a.attrelid, a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
"""
_KEY: Final = """
    SELECT a.attname FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = %s AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place
"""
_TABLES: Final = """
    SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY 1 LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class _Type:
    schema: str
    name: str
    kind: str
    base: int
    base_modifier: int
    element: int
    category: str


class PostgresReader:
    """A control connection holds the snapshot; each `rows` opens an ADBC connection of its own in it."""

    shares_snapshot = True

    def __init__(self, conninfo: str) -> None:
        import psycopg

        self._conninfo = conninfo
        self._dialect = _dialect()
        self._control: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(
            conninfo, prepare_threshold=None, autocommit=True
        )
        self._control.execute(_BEGIN)
        self._control.execute(_SETTINGS)
        self._control.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # others read while it waits
        self._snapshot: str | None = None
        with suppress(psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.FeatureNotSupported):
            found = self._control.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
            self._snapshot = found[0] if found else None
        if self._snapshot is None:  # a replica exports none: then one connection reads one range after the other
            self.shares_snapshot = False

    def close(self) -> None:
        self._control.close()

    def tables(self) -> list[str]:
        return [row[0] for row in self._control.execute(_TABLES).fetchall()]

    def describe(self, relation: Relation) -> Described:
        import sqlalchemy as sa

        statement = select(self._dialect, relation, [sa.literal_column("*")], limit=0)
        cursor = self._control.execute(statement.text.encode())
        result = cursor.pgresult
        assert result is not None
        names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
        types = [(result.ftype(place), result.fmod(place)) for place in range(result.nfields)]
        known = self._known({oid for oid, _ in types})
        columns = [self._column(name, oid, modifier, known) for name, (oid, modifier) in zip(names, types, strict=True)]
        if relation.query is not None:
            return Described(tuple(columns))
        oid = result.ftable(0)
        said = {name: (not_null, comment) for name, not_null, comment in self._control.execute(_COLUMNS, (oid,))}
        told = [replace(one, nullable=not said[one.name][0], comment=said[one.name][1]) for one in columns]
        return Described(tuple(told), tuple(row[0] for row in self._control.execute(_KEY, (oid,))))

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        import sqlalchemy as sa

        own: sa.ColumnElement[Any] = named(self._dialect, column.name)
        if column.type == UUID:  # which has no min(); its text has the same order
            own = sa.cast(own, sa.Text)
        ends = [sa.func.min(own), sa.func.max(own)]
        exact = [one if column.expression is None else exactly(self._dialect, column.expression, one) for one in ends]
        wanted = [sa.cast(one, sa.Text) for one in exact]
        statement = select(self._dialect, relation, wanted, bounds, placed=_setting)
        for name, value in _settings(bounds):
            self._control.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        row = self._control.execute(statement.text.encode()).fetchone()
        return (row[0], row[1]) if row else (None, None)

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        yield from SnapshotRows(self._conninfo, self._snapshot).rows(relation, columns, bounds, limit)

    def for_tasks(self) -> "SnapshotRows":
        """The rows as tasks read them elsewhere, as long as this reader is open: in the same order each time."""
        return SnapshotRows(self._conninfo, self._snapshot, steady=True)

    def _known(self, oids: set[int]) -> dict[int, _Type]:
        """Types with what they are made of."""
        known: dict[int, _Type] = {}
        while missing := sorted(oids - set(known)):
            rows = self._control.execute(_TYPES, (missing,)).fetchall()
            known |= {row[0]: _Type(*row[1:]) for row in rows}
            oids |= {inner for own in known.values() for inner in (own.base, own.element) if inner}
            if not rows:
                break
        return known

    def _column(self, name: str, oid: int, modifier: int, known: Mapping[int, _Type]) -> SqlColumn:
        native = self._control.execute("SELECT pg_catalog.format_type(%s, %s)", (oid, modifier)).fetchone()
        kind, wire, is_open = _type_of(oid, modifier, known)
        said = str(native[0]) if native else "text"
        return SqlColumn(name, kind, said, wire=wire, open_scale=is_open, expression=_expression(said, kind))


@dataclass(frozen=True)
class SnapshotRows:
    """Rows in a snapshot that a connection elsewhere holds. Picklable; `conninfo` has the password in it."""

    conninfo: str = field(repr=False)
    snapshot: str | None
    steady: bool = False
    """Whether the same statement has to give its rows in the same order again."""

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        """See `Reader.rows`; by a connection of its own."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.conninfo, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(_BEGIN)
            if self.snapshot is not None:
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{self.snapshot}'")
            for setting in (*_SETTINGS.split("; "), *(_STEADY if self.steady else ())):
                cursor.execute(setting)
            for name, value in _settings(bounds):
                cursor.execute("SELECT pg_catalog.set_config($1, $2, true)", (name, value))
                cursor.fetchall()
            yield from self._read(cursor, relation, list(columns), bounds, limit)

    def _read(
        self,
        cursor: "adbc_driver_postgresql.dbapi.Cursor",
        relation: Relation,
        columns: list[SqlColumn],
        bounds: Sequence[Bound],
        limit: int | None,
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        """Asks for values in binary; raises OddValues where a date or time is none that Arrow could say."""
        cursor.execute(self._text(relation, columns, bounds, limit))
        with cursor.fetch_record_batch() as reader:
            for batch in reader:
                arrays = [batch.column(place) for place in range(batch.num_columns)]
                both = list(zip(columns, arrays, strict=True))
                if odd := {one.name for one, own in both if one.wire == "native" and out_of_calendar(own)}:
                    raise OddValues(odd)
                yield [settled(column, own) for column, own in both]

    def _text(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> str:
        import sqlalchemy as sa

        wanted: list[sa.ColumnElement[Any]] = []
        for column in columns:
            own = as_asked(_dialect(), column)
            if column.wire == "text":
                own = sa.cast(own, sa.Text).label(column.name)
            elif column.wire == "json":
                own = sa.cast(sa.func.to_json(own), sa.Text).label(column.name)
            wanted.append(own)
        return select(_dialect(), relation, wanted, bounds, limit, _setting).text


def _dialect() -> "Dialect":
    from sqlalchemy.dialects import postgresql

    made: Dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # its stubs
    return made


def _type_of(oid: int, modifier: int, known: Mapping[int, _Type]) -> tuple[DataType, Wire, bool]:
    own = known.get(oid)
    if own is None:
        return TEXT, "text", False
    if own.kind == "d":
        return _type_of(own.base, own.base_modifier, known)
    if own.category == "A" and own.element:
        element, _, _ = _type_of(own.element, modifier, known)
        return (JSON if element.is_structured else list_of(_in_list(element))), "json", False
    if own.kind == "c":
        return JSON, "json", False
    if own.schema == "pg_catalog":
        if own.name == "numeric":
            bits = modifier - 4
            scale = (bits & 0x7FF) ^ 0x400
            kind, is_open = numeric(bits >> 16, scale - 0x400) if modifier >= 4 else numeric(None, None)
            return kind, "text", is_open
        if own.name in _NATIVE:
            return _NATIVE[own.name], "native", False
        if own.name == "money":
            kind, is_open = numeric(None, None)
            return kind, "text", is_open
        if own.name == "oid":
            return INT64, "text", False
    return _AS_TEXT.get(own.name, TEXT), "text", False


def _expression(said: str, kind: DataType) -> str | None:
    """What is asked for instead of a column of this type. The text of money has a sign and commas, by the locale; and
    as JSON a list's elements are what a type's own cast makes of them (objects of hstore), not their text."""
    if said in ("money", "money[]"):
        return f"CAST({{}} AS {said.replace('money', 'numeric')})"
    return "CAST({} AS text[])" if kind == list_of(TEXT) else None


def _in_list(element: DataType) -> DataType:
    """What a list's elements are: Parquet has no intervals, and bytes come as text in JSON."""
    return TEXT if element.kind in ("interval", "bytes") else element


def _settings(bounds: Sequence[Bound]) -> list[tuple[str, str]]:
    return [(f"octopipe.value_{place}", str(bound.value)) for place, bound in enumerate(bounds)]


def _setting(place: int, bound: Bound) -> "sa.ColumnElement[Any]":
    """COPY takes no parameters: a bound's value is a setting of the transaction, which was set by one."""
    import sqlalchemy as sa

    value = f"pg_catalog.current_setting('octopipe.value_{place}')"
    if bound.column.native == "money":  # text is read as money by the locale, in which a point may part thousands
        value = f"CAST({value} AS numeric)"
    return sa.literal_column(f"CAST({value} AS {bound.column.native})")
