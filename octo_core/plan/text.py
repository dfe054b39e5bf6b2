"""Text for a terminal: hostile data made harmless, cells measured as they are drawn, lines with or without colour."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.cells import cell_len, chop_cells  # 0.02 s

Span = tuple[str, str]
"""A piece of text and its style, one of STYLES or empty."""
Line = tuple[Span, ...]

MASKED: Final = "‹masked›"
STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what steers a terminal or turns text around, and of what shows nothing."""


def harmless(text: str) -> str:
    """The text with everything that a terminal would obey, or a reader not see, written out as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(sign) if unicodedata.category(sign) in _HIDING else sign for sign in text)


def shown(value: Any) -> str:
    """A value of the data: text in quotes, anything else as it is, always on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if value == MASKED else f'"{harmless(value)}"'
    if isinstance(value, dict | list | tuple):
        return harmless(json.dumps(value, ensure_ascii=False, default=str))
    return harmless(str(value))


def clipped(text: str, width: int) -> str:
    """At most `width` cells of it, the last an ellipsis where something was left out. For data, never for code."""
    if cell_len(text) <= width:
        return text
    return chop_cells(text, max(width - 1, 1))[0] + "…" if width > 1 else "…"


def wrapped(text: str, width: int) -> list[str]:
    """All of the text in lines of at most `width` cells, broken at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in re.findall(r"\S+\s*|\s+", text):
        if cell_len(line + word.rstrip()) > width and line:
            lines.append(line.rstrip())
            line = ""
        if cell_len(word.rstrip()) > width:
            *full, line = chop_cells(word, width)
            lines.extend(full)
        else:
            line += word
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text filled up to `width` cells."""
    gap = " " * max(width - cell_len(text), 0)
    return gap + text if right else text + gap


def count(number: int) -> str:
    """1,234,567"""
    return f"{number:,}"


def percent(share: float) -> str:
    """62 %, and 100 % only for the whole."""
    return f"{min(round(share * 100), 99) if share < 1 else 100} %"


def rendered(lines: Iterable[Line], *, colour: bool) -> str:
    """The lines as one text, with ANSI colours or without; no blanks at their ends."""
    texts = []
    for line in lines:
        spans = list(line)
        while spans and not spans[-1][0].strip():
            spans.pop()
        if spans:
            spans[-1] = (spans[-1][0].rstrip(), spans[-1][1])
        texts.append("".join(_span(text, style, colour=colour) for text, style in spans))
    return "\n".join(texts)


def columns(
    rows: Sequence[Sequence[str]], widths: Sequence[int], right: frozenset[int] = frozenset()
) -> list[list[str]]:
    """Rows whose cells are wrapped to their widths: each a list of lines, joined by two blanks."""
    found = []
    for row in rows:
        cells = [wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        height = max(len(cell) for cell in cells)
        filled = [cell + [""] * (height - len(cell)) for cell in cells]
        found.append(
            [
                "  ".join(
                    padded(cell[index], width, right=place in right)
                    for place, (cell, width) in enumerate(zip(filled, widths, strict=True))
                )
                for index in range(height)
            ]
        )
    return found


def _span(text: str, style: str, *, colour: bool) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colour and style and text else text


def _escaped(sign: str) -> str:
    code = ord(sign)
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(sign)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
