"""Paths within JSON, as the language writes them: `a.b[1]`."""

import re

from octo_core.expressions.tree import path_parts, path_text


def checked_parts(path: str) -> tuple[str | int, ...]:
    """Names, and positions from 1. Raises ValueError for what is no such path."""
    parts = path_parts(path)
    if not parts or path_text(parts) != re.sub(r"\s", "", path) or 0 in parts:
        raise ValueError(f"{path!r} is no path in JSON; write for example a.b[1], with positions from 1")
    return parts
