"""What the engines' SELECTs over tokens share: words that mean NULL, and what is said of a row that fails."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from octo_core.expressions import Rendered
from octo_resources.engines.duckdb.scan import VALUE_LENGTH


@dataclass(frozen=True, slots=True)
class Spelling:
    """How an engine writes a quoted name, a text constant and the type of a text."""

    name: Callable[[str], str]
    literal: Callable[[str], str]
    text: str

    @property
    def never(self) -> str:
        """NULL as a text."""
        return f"CAST(NULL AS {self.text})"


def null_words_as_null(
    spelling: Spelling,
    source: str,
    paths: Sequence[str],
    keep: Sequence[str],
    nulls: Mapping[str, Sequence[str]],
    blank: Collection[str],
) -> str:
    """A FROM item: the source's paths, with NULL for the words that mean it, and the columns to `keep`.

    `blank` are the paths of which an empty text means NULL.
    """
    words = dict(nulls) | {path: ("", *nulls.get(path, ())) for path in blank}
    if not words:
        return source
    shown = [spelling.name(name) for name in keep]
    for path in paths:
        name = spelling.name(path)
        listed = ", ".join(spelling.literal(word) for word in words.get(path, ()))
        shown.append(f"CASE WHEN {name} NOT IN ({listed}) THEN {name} END AS {name}" if listed else name)
    return f"(SELECT {', '.join(shown)} FROM {source})"  # noqa: S608  (names quoted, texts escaped)


def said_of_failure(
    spelling: Spelling,
    failing: Sequence[int],
    names: Sequence[str],
    values: Sequence[Rendered],
    kinds: Sequence[str],
    sources: Sequence[str | None],
) -> list[str]:
    """SQL of column, reason, kind and value of a row's first failure, whose place is in `!place`."""
    place_of = spelling.name("!place")

    def of_first(sql: Mapping[int, str]) -> str:
        return f"CASE {place_of} {' '.join(f'WHEN {place} THEN {one}' for place, one in sql.items())} END"

    shown = {
        place: f"left(CAST({spelling.name(path)} AS {spelling.text}), {VALUE_LENGTH})"
        for place in failing
        if (path := sources[place]) is not None
    }
    return [
        of_first({place: spelling.literal(names[place]) for place in failing}),
        of_first({place: values[place].reason for place in failing}),
        of_first({place: kinds[place] for place in failing}),
        of_first(shown) if shown else spelling.never,
    ]
