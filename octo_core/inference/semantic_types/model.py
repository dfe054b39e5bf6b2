"""What a semantic type is: words for people, a shape that is cheap to test, and a check that proves it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

Check = Callable[[str], bool]

TEXT: Final = frozenset({"text"})
CODE: Final = frozenset({"text", "integer", "decimal"})
"""What may be typed as a number although nobody counts with it."""
MEASURE: Final = frozenset({"decimal", "float", "integer"})
DAY: Final = frozenset({"date", "timestamp", "timestamptz"})


@dataclass(frozen=True, slots=True)
class Semantic:
    """One semantic type.

    A value is valid where `looks` matches it whole and `check`, which may cost more, takes it. Values alone tell from
    `alone` distinct ones on (None: never); fewer do where the field's name holds one of the words `named`.
    """

    name: str
    description: str
    example: str
    looks: re.Pattern[str]
    check: Check | None = None
    named: frozenset[str] = frozenset()
    alone: int | None = None
    pii: bool = False
    families: frozenset[str] = field(default=TEXT)

    def valid(self, text: str) -> bool:
        return self.looks.fullmatch(text) is not None and (self.check is None or self.check(text))


def semantic(
    name: str,
    description: str,
    example: str,
    looks: str,
    check: Check | None = None,
    *,
    named: str = "",
    alone: int | None = None,
    pii: bool = False,
    families: Iterable[str] = TEXT,
) -> Semantic:
    """A semantic type with its shape as text and the words of names with blanks between them."""
    words = frozenset(named.split())
    return Semantic(name, description, example, re.compile(looks), check, words, alone, pii, frozenset(families))
