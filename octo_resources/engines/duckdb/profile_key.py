"""Which fields identify a row: candidates by their profiles, pairs and triples on part of the rows, then exactly."""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

from collections.abc import Mapping
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Final

from octo_core.inference.decide import decide
from octo_core.inference.names import says_identity
from octo_core.inference.profile import FieldProfile
from octo_core.schema import Field

if TYPE_CHECKING:
    import duckdb

_WIDTH: Final = 8
"""Fields of which pairs and triples are tried: at most 28 pairs and 56 triples, tried in one pass each."""
_FIRST_ROWS: Final = 20_000
_TRIED: Final = 20
"""Combinations of each size that are counted. By 64-bit hashes: a false doublet costs a suggestion, no more."""
_IDENTIFYING: Final = frozenset({"integer", "text", "uuid", "date", "timestamp", "timestamptz", "time"})


def suggest_key(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    columns: Mapping[str, str],
    profiles: Mapping[str, FieldProfile],
    rows: int,
) -> tuple[str, ...]:
    """The fields that tell all rows apart: one, or two or three together; () where none do. Needs at least two rows.

    `columns`: the SQL of each field in `table`. Fields with nulls, measures and long texts are left out. Of several
    single ones a name like `id` goes first, then the first in the record.
    """
    if rows < 2:
        return ()
    maybe = [name for name, profile in profiles.items() if _maybe(profile, rows)]
    fields: dict[str, Field] = {}  # most are decided only where no field does alone: that takes a millisecond each

    def able(name: str) -> bool:
        if name not in fields:
            fields[name] = decide(profiles[name], name)
        field = fields[name]
        return not field.nulls and field.type.family in _IDENTIFYING

    single = [name for name in maybe if profiles[name].distinct_exact and profiles[name].distinct == rows]
    best = next((name for name in sorted(single, key=lambda name: not says_identity(name)) if able(name)), None)
    if best is not None:
        return (best,)
    usable = [name for name in maybe if able(name)]
    worth = {name: _worth(name, profiles[name], fields[name]) for name in usable}
    distinct = {name: profiles[name].distinct for name in usable}
    ranked = sorted(usable, key=lambda name: (-worth[name], usable.index(name)))[:_WIDTH]
    names = [name for name in usable if name in ranked]
    for size in (2, 3):
        groups = [group for group in combinations(names, size) if prod(distinct[name] for name in group) >= rows]
        groups.sort(key=lambda group: -sum(worth[name] for name in group))
        key = _combined(con, table, columns, groups, rows)
        if key:
            return key
    return ()


def _maybe(profile: FieldProfile, rows: int) -> bool:
    """Whether a field could identify rows, as far as that shows without its type."""
    return profile.values == rows and profile.distinct >= 2 and (profile.longest or 0) <= 64


def _worth(name: str, profile: FieldProfile, field: Field) -> float:
    """How much a field helps to tell rows apart, less for what looks measured."""
    bonus = 3.0 if says_identity(name) else 1.0 if field.role in ("categorical", "datetime") else 0.0
    return bonus + float(min(profile.distinct, 10_000_000) ** 0.1)


def _combined(
    con: "duckdb.DuckDBPyConnection", table: str, columns: Mapping[str, str], groups: list[tuple[str, ...]], rows: int
) -> tuple[str, ...]:
    """The first of `groups` that is unique: in the first rows, then within a sixteenth of all, at last in all."""
    if not groups:
        return ()
    hashes = {group: f"hash({', '.join(columns[name] for name in group)})" for group in groups}
    used = dict.fromkeys(columns[name] for group in groups for name in group)
    first = f"(SELECT {', '.join(used)} FROM {table} LIMIT {_FIRST_ROWS})"
    counts = con.execute(
        f"SELECT {', '.join(f'count(DISTINCT {hashes[group]})' for group in groups)} FROM {first}"
    ).fetchone()
    assert counts is not None
    likely = [group for group, number in zip(groups, counts, strict=True) if number == min(rows, _FIRST_ROWS)][:_TRIED]
    for group in likely:
        # Rows alike in all fields of the group are alike in its first: a part chosen by that has them together.
        part = f"hash({columns[group[0]]}) % 16 = 0"
        for where in (f"WHERE {part}", ""):
            query = f"SELECT count(*) = count(DISTINCT {hashes[group]}) FROM {table} {where}"
            answer = con.execute(query).fetchone()
            if not (answer and answer[0]):
                break
        else:
            return group
    return ()
