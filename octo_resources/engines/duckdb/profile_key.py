"""Which fields identify a row: candidates by their profiles, estimates for pairs and triples, an exact count last."""

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final

from octo_core.inference.names import says_identity
from octo_core.inference.profile import FieldProfile
from octo_core.schema import Field
from octo_resources.engines.duckdb.profile_read import quoted

if TYPE_CHECKING:
    import duckdb

_WIDTH: Final = 8
"""Fields of which pairs and triples are tried: at most 28 pairs and 56 triples, estimated in one pass each."""
_EXACT: Final = 5
"""Combinations that are counted exactly."""
_IDENTIFYING: Final = frozenset({"integer", "text", "uuid", "date", "timestamp", "timestamptz", "time"})


def suggest_key(
    con: "duckdb.DuckDBPyConnection", table: str, fields: Mapping[str, tuple[FieldProfile, Field]], rows: int
) -> tuple[str, ...]:
    """The fields that tell all rows apart: one, or two or three together; () where none do. Needs at least two rows.

    Fields with nulls, measures and long texts are left out. Of several single ones a name like `id` goes first, then
    the first in the record.
    """
    if rows < 2:
        return ()
    able = [name for name, (profile, field) in fields.items() if _able(profile, field, rows)]
    single = [name for name in able if fields[name][0].distinct_exact and fields[name][0].distinct == rows]
    if single:
        return (min(single, key=lambda name: (not says_identity(name), able.index(name))),)
    ranked = sorted(able, key=lambda name: (-_worth(name, *fields[name]), able.index(name)))[:_WIDTH]
    for size in (2, 3):
        key = _combined(con, table, [name for name in able if name in ranked], size, rows, fields)
        if key:
            return key
    return ()


def _able(profile: FieldProfile, field: Field, rows: int) -> bool:
    if profile.values != rows or field.nulls or profile.distinct < 2 or field.type.family not in _IDENTIFYING:
        return False
    return (profile.longest or 0) <= 64


def _worth(name: str, profile: FieldProfile, field: Field) -> float:
    """How much a field helps to tell rows apart, less for what looks measured."""
    bonus = 3.0 if says_identity(name) else 1.0 if field.role in ("categorical", "datetime") else 0.0
    return bonus + min(profile.distinct, 10_000_000) ** 0.1


def _combined(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    names: list[str],
    size: int,
    rows: int,
    fields: Mapping[str, tuple[FieldProfile, Field]],
) -> tuple[str, ...]:
    groups = [
        group for group in combinations(names, size) if _product([fields[name][0].distinct for name in group]) >= rows
    ]
    if not groups:
        return ()
    estimates = con.execute(
        f"SELECT {', '.join(f'approx_count_distinct({_hash(group)})' for group in groups)} FROM {table}"  # noqa: S608
    ).fetchone()
    assert estimates is not None
    # The estimate is a few per cent off; what is far from unique is not counted exactly.
    likely = [group for group, about in zip(groups, estimates, strict=True) if about >= 0.9 * rows]
    likely.sort(key=lambda group: -sum(_worth(name, *fields[name]) for name in group))
    for group in likely[:_EXACT]:
        exact = con.execute(f"SELECT count(DISTINCT {_hash(group)}) FROM {table}").fetchone()  # noqa: S608
        if exact and exact[0] == rows:
            return group
    return ()


def _hash(group: tuple[str, ...]) -> str:
    """64 bits: of a million rows two fall together by chance once in 37 million tables, and then no key is found."""
    return f"hash({', '.join(quoted(name) for name in group)})"


def _product(numbers: list[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product
