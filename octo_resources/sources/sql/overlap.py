"""Rows that an incremental read brings again, left out where rows are appended.

As with HTTP (`sources/rest/overlap.py`) the digests of the rows from the newest cursor value on, less the lag, lie
beside the batch, also when its files went with their load.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.errors import SourceError
from octo_resources.arrow_text import typed
from octo_resources.landing.disk import landing_errors
from octo_resources.landing.manifest import BESIDE
from octo_resources.sources.cursor import less
from octo_resources.sources.sql.convert import stored_type
from octo_resources.sources.sql.shape import SqlColumn

if TYPE_CHECKING:
    from octo_core.batch import LandedFile

MOST: Final = 2_000_000
_SIZE: Final = 8


def digests_beside(folder: Path) -> frozenset[bytes] | None:
    """What lies beside a batch; None where it has none."""
    path = folder / BESIDE
    if not path.is_file():
        return None
    with landing_errors(path):
        body = path.read_bytes()
    return frozenset(body[place : place + _SIZE] for place in range(0, len(body), _SIZE))


class Repeats:
    """Leaves out the rows that came before; and notes those that may come again."""

    def __init__(
        self, columns: Sequence[SqlColumn], cursor: SqlColumn, known: frozenset[bytes], position: str | None
    ) -> None:
        self._place = [one.name for one in columns].index(cursor.name)
        self._cursor, self._known, self._position = cursor, known, position
        self._left_out: set[bytes] = set()

    def less_known(self, arrays: "list[pa.Array[Any]]") -> "list[pa.Array[Any]]":
        """The batch without the rows that came before."""
        if not self._known:
            return arrays
        before = _till(arrays[self._place], self._position, self._cursor)
        digests = iter(_digests([array.filter(before) for array in arrays]))
        own = [next(digests) if may else None for may in before.to_pylist()]
        fresh = [one not in self._known for one in own]
        if all(fresh):
            return arrays
        self._left_out |= {one for one, new in zip(own, fresh, strict=True) if one is not None and not new}
        keep = pa.array(fresh)
        return [array.filter(keep) for array in arrays]

    def write(
        self,
        folder: Path,
        files: "Sequence[LandedFile]",
        newest: str | None,
        lag: timedelta | int | None,
        form: str | None,
    ) -> None:
        """Put the digests of the rows that the next read may bring again beside the files of the batch."""
        from pyarrow import parquet

        found = set(self._left_out)
        bound = less(newest, lag, form) if newest is not None else None
        for file in files if bound is not None else ():
            for batch in parquet.ParquetFile(folder / file.path).iter_batches(65_536):
                near = _from(batch.column(self._place), str(bound), self._cursor)
                within = batch.filter(near)
                if within.num_rows:
                    found |= set(_digests([within.column(place) for place in range(within.num_columns)]))
                if len(found) > MOST:
                    raise SourceError(
                        f"more than {MOST:,} rows are within cursor.lag, too many to tell those that come again",
                        hint="A shorter lag, or write: merge with a key.",
                        retryable=False,
                    )
        with landing_errors(folder):
            (folder / BESIDE).write_bytes(b"".join(sorted(found)))


def _from(values: "pa.Array[Any]", bound: str, cursor: SqlColumn) -> "pa.Array[Any]":
    """Which rows are at the bound or after it. A value that is none of the cursor's type counts as after it."""
    wanted = stored_type(cursor)
    edge, lost = typed(pa.array([bound]), wanted)
    if values.type != wanted or lost or wanted == pa.string():
        return pa.array([True] * len(values))
    return pc.or_kleene(pc.is_null(values), pc.greater_equal(values, edge[0]))


def _till(values: "pa.Array[Any]", position: str | None, cursor: SqlColumn) -> "pa.Array[Any]":
    """Which rows may have come before: those at the position or before it, and those of which nobody can say."""
    wanted = stored_type(cursor)
    edge, lost = typed(pa.array([position], pa.string()), wanted)
    if position is None or values.type != wanted or lost or wanted == pa.string():
        return pa.array([True] * len(values))
    return pc.or_kleene(pc.is_null(values), pc.less_equal(values, edge[0]))


def _digests(arrays: "Sequence[pa.Array[Any]]") -> list[bytes]:
    rows = zip(*(array.to_pylist() for array in arrays), strict=True)
    return [blake2b(json.dumps(row, default=str).encode(), digest_size=_SIZE).digest() for row in rows]
