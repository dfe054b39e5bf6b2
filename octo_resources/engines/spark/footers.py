"""What the footers of Parquet files say, read where they lie: on a disk, or at the end of an object in S3."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from octo_core.errors import LandingError
from octo_resources.engines.duckdb import Input
from octo_resources.engines.elsewhere import Stored

_END: Final = 64 << 10
"""Bytes that are asked of an object at first: most footers fit."""
_TAIL: Final = 8
"""A footer's length in four bytes, and four that say what it is."""
_AT_ONCE: Final = 8


class Footer(NamedTuple):
    schema: pa.Schema
    rows: int


def footers(files: Mapping[int, Input]) -> dict[int, Footer]:
    """The footer of each file. LandingError where one cannot be read, or has other rows than landed."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(files, pool.map(_footer, files.values()), strict=True))


def _footer(one: Input) -> Footer:
    stored = one.elsewhere
    where = stored.location if isinstance(stored, Stored) else str(one.path)
    try:
        found = parquet.read_metadata(pa.BufferReader(_end(stored)) if isinstance(stored, Stored) else one.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise LandingError(f"the Parquet file cannot be read ({error})", where=where) from error
    if one.file.rows is not None and one.file.rows != found.num_rows:
        told = f"it has {found.num_rows:,} rows, landed were {one.file.rows:,}"
        raise LandingError(told, where=where, hint="Restore it from a backup, or extract again with --full.")
    return Footer(found.schema.to_arrow_schema(), found.num_rows)


def _end(stored: Stored) -> bytes:
    """As many of an object's last bytes as its footer takes."""
    data = stored.end(_END)
    needed = int.from_bytes(data[-_TAIL:-4], "little") + _TAIL
    return data if needed <= len(data) else stored.end(needed)
