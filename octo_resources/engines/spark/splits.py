"""Cuts landed files into parts that tasks read by themselves, each knowing the number of its first row.

Row numbers name rows in the quarantine, so they have to be those of a single reader: the lines before a part are
counted first, at the speed of the disk. What is compressed, or has quotes that a line's end might stand in, is read by
one task.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from octo_core.errors import LandingError
from octo_resources.engines.duckdb import Input, Origin, Span
from octo_resources.engines.duckdb.inputs import Numbered

SMALLEST: Final = 8 << 20
LARGEST: Final = 128 << 20
MOST: Final = 512
"""Tasks of one table: each attempt has tables of its own in the destination, and the mover locks them all."""
_CHUNK: Final = 4 << 20
_PLAIN: Final = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii"})

Marks = tuple[int, int]
"""How many newlines and how many quotes a part has."""
Counting = Callable[[Sequence[Numbered]], Sequence[Marks]]
"""Counts the marks of parts, in their order: here, or on the cluster."""


def cut(inputs: Sequence[Input], cores: int, counting: Counting) -> list[Numbered]:
    """The parts of all files, in the files' order. LandingError where a file is not there."""
    size = part_size(inputs, cores)
    parts: list[list[Numbered]] = []
    for ordinal, one in enumerate(inputs):
        numbered = Numbered(ordinal, lightened(one))
        if one.elsewhere is not None:
            parts.append([numbered])  # by its own task, which brings it
            continue
        parts.append(list(_row_groups(numbered, size) if one.file.format == "parquet" else _lines(numbered, size)))
    cut_up = [part for file in parts if len(file) > 1 and file[0].input.file.format != "parquet" for part in file]
    marks = dict(zip(map(_place, cut_up), counting(cut_up), strict=True)) if cut_up else {}
    return [part for file in parts for part in _numbered(file, marks)]


def part_size(inputs: Sequence[Input], cores: int) -> int:
    """Bytes of a part: some parts for each core, and not more than MOST of them."""
    total = sum(one.file.bytes for one in inputs)
    return max(SMALLEST, min(LARGEST, total // (2 * cores)), total // MOST)


def tasks(parts: Sequence[Numbered], size: int, cores: int) -> int:
    """How many tasks read these parts: small files are read several by one task."""
    spans = [(part.input.span, part.input.file) for part in parts]
    lines = [span.end - span.start if span and file.format != "parquet" else file.bytes for span, file in spans]
    if any(file.unread for _, file in spans):
        return max(1, min(len(parts), MOST))  # ranges, each of them a task's work; nobody knows their bytes
    return max(1, min(len(parts), MOST, max(2 * cores, -(-sum(lines) // size))))


def lightened(one: Input) -> Input:
    """An input as a task needs it: without the other files of its batch, and where each made line came from."""
    origin = one.origin
    if origin is not None:
        origin = Origin(origin.file, np.empty((0, 2), np.int64), origin.refused, origin.reasons)
    return replace(one, batch=one.batch.model_copy(update={"files": ()}), origin=origin)


def marks_of(numbered: Numbered) -> Marks:
    """Count one part."""
    one, span = numbered.input, numbered.input.span
    assert span is not None
    quote = one.file.dialect.quote.encode() if one.file.dialect is not None else b""
    newlines = quotes = 0
    with one.path.open("rb", buffering=0) as file:
        file.seek(span.start)
        left = span.end - span.start
        while left and (data := file.read(min(_CHUNK, left))):
            left -= len(data)
            newlines += data.count(b"\n")
            quotes += data.count(quote) if quote else 0
    return newlines, quotes


def _lines(numbered: Numbered, size: int) -> Iterator[Numbered]:
    """Parts that begin where a line does; how many lines came before them is not known yet."""
    one, dialect = numbered.input, numbered.input.file.dialect
    whole = one.file.bytes <= size or one.file.compression != "none"
    if dialect is not None:
        whole = whole or dialect.encoding.lower() not in _PLAIN or dialect.escape is not None or len(dialect.quote) > 1
    if whole:
        yield numbered
        return
    try:
        with one.path.open("rb") as file:
            total, start = file.seek(0, 2), 0
            while start < total:
                file.seek(min(start + size, total))
                file.readline()
                end = file.tell()
                yield replace(numbered, input=replace(one, span=Span(start, end, 1)))
                start = end
    except OSError as error:
        raise LandingError(f"the landed file cannot be read ({error})", where=str(one.path)) from error


def _row_groups(numbered: Numbered, size: int) -> Iterator[Numbered]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        footer = parquet.read_metadata(numbered.input.path)
    except (pa.ArrowInvalid, OSError) as error:
        where = str(numbered.input.path)
        raise LandingError(f"the Parquet file cannot be read ({error})", where=where) from error
    start, first, rows, held = 0, 1, 0, 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        rows, held = rows + group.num_rows, held + group.total_byte_size
        if held >= size or number + 1 == footer.num_row_groups:
            yield replace(numbered, input=replace(numbered.input, span=Span(start, number + 1, first)))
            start, first, rows, held = number + 1, first + rows, 0, 0


def _numbered(file: list[Numbered], marks: dict[tuple[int, int], Marks]) -> Iterator[Numbered]:
    """The parts with the numbers of their first rows; the whole file where a record may stand on several lines."""
    if not file or _place(file[0]) not in marks:
        yield from file
        return
    if any(marks[_place(part)][1] for part in file):
        yield replace(file[0], input=replace(file[0].input, span=None))
        return
    first = 1
    for part in file:
        assert part.input.span is not None
        yield replace(part, input=replace(part.input, span=replace(part.input.span, first=first)))
        first += marks[_place(part)][0]


def _place(part: Numbered) -> tuple[int, int]:
    return part.ordinal, part.input.span.start if part.input.span is not None else 0
