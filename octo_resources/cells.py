"""Python's reader of delimited text, for cells of any length."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Final

_WIDEST: Final = 2**31 - 1


def read_cells(lines: Iterable[str], **dialect: Any) -> Iterator[list[str]]:
    """Rows of cells; `dialect` as csv.reader takes it. Raises csv.Error."""
    csv.field_size_limit(_WIDEST)  # of the whole process; csv's own is 128 kB, and files hold pages and pictures
    return csv.reader(lines, **dialect)
