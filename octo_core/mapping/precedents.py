"""How alike the fields of a new source are to fields that were decided before, and what that says of each pair.

Names, values, ranges and types are held against one another by the same evidence that matches fields with columns, and
by meaning where there are vectors. A field counts once for each source: the field there that is most like it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import embedding, evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.scoring import MAX_TEXTS, weighed
from octo_core.mapping.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LIKE: Final = 0.5
"""From this likeness on a field is evidence for another; at 1, the same words, it is all there is."""
BUT_ONE: Final = 0.95
"""The most that two fields come to whose names are of other words."""
CERTAIN: Final = 0.98
MOST_CELLS: Final = 200_000
"""Pairs of fields that are held against one another at most: the newest decisions count first."""
MOST_VECTORS: Final = 200
"""Of the decided fields so many, the most alike otherwise, are also read by meaning: some 10 ms each."""


@dataclass(frozen=True, slots=True)
class Precedents:
    """`feeds[i, j]`: how surely fields like i fed column j before, `share`: how large a part of such sources said so.

    `left[i]`: how surely fields like it were left out; `same_left[i]`: most sources with a field of its words did.
    """

    feeds: Floats
    share: Floats
    left: Floats
    same_left: NDArray[np.bool_]


def likeness(
    source: Sequence[Attribute], before: Sequence[Attribute], encode: embedding.Encoder | None = None
) -> Floats:
    """How alike fields (rows) are to decided ones (columns), 0..1; 1 where their names are of the same words."""
    import numpy as np

    alike = weighed(source, before)[0].score
    if encode is not None and len(source) <= MAX_TEXTS:
        near = np.sort(np.argsort(-alike.max(axis=0), kind="stable")[:MOST_VECTORS])
        meaning = embedding.likeness(source, [before[n] for n in near.tolist()], encode)
        alike[:, near] = (alike[:, near] + np.clip((meaning - 0.2) / 0.8, 0.0, 1.0)) / 2
    lefts, rights = [_words(one.name) for one in source], [_words(one.name) for one in before]
    same = np.array([[one == two for two in rights] for one in lefts])
    return np.where(same, 1.0, np.minimum(alike, BUT_ONE))


def precedents(alike: Floats, decided: Sequence[tuple[int, str | None, str]], places: Mapping[str, int]) -> Precedents:
    """`decided`: the column of `alike`, what that field feeds (None: it was left out), and its source.

    `places`: the targets by name.
    """
    import numpy as np

    rows = len(alike)
    sure = np.clip((alike - LIKE) / (1 - LIKE), 0.0, 1.0)
    missed, left_missed = np.ones((rows, len(places))), np.ones(rows)
    votes, voters = np.zeros((rows, len(places))), np.zeros(rows)
    same, same_left = np.zeros(rows), np.zeros(rows)
    for name in sorted({one[2] for one in decided}):
        fed, best, left = np.zeros((rows, len(places))), np.zeros(rows), np.zeros(rows)
        for position, column, source in decided:
            if source != name:
                continue
            if column is None:
                left = np.maximum(left, sure[:, position])
            else:
                best = np.maximum(best, sure[:, position])
                if (place := places.get(column)) is not None:
                    fed[:, place] = np.maximum(fed[:, place], sure[:, position])
        missed *= 1 - CERTAIN * fed
        left_missed *= 1 - CERTAIN * np.where(left >= best, left, 0.0)
        votes, voters = votes + fed, voters + np.maximum(best, left)
        same, same_left = same + (np.maximum(best, left) >= 1), same_left + ((left >= 1) & (best < 1))
    share = votes / np.maximum(voters, 1.0)[:, None]
    return Precedents(1 - missed, share, 1 - left_missed, same_left * 2 > same)


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(map(stem, evidence.name_words_of(name))))
