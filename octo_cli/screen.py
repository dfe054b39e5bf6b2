"""Tables and lines for a terminal or a file, without rich: its console takes 45 ms to import, 5 % of `status`.

Colour on a terminal only, and never with NO_COLOR; no wrapping where nobody looks.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from octo_resources.redaction import redact

Justify = Literal["left", "right"]
Heading = str | tuple[str, Justify]

_WIDE = 10_000
_LEAST = 8
"""A column is not made narrower than this; its cells fold instead."""

# What a source or a catalog says may hold terminal escapes; only line ends and tabs go through to a terminal.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def clean(text: str) -> str:
    """The text with control characters spelled out."""
    return text.translate(_CONTROL)


@dataclass(frozen=True, slots=True)
class Table:
    """A table without lines. A cell may be any value: None is empty, numbers have their thousands apart."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Any]]
    title: str | None = None

    def text(self, width: int, *, colour: bool) -> str:
        """The table in lines of at most `width` cells, as far as its columns can be made narrower."""
        from rich.cells import cell_len  # what measures signs; --help needs none of it

        from octo_core.plan.text import columns, rendered

        heads = [heading if isinstance(heading, str) else heading[0] for heading in self.headings]
        right = frozenset(place for place, heading in enumerate(self.headings) if not isinstance(heading, str))
        cells = [[_cell(value) for value in row] for row in self.rows]
        widths = _widths([max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)], width)
        [head, *rows] = columns([heads, *cells], widths, right)
        lines = [((self.title, "bold"),)] if self.title else []
        lines += [((line, "bold"),) for line in head]
        lines += [((line, ""),) for row in rows for line in row]
        return rendered(lines, colour=colour)


@dataclass(frozen=True, slots=True)
class Screen:
    """Standard output, for people."""

    colour: bool
    width: int

    @classmethod
    def here(cls) -> "Screen":
        terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size((100, 24)).columns if terminal else _WIDE
        return cls(terminal and "NO_COLOR" not in os.environ, width)

    def print(self, what: Table | str = "", style: str = "") -> None:
        """A table, or a line in one of octo_core.plan.text's styles."""
        from octo_core.plan.text import rendered

        if isinstance(what, Table):
            text = what.text(self.width, colour=self.colour)
        else:
            text = rendered([((what, style),)], colour=self.colour)
        sys.stdout.write(redact(text) + "\n")


def _widths(natural: list[int], room: int) -> list[int]:
    """Each column as wide as its widest cell; where that is too much, the widest give way."""
    widths = natural[:]
    spare = room - 2 * (len(widths) - 1)
    while sum(widths) > spare and max(widths) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    # One line a cell, whatever a value holds: a line end would tear the columns apart.
    return clean(f"{value:,}" if isinstance(value, int) else str(value)).replace("\n", " ")
