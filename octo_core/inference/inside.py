"""Whether texts that hold values within values (JSON, a file's own lists and records) hold somebody's."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from octo_core.inference.semantics import semantic_of
from octo_core.types import TEXT

_PIECE: Final = re.compile(
    r""" "(?P<json>(?:[^"\\]|\\.)*)" | '(?P<sql>(?:[^'\\]|\\.)*)' | (?P<bare>[^\s\[\]{},:="'][^\[\]{},:="']*)"""
    r"""| (?P<after>[:=]) """,
    re.VERBOSE,
)
"""JSON's strings and numbers, and lists, records and maps as DuckDB writes them; the end of a text may be cut off."""
_TEXTS: Final = 200
_KEYS: Final = 100


def hold_personal(name: str, texts: Sequence[str]) -> bool:
    """Whether what such texts hold is personal: under one of their keys, beside none, or the keys themselves."""
    held: dict[str, dict[str, None]] = defaultdict(dict)
    keys: dict[str, None] = {}
    for text in texts[:: max(1, len(texts) // _TEXTS)]:
        for key, value in _pieces(text):
            if value is None:
                keys[key] = None
            elif key in held or len(held) < _KEYS:
                held[key][value] = None
    held["keys"] |= keys
    return any(semantic_of(TEXT, key or name, list(values))[1] for key, values in held.items())


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """(key, None) for each key and (newest key or nothing, value) for each other text or number."""
    key, before = "", None
    for found in _PIECE.finditer(text):
        if found.lastgroup == "after":
            if before is not None:
                key, before = before, None
                yield key, None
            continue
        if before is not None:
            yield key, before
        before = found[found.lastgroup or 0].strip()
    if before is not None:
        yield key, before
