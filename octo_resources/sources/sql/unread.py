"""Key ranges that the tasks of a load read themselves, all in one snapshot: nothing of them passes through the driver.

PostgreSQL only: no other database hands a snapshot to another machine. What a batch says of its ranges is
kept in its manifest; the snapshot is made anew by each load, and held by its driver until it ends.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from octo_core.batch import Batch, LandedFile
from octo_core.errors import SourceError
from octo_core.spec.sources import SqlSource
from octo_resources.engines.elsewhere import Arrived, Told
from octo_resources.sources.place import Place
from octo_resources.sources.sql.address import SqlAddress, explained
from octo_resources.sources.sql.parts import Parts, Tally
from octo_resources.sources.sql.postgres import PostgresReader, SnapshotRows
from octo_resources.sources.sql.ranges import ranges
from octo_resources.sources.sql.reader import OddValues, Reader
from octo_resources.sources.sql.relation import column_of, opened
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn
from octo_resources.sources.sql.start import SqlStart, bound_value
from octo_resources.sources.sql.statement import Bound

A_TASK: Final = 250_000
"""Values of a whole number's range that one task reads, where the file does not say how to split."""
_MOST: Final = 64


def may_be_unread(reader: "Reader") -> bool:
    """Whether tasks can read this database in one snapshot."""
    return isinstance(reader, PostgresReader) and reader.shares_snapshot


def unread_files(
    spec: SqlSource, reader: "Reader", relation: Relation, found: Described, start: SqlStart, top: str | None, kind: str
) -> tuple[LandedFile, ...]:
    """What a batch says of the ranges that its load's tasks read. `top`: the cursor's newest value, where there is one.

    Raises UsageError where `split` names no column that has ranges.
    """
    cursor = column_of(found, spec.cursor.field, "cursor.field") if spec.cursor else None
    within = {"asked": start.asked, "strictly": start.strictly, "top": top} if cursor is not None else {}
    by, every = _ranges(spec, reader, relation, found, start.bounds(cursor, kind))
    return tuple(
        LandedFile(
            path=f"range-{place:03d}",
            format="parquet",
            bytes=0,
            sha256="",
            position={**within, **({"by": by, "range": [_document(one) for one in bounds]} if bounds else {})},
            unread=True,
        )
        for place, bounds in enumerate(every)
    )


def _ranges(
    spec: SqlSource, reader: "Reader", relation: Relation, found: Described, bounds: tuple[Bound, ...]
) -> tuple[str, list[tuple[Bound, ...]]]:
    name = (spec.split.by if spec.split else None) or next(iter((*spec.key, *found.key)), None)
    if name is None or (spec.split is not None and spec.split.parts == 1):
        return "", [()]
    column = column_of(found, name, "split.by" if spec.split else "key")
    if spec.split is None and not column.type.is_integer:
        return "", [()]
    least, most = reader.ends(relation, column, bounds)
    parts = spec.split.parts if spec.split is not None else _parts(least, most)
    return name, ranges(column, least, most, parts) if parts > 1 else [()]


def _parts(least: str | None, most: str | None) -> int:
    """How many ranges for a key from its least to its greatest value."""
    if least is None or most is None:
        return 1
    return max(1, min(_MOST, -(-(int(most) - int(least) + 1) // A_TASK)))


def _document(bound: Bound) -> dict[str, Any]:
    return {"op": bound.op, "value": bound.value, "or_null": bound.or_null}


@contextmanager
def key_ranges(spec: SqlSource, batch: Batch, place: Place) -> Iterator[list["KeyRangeFile"]]:
    """What brings each file of an unread batch, as long as its snapshot is held. SourceError, UsageError."""
    with opened(spec, place) as (address, reader, relation, found):
        if not isinstance(reader, PostgresReader) or not may_be_unread(reader):
            hint = "Read it by `engine: duckdb`, write `landing: copy`, or name the primary server."
            said = "tasks cannot read this database in one snapshot: it exports none"
            raise SourceError(said, where=str(address), hint=hint, retryable=False)
        rows = reader.for_tasks()
        yield [
            KeyRangeFile(rows, address, relation, found.columns, _bounds(spec, found, file.position, address.kind))
            for file in batch.files
        ]


def _bounds(spec: SqlSource, found: Described, said: dict[str, Any], kind: str) -> tuple[Bound, ...]:
    bounds: list[Bound] = []
    if spec.cursor is not None and (asked := said.get("asked")) is not None:
        cursor = column_of(found, spec.cursor.field, "cursor.field")
        bounds.append(Bound(cursor, ">" if said["strictly"] else ">=", bound_value(cursor, asked, kind)))
    if spec.cursor is not None and (top := said.get("top")) is not None:  # what came since is the next batch's
        cursor = column_of(found, spec.cursor.field, "cursor.field")
        bounds.append(Bound(cursor, "<=", bound_value(cursor, top, kind), or_null=said.get("asked") is None))
    if said.get("range"):
        column = column_of(found, str(said["by"]), "split.by")
        bounds += [Bound(column, one["op"], one["value"], one["or_null"]) for one in said["range"]]
    return tuple(bounds)


@dataclass(frozen=True)
class KeyRangeFile:
    """One range of a relation, as Parquet."""

    source: SnapshotRows
    address: SqlAddress
    relation: Relation
    columns: tuple[SqlColumn, ...]
    bounds: tuple[Bound, ...]

    def bring(self, folder: Path) -> Arrived:
        """Read it. SourceError where the database fails, or the snapshot is gone because the load has ended."""
        tally = Tally()
        parts = Parts(folder, "range", self.columns, tally, kept=False)
        columns: Sequence[SqlColumn] = self.columns
        try:
            while odd := self._read(parts, columns):
                columns = [replace(one, wire="text") if one.name in odd else one for one in columns]
        finally:
            parts.abandon()
        files = sorted(tally.files, key=lambda file: file.path)
        digest = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
        return Arrived(tuple((folder / file.path, file.rows or 0) for file in files), Told(digest))

    def _read(self, parts: Parts, columns: Sequence[SqlColumn]) -> set[str]:
        """Read all rows into `parts`; gives the columns that have to be asked for as text, after which nothing is."""
        try:
            with (
                explained(self.address),
                closing(self.source.rows(self.relation, columns, self.bounds, None)) as found,
            ):
                for arrays in found:
                    parts.add(arrays)
            parts.close()
        except OddValues as odd:
            parts.start_again()
            return odd.columns
        return set()
