"""Profiles of all rows of landed batches, filled by DuckDB; and the typed schema that they suggest."""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from octo_core.batch import Batch
from octo_core.inference.profile import FieldProfile, absent, merge
from octo_core.inference.together import decide_together
from octo_core.schema import SourceSchema
from octo_core.spec.sources import SampleLimits, SourceBase
from octo_resources.engines.duckdb.inputs import Input, open_plain, read_chunk
from octo_resources.engines.duckdb.profile_exact import with_exact_numbers
from octo_resources.engines.duckdb.profile_json import keys_of, profile_table, tokens_table
from octo_resources.engines.duckdb.profile_key import suggest_key
from octo_resources.engines.duckdb.profile_read import (
    csv_source,
    inputs_of,
    json_objects,
    literal,
    quoted,
    rejected_rows,
)
from octo_resources.engines.duckdb.profile_tokens import Column, basics, profile_column, profile_small
from octo_resources.engines.duckdb.profile_typed import profile_typed

if TYPE_CHECKING:
    import duckdb

_DELIMITERS: Final = (",", ";", "\t", "|")
_BEGINNING: Final = 64 * 1024
"""Bytes of a file that tell how long its rows are."""
_TABLE: Final = "_profile_rows"


@dataclass(frozen=True, slots=True)
class ProfileCounts:
    """How much was looked at. `key`: fields that together identify every row examined, where there are such."""

    rows_examined: int
    rows_total: int | None
    complete: bool
    malformed: int
    key: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Group:
    """The profiles of files that are alike."""

    profiles: dict[str, FieldProfile]
    rows: int
    malformed: int
    cut: bool
    key: tuple[str, ...]


def profile_batches(
    con: "duckdb.DuckDBPyConnection", batches: Sequence[Batch], *, limits: SampleLimits | None = None
) -> tuple[dict[str, FieldProfile], ProfileCounts]:
    """The profile of each field over all rows of the batches, in the order in which the fields appear.

    `limits` stops at so many rows or bytes; the counts then say that they are not complete. Malformed lines and ragged
    rows are counted and passed over. Memory is `con`'s own limit: rows are held in a temporary table, which spills.
    """
    parts = inputs_of(batches)
    groups: list[_Group] = []
    left = limits.rows if limits else None
    size = limits.bytes if limits else None
    skipped = False
    with TemporaryDirectory(prefix="octopipe-profile-") as folder:
        for same in _alike(parts):
            if left is not None and left <= 0:
                skipped = True
                break
            taken, cap = _within(same, left, size)
            group = _profile_group(con, taken, cap, Path(folder))
            groups.append(group)
            skipped = skipped or group.cut or len(taken) < len(same)
            left = None if left is None else left - group.rows
            size = None if size is None else max(0, size - sum(part.file.bytes for part in taken))
    return _together(groups, batches, skipped)


def _alike(parts: Sequence[Input]) -> list[list[Input]]:
    """Neighbouring files of one format, compression and dialect."""
    return [
        list(same)
        for _, same in groupby(parts, key=lambda part: (part.file.format, part.file.compression, part.file.dialect))
    ]


def _within(parts: list[Input], rows: int | None, size: int | None) -> tuple[list[Input], int | None]:
    """The files to read and how many rows of them: whole files while they fit, a share of the first that does not."""
    if size is None or sum(part.file.bytes for part in parts) <= size:
        return parts, rows
    taken: list[Input] = []
    used = 0
    for part in parts:
        if taken and used + part.file.bytes > size:
            break
        taken.append(part)
        used += part.file.bytes
    known = [part.file.rows for part in taken]
    if used <= size:
        return taken, rows
    if any(number is None for number in known):
        share = max(1, int(size / _bytes_a_row(taken[0])))
    else:
        share = max(1, int(sum(number or 0 for number in known) * size / used))
    return taken, min(rows, share) if rows is not None else share


def _bytes_a_row(part: Input) -> float:
    """How long the lines at a file's beginning are, for one whose rows nobody has counted."""
    if part.file.format == "parquet":
        import pyarrow.parquet as pq

        return part.file.bytes / max(1, pq.read_metadata(part.path).num_rows)
    with open_plain(part) as stream:
        beginning = read_chunk(stream, _BEGINNING, part)
    return max(1, len(beginning)) / max(1, beginning.count(b"\n"))


def _profile_group(con: "duckdb.DuckDBPyConnection", parts: list[Input], cap: int | None, folder: Path) -> _Group:
    form = parts[0].file.format
    limit = f" LIMIT {cap}" if cap is not None else ""
    con.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    try:
        if form == "csv":
            return _csv(con, parts, limit, cap, folder)
        if form == "parquet":
            return _parquet(con, parts, limit, cap)
        return _json(con, parts, limit, cap)
    finally:
        con.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def _csv(con: "duckdb.DuckDBPyConnection", parts: list[Input], limit: str, cap: int | None, folder: Path) -> _Group:
    dialect = parts[0].file.dialect
    names = list(dialect.columns) if dialect else []
    for mixed in (False, True):
        sources = " UNION ALL ".join(f"SELECT * FROM {csv_source(part, names, folder, mixed=mixed)}" for part in parts)
        try:
            con.execute(f"CREATE TEMP TABLE {_TABLE} AS SELECT * FROM ({sources}){limit}")
            break
        except Exception as error:  # what DuckDB makes of lines that end otherwise than those before them
            if mixed or type(error).__name__ != "InvalidInputException":
                raise
            rejected_rows(con)
    malformed = rejected_rows(con)
    rows = _count(con)
    columns = [Column(_TABLE, quoted(name)) for name in names]
    found = profile_small(con, _TABLE, columns, total=rows)
    if found is None:
        seen = basics(con, _TABLE, [column.sql for column in columns])
        found = [profile_column(con, column, basic) for column, basic in zip(columns, seen, strict=True)]
    profiles = {
        name: merge(absent(nulls=rows - profile.tokens), profile) for name, profile in zip(names, found, strict=True)
    }
    return _group(con, _TABLE, {name: quoted(name) for name in names}, profiles, rows, malformed, cap)


def _json(con: "duckdb.DuckDBPyConnection", parts: list[Input], limit: str, cap: int | None) -> _Group:
    con.execute(f"CREATE TEMP TABLE {_TABLE} AS SELECT json FROM {json_objects(parts)}{limit}")
    keys = keys_of(con, _TABLE)
    names = list(keys.rows)
    if not names:
        return _Group({}, keys.objects, keys.malformed + keys.others, cap is not None, ())
    table = tokens_table(con, _TABLE, names)
    try:
        profiles = dict(zip(names, profile_table(con, table, len(names)), strict=True))
        profiles = with_exact_numbers(con, _TABLE, profiles)
        columns = {name: f"t{place}" for place, name in enumerate(names)}
        return _group(con, table, columns, profiles, keys.objects, keys.malformed + keys.others, cap)
    finally:
        con.execute(f"DROP TABLE {table}")


def _parquet(con: "duckdb.DuckDBPyConnection", parts: list[Input], limit: str, cap: int | None) -> _Group:
    shown, source = _typed_columns(parts)
    con.execute(f"CREATE TEMP VIEW {_TABLE}_view AS SELECT * FROM {source}{limit}")
    try:
        con.execute(f"CREATE TEMP TABLE {_TABLE} AS SELECT * FROM {_TABLE}_view")
    finally:
        con.execute(f"DROP VIEW {_TABLE}_view")
    names = con.sql(f"SELECT * FROM {_TABLE} LIMIT 0").columns
    columns = {shown.get(name, name): quoted(name) for name in names}
    profiles, units = profile_typed(con, _TABLE, names), _units(parts)
    told = ((shown.get(name, name), profile) for name, profile in profiles.items())
    said = {name: replace(profile, unit=units.get(name)) for name, profile in told}
    return _group(con, _TABLE, columns, said, _count(con), 0, cap)


def _typed_columns(parts: Sequence[Input]) -> tuple[dict[str, str], str]:
    """Of Parquet files: column → name where they are not the same, and the FROM item.

    DuckDB renames columns whose names differ in case only, and takes them for one in several files.
    """
    import pyarrow.parquet as pq

    found = [pq.read_schema(part.path).names for part in parts]
    every = list(dict.fromkeys(name for names in found for name in names))
    if len({name.casefold() for name in every}) == len(every):
        paths = ", ".join(literal(str(part.path)) for part in parts)
        return {}, f"read_parquet([{paths}], union_by_name=true)"
    given = {name: f"c{place}" for place, name in enumerate(every)}
    each = (
        f"SELECT * FROM read_parquet({literal(str(part.path))}) AS t({', '.join(given[name] for name in names)})"
        for part, names in zip(parts, found, strict=True)
    )
    return {column: name for name, column in given.items()}, f"({' UNION ALL BY NAME '.join(each)})"


def _units(parts: Sequence[Input]) -> dict[str, str]:
    """The units of durations, which are whole numbers to the engine; none where files count in different ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    seen: dict[str, set[str]] = {}
    for part in parts:
        for one in pq.read_schema(part.path):
            if pa.types.is_duration(one.type):
                seen.setdefault(one.name, set()).add(one.type.unit)
    return {name: units.pop() for name, units in seen.items() if len(units) == 1}


def _group(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    columns: Mapping[str, str],
    profiles: dict[str, FieldProfile],
    rows: int,
    malformed: int,
    cap: int | None,
) -> _Group:
    key = suggest_key(con, table, columns, profiles, rows)
    return _Group(profiles, rows, malformed, cap is not None and rows + malformed >= cap, key)


def _count(con: "duckdb.DuckDBPyConnection") -> int:
    row = con.execute(f"SELECT count(*) FROM {_TABLE}").fetchone()
    return int(row[0]) if row else 0


def _together(
    groups: Sequence[_Group], batches: Sequence[Batch], skipped: bool
) -> tuple[dict[str, FieldProfile], ProfileCounts]:
    """Groups are merged as records are: a field that one group does not have is missing in its rows."""
    whole: dict[str, FieldProfile] = {}
    before = 0
    for group in groups:
        for name in [*whole, *(name for name in group.profiles if name not in whole)]:
            own = whole.get(name, absent(missing=before))
            whole[name] = merge(own, group.profiles.get(name, absent(missing=group.rows)))
        before += group.rows
    malformed = sum(group.malformed for group in groups)
    total = sum(batch.rows for batch in batches if batch.rows is not None)
    known = all(batch.rows is not None for batch in batches)
    counts = ProfileCounts(
        rows_examined=before,
        rows_total=before + malformed if not skipped else total if known else None,
        complete=not skipped,
        malformed=malformed,
        key=groups[0].key if len(groups) == 1 else (),
        batches=tuple(batch.id for batch in batches),
        warnings=(f"{malformed} malformed rows were passed over",) if malformed else (),
    )
    return whole, counts


def typed_schema(
    profiles: Mapping[str, FieldProfile], counts: ProfileCounts, spec: SourceBase, source: str
) -> SourceSchema:
    """The typed schema that the profiles suggest, with the user's own word (`fields:`, `key:`) over it.

    Raises UsageError where `fields` or `key` names what the source does not have, or says what no field can be.
    """
    from octo_core.inference.overrides import checked_key, override

    decided = decide_together(profiles)
    said = tuple(text for path, text in decided.warnings.items() if path not in spec.fields)
    return SourceSchema(
        source=source,
        fields=override(decided.fields, spec.fields, source),
        key=checked_key(spec.key, tuple(profiles), source) or counts.key,
        rows_examined=counts.rows_examined,
        rows_total=counts.rows_total,
        complete=counts.complete,
        batches=counts.batches,
        warnings=(*counts.warnings, *said, *_one_column(tuple(profiles))),
    )


def _one_column(names: Sequence[str]) -> tuple[str, ...]:
    """A warning where a file became one column whose name looks like several."""
    parted = {one: names[0].split(one) for one in _DELIMITERS} if len(names) == 1 else {}
    found = max(parted, key=lambda one: len(parted[one]), default="")
    if not found or not all(part.strip() for part in parted[found]) or len(parted[found]) < 2 or " " in names[0]:
        return ()
    return (
        f"all is one column, {names[0]!r}, as its rows do not agree on a number of cells: where those are"
        f" {len(parted[found])} columns, write `options: {{delimiter: {json.dumps(found)}}}`",
    )
