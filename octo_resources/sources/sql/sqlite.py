"""SQLite: a file that is only read, in one transaction. Types are those that its columns declare."""

import re
import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from octo_core.types import (
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT64,
    INT64,
    JSON,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    DataType,
)
from octo_resources.sources.sql.by_rows import batches
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn, numeric
from octo_resources.sources.sql.statement import Bound, as_asked, named, select

if TYPE_CHECKING:
    import pyarrow as pa

_SIZES: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_DECLARED: Final[tuple[tuple[str, DataType], ...]] = (
    ("BOOL", BOOLEAN), ("INT", INT64), ("DATETIME", TIMESTAMP), ("TIMESTAMP", TIMESTAMP), ("DATE", DATE),
    ("TIME", TIME), ("UUID", UUID), ("JSON", JSON), ("CHAR", TEXT), ("CLOB", TEXT), ("TEXT", TEXT), ("BLOB", BYTES),
    ("REAL", FLOAT64), ("FLOA", FLOAT64), ("DOUB", FLOAT64),
)  # fmt: skip
_ONLY_SPELT_SO: Final = re.compile(r"POINT|INTERVAL")
"""Names with an INT in them that mean no whole numbers: geometries, FLOATING POINT, intervals."""
_LOOKED_AT: Final = 1000
"""Times that are looked at for a zone: SQLite keeps them as text, of which the declared type says nothing."""


class SqliteReader:
    """One connection; a file is read by one reader at a time."""

    shares_snapshot = False

    def __init__(self, path: Path) -> None:
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

        self._dialect = SQLiteDialect_pysqlite()
        self._connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=10
        )
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # takes the snapshot
        except sqlite3.Error:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        return [row[0] for row in self._connection.execute(query)]

    def describe(self, relation: Relation) -> Described:
        import sqlalchemy as sa

        if relation.query is not None:
            statement = select(self._dialect, relation, [sa.literal_column("*")], limit=0)
            names = [one[0] for one in self._connection.execute(statement.text, statement.values).description]
            return Described(tuple(self._by_values(relation, name) for name in names))
        rows = self._connection.execute(
            'SELECT name, type, "notnull", pk FROM pragma_table_info(?, ?) ORDER BY cid',
            (relation.table, relation.schema or "main"),
        ).fetchall()
        if not rows:
            statement = select(self._dialect, relation, [sa.literal_column("*")], limit=0)
            self._connection.execute(statement.text, statement.values)
        columns = tuple(self._declared(relation, *row) for row in rows)
        key = sorted((place, name) for name, _, _, place in rows if place)
        return Described(columns, tuple(name for _, name in key))

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        import sqlalchemy as sa

        own = named(self._dialect, column.name)
        statement = select(self._dialect, relation, [sa.func.min(own), sa.func.max(own)], bounds)
        low, high = self._connection.execute(statement.text, statement.values).fetchone()
        return (None if low is None else str(low)), (None if high is None else str(high))

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        wanted = [as_asked(self._dialect, column) for column in columns]
        statement = select(self._dialect, relation, wanted, bounds, limit)
        cursor = self._connection.execute(statement.text, statement.values)
        try:
            yield from batches(cursor.fetchmany, columns)
        finally:
            cursor.close()

    def _declared(self, relation: Relation, name: str, written: str, not_null: int, key: int) -> SqlColumn:
        said = written.upper()
        sizes = _SIZES.search(said)
        meant = _ONLY_SPELT_SO.sub("", said)
        kind = next((kind for word, kind in _DECLARED if word in meant), None)
        if not said.strip() or (kind is None and meant != said):
            return replace(self._by_values(relation, name), native=written, nullable=not (not_null or key))
        is_open = False
        if kind is None:
            precision, scale = (sizes.group(1), sizes.group(2)) if sizes else (None, None)
            kind, is_open = numeric(int(precision) if precision else None, int(scale or 0))
        if kind == TIMESTAMP and self._zoned(relation, name):
            kind = TIMESTAMPTZ
        return SqlColumn(name, kind, written, nullable=not (not_null or key), open_scale=is_open)

    def _by_values(self, relation: Relation, name: str) -> SqlColumn:
        """Where nothing is declared, what the values are stored as, all of them."""
        import sqlalchemy as sa

        stored = sa.func.group_concat(sa.func.typeof(named(self._dialect, name)).distinct())
        kinds = select(self._dialect, relation, [stored])
        row = self._connection.execute(kinds.text, kinds.values).fetchone()
        found = set((row[0] or "").split(",")) - {"null", ""}
        one = {"integer": INT64, "real": FLOAT64, "blob": BYTES}.get(next(iter(found), "")) if len(found) == 1 else None
        return SqlColumn(name, FLOAT64 if found == {"integer", "real"} else one or TEXT, "")

    def _zoned(self, relation: Relation, name: str) -> bool:

        own = named(self._dialect, name)
        statement = select(self._dialect, relation, [own], [], _LOOKED_AT)
        texts = [
            str(row[0]) for row in self._connection.execute(statement.text, statement.values) if row[0] is not None
        ]
        return bool(texts) and all(re.search(r"(Z|[+-]\d\d:?\d\d)$", text) for text in texts)
