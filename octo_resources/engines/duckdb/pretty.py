"""Lays out a SELECT for people to read: a line for each column, each sub-select further in; the text stays the same."""

import re
from typing import Final

_PIECE: Final = re.compile(
    r"'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|[(),]|\bFROM\b|\bSELECT\b|[^'\"`(),FS]+|.", re.DOTALL
)


def pretty(sql: str) -> str:
    """The same SQL on several lines."""
    lines: list[str] = []
    selects: list[int] = []
    line, depth = "", 0
    for piece in _PIECE.findall(sql):
        at_select = bool(selects) and selects[-1] == depth
        if piece == "SELECT":
            selects.append(depth)
            line += "SELECT"
            lines.append(line)
            line = "  " * len(selects)
            continue
        if piece == "FROM" and at_select:
            lines.append(line.rstrip())
            line = "  " * (len(selects) - 1) + "FROM"
            continue
        if piece == "," and at_select and not line.lstrip().startswith("FROM"):
            lines.append(line + ",")
            line = "  " * len(selects)
            continue
        depth += (piece == "(") - (piece == ")")
        if piece == ")" and selects and depth < selects[-1]:
            selects.pop()
        line = line + piece if line.strip() else line + piece.lstrip()
    lines.append(line)
    return "\n".join(lines)
