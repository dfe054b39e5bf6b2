"""The profiles of columns that come typed (Parquet): the file's own types, statistics by DuckDB."""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from octo_core.inference.profile import FieldProfile, absent, merge
from octo_core.types import (
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT32,
    FLOAT64,
    INT8,
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
    decimal,
    list_of,
    record,
)  # fmt: skip
from octo_resources.engines.duckdb.profile_read import quoted
from octo_resources.engines.duckdb.profile_tokens import Column, basics, profile_column

if TYPE_CHECKING:
    import duckdb
    from duckdb.sqltypes import DuckDBPyType

_SIMPLE: Final[dict[str, DataType]] = {
    "boolean": BOOLEAN, "tinyint": INT8, "smallint": INT16, "integer": INT32, "bigint": INT64, "utinyint": INT16,
    "usmallint": INT32, "uinteger": INT64, "float": FLOAT32, "double": FLOAT64, "varchar": TEXT, "blob": BYTES,
    "date": DATE, "time": TIME, "timestamp": TIMESTAMP, "timestamp_s": TIMESTAMP, "timestamp_ms": TIMESTAMP,
    "timestamp_us": TIMESTAMP, "timestamp_ns": TIMESTAMP, "timestamp with time zone": TIMESTAMPTZ,
    "timestamptz": TIMESTAMPTZ, "timestamptz_ns": TIMESTAMPTZ, "time_ns": TIME, "interval": INTERVAL, "uuid": UUID,
    "enum": TEXT, "json": JSON,
}  # fmt: skip


def data_type(kind: "DuckDBPyType") -> DataType:
    """Our type for DuckDB's. Unsigned integers get the next wider type; what we have no type for becomes json."""
    name = kind.id
    if name == "decimal":
        sizes: dict[str, Any] = dict(kind.children)
        return decimal(int(sizes["precision"]), int(sizes["scale"]))
    if name in ("ubigint", "hugeint", "uhugeint"):
        return decimal(38, 0)
    if name in ("list", "array"):
        return list_of(data_type(kind.children[0][1]))  # type: ignore[arg-type]  # a type, in truth
    if name == "struct":
        return record({field: data_type(inner) for field, inner in kind.children})  # type: ignore[arg-type]  # as above
    if name.startswith("timestamp with"):
        return TIMESTAMPTZ
    return _SIMPLE.get(re.sub(r"\(.*", "", name), JSON)


def profile_typed(con: "duckdb.DuckDBPyConnection", relation: str, names: Sequence[str]) -> dict[str, FieldProfile]:
    """The profiles of the columns of a typed relation."""
    described = con.sql(f"SELECT * FROM {relation} LIMIT 0")
    kinds = {name: data_type(kind) for name, kind in zip(described.columns, described.types, strict=True)}
    types = {name: kind.id for name, kind in zip(described.columns, described.types, strict=True)}
    total = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    assert total is not None
    columns = [Column(relation, _token(name, kinds[name]), "typed", kinds[name].family == "float") for name in names]
    seen = basics(con, relation, [column.sql for column in columns])
    found = {}
    for name, column, basic in zip(names, columns, seen, strict=True):
        profile = profile_column(con, column, basic)
        if basic.tokens:
            low, high = _extremes(con, relation, name, kinds[name])
            finer = _is_finer(con, relation, name, types[name])
            profile = replace(profile, native=kinds[name], claims={}, spelled_nulls={}, least=low, greatest=high)
            profile = replace(profile, finer=finer)
        else:
            profile = FieldProfile(native=kinds[name])
        found[name] = replace(merge(absent(nulls=total[0] - basic.tokens), profile), native=kinds[name])
    return found


def _token(name: str, kind: DataType) -> str:
    return f"hex({quoted(name)})" if kind == BYTES else f"CAST({quoted(name)} AS VARCHAR)"


def _extremes(
    con: "duckdb.DuckDBPyConnection", relation: str, name: str, kind: DataType
) -> tuple[str | None, str | None]:
    """Least and greatest as the type orders them, not as text does."""
    if kind.kind in ("list", "record", "json", "bytes"):
        return None, None
    column = quoted(name)
    row = con.execute(
        f"SELECT CAST(min({column}) AS VARCHAR), CAST(max({column}) AS VARCHAR) FROM {relation}"
    ).fetchone()
    return (row[0], row[1]) if row else (None, None)


def _is_finer(con: "duckdb.DuckDBPyConnection", relation: str, name: str, kind: str) -> bool:
    """Whether a column has fractions of a second that a microsecond does not hold."""
    if not kind.endswith("_ns"):
        return False
    text = f"CAST({quoted(name)} AS VARCHAR)"
    row = con.execute(
        f"SELECT coalesce(bool_or(regexp_matches({text}, '[.][0-9]{{6}}0*[1-9]')), false) FROM {relation}"
    )
    found = row.fetchone()
    return bool(found and found[0])
