"""MySQL and MariaDB by PyMySQL: every value as the server's own text, rows as they come, in one consistent snapshot,
which several connections may share."""

from collections.abc import Generator, Sequence
from contextlib import closing
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, Final

from octo_core.types import (
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    JSON,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    DataType,
    decimal,
)
from octo_resources.sources.sql.by_rows import batches
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn, numeric
from octo_resources.sources.sql.statement import Bound, as_asked, exactly, named, quoted, select

if TYPE_CHECKING:
    import pyarrow as pa
    from pymysql.connections import Connection
    from sqlalchemy.engine import URL

_INTEGERS: Final = {
    "tinyint": INT8,
    "smallint": INT16,
    "mediumint": INT32,
    "int": INT32,
    "bigint": INT64,
}
_UNSIGNED: Final = {"tinyint": INT16, "smallint": INT32, "mediumint": INT32, "int": INT64, "bigint": decimal(20, 0)}
_SIMPLE: Final[dict[str, DataType]] = {
    "float": FLOAT32, "double": FLOAT64, "date": DATE, "datetime": TIMESTAMP, "timestamp": TIMESTAMPTZ, "time": TIME,
    "year": INT16, "char": TEXT, "varchar": TEXT, "tinytext": TEXT, "text": TEXT, "mediumtext": TEXT, "longtext": TEXT,
    "enum": TEXT, "set": TEXT, "json": JSON, "uuid": UUID, "binary": BYTES, "varbinary": BYTES, "tinyblob": BYTES,
    "blob": BYTES, "mediumblob": BYTES, "longblob": BYTES, "inet4": TEXT, "inet6": TEXT,
}  # fmt: skip
_EXACT: Final = {
    "float": "CAST({} AS DOUBLE)", "bit": "({} + 0)", "year": "({} + 0)", "timestamp": "CONCAT({}, '+00:00')",
}  # fmt: skip
"""A FLOAT's text has six digits, a BIT's is bytes, a TIMESTAMP's does not say that it is in UTC."""
_CODES: Final = {
    0: "decimal", 1: "tinyint", 2: "smallint", 3: "int", 4: "float", 5: "double", 7: "timestamp", 8: "bigint",
    9: "mediumint", 10: "date", 11: "time", 12: "datetime", 13: "year", 15: "varchar", 16: "bit", 245: "json",
    246: "decimal", 247: "enum", 248: "set", 249: "blob", 250: "blob", 251: "blob", 252: "blob", 253: "varchar",
    254: "char", 255: "geometry",
}  # fmt: skip
_UNSIGNED_FLAG: Final = 32
_BINARY_CHARSET: Final = 63
_COLUMNS: Final = """
    SELECT column_name, data_type, column_type, is_nullable, numeric_precision, numeric_scale, column_comment
    FROM information_schema.columns WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s
    ORDER BY ordinal_position
"""
_KEY: Final = """
    SELECT column_name FROM information_schema.key_column_usage
    WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s AND constraint_name = 'PRIMARY'
    ORDER BY ordinal_position
"""
_TABLES: Final = """
    SELECT IF(table_schema = DATABASE(), table_name, CONCAT(table_schema, '.', table_name))
    FROM information_schema.tables
    WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY 1 LIMIT 10000
"""
_SETTINGS: Final = (
    "SET time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


_STILL: Final = "FLUSH TABLES WITH READ LOCK"
"""Nobody writes for the milliseconds in which several connections begin."""
_BRIEFLY: Final = "SET SESSION lock_wait_timeout = 3"
"""Others wait for a lock that waits for a long statement: so it does not wait for long."""
_SAME_SERVER: Final = "SELECT CONCAT(@@hostname, ' ', @@port, ' ', @@server_id)"


class MysqlReader:
    """A connection, or several (`together`) whose snapshots are of one moment, each of which reads one range at a time.

    Their moment is held still by FLUSH TABLES WITH READ LOCK, or for a table by LOCK TABLES … READ, whichever the role
    has the right for. Where it has neither, something long is writing, or a proxy leads to several servers, there is
    one connection, which reads one range after the other.
    """

    def __init__(self, url: "URL", together: int = 1, relation: Relation | None = None) -> None:
        from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

        self._dialect = MySQLDialect_pymysql()
        self._url = url
        self._all: list[Connection[Any]] = []
        self._free: LifoQueue[Connection[Any]] = LifoQueue()
        try:
            if together > 1:
                self._begin_together(together, relation)
            if not self._all:
                self._begin()
        except BaseException:
            self.close()
            raise
        self._connection = self._all[0]
        for one in self._all:
            self._free.put(one)

    @property
    def shares_snapshot(self) -> bool:
        return len(self._all) > 1

    def _begin(self) -> None:
        """One more connection in a snapshot of its own."""
        found = self._connect()
        self._all.append(found)
        for setting in _SETTINGS:
            _run(found, setting)

    def _begin_together(self, together: int, relation: Relation | None) -> None:
        """So many connections whose snapshots are the same; none where that cannot be had."""
        from pymysql import MySQLError

        for lock in self._locks(relation):
            with closing(self._connect()) as still:
                try:
                    _run(still, _BRIEFLY)
                    _run(still, lock)
                except MySQLError:
                    continue  # no right to it, or something long is writing
                for _ in range(together):
                    self._begin()
                servers = {_run(one, _SAME_SERVER)[0][0] for one in (still, *self._all)}
            if len(servers) > 1:
                self.close()
            return

    def _locks(self, relation: Relation | None) -> list[str]:
        import sqlalchemy as sa

        if relation is None or relation.table is None:
            return [_STILL]
        schema = quoted(self._dialect, relation.schema) if relation.schema else None
        table = sa.table(quoted(self._dialect, relation.table), schema=schema)
        return [_STILL, f"LOCK TABLES {self._dialect.identifier_preparer.format_table(table)} READ"]

    def _connect(self) -> "Connection[Any]":
        import pymysql
        from pymysql import converters

        _, told = self._dialect.create_connect_args(self._url.set(drivername="mysql+pymysql"))
        encoders = {kind: encode for kind, encode in converters.conversions.items() if not isinstance(kind, int)}
        return pymysql.connect(**{"charset": "utf8mb4", "connect_timeout": 10, **told, "conv": encoders})

    def close(self) -> None:
        for one in self._all:
            one.close()
        self._all.clear()

    def tables(self) -> list[str]:
        return [str(row[0]) for row in self._run(_TABLES)]

    def describe(self, relation: Relation) -> Described:
        if relation.query is not None:
            return Described(self._of_query(relation))
        place = (relation.schema, relation.table)
        columns = tuple(_of_catalog(row) for row in self._run(_COLUMNS, place))
        if not columns:  # a table that is not there: the server says so in its own words
            self._of_query(relation)
        return Described(columns, tuple(str(row[0]) for row in self._run(_KEY, place)))

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        import sqlalchemy as sa

        own = named(self._dialect, column.name)
        least, most = sa.func.min(own), sa.func.max(own)
        wanted: list[sa.ColumnElement[Any]] = [least, most]
        if column.expression is not None and column.type.is_numeric:
            wanted = [exactly(self._dialect, column.expression, one) for one in wanted]
        statement = select(self._dialect, relation, wanted, bounds)
        row = self._run(statement.text, statement.values)[0]
        return row[0], row[1]

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        from pymysql.cursors import SSCursor

        wanted = [as_asked(self._dialect, column) for column in columns]
        statement = select(self._dialect, relation, wanted, bounds, limit)
        connection = self._free.get()
        try:
            with connection.cursor(SSCursor) as cursor:
                cursor.execute(statement.text, statement.values)
                yield from batches(cursor.fetchmany, columns)
        finally:
            self._free.put(connection)

    def _run(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return _run(self._connection, text, values)

    def _of_query(self, relation: Relation) -> tuple[SqlColumn, ...]:
        import sqlalchemy as sa

        statement = select(self._dialect, relation, [sa.literal_column("*")], limit=0)
        with self._connection.cursor() as cursor:
            cursor.execute(statement.text, statement.values)
            # The description of PEP 249 does not tell signed from unsigned, nor text from bytes.
            fields = cursor._result.fields
        return tuple(_of_field(field) for field in fields)


def _run(connection: "Connection[Any]", text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)  # without any too: SQLAlchemy has doubled the percent signs in names
        return list(cursor.fetchall() or ())


def _of_catalog(row: Sequence[Any]) -> SqlColumn:
    name, kind, full, nullable, precision, scale, comment = row
    kind, full = str(kind).lower(), str(full).lower()
    typed, is_open = _type(kind, full, "unsigned" in full, precision, scale)
    return SqlColumn(
        str(name),
        typed,
        full,
        nullable=nullable == "YES",
        comment=str(comment) or None,
        open_scale=is_open,
        expression=_expression(kind),
    )


def _of_field(field: Any) -> SqlColumn:
    kind = _CODES.get(field.type_code, "varchar")
    binary = field.charsetnr == _BINARY_CHARSET
    if kind in ("char", "varchar", "blob"):
        kind = "varbinary" if binary else "text"
    scale = field.scale if field.scale is not None and field.scale <= 30 else 0
    unsigned = bool(field.flags & _UNSIGNED_FLAG)
    precision = field.length - (1 if scale else 0) - (0 if unsigned else 1) if kind == "decimal" else field.length
    typed, is_open = _type(kind, f"bit({field.length})", unsigned, precision, scale)
    return SqlColumn(field.name, typed, kind, open_scale=is_open, expression=_expression(kind))


def _type(kind: str, full: str, unsigned: bool, precision: Any, scale: Any) -> tuple[DataType, bool]:
    if kind in ("decimal", "numeric"):
        return numeric(int(precision), int(scale or 0))
    if kind == "bit":
        bits = int("".join(letter for letter in full if letter.isdigit()) or 1)
        return (BOOLEAN if bits == 1 else INT64 if bits < 64 else decimal(20, 0)), False
    if kind in _INTEGERS:
        return (_UNSIGNED if unsigned else _INTEGERS).get(kind, INT64), False
    return _SIMPLE.get(kind, TEXT), False


def _expression(kind: str) -> str | None:
    if kind in ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"):
        return "ST_AsText({})"
    return _EXACT.get(kind)
