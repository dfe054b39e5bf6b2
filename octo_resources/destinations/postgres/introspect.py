"""Reads the definitions of tables from PostgreSQL's catalog into octo_core.catalog's models."""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from octo_core.catalog import Check, Column, ForeignKey, Function, Label, Table, Trigger, Unique
from octo_core.errors import DestinationError
from octo_resources.destinations.names import canonical_name, nearest, parse_name
from octo_resources.destinations.postgres import catalog_sql
from octo_resources.destinations.postgres.types import data_type, max_length

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Inspector

_KINDS: Final[dict[str, Literal["table", "partitioned", "view", "foreign"]]] = {
    "r": "table", "p": "partitioned", "v": "view", "m": "view", "f": "foreign",
}  # fmt: skip
_MATCH: Final = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}
_VALUE: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\bVALUE\b")
Rows = dict[int, list[Any]]


def read_tables(connection: "Connection", names: Iterable[str]) -> dict[str, Table]:
    """Canonical name → Table, in the order asked; raises DestinationError for what is not there or not readable.

    `connection` is inside a transaction whose search_path is pg_catalog.
    """
    found = [_find(connection, *parse_name(name)) for name in names]
    oids = [row.oid for row in found]
    gathered = {
        name: _by_table(connection, query, oids)
        for name, query in {
            "columns": catalog_sql.COLUMNS,
            "domain_checks": catalog_sql.DOMAIN_CHECKS,
            "constraints": catalog_sql.CONSTRAINTS,
            "uniques": catalog_sql.UNIQUES,
            "triggers": catalog_sql.TRIGGERS,
            "functions": catalog_sql.FUNCTIONS,
            "policies": catalog_sql.POLICIES,
        }.items()
    }
    inspector = _inspector(connection)
    tables = [_table(inspector, row, {key: rows[row.oid] for key, rows in gathered.items()}) for row in found]
    return {table.name: table for table in tables}


def with_labels(table: Table, labels: dict[str, Label]) -> Table:
    """The table with the user's labels on its columns. A label of no column is refused where the file is known."""
    columns = tuple(column.model_copy(update={"label": labels.get(column.name)}) for column in table.columns)
    return table.model_copy(update={"columns": columns})


def _inspector(connection: "Connection") -> "Inspector":
    from sqlalchemy import inspect

    return inspect(connection)


def _by_table(connection: "Connection", query: str, oids: Sequence[int]) -> Rows:
    rows: Rows = defaultdict(list)
    for row in connection.exec_driver_sql(query, {"oids": list(oids)}):
        rows[row[0]].append(row)
    return rows


def _find(connection: "Connection", schema: str, table: str) -> Any:
    row = connection.exec_driver_sql(catalog_sql.FIND, {"schema": schema, "table": table}).first()
    name = canonical_name(schema, table)
    if row is None:
        raise _missing(connection, schema, name)
    if not row.readable:
        hint = "grant USAGE on its schema and SELECT on it; docs/destinations.md lists the rights that are needed"
        raise DestinationError("the role may not read this table", where=name, hint=hint)
    return row


def _missing(connection: "Connection", schema: str, name: str) -> DestinationError:
    known = [canonical_name(*row) for row in connection.exec_driver_sql(catalog_sql.KNOWN)]
    schemas = sorted({parse_name(own)[0] for own in known})
    if schema not in schemas and schema not in _inspector(connection).get_schema_names():
        hint = nearest(name, known) or f"the schemas with tables are {', '.join(schemas) or 'none'}"
        return DestinationError(f"there is no schema {schema!r}", where=name, hint=hint)
    own = [known_name for known_name in known if parse_name(known_name)[0] == schema]
    hint = nearest(name, known) or (f"{schema} has {', '.join(own[:8])}" if own else f"{schema} has no tables")
    return DestinationError("there is no such table", where=name, hint=hint)


def _table(inspector: "Inspector", row: Any, gathered: dict[str, list[Any]]) -> Table:
    schema, table = row.nspname, row.relname
    kind = _KINDS[row.relkind]
    key = inspector.get_pk_constraint(table, schema=schema) if kind != "view" else None
    constraints = gathered["constraints"]
    return Table(
        name=canonical_name(schema, table),
        schema_name=schema,
        table_name=table,
        columns=_columns(inspector, schema, table, gathered["columns"]),
        primary_key=tuple(key["constrained_columns"]) if key else (),
        primary_key_name=key["name"] if key else None,
        uniques=tuple(map(_unique, gathered["uniques"])),
        foreign_keys=tuple(_foreign_key(own) for own in constraints if own.contype == "f"),
        checks=(
            *(_check(own) for own in constraints if own.contype == "c"),
            *(_domain_check(own) for own in gathered["domain_checks"]),
        ),
        triggers=tuple(Trigger(name=own.name, sql=own.definition) for own in gathered["triggers"]),
        exclusions=tuple(own.definition for own in constraints if own.contype == "x"),
        functions=tuple(
            Function(name=own.name, body=own.body, used_by=own.used_by, column=own.attname)
            for own in gathered["functions"]
        ),
        policies=tuple(own.definition for own in gathered["policies"]),
        comment=inspector.get_table_comment(table, schema=schema).get("text"),
        kind=kind,
        rows=int(row.reltuples) if row.reltuples >= 0 and kind == "table" else None,
    )


def _columns(inspector: "Inspector", schema: str, table: str, natives: list[Any]) -> tuple[Column, ...]:
    with warnings.catch_warnings():  # SQLAlchemy warns of types it has no class for; ours come from the catalog
        warnings.simplefilter("ignore")
        reflected = {str(own["name"]): own for own in inspector.get_columns(table, schema=schema)}
    return tuple(_column(own, reflected[own.attname]) for own in natives)


def _column(own: Any, reflected: Any) -> Column:
    identity, computed = reflected.get("identity"), reflected.get("computed")
    kind: Literal["always", "by default"] = "always" if identity and identity["always"] else "by default"
    return Column(
        name=own.attname,
        type=data_type(own.base, own.element),
        native=own.native,
        nullable=bool(reflected["nullable"]) and not own.domain_not_null,
        default=None if computed else (reflected.get("default") or own.domain_default),
        generated=computed["sqltext"] if computed else None,
        identity=kind if identity else None,
        max_length=max_length(own.base),
        enum=tuple(own.labels) if own.labels else None,
        domain=own.domain,
        collation=own.collation,
        comment=reflected.get("comment"),
    )


def _foreign_key(own: Any) -> ForeignKey:
    return ForeignKey(
        name=own.conname,
        columns=tuple(own.columns),
        ref_table=canonical_name(own.ref_schema, own.ref_table),
        ref_columns=tuple(own.ref_columns),
        deferrable=own.condeferrable,
        match=_MATCH.get(own.confmatchtype, "SIMPLE"),
    )


def _condition(definition: str) -> str:
    """The condition of `CHECK ((a > 0)) NOT VALID`, without what stands round it."""
    body = definition.removeprefix("CHECK ").removesuffix(" NOT ENFORCED").removesuffix(" NOT VALID")
    return body.removesuffix(" NO INHERIT")[1:-1]


def _check(own: Any) -> Check:
    sql, columns = _condition(own.definition), tuple(own.columns or ())
    return Check(name=own.conname, sql=sql, columns=columns, validated=own.convalidated)


def _domain_check(own: Any) -> Check:
    """A domain's check as one of the column: VALUE is the column, outside of quotes."""
    name = '"' + own.attname.replace('"', '""') + '"'
    sql = _VALUE.sub(lambda found: name if found.group() == "VALUE" else found.group(), _condition(own.definition))
    return Check(name=own.conname, sql=sql, columns=(own.attname,), validated=own.convalidated)


def _unique(own: Any) -> Unique:
    return Unique(
        name=own.name,
        columns=tuple(own.columns or ()),
        nulls_distinct=not own.nulls_not_distinct,
        where=own.predicate,
        expression=", ".join(own.parts) if own.expr else None,
    )
