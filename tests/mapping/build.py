"""Short ways to write the schemas and tables that a test is about."""

from octo_core.catalog import Catalog, Check, Column, ForeignKey, Label, Table
from octo_core.mapping.model import Mapping, TableMapping
from octo_core.mapping.proposal import propose
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.pipeline import PipelineSpec
from octo_core.types import parse_type


def field(
    name: str, kind: str, *values: str, every: bool = True, counts: tuple[int, ...] = (), **more: object
) -> Field:
    """A field whose distinct values were all seen (`every`), or of which these are examples."""
    numbers = [float(value) for value in values] if values and parse_type(kind).is_numeric else []
    stats = FieldStats(
        rows=1000,
        distinct=len(values) if every else 900,
        min=f"{min(numbers):.15g}" if numbers else None,
        max=f"{max(numbers):.15g}" if numbers else None,
        min_length=min(map(len, values), default=None),
        max_length=max(map(len, values), default=None),
        values=values if every and values else None,
        examples=values,
        counts=counts,
    )
    return Field(name=name, type=parse_type(kind), stats=stats, **more)  # type: ignore[arg-type]  # a test's shorthand


def schema(*fields: Field, name: str = "things", key: tuple[str, ...] = ()) -> SourceSchema:
    return SourceSchema(source=name, fields=fields, key=key, rows_examined=1000, complete=True)


def column(name: str, kind: str, label: str | None = None, unit: str | None = None, **more: object) -> Column:
    native = str(more.pop("native", kind))
    said = Label(label=label, unit=unit) if label is not None else None
    return Column(name=name, type=parse_type(kind), native=native, label=said, **more)  # type: ignore[arg-type]  # as above


def table(
    name: str,
    *columns: Column,
    key: tuple[str, ...] = (),
    checks: tuple[str, ...] = (),
    foreign_keys: tuple[ForeignKey, ...] = (),
) -> Table:
    return Table(
        name=f"public.{name}",
        schema_name="public",
        table_name=name,
        columns=columns,
        primary_key=key,
        checks=tuple(Check(name=f"check_{number}", sql=sql) for number, sql in enumerate(checks)),
        foreign_keys=foreign_keys,
    )


def catalog(*tables: Table, samples: dict[str, dict[str, tuple[str, ...]]] | None = None) -> Catalog:
    return Catalog(dialect="postgresql", version="18", tables={one.name: one for one in tables}, samples=samples or {})


def pipeline(source: str, *tables: str) -> PipelineSpec:
    return PipelineSpec.model_validate(
        {
            "name": "test",
            "sources": {source: {"kind": "file", "path": "x.csv"}},
            "destination": {"kind": "postgres", "url": "postgresql://localhost/x"},
            "tables": {name: {"from": source} for name in tables},
        }
    )


def proposed(source: SourceSchema, target: Table, samples: dict[str, tuple[str, ...]] | None = None) -> TableMapping:
    """The proposal of one table from one source."""
    there = catalog(target, samples={target.name: samples or {}})
    return whole(source, there).tables[target.name]


def whole(source: SourceSchema, there: Catalog) -> Mapping:
    return propose({source.source: source}, there, pipeline(source.source, *there.tables))


def expressions(mapping: TableMapping) -> dict[str, str | None]:
    return {one.target: one.expr for one in mapping.columns}
