"""Cells of delimited text by a dialect that is known: for looking at a few rows, not for loading."""

import csv
import io
from collections.abc import Iterator

from octo_core.batch import CsvDialect
from octo_resources.cells import read_cells


def csv_rows(text: str, dialect: CsvDialect) -> Iterator[list[str]]:
    """Rows of cells without what stands before the table, the header and blank lines."""
    stream = io.StringIO(text.removeprefix("\ufeff"), newline="")
    for _ in range(dialect.skip):
        stream.readline()
    reader = read_cells(
        stream,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape,
        doublequote=dialect.escape is None,
    )
    filled = (row for row in reader if row)
    if dialect.header:
        next(filled, None)
    return filled
