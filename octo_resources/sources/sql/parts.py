"""The Parquet files of a batch in the making: one after another where a column has to change to text and back."""

import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from octo_core.batch import LandedFile
from octo_core.types import decimal
from octo_resources.landing.disk import landing_errors, sha256_of
from octo_resources.sources.sql.convert import seen_scale, stored_type
from octo_resources.sources.sql.shape import SqlColumn

if TYPE_CHECKING:
    from pyarrow import parquet

PART_ROWS: Final = 4_000_000
_MOST_SCALE: Final = 28


@dataclass
class Tally:
    """What all parts of one extraction have seen; shared by the threads that read."""

    rows: int = 0
    bytes: int = 0
    scales: dict[str, int] = field(default_factory=dict)
    files: list[LandedFile] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Parts:
    """Files of one range. `compression`: for what is kept zstd, for what goes again lz4."""

    def __init__(self, folder: Path, prefix: str, columns: tuple[SqlColumn, ...], tally: Tally, *, kept: bool) -> None:
        self._folder, self._prefix, self._columns, self.tally = folder, prefix, columns, tally
        self._compression: Literal["zstd", "lz4"] = "zstd" if kept else "lz4"
        self._open: parquet.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._path = folder
        self._rows = self._number = 0
        self._added: list[tuple[int, int]] = []

    def add(self, arrays: "list[pa.Array[Any]]") -> None:
        """One batch of rows, its columns in order."""
        schema = pa.schema([pa.field(one.name, own.type) for one, own in zip(self._columns, arrays, strict=True)])
        batch = pa.record_batch(arrays, schema=schema)
        if self._open is not None and (schema != self._schema or self._rows >= PART_ROWS):
            self.close()
        with landing_errors(self._folder):
            self._writer(schema).write_batch(batch)
        self._rows += batch.num_rows
        for column, own in zip(self._columns, arrays, strict=True):
            if column.open_scale:
                with self.tally.lock:
                    self.tally.scales[column.name] = max(self.tally.scales.get(column.name, 0), seen_scale(own))
        self._added.append((batch.num_rows, batch.nbytes))
        with self.tally.lock:
            self.tally.rows += batch.num_rows
            self.tally.bytes += batch.nbytes

    def nothing(self) -> None:
        """A file of no rows, which has the types."""
        self._writer(pa.schema([pa.field(one.name, stored_type(one)) for one in self._columns]))
        self.close()

    def close(self) -> None:
        """End the file that is open, if one is."""
        if self._open is None:
            return
        with landing_errors(self._folder):
            self._open.close()
            self._open = None
            with self._path.open("rb") as file:
                os.fsync(file.fileno())
            done = LandedFile(
                path=self._path.name,
                format="parquet",
                bytes=self._path.stat().st_size,
                sha256=sha256_of(self._path),
                rows=self._rows,
            )
        with self.tally.lock:
            self.tally.files.append(done)
        self._rows = 0

    def start_again(self) -> None:
        """Take away what was added."""
        self.abandon()
        with self.tally.lock:
            self.tally.rows -= sum(rows for rows, _ in self._added)
            self.tally.bytes -= sum(size for _, size in self._added)
            self.tally.files[:] = [one for one in self.tally.files if not one.path.startswith(f"{self._prefix}-")]
        self._added.clear()
        self._rows = self._number = 0
        with landing_errors(self._folder):
            for path in self._folder.glob(f"{self._prefix}-*.parquet"):
                path.unlink()

    def abandon(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _writer(self, schema: pa.Schema) -> "parquet.ParquetWriter":
        from pyarrow import parquet

        if self._open is None:
            self._path = self._folder / f"{self._prefix}-{self._number:05d}.parquet"
            self._number += 1
            self._schema = schema
            self._open = parquet.ParquetWriter(
                self._path, schema, compression=self._compression, use_dictionary=self._compression == "zstd"
            )
        return self._open


def open_scale(column: SqlColumn, tally: Tally) -> SqlColumn:
    """A numeric of any precision with the scale that its values have."""
    if not column.open_scale:
        return column
    seen = min(max(tally.scales.get(column.name, 0), column.type.scale or 0), _MOST_SCALE)
    return replace(column, type=decimal(38, seen))
