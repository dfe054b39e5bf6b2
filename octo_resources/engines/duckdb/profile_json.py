"""The profiles of JSON values by DuckDB: keys found over all rows, scalars by token, records and lists by recursion."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from octo_core.inference.profile import MAX_DEPTH, MAX_KEYS, FieldProfile, absent, merge
from octo_core.schema import Carrier
from octo_resources.engines.duckdb.profile_read import literal, quoted
from octo_resources.engines.duckdb.profile_tokens import Column, basics, profile_column

if TYPE_CHECKING:
    import duckdb

_KINDS: Final[tuple[tuple[Carrier, str], ...]] = (
    ("text", "c = '\"'"),
    ("object", "c = '{'"),
    ("array", "c = '['"),
    ("boolean", "c IN ('t', 'f')"),
    ("number", "c NOT IN ('\"', '{', '[', 't', 'f', 'n')"),
)
_fresh = count()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of objects, in the order in which they were met, with the number of objects that have each."""

    rows: dict[str, int]
    objects: int
    others: int
    """Values that are no object."""
    malformed: int


def keys_of(con: "duckdb.DuckDBPyConnection", relation: str, column: str = "json") -> Keys:
    """The keys of the objects in a JSON column, over all its rows: one grouping of the rows' key lists."""
    found = con.execute(
        f"SELECT any_value(json_keys({column})), count(*), any_value(left({column}::VARCHAR, 1)), min(n) FROM"  # noqa: S608
        f" (SELECT {column}, row_number() OVER () n FROM {relation})"
        f" GROUP BY hash(json_keys({column})), left(trim({column}::VARCHAR), 1) ORDER BY min(n)"
    ).fetchall()
    rows: dict[str, int] = {}
    objects = others = malformed = 0
    for names, number, first, _ in found:
        if names is None:
            malformed += number
        elif first is not None and first.strip()[:1] in ("", "{"):
            objects += number
            for name in dict.fromkeys(names):
                rows[name] = rows.get(name, 0) + number
        else:
            others += number
    return Keys(rows, objects, others, malformed)


def profile_columns(
    con: "duckdb.DuckDBPyConnection", table: str, names: Sequence[str], depth: int = 0
) -> dict[str, FieldProfile]:
    """The profiles of JSON columns of a table; SQL NULL counts as null (a missing key is told apart by the caller)."""
    kinds = _carriers(con, table, names)
    found = {name: FieldProfile() for name in names}
    plain: list[tuple[str, Column]] = []
    for name in names:
        carriers, nulls = kinds[name]
        found[name] = absent(nulls=nulls)
        text = f"{quoted(name)}::VARCHAR"
        for carrier in carriers:
            if carrier == "object":
                found[name] = merge(found[name], _objects(con, table, name, carriers[carrier], depth))
            elif carrier == "array":
                found[name] = merge(found[name], _arrays(con, table, name, carriers[carrier], depth))
            else:
                token = f"({quoted(name)} ->> '$')" if carrier == "text" else text
                if len(carriers) > 1:
                    condition = dict(_KINDS)[carrier].replace("c ", f"left({text}, 1) ", 1)
                    token = f"(CASE WHEN {condition} THEN {token} END)"
                plain.append((name, Column(table, token, carrier)))
    for name, profile in _scalars(con, table, plain):
        found[name] = merge(found[name], profile)
    return found


def _carriers(
    con: "duckdb.DuckDBPyConnection", table: str, names: Sequence[str]
) -> dict[str, tuple[dict[Carrier, int], int]]:
    """Per column: how its values come, with counts, and its nulls."""
    parts = []
    for name in names:
        first = f"left({quoted(name)}::VARCHAR, 1)"
        parts += [f"count(*) FILTER ({condition.replace('c ', first + ' ', 1)})" for _, condition in _KINDS]
    row = con.execute(f"SELECT count(*), {', '.join(parts)} FROM {table}").fetchone()
    assert row is not None
    found = {}
    for place, name in enumerate(names):
        counts = row[1 + place * len(_KINDS) : 1 + (place + 1) * len(_KINDS)]
        carriers = {kind: number for (kind, _), number in zip(_KINDS, counts, strict=True) if number}
        found[name] = (carriers, row[0] - sum(counts))
    return found


def _scalars(
    con: "duckdb.DuckDBPyConnection", table: str, columns: list[tuple[str, Column]]
) -> list[tuple[str, FieldProfile]]:
    """Tokens are unescaped once, into a table of their own, and then read by as many passes as are needed."""
    if not columns:
        return []
    tokens = f"_profile_{next(_fresh)}"
    selected = ", ".join(f"{column.sql} AS c{place}" for place, (_, column) in enumerate(columns))
    con.execute(f"CREATE TEMP TABLE {tokens} AS SELECT {selected} FROM {table}")
    try:
        seen = basics(con, tokens, [f"c{place}" for place in range(len(columns))])
        return [
            (name, profile_column(con, replace(column, table=tokens, sql=f"c{place}"), seen[place]))
            for place, (name, column) in enumerate(columns)
        ]
    finally:
        con.execute(f"DROP TABLE {tokens}")


def _objects(con: "duckdb.DuckDBPyConnection", table: str, name: str, number: int, depth: int) -> FieldProfile:
    whole = FieldProfile(rows=number, carriers={"object": number})
    if depth >= MAX_DEPTH:
        return replace(whole, children=None)
    only = f"(SELECT {quoted(name)} AS json FROM {table} WHERE left({quoted(name)}::VARCHAR, 1) = '{{')"
    keys = keys_of(con, only)
    if len(keys.rows) > MAX_KEYS:
        return replace(whole, children=None)
    inner = f"_profile_{next(_fresh)}"
    paths = ", ".join(f"json_extract(json, {literal(_path(key))}) AS {quoted(f'k{i}')}" for i, key in enumerate(keys.rows))
    if not paths:
        return whole
    con.execute(f"CREATE TEMP TABLE {inner} AS SELECT {paths} FROM {only}")
    try:
        found = profile_columns(con, inner, [f"k{i}" for i in range(len(keys.rows))], depth + 1)
    finally:
        con.execute(f"DROP TABLE {inner}")
    children = {key: with_missing(found[f"k{i}"], number - keys.rows[key]) for i, key in enumerate(keys.rows)}
    return replace(whole, children=children)


def _arrays(con: "duckdb.DuckDBPyConnection", table: str, name: str, number: int, depth: int) -> FieldProfile:
    column = quoted(name)
    only = f"{table} WHERE left({column}::VARCHAR, 1) = '['"
    sizes = con.execute(f"SELECT min(json_array_length({column})), max(json_array_length({column})) FROM {only}").fetchone()
    assert sizes is not None
    whole = FieldProfile(rows=number, carriers={"array": number}, shortest=sizes[0], longest=sizes[1])
    if depth >= MAX_DEPTH or not sizes[1]:
        return whole if depth >= MAX_DEPTH else replace(whole, element=FieldProfile())
    inner = f"_profile_{next(_fresh)}"
    con.execute(f"CREATE TEMP TABLE {inner} AS SELECT unnest(json_extract({column}, '$[*]')) AS e FROM {only}")
    try:
        return replace(whole, element=profile_columns(con, inner, ["e"], depth + 1)["e"])
    finally:
        con.execute(f"DROP TABLE {inner}")


def _path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_missing(profile: FieldProfile, missing: int) -> FieldProfile:
    """The same with `missing` of its nulls being keys that are not there."""
    missing = min(missing, profile.nulls)
    return replace(profile, nulls=profile.nulls - missing, missing=profile.missing + missing)
