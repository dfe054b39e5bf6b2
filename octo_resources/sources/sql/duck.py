"""DuckDB: a file that is only read, its rows as Arrow."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from octo_core.types import TEXT, DataType, list_of, parse_type
from octo_resources.arrow_text import out_of_calendar
from octo_resources.sources.sql.convert import settled
from octo_resources.sources.sql.reader import OddValues
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn, Wire, numeric
from octo_resources.sources.sql.statement import Bound, as_asked, as_native, named, select

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa
    from duckdb.sqltypes import DuckDBPyType

_ROWS: Final = 65_536
_NATIVE: Final = frozenset({"bool", "int8", "int16", "int32", "int64", "float32", "float64", "text", "bytes", "date"})
_DUCK: Final = frozenset({"decimal", "timestamp", "timestamp with time zone", "time"})
"""Types of DuckDB whose Arrow is the type that lands."""
_TEXTS: Final[dict[str, DataType]] = {"bit": TEXT, "time with time zone": TEXT}
"""Types whose values we have no type for, and whose text is no JSON."""
_INTERVAL: Final = (
    "CASE WHEN {0} IS NULL THEN NULL ELSE concat('P', date_part('year', {0}) * 12 + date_part('month', {0}), 'M',"
    " date_part('day', {0}), 'DT', date_part('hour', {0}), 'H', date_part('minute', {0}), 'M',"
    " CASE WHEN date_part('microsecond', {0}) < 0 THEN '-' END, abs(date_part('microsecond', {0})) // 1000000, '.',"
    " lpad(CAST(abs(date_part('microsecond', {0})) % 1000000 AS VARCHAR), 6, '0'), 'S') END"
)
"""As ISO 8601 has it: DuckDB's own text of an interval is in words."""
_TABLES: Final = """
    SELECT CASE WHEN schema_name = 'main' THEN name ELSE schema_name || '.' || name END
    FROM (SELECT schema_name, table_name AS name FROM duckdb_tables() WHERE NOT internal
          UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal) ORDER BY 1
"""
_COLUMNS: Final = """
    SELECT column_name, is_nullable, comment FROM duckdb_columns()
    WHERE schema_name = ? AND table_name = ? AND NOT internal
"""
_KEY: Final = """
    SELECT unnest(constraint_column_names) FROM duckdb_constraints()
    WHERE schema_name = ? AND table_name = ? AND constraint_type = 'PRIMARY KEY'
"""


class DuckReader:
    """One connection, one transaction."""

    shares_snapshot = False

    def __init__(self, path: Path) -> None:
        import duckdb
        from sqlalchemy.dialects import postgresql

        self._dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # its stubs
        self._connection = duckdb.connect(str(path), read_only=True, config={"threads": 2})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("BEGIN TRANSACTION READ ONLY")

    def close(self) -> None:
        self._connection.close()

    def tables(self) -> list[str]:
        return [row[0] for row in self._connection.execute(_TABLES).fetchall()]

    def describe(self, relation: Relation) -> Described:
        import sqlalchemy as sa

        statement = select(self._dialect, relation, [sa.literal_column("*")], limit=0)
        found = self._connection.sql(statement.text)
        columns = [_column(name, kind) for name, kind in zip(found.columns, found.types, strict=True)]
        if relation.query is not None:
            return Described(tuple(columns))
        place = [relation.schema or "main", relation.table]
        said = {row[0]: row[1:] for row in self._connection.execute(_COLUMNS, place).fetchall()}
        told = [_told(one, *said.get(one.name, (True, None))) for one in columns]
        return Described(tuple(told), tuple(row[0] for row in self._connection.execute(_KEY, place).fetchall()))

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        import sqlalchemy as sa

        own = named(self._dialect, column.name)
        wanted = [sa.cast(sa.func.min(own), sa.Text), sa.cast(sa.func.max(own), sa.Text)]
        statement = select(self._dialect, relation, wanted, bounds, placed=as_native)
        found = self._connection.execute(statement.text, list(statement.values)).fetchall()
        return found[0][0], found[0][1]

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        wanted = [self._asked(column) for column in columns]
        statement = select(self._dialect, relation, wanted, bounds, limit, as_native)
        found = self._connection.sql(statement.text, params=list(statement.values))
        reader = found.to_arrow_reader(_ROWS)
        try:
            for batch in reader:
                arrays = [batch.column(place) for place in range(batch.num_columns)]
                both = list(zip(columns, arrays, strict=True))
                if odd := {one.name for one, own in both if one.wire == "native" and out_of_calendar(own)}:
                    raise OddValues(odd)
                yield [settled(one, own) for one, own in both]
        finally:
            reader.close()

    def _asked(self, column: SqlColumn) -> "sa.ColumnElement[Any]":
        import sqlalchemy as sa

        own = as_asked(self._dialect, column)
        if column.wire == "native":
            return own
        shown = sa.func.to_json(own) if column.wire == "json" else own
        return sa.cast(shown, sa.Text).label(column.name)


def _told(column: SqlColumn, nullable: bool, comment: str | None) -> SqlColumn:
    from dataclasses import replace

    return replace(column, nullable=bool(nullable), comment=comment)


def _column(name: str, kind: "DuckDBPyType") -> SqlColumn:
    from octo_resources.engines.duckdb.profile_typed import data_type

    typed, wire, open_scale = _TEXTS.get(kind.id) or data_type(kind), "text", False
    if kind.id in ("bignum", "varint"):
        typed, open_scale = numeric(None, None)
    if kind.id in ("list", "array", "struct", "map", "union"):
        wire = "json"
        typed = list_of(typed.element) if _simple_list(typed) and typed.element else parse_type("json")
    elif typed.kind in _NATIVE or kind.id in _DUCK or kind.id.startswith("timestamp with"):
        wire = "native" if kind.id not in ("enum", "timestamp_ns", *_TEXTS) else "text"
    chosen: Wire = "json" if wire == "json" else "native" if wire == "native" else "text"
    exact = _INTERVAL if kind.id == "interval" else None
    return SqlColumn(name, typed, str(kind), wire=chosen, open_scale=open_scale, expression=exact)


def _simple_list(kind: DataType) -> bool:
    element = kind.element
    return element is not None and element.kind not in ("list", "record", "json", "interval", "bytes")
