"""Any other database that SQLAlchemy speaks, such as SQL Server and Oracle: not tested by this project."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

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
)
from octo_resources.sources.sql.by_rows import batches
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn, numeric
from octo_resources.sources.sql.statement import Bound, as_asked, named, select

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL


class GenericReader:
    """One connection in the strictest isolation that gives one view of all rows, where the database has it."""

    shares_snapshot = False

    def __init__(self, url: "URL") -> None:
        import sqlalchemy as sa

        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        level = {"mssql": "SNAPSHOT", "oracle": "SERIALIZABLE"}.get(url.get_backend_name())
        self._connection = self._engine.connect()
        if level:
            self._connection = self._connection.execution_options(isolation_level=level)

    def close(self) -> None:
        self._connection.rollback()
        self._connection.close()
        self._engine.dispose()

    def tables(self) -> list[str]:
        import sqlalchemy as sa

        inspector = sa.inspect(self._connection)
        return sorted([*inspector.get_table_names(), *inspector.get_view_names()])

    def describe(self, relation: Relation) -> Described:
        import sqlalchemy as sa

        if relation.query is not None:
            statement = select(self._engine.dialect, relation, [sa.literal_column("*")])
            with self._connection.exec_driver_sql(statement.text) as found:
                described = found.cursor.description if found.cursor is not None else ()
            return Described(tuple(_described(one[0], one[1], one[4], one[5]) for one in described))
        inspector = sa.inspect(self._connection)
        columns = inspector.get_columns(str(relation.table), schema=relation.schema)
        key = inspector.get_pk_constraint(str(relation.table), schema=relation.schema)
        return Described(
            tuple(_reflected(one["name"], one["type"], one["nullable"], one.get("comment")) for one in columns),
            tuple(key.get("constrained_columns") or ()),
        )

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        import sqlalchemy as sa

        own = named(self._engine.dialect, column.name)
        statement = select(self._engine.dialect, relation, [sa.func.min(own), sa.func.max(own)], bounds)
        row = self._run(statement.text, statement.positions, statement.parameters).fetchone()
        return (None, None) if row is None else tuple(None if one is None else str(one) for one in row)  # type: ignore[return-value]  # of two

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        wanted = [as_asked(self._engine.dialect, column) for column in columns]
        statement = select(self._engine.dialect, relation, wanted, bounds)
        with self._run(statement.text, statement.positions, statement.parameters) as found:
            yield from batches(found.fetchmany, columns, limit)

    def _run(self, text: str, positions: tuple[str, ...], parameters: dict[str, Any]) -> Any:
        values: Any = tuple(parameters[name] for name in positions) if positions else parameters
        options = {"stream_results": True, "max_row_buffer": 20_000}
        return self._connection.execution_options(**options).exec_driver_sql(text, values or None)


def _reflected(name: str, kind: Any, nullable: bool, comment: str | None) -> SqlColumn:
    typed, is_open = _type(kind)
    return SqlColumn(name, typed, str(kind), nullable=nullable, comment=comment, open_scale=is_open)


def _type(kind: Any) -> tuple[DataType, bool]:
    from sqlalchemy import types

    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return numeric(kind.precision, kind.scale)
    if isinstance(kind, types.DateTime):
        return (TIMESTAMPTZ if kind.timezone else TIMESTAMP), False
    known: tuple[tuple[type[Any], DataType], ...] = (
        (types.Boolean, BOOLEAN), (types.SmallInteger, INT16), (types.BigInteger, INT64), (types.Integer, INT32),
        (types.Double, FLOAT64), (types.REAL, FLOAT32), (types.Float, FLOAT64), (types.Date, DATE), (types.Time, TIME),
        (types.Interval, INTERVAL), (types.Uuid, UUID), (types.JSON, JSON), (types.LargeBinary, BYTES),
        (types._Binary, BYTES),
    )  # fmt: skip
    return next((own for cls, own in known if isinstance(kind, cls)), TEXT), False


def _described(name: str, code: Any, precision: Any, scale: Any) -> SqlColumn:
    """A query's column by what the driver calls it; text where it does not say."""
    said = str(getattr(code, "__name__", code)).lower()
    if "decimal" in said or "number" in said:
        kind, is_open = numeric(precision, scale)
        return SqlColumn(name, kind, said, open_scale=is_open)
    known = {
        "int": INT64,
        "float": FLOAT64,
        "datetime": TIMESTAMP,
        "timestamp": TIMESTAMP,
        "date": DATE,
        "bytes": BYTES,
    }
    return SqlColumn(name, next((own for word, own in known.items() if word in said), TEXT), said)
