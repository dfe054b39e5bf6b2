"""The profiles of JSON values by DuckDB: keys found over all rows, scalars by token, records and lists by recursion."""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from octo_core.inference.profile import MAX_DEPTH, MAX_KEYS, FieldProfile, absent, merge
from octo_core.schema import Carrier
from octo_resources.engines.duckdb.profile_read import literal
from octo_resources.engines.duckdb.profile_tokens import Column, basics, profile_column, profile_small

if TYPE_CHECKING:
    import duckdb

_KINDS: Final[dict[str, Carrier]] = {
    "VARCHAR": "text", "OBJECT": "object", "ARRAY": "array", "BOOLEAN": "boolean",
    "BIGINT": "number", "UBIGINT": "number", "DOUBLE": "number",
}  # fmt: skip
_fresh = count()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of objects with the number of objects that have each; `others` are no objects, malformed no JSON."""

    rows: dict[str, int]
    objects: int
    others: int = 0
    malformed: int = 0


def keys_of(con: "duckdb.DuckDBPyConnection", relation: str) -> Keys:
    """The keys of the objects in the column `json`, over all its rows: one grouping of the rows' lists of keys.

    Their order is that of the most frequent list; keys that it lacks follow.
    """
    found = con.execute(
        "SELECT any_value(json_keys(json)), count(*), first FROM"
        f" (SELECT json, left(ltrim(json::VARCHAR), 1) AS first FROM {relation})"
        " GROUP BY hash(json_keys(json)), first"
    ).fetchall()
    objects = [(names, number) for names, number, first in found if first == "{"]
    rows: dict[str, int] = {}
    for names, number in sorted(objects, key=lambda entry: (-entry[1], entry[0])):
        for name in dict.fromkeys(names):
            rows[name] = rows.get(name, 0) + number
    whole = sum(number for _, number in objects)
    malformed = sum(number for _, number, first in found if first is None)
    others = sum(number for _, number, first in found if first is not None and first != "{")
    return Keys(rows, whole, others, malformed)


def tokens_table(con: "duckdb.DuckDBPyConnection", relation: str, names: Sequence[str]) -> str:
    """A temporary table of the objects in the column `json`: for key n its token as text, `t{n}`, and JSON's name of
    its type, `k{n}`, NULL where the key is missing. The caller drops it.
    """
    table = f"_profile_{next(_fresh)}"
    paths = "[" + ", ".join(literal(_path(name)) for name in names) + "]"
    columns = ", ".join(f"t[{place + 1}] AS t{place}, k[{place + 1}] AS k{place}" for place in range(len(names)))
    con.execute(
        f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM"
        f" (SELECT json_extract_string(json, {paths}) AS t, json_type(json, {paths}) AS k FROM {relation}"
        " WHERE starts_with(ltrim(json::VARCHAR), '{'))"
    )
    return table


def profile_table(con: "duckdb.DuckDBPyConnection", table: str, number: int, depth: int = 0) -> list[FieldProfile]:
    """The profiles of the `number` columns of a table of tokens."""
    kinds = _carriers(con, table, number)
    found = [absent(missing=missing, nulls=nulls) for _, missing, nulls in kinds]
    plain: list[tuple[int, Column]] = []
    for place, (carriers, _, _) in enumerate(kinds):
        for carrier, rows in carriers.items():
            if carrier == "object":
                found[place] = merge(found[place], _objects(con, table, place, rows, depth))
            elif carrier == "array":
                found[place] = merge(found[place], _arrays(con, table, place, rows, depth))
            else:
                spelled = ", ".join(literal(name) for name, kind in _KINDS.items() if kind == carrier)
                mixed = len(carriers) > 1
                token = f"(CASE WHEN k{place} IN ({spelled}) THEN t{place} END)" if mixed else f"t{place}"
                plain.append((place, Column(table, token, carrier)))
    columns = [column for _, column in plain]
    profiles = profile_small(con, table, columns, total=_rows(kinds))
    if profiles is None:
        seen = basics(con, table, [column.sql for column in columns])
        profiles = [profile_column(con, column, basic) for column, basic in zip(columns, seen, strict=True)]
    for (place, _), profile in zip(plain, profiles, strict=True):
        found[place] = merge(found[place], profile)
    return found


def _rows(kinds: list[tuple[dict[Carrier, int], int, int]]) -> int:
    """The rows of the table whose columns are of these kinds."""
    return max((sum(carriers.values()) + missing + nulls for carriers, missing, nulls in kinds), default=0)


def _carriers(con: "duckdb.DuckDBPyConnection", table: str, number: int) -> list[tuple[dict[Carrier, int], int, int]]:
    """Per column: how its values come, with counts; missing keys; nulls."""
    found = []
    for place in range(number):
        carriers: dict[Carrier, int] = {}
        missing = nulls = 0
        for kind, rows in con.execute(f"SELECT k{place}, count(*) FROM {table} GROUP BY ALL").fetchall():
            if kind is None:
                missing = rows
            elif kind == "NULL":
                nulls = rows
            else:
                carrier = _KINDS.get(kind, "number")
                carriers[carrier] = carriers.get(carrier, 0) + rows
        found.append((carriers, missing, nulls))
    return found


def _objects(con: "duckdb.DuckDBPyConnection", table: str, place: int, rows: int, depth: int) -> FieldProfile:
    whole = FieldProfile(rows=rows, carriers={"object": rows})
    only = f"(SELECT t{place}::JSON AS json FROM {table} WHERE k{place} = 'OBJECT')"
    keys = keys_of(con, only) if depth < MAX_DEPTH else None
    if keys is None or len(keys.rows) > MAX_KEYS:
        return replace(whole, children=None)
    if not keys.rows:
        return whole
    inner = tokens_table(con, only, list(keys.rows))
    try:
        found = profile_table(con, inner, len(keys.rows), depth + 1)
    finally:
        con.execute(f"DROP TABLE {inner}")
    return replace(whole, children=dict(zip(keys.rows, found, strict=True)))


def _arrays(con: "duckdb.DuckDBPyConnection", table: str, place: int, rows: int, depth: int) -> FieldProfile:
    only = f"(SELECT t{place}::JSON AS json FROM {table} WHERE k{place} = 'ARRAY')"
    sizes = con.execute(f"SELECT min(json_array_length(json)), max(json_array_length(json)) FROM {only}").fetchone()
    assert sizes is not None
    whole = FieldProfile(rows=rows, carriers={"array": rows}, shortest=sizes[0], longest=sizes[1])
    if depth >= MAX_DEPTH:
        return whole
    inner = f"_profile_{next(_fresh)}"
    con.execute(
        f"CREATE TEMP TABLE {inner} AS SELECT json_extract_string(e, '$') AS t0, json_type(e) AS k0 FROM"
        f" (SELECT unnest(json_extract(json, '$[*]')) AS e FROM {only})"
    )
    try:
        return replace(whole, element=profile_table(con, inner, 1, depth + 1)[0])
    finally:
        con.execute(f"DROP TABLE {inner}")


def _path(key: str) -> str:
    """The key as a JSON pointer: a JSON path takes neither an empty name nor the name `*`."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
