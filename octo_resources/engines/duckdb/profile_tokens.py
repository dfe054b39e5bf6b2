"""The profile of a column of text tokens by DuckDB: exact counts over all rows, Python grammars over few values.

A column with few distinct values is reduced to them. Of one with many, a hash sample of distinct values tells which
candidates are worth counting; DuckDB counts those over all rows, and what fits none of them goes through Python.
"""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from octo_core.expressions.formats import token_sql
from octo_core.inference import claims as c
from octo_core.inference.profile import MAX_MASKS, Candidate, Evidence, FieldProfile, add_claim, mask, token_profile
from octo_core.inference.sketch import SIZE, TEXT, Sketch
from octo_core.schema import Carrier
from octo_core.types import DATE, INTERVAL, TIME, TIMESTAMP, TIMESTAMPTZ, UUID
from octo_resources.engines.duckdb.profile_read import literal

if TYPE_CHECKING:
    import duckdb

FEW: Final = 6_000
"""Distinct values that go through Python's grammars one by one (about 15 µs each)."""
_WORTH: Final = 0.02
"""Share of sampled values from which on a candidate is counted over all rows; rarer ones are met among the rest."""
_REST: Final = 5_000

_SHAPES: Final = {
    c.INTEGER: r"[+-]?\d+",
    c.POINT3: r"[+-]?[1-9]\d{0,2}\.\d{3}",
    c.DECIMAL: r"[+-]?(?:\d*\.(?:\d{1,2}|\d{4,})|(?:0\d*|\d{4,})?\.\d{3})",
    c.FLOAT: r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}",
    c.COMMA3: r"[+-]?[1-9]\d{0,2},\d{3}",
    c.EN_GROUPED: r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:,\d{3}){2,})",
    c.PAIRED: r"[+-]?[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?",
    c.DE_GROUPED: r"[+-]?(?:[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d+)?|[1-9]\d{0,2}\.\d{3},\d+)",
    c.COMMA: r"[+-]?(?:\d*,(?:\d{1,2}|\d{4,})|(?:\d{4,}|0\d{0,2})?,\d{3})",
    c.SPACED: r"[+-]?[1-9]\d{0,2}(?:[ \x{a0}\x{202f}\x{2009}]\d{3})+(?:,\d+)?",
    c.QUOTED: r"[+-]?[1-9]\d{0,2}(?:['’]\d{3})+(?:\.\d+)?",
}
"""The shapes of claims.py as grammars that exclude one another, without capturing."""
_SPACE: Final = r"[ \x{a0}\x{202f}]"
_TEMPORAL: Final = {"date": DATE, "time": TIME, "timestamp": TIMESTAMP, "timestamptz": TIMESTAMPTZ}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of tokens: `table` (SQL of a relation), `sql` (an expression, cheap to repeat), how its values came."""

    table: str
    sql: str
    carrier: Carrier = "text"
    measured: bool = False
    """Whether the values are fractions, which identify no row."""

    @property
    def values(self) -> str:
        """The column alone, as `v`: beside the others that name could be a column's of the user."""
        return f"(SELECT {self.sql} AS v FROM {self.table})"


@dataclass(frozen=True, slots=True)
class Basics:
    """What one pass over all columns tells of one: tokens, about how many distinct, lengths, extremes."""

    tokens: int
    distinct: int
    shortest: int | None
    longest: int | None
    characters: int
    least: str | None
    greatest: str | None


AT_ONCE: Final = 250


def basics(con: "duckdb.DuckDBPyConnection", table: str, expressions: list[str]) -> list[Basics]:
    """Basics of several columns of one relation; in one pass up to AT_ONCE, as each one's state takes memory."""
    if len(expressions) > AT_ONCE:
        found = []
        for start in range(0, len(expressions), AT_ONCE):
            found += basics(con, table, expressions[start : start + AT_ONCE])
        return found
    if not expressions:
        return []
    parts = [
        f"count({sql}), approx_count_distinct({sql}), min(length({sql})), max(length({sql})),"
        f" coalesce(sum(length({sql})), 0), left(min({sql}), {TEXT}), left(max({sql}), {TEXT})"
        for sql in expressions
    ]
    row = con.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    assert row is not None
    return [_basics(row[at : at + 7]) for at in range(0, len(row), 7)]


def profile_small(
    con: "duckdb.DuckDBPyConnection", table: str, columns: list[Column], *, total: int
) -> list[FieldProfile] | None:
    """The profiles of columns of a relation of so few rows that all its values fit into Python; None where they do not.

    A few large statements instead of several a column: of a file of 5,000 columns that is most of the time.
    """
    if total > FEW:
        return None
    found: list[FieldProfile] = []
    for start in range(0, len(columns), AT_ONCE):
        some = columns[start : start + AT_ONCE]
        selected = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(some))
        rows = con.execute(f"SELECT {selected} FROM {table}").fetchall()
        for column, values in zip(some, zip(*rows, strict=True), strict=True) if rows else ():
            counts = Counter(values)
            counts.pop(None, None)
            profile = token_profile(counts, column.carrier)
            found.append(replace(profile, known_distinct=len(counts)) if counts else FieldProfile())
        if not rows:
            found += [FieldProfile()] * len(some)
    return found


def _basics(cells: tuple[Any, ...]) -> Basics:
    tokens, distinct, shortest, longest, characters, least, greatest = cells
    return Basics(tokens, distinct, shortest, longest, int(characters), least, greatest)


def profile_column(con: "duckdb.DuckDBPyConnection", column: Column, seen: Basics) -> FieldProfile:
    """The profile of the column's tokens (its nulls are not counted here)."""
    if not seen.tokens:
        return FieldProfile()
    if seen.distinct <= FEW:
        query = f"SELECT v, count(*) FROM {column.values} WHERE v IS NOT NULL GROUP BY v"
        counts = dict(con.execute(query).fetchall())
        return replace(token_profile(counts, column.carrier), known_distinct=len(counts))
    sketch = _sketch(con, column, seen.distinct)
    kept = dict(sketch.entries.values())
    sample = token_profile(kept)
    claims = _counted(con, column, sample) if column.carrier != "typed" else {}
    if (c.DECIMAL, None) in claims or (c.FLOAT, None) in claims:
        column = replace(column, measured=True)
    return FieldProfile(
        rows=seen.tokens,
        carriers={column.carrier: seen.tokens},
        tokens=seen.tokens,
        claims=claims,
        sketch=sketch,
        known_distinct=_exact_distinct(con, column, seen),
        spelled_nulls=_spelled(con, column) if column.carrier == "text" else {},
        masks=_masks(kept),
        shortest=seen.shortest,
        longest=seen.longest,
        characters=seen.characters,
        least=seen.least,
        greatest=seen.greatest,
    )


def _sketch(con: "duckdb.DuckDBPyConnection", column: Column, about: int) -> Sketch:
    """The distinct values with the smallest hashes: a threshold on the hash keeps all but a few out of the grouping."""
    threshold = min(2**64 - 1, int(2**64 * 1.5 * SIZE / about))
    query = (
        f"SELECT h, any_value(left(v, {TEXT})), count(*) FROM (SELECT v, hash(v) h FROM {column.values})"
        f" WHERE v IS NOT NULL AND h <= {{}} GROUP BY h ORDER BY h LIMIT {SIZE}"
    )
    rows = con.execute(query.format(threshold)).fetchall()
    if len(rows) < SIZE:  # the estimate was far off
        rows = con.execute(query.format(2**64 - 1)).fetchall()
    return Sketch({int(h): (text, count) for h, text, count in rows}, len(rows) == SIZE, "duckdb")


def _exact_distinct(con: "duckdb.DuckDBPyConnection", column: Column, seen: Basics) -> int | None:
    """Counted exactly only where the estimate (a few per cent off) says that the column may identify rows."""
    if seen.distinct < 0.85 * seen.tokens or column.measured:
        return None
    row = con.execute(f"SELECT count(DISTINCT {column.sql}) FROM {column.table}").fetchone()
    return int(row[0]) if row else None


def _spelled(con: "duckdb.DuckDBPyConnection", column: Column) -> dict[str, int]:
    words = ", ".join(literal(word) for word in sorted(c.NULL_WORDS))
    query = (
        f"SELECT v, count(*) FROM {column.values}"
        f" WHERE length(v) <= {c.LONGEST_NULL} AND lower(trim(v, ' ' || chr(9))) IN ({words})"
        f" GROUP BY v LIMIT {MAX_MASKS}"
    )
    return dict(con.execute(query).fetchall())


def _masks(kept: dict[str, int]) -> dict[str, int]:
    """Masks of the sampled values, with the rows that have those values."""
    counts: Counter[str] = Counter()
    for text, count in kept.items():
        counts[mask(text)] += count
    return dict(counts.most_common(MAX_MASKS))


def _counted(con: "duckdb.DuckDBPyConnection", column: Column, sample: FieldProfile) -> dict[Candidate, Evidence]:
    """Evidence for the candidates worth counting over all rows, and for all candidates among the values left."""
    main = [key for key, evidence in sample.claims.items() if evidence.count >= _WORTH * sample.tokens]
    queries = {key: query for key in main if (query := _query(key)) is not None}
    covering = [key for key in queries if key not in ((c.ZEROS, None), ("time", "hhmm"), ("date", "%Y%m%d"))]
    if not covering:
        return dict(sample.claims) if main else {}
    fits = " OR ".join(queries[key].fits for key in covering)
    selected = ", ".join(part for key in queries for part in queries[key].aggregates)
    row = con.execute(
        f"SELECT count(*) FILTER (NOT coalesce({fits}, false)), {selected} FROM {column.values} WHERE v IS NOT NULL"
    ).fetchone()
    assert row is not None
    found: dict[Candidate, Evidence] = {}
    for place, key in enumerate(queries):
        count, *rest = row[1 + 5 * place : 6 + 5 * place]
        if count:
            found[key] = _evidence(key, count, rest, sample.claims[key])
    if row[0]:
        _add_rest(con, column, fits, found)
    return found


@dataclass(frozen=True, slots=True)
class _Query:
    fits: str
    aggregates: tuple[str, ...]
    """Count, token of the least value, token of the greatest, digits before and after the mark."""


def _query(key: Candidate) -> _Query | None:
    kind, layout = key
    if kind in _SHAPES:
        return _number_query(kind, layout)
    if kind == c.ZEROS and layout is None:
        return _plain(r"regexp_full_match(v, '[+-]?0\d+')", "NULL", "max(length(v))")
    if key == ("time", "hhmm"):
        return _plain(
            r"regexp_full_match(v, '\d{1,4}') AND (v = '2400' OR (v::INT % 100 < 60 AND v::INT < 2400))", "v::INT"
        )
    typed = _TEMPORAL.get(kind) or {"uuid": UUID, "interval": INTERVAL}.get(kind)
    if typed is None:
        return None
    value = token_sql("v", typed, layout)
    return _plain(f"({value}) IS NOT NULL", value)


def _plain(fits: str, order: str, digits: str = "0") -> _Query:
    bounds = ("NULL", "NULL") if order == "NULL" else (f"arg_min(v, {order})", f"arg_max(v, {order})")
    return _Query(
        f"({fits})",
        (f"count(*) FILTER ({fits})", *(f"{b} FILTER ({fits})" if b != "NULL" else b for b in bounds), digits, "0"),
    )


def _adorned(shape: str, adornment: str | None) -> str:
    """The grammar of a shape with what claims.py says is around it: `$#`, `USD #`, `#%`, `(#)`."""
    if adornment is None:
        return shape
    if adornment == c.TRAILING:
        return f"(?:{shape.removeprefix('[+-]?')})-"
    bracketed = adornment[0] == "("
    before, _, after = (adornment[1:-1] if bracketed else adornment).partition("#")
    left = f"{re.escape(before.strip())}{_SPACE}{'' if before.endswith(' ') else '?'}" if before else ""
    right = f"{_SPACE}{'' if after.startswith(' ') else '?'}{re.escape(after.strip())}" if after else ""
    unsigned = shape.removeprefix("[+-]?")
    return rf"\({left}(?:{unsigned}){right}\)" if bracketed else rf"(?:[+-]{left}|{left}[+-]?)(?:{unsigned}){right}"


def _number_query(shape: str, adornment: str | None) -> _Query:
    fits = f"regexp_full_match(v, {literal(_adorned(_SHAPES[shape], adornment))})"
    mark = {c.COMMA: ",", c.COMMA3: ",", c.SPACED: ",", c.DE_GROUPED: ","}.get(shape, ".")
    bare = "v" if adornment is None else "regexp_replace(v, '[^-+0-9.,]', '', 'g')"
    if adornment == c.TRAILING:
        bare = "concat('-', left(v, length(v) - 1))"
    elif adornment and adornment[0] == "(":
        bare = f"concat('-', {bare})"
    value = f"TRY_CAST({bare} AS DOUBLE)"
    if shape in (c.COMMA, c.SPACED, c.DE_GROUPED):
        plain = rf"regexp_replace({bare}, '[. \x{{a0}}\x{{202f}}\x{{2009}}]', '', 'g')"
        value = f"TRY_CAST(replace({plain}, ',', '.') AS DOUBLE)"
    elif shape in (c.COMMA3, c.EN_GROUPED, c.QUOTED, c.PAIRED):
        value = f"TRY_CAST(regexp_replace({bare}, '[,''’]', '', 'g') AS DOUBLE)"
    at = f"strpos({bare}, '{mark}')"
    if shape == c.INTEGER:
        digits, scale = f"max(length(ltrim({bare}, '+-0')))", "0"
        value = f"TRY_CAST({bare} AS HUGEINT)"
    elif shape == c.FLOAT:
        digits, scale = "0", "0"
    else:
        digits = f"max(CASE WHEN {at} > 0 THEN {at} - 1 ELSE length({bare}) END)"
        scale = f"max(CASE WHEN {at} > 0 THEN length({bare}) - {at} ELSE 0 END)"
    parts = (
        f"count(*) FILTER ({fits})",
        f"arg_min(v, {value}) FILTER ({fits})",
        f"arg_max(v, {value}) FILTER ({fits})",
    )
    return _Query(
        f"({fits})",
        (
            *parts,
            f"{digits} FILTER ({fits})" if digits != "0" else "0",
            f"{scale} FILTER ({fits})" if scale != "0" else "0",
        ),
    )


def _evidence(key: Candidate, count: int, rest: list[Any], sampled: Evidence) -> Evidence:
    low, high, digits, scale = rest
    bounds = [sampled.low, sampled.high]
    for token in (low, high):
        order = next((claim.order for claim in c.claims(token or "") if (claim.kind, claim.format) == key), None)
        if order is not None:
            bounds.append((order, token[:64]))
    return Evidence(count, min(bounds), max(bounds), max(digits or 0, sampled.digits), max(scale or 0, sampled.scale))


def _add_rest(con: "duckdb.DuckDBPyConnection", column: Column, fits: str, found: dict[Candidate, Evidence]) -> None:
    """What fits none of the counted candidates, one distinct value at a time; of very many, the first ones only."""
    rows = con.execute(
        f"SELECT v, count(*) FROM {column.values}"
        f" WHERE v IS NOT NULL AND NOT coalesce({fits}, false) GROUP BY v LIMIT {_REST}"
    ).fetchall()
    for token, count in rows:
        for claim in c.claims(token):
            add_claim(found, claim, token, count)
