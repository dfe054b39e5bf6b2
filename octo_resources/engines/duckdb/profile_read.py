"""Landed files as DuckDB relations for profiling: every value as the text or JSON it is, malformed rows counted."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from octo_core.batch import Batch, CsvDialect
from octo_resources.engines.duckdb.inputs import Input, open_plain

if TYPE_CHECKING:
    import duckdb

_NATIVE_ENCODINGS: Final = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8", "utf8": "utf-8"}
"""Others are turned into UTF-8 in a temporary file: DuckDB's own readers of them stop at the first odd byte."""
_MAX_OBJECT: Final = 64 << 20
_HEAD: Final = 1 << 20


def inputs_of(batches: Sequence[Batch]) -> list[Input]:
    """All files of the batches, in their order."""
    return [Input(batch, file, Path(batch.folder) / file.path) for batch in batches for file in batch.files]


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def csv_source(part: Input, names: Sequence[str], folder: Path, *, mixed: bool = False) -> str:
    """SQL of a delimited file with all columns as text. Rows that do not parse go to DuckDB's table of rejects.

    `mixed`: some of its lines end otherwise than those at its beginning, which DuckDB does not read.
    """
    dialect = part.file.dialect or CsvDialect(columns=tuple(names))
    path, compression = _utf8(part, dialect.encoding, folder, mixed)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    nulls = ", ".join(literal(word) for word in dialect.null) or "''"
    escape = dialect.escape or dialect.quote
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, columns={{{columns}}}, delim={literal(dialect.delimiter)},"
        f" quote={literal(dialect.quote)}, escape={literal(escape)}, header={str(dialect.header).lower()},"
        f" skip={dialect.skip}, nullstr=[{nulls}], compression='{compression}', strict_mode=true,"
        f" null_padding=false, ignore_errors=true, store_rejects=true, rejects_limit=0,"
        f" max_line_size={_MAX_OBJECT}, buffer_size={2 * _MAX_OBJECT})"  # left alone it takes 16 lines of that size
    )


def _utf8(part: Input, encoding: str, folder: Path, mixed: bool) -> tuple[Path, str]:
    copy = folder / f"{part.file.sha256[:16]}.csv"
    if encoding.lower() in _NATIVE_ENCODINGS:
        if not mixed and not _mixes_line_ends(part):
            return part.path, part.file.compression
        with open_plain(part) as raw, copy.open("wb") as plain:
            carry = b""
            while chunk := raw.read(1 << 20):
                lines = (carry + chunk).replace(b"\r\n", b"\n")
                carry = lines[-1:] if lines.endswith(b"\r") else b""
                plain.write(lines.removesuffix(carry))
            plain.write(carry)
        return copy, "none"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with open_plain(part) as raw, copy.open("w", encoding="utf-8", newline="") as out:
        while chunk := raw.read(1 << 20):
            out.write(decoder.decode(chunk))
        out.write(decoder.decode(b"", final=True))
    return copy, "none"


def _mixes_line_ends(part: Input) -> bool:
    """Whether some lines of the file's beginning end otherwise than others.

    DuckDB goes by the first: of a header line from one system and rows from another it reads no row, and says nothing.
    """
    with open_plain(part) as raw:
        head = raw.read(_HEAD)
    both = head.count(b"\r\n")
    return 0 < both < head.count(b"\n")


def json_objects(parts: Sequence[Input]) -> str:
    """SQL of the records of JSON (lines) files that are alike, one column `json`; NULL where a line is malformed."""
    return f"read_json_objects({_json_options(parts)})"


def _json_options(parts: Sequence[Input]) -> str:
    paths = ", ".join(literal(str(part.path)) for part in parts)
    shape = "newline_delimited" if parts[0].file.format == "jsonl" else "auto"
    compression = {"none": "uncompressed"}.get(parts[0].file.compression, parts[0].file.compression)
    tolerant = ", ignore_errors=true" if shape == "newline_delimited" else ""
    return f"[{paths}], format='{shape}', compression='{compression}', maximum_object_size={_MAX_OBJECT}{tolerant}"


def rejected_rows(con: "duckdb.DuckDBPyConnection") -> int:
    """How many CSV rows were refused since the last call; forgets them."""
    try:
        found = con.execute("SELECT count(DISTINCT (scan_id, file_id, line)) FROM reject_errors").fetchone()
    except Exception as error:
        if type(error).__name__ != "CatalogException":
            raise
        return 0
    con.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return int(found[0]) if found else 0
