"""Rows that an incremental read brings again, left out where rows are appended.

As with HTTP (`sources/rest/overlap.py`) the digests of the rows from the newest cursor value on, less the lag, lie
beside the batch, also when its files went with their load.
"""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from octo_core.errors import SourceError
from octo_resources.arrow_text import is_text, typed
from octo_resources.landing.disk import landing_errors
from octo_resources.landing.manifest import BESIDE
from octo_resources.sources.cursor import less
from octo_resources.sources.sql.convert import stored_type
from octo_resources.sources.sql.shape import SqlColumn

if TYPE_CHECKING:
    from octo_core.batch import LandedFile

MOST: Final = 2_000_000
_SIZE: Final = 8


def digests_beside(folder: Path) -> Counter[bytes] | None:
    """What lies beside a batch, and how often; None where it has none."""
    path = folder / BESIDE
    if not path.is_file():
        return None
    with landing_errors(path):
        body = path.read_bytes()
    return Counter(body[place : place + _SIZE] for place in range(0, len(body), _SIZE))


class Repeats:
    """Leaves out the rows that came before; and notes those that may come again. Rows that are alike are counted: one
    more of them than before is new."""

    def __init__(
        self, columns: Sequence[SqlColumn], cursor: SqlColumn, known: Counter[bytes], position: str | None
    ) -> None:
        self.columns = tuple(columns)
        self.place = [one.name for one in columns].index(cursor.name)
        self.cursor, self.known, self.position = cursor, known, position
        self._left_out: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def left_out(self, found: Counter[bytes]) -> None:
        """What one range left out, when it is read to its end."""
        with self._lock:
            self._left_out += found

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

        found = Counter(self._left_out)
        bound = less(newest, lag, form) if newest is not None else None
        for file in files if bound is not None else ():
            for batch in parquet.ParquetFile(folder / file.path).iter_batches(65_536):
                near = _from(batch.column(self.place), str(bound), self.cursor)
                found.update(_digests(self.columns, batch.filter(near).columns))
                if found.total() > MOST:
                    raise SourceError(
                        f"more than {MOST:,} rows are within cursor.lag, too many to tell those that come again",
                        hint="A shorter lag, or write: merge with a key.",
                        retryable=False,
                    )
        with landing_errors(folder):
            (folder / BESIDE).write_bytes(b"".join(sorted(found.elements())))


class RangeRepeats:
    """The same for one reading of one range, which may have to begin again. Rows that are alike are in one range."""

    def __init__(self, repeats: Repeats) -> None:
        self._all = repeats
        self._found: Counter[bytes] = Counter()

    def less_known(self, arrays: "list[pa.Array[Any]]") -> "list[pa.Array[Any]]":
        """The batch without the rows that came before."""
        if not self._all.known:
            return arrays
        before = _till(arrays[self._all.place], self._all.position, self._all.cursor)
        digests = iter(_digests(self._all.columns, [array.filter(before) for array in arrays]))
        fresh = [not may or self._is_new(next(digests)) for may in before.to_pylist()]
        return arrays if all(fresh) else [array.filter(pa.array(fresh)) for array in arrays]

    def done(self) -> None:
        self._all.left_out(self._found)

    def _is_new(self, own: bytes) -> bool:
        if self._found[own] >= self._all.known[own]:
            return True
        self._found[own] += 1
        return False


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


def _digests(columns: Sequence[SqlColumn], arrays: "Sequence[pa.Array[Any]]") -> list[bytes]:
    rows = zip(*(_values(column, array) for column, array in zip(columns, arrays, strict=True)), strict=True)
    return [blake2b(json.dumps(row, default=str).encode(), digest_size=_SIZE).digest() for row in rows]


def _values(column: SqlColumn, found: "pa.Array[Any]") -> list[Any]:
    """The values in their column's type, also of a batch that another value of it made text: a row is the same row
    whatever stood beside it."""
    wanted = stored_type(column)
    if found.type == wanted or not is_text(found.type):
        return found.to_pylist()
    made, lost = typed(found, wanted)
    values = made.to_pylist()
    for place in lost:
        values[place] = found[place].as_py()
    return values
