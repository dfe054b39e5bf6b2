"""A pull: the tables that a pipeline writes, as the catalog has them now, with what helps to map them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from octo_core.catalog import Catalog, Label, Table
from octo_core.errors import DestinationError, UsageError
from octo_resources.destinations.names import canonical, nearest, parse_name
from octo_resources.destinations.postgres import catalog_sql
from octo_resources.destinations.postgres.introspect import read_tables, with_labels
from octo_resources.destinations.postgres.samples import sample_values

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Labels = Mapping[str, Mapping[str, Label]]


def pull_catalog(connection: "Connection", names: Sequence[str], labels: Labels) -> Catalog:
    """Everything about the tables `names`; see PostgresDestination.pull."""
    wanted = list(dict.fromkeys(map(canonical, names)))
    tables = read_tables(connection, wanted)
    said = _by_table(labels, wanted)
    tables = {name: with_labels(table, dict(said.get(name, {}))) for name, table in tables.items()}
    for table in tables.values():
        _writable(table)
    parents = _parents(connection, tables)
    return Catalog(
        dialect="postgres",
        version=_version(connection),
        tables=tables,
        parents=parents,
        samples=_samples(connection, tables, parents),
        signature=_signature(connection, wanted),
    )


def unlabelled(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """table → its writable columns that nobody labelled, in the table's order; tables without such are left out."""
    found = {
        name: tuple(column.name for column in table.columns if column.writable and column.label is None)
        for name, table in catalog.tables.items()
    }
    return {name: columns for name, columns in found.items() if columns}


def _by_table(labels: Labels, wanted: Sequence[str]) -> Labels:
    said = {canonical(name): own for name, own in labels.items()}
    for name in said:
        if name not in wanted:
            raise UsageError(f"{name} has labels but is no table of this pipeline", hint=nearest(name, wanted))
    return said


def _writable(table: Table) -> None:
    if table.kind in ("view", "foreign"):
        hint = "name the table that it shows"
        said = "view" if table.kind == "view" else "foreign table"
        raise DestinationError(f"it is a {said}; rows are written to tables only", where=table.name, hint=hint)


def _parents(connection: "Connection", tables: Mapping[str, Table]) -> dict[str, Table]:
    """The tables that foreign keys name and this pipeline does not write; those the role may not read are left out."""
    names = {key.ref_table for table in tables.values() for key in table.foreign_keys} - set(tables)
    found: dict[str, Table] = {}
    for name in sorted(names):
        schema, table = parse_name(name)
        row = connection.exec_driver_sql(catalog_sql.FIND, {"schema": schema, "table": table}).first()
        if row is not None and row.readable:
            found |= read_tables(connection, [name])
    return found


def _samples(
    connection: "Connection", tables: Mapping[str, Table], parents: Mapping[str, Table]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Values of the written tables, and of the parents' columns that foreign keys name."""
    found = {name: sample_values(connection, table) for name, table in tables.items()}
    for name, parent in parents.items():
        named = {
            column
            for table in tables.values()
            for key in table.foreign_keys
            if key.ref_table == name and not _pii(table, key.columns)
            for column in key.ref_columns
        }
        found[name] = sample_values(connection, parent, tuple(named)) if named else {}
    return {name: values for name, values in found.items() if values}


def _pii(table: Table, columns: Sequence[str]) -> bool:
    labels = [column.label for column in table.columns if column.name in columns]
    return any(label is not None and label.pii for label in labels)


def _version(connection: "Connection") -> str:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    return f"{number // 10000}.{number % 10000}"


def _signature(connection: "Connection", names: Sequence[str]) -> str:
    pairs = [parse_name(name) for name in names]
    parameters = {"schemas": [schema for schema, _ in pairs], "tables": [table for _, table in pairs]}
    return str(connection.exec_driver_sql(catalog_sql.SIGNATURE, parameters).scalar_one())
