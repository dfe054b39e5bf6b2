"""A batch: what one extraction brought, kept as it came, with the checksums and positions of its manifest."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from octo_core.schema import Declared, Frozen

FileFormat = Literal["csv", "json", "jsonl", "parquet"]
Compression = Literal["none", "gzip", "zstd"]


class CsvDialect(Frozen):
    """How a delimited file is written; found by looking, or told by the pipeline's `options`."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    header: bool = True
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()
    """The names in the file's order (made up as `column_1` … where there is no header)."""
    skip: int = 0
    null: tuple[str, ...] = ("",)


class LandedFile(Frozen):
    """One file of a batch. `path` is absolute, or relative to the batch's folder where it was copied there."""

    path: str
    format: FileFormat
    compression: Compression = "none"
    bytes: int
    sha256: str
    rows: int | None = None
    dialect: CsvDialect | None = None
    modified_ns: int | None = None
    position: dict[str, Any] = Field(default_factory=dict)
    """Where in the source it came from: page addresses (redacted), object key, ETag, offsets."""
    unread: bool = False
    """Nothing of it is on any disk yet: the tasks of its load read it at the source, where `position` says."""


class Batch(Frozen):
    """One extraction's data. A batch is made once; a retry loads the same one."""

    id: str
    """26 characters, sorts by time (a ULID)."""
    pipeline: str
    source: str
    made_at: datetime
    landing: Literal["copy", "reference", "off"]
    files: tuple[LandedFile, ...]
    rows: int | None = None
    bytes: int = 0
    cursor_from: str | None = None
    cursor_to: str | None = None
    full: bool = True
    """Whether it is the whole source (a full read) and not an increment."""
    epochs: dict[str, int] = Field(default_factory=dict)
    """With `landing: off`: table → the epoch of the destination's position from which the extraction went on."""
    position: dict[str, Any] = Field(default_factory=dict)
    """What its load writes into the destination's position beside `batch` and `cursor`, such as a topic's offsets."""
    declared: tuple[Declared, ...] = ()
    """What the source itself says of its fields, in their order; empty where it says nothing."""
    declared_key: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What its extraction found worth saying: new partitions, schema changes at the source."""
    seconds: float = 0.0
    """How long its extraction took."""
    folder: str = ""
    """Absolute folder of the manifest; set when it is read, not kept in it."""

    @property
    def unread(self) -> bool:
        """Whether it only says what its load will read at the source."""
        return any(file.unread for file in self.files)
