"""Runs one expression on DuckDB over one row of tokens, as an engine would."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from octo_core.expressions import Node, paths, select_duckdb, to_duckdb
from octo_core.expressions.duckdb_convert import CONVERTING
from octo_core.schema import Field, SourceSchema
from octo_core.types import parse_type


@dataclass(frozen=True)
class Outcome:
    """The value's one text (None for NULL), or the reason why there is none."""

    text: str | None
    reason: str | None


def field(name: str, kind: str, *, fmt: str | None = None, carrier: str = "text", **more: object) -> Field:
    return Field.model_validate(
        {"name": name, "type": parse_type(kind), "format": fmt, "carrier": carrier, **more}  # shapes as in schema.py
    )


def schema(*fields: Field) -> SourceSchema:
    return SourceSchema(source="rows", fields=fields)


def evaluate(connection: duckdb.DuckDBPyConnection, node: Node, tokens: Mapping[str, str | None]) -> Outcome:
    """Evaluates over one row whose columns hold these tokens."""
    names = list(paths(node))
    columns = ", ".join('?::VARCHAR AS "' + name.replace('"', '""') + '"' for name in names) or "1 AS nothing"
    sql = select_duckdb({"value": to_duckdb(node)}, f"(SELECT {columns})")
    shown = CONVERTING.text_of_value('"value"', node.type)
    failed = '"value!"' if '"value!"' in sql else "NULL"
    query = f'SELECT CASE WHEN "value" IS NOT NULL THEN {shown} END, {failed} FROM ({sql})'
    row = connection.execute(query, [tokens[name] for name in names]).fetchone()
    assert row is not None
    return Outcome(row[0], row[1])
