"""What every database answers: what a relation is made of, how far a column goes, and its rows as Arrow."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Protocol

import pyarrow as pa

from octo_resources.sources.sql.shape import Described, Relation, SqlColumn
from octo_resources.sources.sql.statement import Bound


class OddValues(Exception):  # noqa: N818 - no error: the range is read again
    """Columns with a value that the fast way cannot carry; the range has to be read again with them as text."""

    def __init__(self, columns: set[str]) -> None:
        super().__init__(", ".join(sorted(columns)))
        self.columns = columns


class Reader(Protocol):
    """One database in one snapshot, read-only. Its errors are its driver's; `explained` says them in words."""

    @property
    def shares_snapshot(self) -> bool:
        """Whether `rows` may be asked in several threads at once, each of which sees the same."""
        ...

    def describe(self, relation: Relation) -> Described: ...

    def tables(self) -> list[str]:
        """The tables and views that there are, schema first where it is not the usual one."""
        ...

    def ends(self, relation: Relation, column: SqlColumn, bounds: Sequence[Bound]) -> tuple[Any, Any]:
        """The least and the greatest value of a column as text; None of none."""
        ...

    def rows(
        self, relation: Relation, columns: Sequence[SqlColumn], bounds: Sequence[Bound], limit: int | None
    ) -> "Generator[list[pa.Array[Any]], None, None]":
        """Batches, each a column's array in the order of `columns`, as they land (`convert.settled`).
        Raises OddValues."""
        ...

    def close(self) -> None: ...


def beginning(
    reader: Reader, relation: Relation, columns: Sequence[SqlColumn], rows: int
) -> "list[pa.Array[Any]] | None":
    """The first rows, for people to look at; None where there are none."""
    while True:
        try:
            with closing(reader.rows(relation, columns, (), rows)) as found:
                return next(found, None)
        except OddValues as odd:
            columns = [replace(one, wire="text") if one.name in odd.columns else one for one in columns]
