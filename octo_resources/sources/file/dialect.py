"""How a delimited file is written: delimiter, quotes, lines before the header, the header and the names in it.

The measure is CleverCSV's (van den Burg, Nazábal, Sutton: Wrangling messy CSV files by detecting row and type
patterns, 2019): a dialect is good where rows have one pattern and cells look like something.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Final

from octo_core.batch import CsvDialect
from octo_core.errors import SourceError
from octo_core.spec.sources import FileOptions
from octo_resources.cells import read_cells

_DELIMITERS: Final = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~")
_ROWS = 400
_PREAMBLE = 20
_NULLS = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "\\n", "#n/a", "?"})
_NUMBER = re.compile(r"[-+]?[$€£]?\s?(\d{1,3}([.,' ]\d{3})+|\d+)?([.,]\d+)?([eE][-+]?\d+)?\s?[%€$£]?")
_MOMENT = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_WORDS = re.compile(r"[^\W_][\w .&'’/()@:+#*!?%-]*")
_NAME = re.compile(r"[^\W\d]\w*(?:[ ._/()%#-]\w*){0,6}")
_MOSTLY = 0.9
_TABLE = 0.75
"""Share of ragged rows that have the delimiter with no blank after it, as sentences have."""
_KEPT = 0.1
"""Share of ragged rows that have as many cells as the header."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the sample, and how good it is."""

    delimiter: str
    quote: str
    escape: str | None
    rows: list[list[str]]
    score: float


def find_dialect(text: str, options: FileOptions, encoding: str, complete: bool, tabs: bool = False) -> CsvDialect:
    """The dialect of a file whose beginning is `text`. What `options` say is taken as it is.

    `complete`: the text is the whole file; else its last, cut record is left out. `tabs`: the format is TSV.
    """
    text = text.removeprefix("\ufeff")
    forced = options.skip
    body, skipped = (_after_lines(text, forced), forced) if forced is not None else _after_comments(text)
    delimiters = (options.delimiter,) if options.delimiter else ("\t",) if tabs else _DELIMITERS
    reading = _best(body, options, delimiters, complete)
    rows = reading.rows
    if forced is None:
        preamble = _preamble(rows) or next((place for place, row in enumerate(rows) if row), 0)
        skipped += sum(_lines_of(row) for row in rows[:preamble])
        rows = rows[preamble:]
    rows = [row for row in rows if row]
    header = _header(rows, options)
    return CsvDialect(
        delimiter=reading.delimiter,
        quote=reading.quote,
        escape=reading.escape,
        header=header,
        encoding=encoding,
        columns=_columns(rows, header, options),
        skip=skipped,
        null=options.null if options.null is not None else _null_spellings(rows[1:] if header else rows),
    )


def _best(text: str, options: FileOptions, delimiters: tuple[str, ...], complete: bool) -> _Reading:
    quotes = (options.quote,) if options.quote is not None else ('"', "'") if "'" in text else ('"',)
    readings = [
        _read(text, delimiter, quote, escape, complete)
        for delimiter in delimiters
        if delimiter in text or len(delimiters) == 1
        for quote in quotes
        if quote == '"' or not quote or _wraps(text, delimiter, quote) or options.quote
        for escape in (
            (options.escape,) if options.escape else (None, "\\") if quote and "\\" + quote in text else (None,)
        )
    ]
    wide = [one for one in readings if one is not None and _width(one.rows) > 1]
    if wide:
        return max(wide, key=lambda one: one.score)
    if options.header is not False:
        ragged = [one for one in readings if one is not None and _ragged(one.rows)]
        if ragged:
            return max(ragged, key=lambda one: (len(_first(one.rows)), one.score))
    default = delimiters[0] if len(delimiters) == 1 else ","
    quote = options.quote if options.quote is not None else '"'
    # One column: nothing in it may be taken for a delimiter, so the lines themselves are the rows.
    single = _read(text, default, quote, options.escape, complete)
    if single is not None and _width(single.rows) == 1 and all(len(row) <= 1 for row in single.rows):
        return single
    unused = next((one for one in (",", ";", "\t", "|", "\x1f", "\x01") if one not in text), "\x1f")
    return _read(text, unused, quote, options.escape, complete) or _Reading(unused, quote, None, [], 0.0)


def _first(rows: list[list[str]]) -> list[str]:
    return next((row for row in rows if row), [])


def _ragged(rows: list[list[str]]) -> bool:
    """Whether rows stand below names of columns, though most of them have another number of cells: those go aside."""
    names = _first(rows)
    rest = [row for row in rows if row][1:]
    if len(names) < 3 or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)) or not rest:
        return False
    apart = sum(len(row) > 1 and not any(cell.startswith(" ") for cell in row) for row in rest)
    return apart >= _TABLE * len(rest) and sum(len(row) == len(names) for row in rest) >= _KEPT * len(rest)


def _wraps(text: str, delimiter: str, quote: str) -> bool:
    """Whether cells are wrapped in this quote, and it is no apostrophe in words."""
    wrapped = len(
        re.findall(
            f"(?:^|{re.escape(delimiter)}){quote}[^{quote}\n]*{quote}(?={re.escape(delimiter)}|\r?$)",
            text,
            re.MULTILINE,
        )
    )
    return wrapped * 4 > text.count(quote)


def _read(text: str, delimiter: str, quote: str, escape: str | None, complete: bool) -> _Reading | None:
    if delimiter in ("\n", "\r", quote):
        return None
    reader = read_cells(
        _lines(text),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=escape,
        doublequote=escape is None,
    )
    try:
        rows = list(islice(reader, _ROWS + 1))
    except csv.Error:
        return None
    if len(rows) > 1 and (not complete or len(rows) > _ROWS):
        rows.pop()
    return _Reading(delimiter, quote, escape, rows, _score(rows))


def _lines(text: str) -> list[str]:
    """Lines with their ends; a lone carriage return ends one too where the file has no newline."""
    end = "\n" if "\n" in text else "\r"
    lines = [line + end for line in text.split(end)]
    return lines[:-1] if lines[-1] == end else lines


def _score(rows: list[list[str]]) -> float:
    filled = [row for row in rows if row]
    if not filled:
        return 0.0
    patterns = Counter(map(len, filled))
    pattern = sum(count * max(width - 1, 0.001) / width for width, count in patterns.items()) / len(patterns)
    cells = [cell for row in filled for cell in row]
    return pattern * sum(map(_looks, cells)) / len(cells)


def _looks(cell: str) -> float:
    """1 for a number, date, time, null or plain words; less for what looks torn or glued together."""
    cell = cell.strip()
    if cell.lower() in _NULLS or _typed(cell) or _WORDS.fullmatch(cell):
        return 1.0
    return 0.3 if '"' in cell else 0.6


def _typed(cell: str) -> bool:
    return bool(cell) and bool(_NUMBER.fullmatch(cell) or _MOMENT.fullmatch(cell))


def _width(rows: list[list[str]]) -> int:
    """The number of columns that most rows have; 1 where no number of columns is usual."""
    counts = Counter(len(row) for row in rows if row)
    if not counts:
        return 0
    width, often = max(counts.items(), key=lambda one: (one[1], one[0]))
    total = sum(counts.values())
    first = next(len(row) for row in rows if row)
    if width > 1 and first == 1 and often < total and _all_typed_after_words(rows):
        return 1
    return width if often >= total * 0.5 else 1


def _all_typed_after_words(rows: list[list[str]]) -> bool:
    """A name over `1,5` and `2,25`: one column of decimal commas, and not a title over two columns."""
    filled = [row for row in rows if row]
    return not _typed(filled[0][0]) and all(len(row) <= 2 and all(map(str.isdigit, row)) for row in filled[1:])


def _preamble(rows: list[list[str]]) -> int:
    """Rows before the table: titles and notes, narrower than what the rows after them agree on."""
    width = _width(rows)
    if width < 2:
        return 0
    start = next((place for place, row in enumerate(rows[:_PREAMBLE]) if not _is_note(row, width)), 0)
    return start if len(rows) > start else 0


def _is_note(row: list[str], width: int) -> bool:
    """A title or a note: one cell with nothing beside it, or a row that is much too short."""
    if len(row) >= width:
        return bool(row[0]) and not any(row[1:])
    return sum(map(bool, row)) <= max(1, width // 2)


def _after_comments(text: str) -> tuple[str, int]:
    skipped = 0
    while text.startswith("#") and "\n" in text:
        text = text.partition("\n")[2]
        skipped += 1
    return text, skipped


def _after_lines(text: str, count: int) -> str:
    for _ in range(count):
        text = text.partition("\n")[2]
    return text


def _lines_of(row: list[str]) -> int:
    return 1 + sum(cell.count("\n") for cell in row)


def _header(rows: list[list[str]], options: FileOptions) -> bool:
    if options.header is not None:
        return options.header
    if not rows:
        return True
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if options.columns is not None:
        return tuple(first) == options.columns or _is_header(first, rest)
    return _is_header(first, rest)


def _is_header(first: list[str], rest: list[list[str]]) -> bool:
    """Words above values are a header; so are words above words, unless they come again below."""
    if not any(first) or (all(map(_typed, first)) and not _years(first)):
        return False
    for place, name in enumerate(first):
        cells = [row[place].strip() for row in rest if len(row) > place]
        cells = [cell for cell in cells if cell.lower() not in _NULLS]
        if not cells:
            continue
        typed = sum(map(_typed, cells)) / len(cells)
        if typed >= _MOSTLY and name and not _typed(name):
            return True
    if any(_typed(name) for name in first) and not _years([name for name in first if _typed(name)]):
        return False
    again = sum(
        name in {row[place].strip() for row in rest if len(row) > place} for place, name in enumerate(first) if name
    )
    return again == 0


def _years(cells: list[str]) -> bool:
    """2011, 2012, 2013 as names of columns."""
    return len(cells) > 1 and all(re.fullmatch(r"(19|20)\d\d", cell) for cell in cells)


def _columns(rows: list[list[str]], header: bool, options: FileOptions) -> tuple[str, ...]:
    width = len(_all_named(rows[0], rows[1:])) if header and rows else max((len(row) for row in rows), default=0)
    if options.columns is not None:
        if rows and len(options.columns) != width:
            raise SourceError(
                f"options.columns names {len(options.columns)} columns, the file has {width}",
                hint="Name every column in the file's order, or leave `columns` out.",
                retryable=False,
            )
        return options.columns
    if not header:
        return tuple(f"column_{place}" for place in range(1, width + 1))
    return unique_names(_all_named(rows[0], rows[1:]) if rows else [])


def _all_named(names: list[str], rest: list[list[str]]) -> list[str]:
    """The header, with empty names where rows agree on more cells: behind it where those are empty (a delimiter at
    the end of each row), before it where the first cell numbers the rows (R and pandas leave that column unnamed)."""
    width, often = max(Counter(map(len, rest)).items(), key=lambda one: one[1], default=(0, 0))
    more = width - len(names)
    if more < 1 or often < _MOSTLY * len(rest):
        return names
    agreed = [row for row in rest if len(row) == width]
    if not any(cell for row in agreed for cell in row[len(names) :]):
        return [*names, *[""] * more]
    numbers = [row[0] for row in agreed]
    counted = any(numbers == [str(start + place) for place in range(len(numbers))] for start in (0, 1))
    return ["", *names] if more == 1 and counted and len(numbers) > 1 else names


def unique_names(names: list[str]) -> tuple[str, ...]:
    """Names as they are, trimmed; empty ones become `column_3`, repeated ones (whatever their case) `name_2`."""
    seen: set[str] = set()
    taken = {name.strip().lower() for name in names}
    result: list[str] = []
    for place, raw in enumerate(names, start=1):
        base = raw.strip() or f"column_{place}"
        name, number = base, 1
        while name.lower() in seen or (number > 1 and name.lower() in taken):
            number += 1
            name = f"{base}_{number}"
        seen.add(name.lower())
        result.append(name)
    return tuple(result)


def _null_spellings(rows: list[list[str]]) -> tuple[str, ...]:
    r"""Empty, and `\N` where it is used: no other text is null for certain, so the pipeline has to say it."""
    return ("", "\\N") if any("\\N" in row for row in rows) else ("",)
