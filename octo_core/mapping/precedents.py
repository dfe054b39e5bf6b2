"""Which fields of other sources are a new source's fields again, and what was decided about those.

The fields of two sources are matched like those of a source and a destination (scoring.py), from both sides and one to
one: only a field that is nobody else's likest says something. Alone by their likeness, fields say hardly anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.scoring import Method, score, weighed
from octo_core.mapping.threshold import threshold_of
from octo_core.mapping.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BUT_ONE: Final = 0.95
"""The most that two fields come to whose names are of other words."""
MOST_CELLS: Final = 200_000
"""Pairs of fields that are held against one another at most: the newest decisions count first."""
MOST_VECTORS: Final = 200
MOST_SOURCES: Final = 20
"""So many decided fields, each field's most alike otherwise, are read by meaning, some 10 ms each, and so many sources
are matched: of all others count the fields of the same words alone."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A field of another source, and the columns that it feeds there; none: it was left out."""

    field: Attribute
    source: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Precedents:
    """Of field i and column j, summed over the sources: `feeds[i, j]`, how surely the same field fed it there, and
    `left[i]`, how surely the same field was left out.

    `votes[i, j]`: the share of the sources with a field of the same words in which that fed column j; `same_left[i]`:
    most of these left it out.
    """

    feeds: Floats
    left: Floats
    votes: Floats
    same_left: NDArray[np.bool_]


def precedents(
    source: Sequence[Attribute], decided: Sequence[Decided], places: Mapping[str, int], method: Method
) -> Precedents:
    """What was decided in other sources about the fields that are those of `source`; `places`: the targets by name."""
    import numpy as np

    rows = len(source)
    feeds, left = np.zeros((rows, len(places))), np.zeros(rows)
    votes, voters, same_left = np.zeros((rows, len(places))), np.zeros(rows), np.zeros(rows)
    for some, read in _by_source(source, decided, method):
        for row, position, sure in counterparts(source, [one.field for one in some], method if read else None):
            columns = some[position].columns
            there = [places[column] for column in columns if column in places]
            feeds[row, there] += sure
            left[row] += 0.0 if columns else sure
            if sure >= 1:
                votes[row, there] += 1
                voters[row] += 1
                same_left[row] += not columns
    return Precedents(feeds, left, votes / np.maximum(voters, 1.0)[:, None], same_left * 2 > voters)


def counterparts(
    source: Sequence[Attribute], before: Sequence[Attribute], method: Method | None
) -> list[tuple[int, int, float]]:
    """The pairs of fields of two sources that are the same, one to one, by their places, and how sure that is, 0..1:
    from the score on with which the matcher itself takes a pair up to 1, the same words.

    `method` None: by the words of their names alone.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    same = _same_words(source, before)
    alike = np.zeros(same.shape)
    if method is not None:
        alike = (score(source, before, method).score + score(before, source, method).score.T) / 2
    elif not same.any():
        return []
    least = (threshold_of(len(source)) + threshold_of(len(before))) / 2
    gain = np.where(same, 1.0, np.maximum(np.minimum(alike, BUT_ONE) - least, 0.0) / (1 - least))
    first = gain + 2.0 * same  # the same words go together, whatever others would gain
    pairs = zip(*(found.tolist() for found in linear_sum_assignment(first, maximize=True)), strict=True)
    return [(row, column, float(gain[row, column])) for row, column in pairs if gain[row, column] > 0]


def _by_source(
    source: Sequence[Attribute], decided: Sequence[Decided], method: Method
) -> list[tuple[list[Decided], bool]]:
    """The decided fields of each source, and whether they can be matched in reasonable time; else by words alone."""
    near = set(range(len(decided)))
    if len(decided) > MOST_VECTORS and method.encoder is not None:
        near = set(_nearest(weighed(source, [one.field for one in decided])[0].score))
    often = Counter(decided[n].source for n in sorted(near, reverse=True))  # of as many the newest
    most = {name for name, _ in often.most_common(MOST_SOURCES)}
    found: dict[tuple[str, bool], list[Decided]] = {}
    for number, one in enumerate(decided):
        found.setdefault((one.source, number in near and one.source in most), []).append(one)
    return [(some, read) for (_, read), some in found.items()]


def _nearest(alike: Floats) -> list[int]:
    """The MOST_VECTORS columns that are among the first of any row, the newest of equal ones."""
    import numpy as np

    newest_first = np.argsort(-alike[:, ::-1], axis=1, kind="stable")
    ranks = np.empty_like(newest_first)
    np.put_along_axis(ranks, newest_first, np.arange(alike.shape[1])[None, :], axis=1)
    best = ranks[:, ::-1].min(axis=0) - alike.max(axis=0)
    nearest: list[int] = np.sort(np.argsort(best, kind="stable")[:MOST_VECTORS]).tolist()
    return nearest


def _same_words(source: Sequence[Attribute], before: Sequence[Attribute]) -> NDArray[np.bool_]:
    import numpy as np

    lefts, rights = [_words(one.name) for one in source], [_words(one.name) for one in before]
    return np.array([[one == two for two in rights] for one in lefts])


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(map(stem, evidence.name_words_of(name))))
