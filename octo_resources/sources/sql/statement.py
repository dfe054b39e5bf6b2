"""The SELECT that is sent: built by SQLAlchemy, which quotes the names; every value in it is a parameter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from octo_resources.sources.sql.shape import Relation, SqlColumn

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine.interfaces import Dialect

NAME = "octo_query"


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of what is read: `column op value`."""

    column: SqlColumn
    op: str
    value: Any
    or_null: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    text: str
    parameters: dict[str, Any]
    """By name; `positions` has their order for drivers that number them."""
    positions: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(self.parameters[name] for name in self.positions)


def select(
    dialect: "Dialect",
    relation: Relation,
    wanted: "Sequence[sa.ColumnElement[Any]]",
    bounds: Sequence[Bound] = (),
    limit: int | None = None,
    placed: "Callable[[int, Bound], sa.ColumnElement[Any]] | None" = None,
) -> Statement:
    """The statement for these expressions of a relation within these bounds. `placed`: what stands for a bound's value
    where the driver has other parameters than the statement's own."""
    import sqlalchemy as sa

    schema = quoted(dialect, relation.schema) if relation.schema else None
    source = sa.table(NAME) if relation.table is None else sa.table(quoted(dialect, relation.table), schema=schema)
    statement = sa.select(*wanted).select_from(source)
    for place, bound in enumerate(bounds):
        column = named(dialect, bound.column.name)
        value = placed(place, bound) if placed else sa.bindparam(f"octo_{place}", bound.value)
        own = column.op(bound.op, is_comparison=True)(value)
        statement = statement.where(sa.or_(own, column.is_(None)) if bound.or_null else own)
    if limit is not None:
        statement = statement.limit(sa.literal_column(str(int(limit))))
    compiled = statement.compile(dialect=dialect)
    text = str(compiled)
    if relation.query is not None:
        query = relation.query.replace("%", "%%") if _doubles(dialect) else relation.query
        text = f"WITH {NAME} AS (\n{query}\n)\n{text}"
    order = getattr(compiled, "positiontup", None)
    return Statement(text, dict(compiled.params), tuple(order or ()))


def as_native(place: int, bound: Bound) -> "sa.ColumnElement[Any]":
    """A bound's value as a parameter that is cast to the column's own type, for databases that compare no text."""
    import sqlalchemy as sa

    class Native(sa.types.UserDefinedType[Any]):
        cache_ok = True

        def get_col_spec(self, **_: Any) -> str:
            return bound.column.native

    return sa.cast(sa.bindparam(f"octo_{place}", str(bound.value), sa.String), Native())


def quoted(dialect: "Dialect", name: str) -> str:
    """A name that is always quoted: what a database's reserved words are, nobody else knows for certain. Oracle's own
    names are in upper case where they are not quoted, which SQLAlchemy allows for."""
    from sqlalchemy.sql import quoted_name

    return quoted_name(name, None if dialect.name == "oracle" else True)


def named(dialect: "Dialect", name: str) -> "sa.ColumnClause[Any]":
    import sqlalchemy as sa

    return sa.column(quoted(dialect, name))


def as_asked(dialect: "Dialect", column: SqlColumn) -> "sa.ColumnElement[Any]":
    """A column by itself, or the expression that gives its exact value, under its name."""
    own = named(dialect, column.name)
    return own if column.expression is None else exactly(dialect, column.expression, own).label(own.name)


def exactly(dialect: "Dialect", expression: str, own: "sa.ColumnElement[Any]") -> "sa.ColumnElement[Any]":
    """SQL with `{}` where a column, or what is made of one, stands."""
    import sqlalchemy as sa

    text = str(own.compile(dialect=dialect))
    single = text.replace("%%", "%") if _doubles(dialect) else text  # a literal's own are doubled once more
    return sa.literal_column(expression.format(single))


def _doubles(dialect: "Dialect") -> bool:
    """Whether a percent sign that is no parameter's is written twice."""
    return dialect.paramstyle in ("format", "pyformat")
