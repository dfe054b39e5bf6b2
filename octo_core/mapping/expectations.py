"""What reviewers chose against what the matcher expects of the same fields: counts, by the words of the names.

The matcher scores the decided fields again. A column, or a word of columns (`ajcc`, not `uicc`), that was chosen more
often than it expects is the likelier one where several fit; where fields with a word (`CIBERSORT …`) were fed less
often than it expects, the next is likelier left out. Every count is a logarithm of (chosen + 1) / (expected + 1): of a
word that was not seen, and where the matcher was right, nothing is said.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.threshold import threshold_of
from octo_core.mapping.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NOTHING: Final = 0.02
"""Below this score a pair has no evidence of its own."""
WHICH: Final = 3.0
ANY: Final = 2.0
"""What a logit of the score is worth in log odds: between two columns, and between the best and none."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Fields of one source that were decided, their scores (field × target), and the columns that each feeds.

    `weight`: how many times they count.
    """

    names: Sequence[str]
    score: Floats
    columns: Sequence[frozenset[str]]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Ahead:
    """In logits: of each target how much likelier it is than its score says, of each field that it is fed at all."""

    columns: Floats
    fields: Floats


def ahead(
    source: Sequence[Attribute], target: Sequence[Attribute], places: Mapping[str, int], reviewed: Iterable[Reviewed]
) -> Ahead:
    """What the reviewed fields say of these; `places`: the targets by name."""
    import numpy as np

    chosen, expected = np.zeros(len(target)), np.zeros(len(target))
    fed: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for some in reviewed:
        which, likely = _expected(some.score)
        for row, (name, columns) in enumerate(zip(some.names, some.columns, strict=True)):
            there = [places[column] for column in columns if column in places]
            if there:
                chosen[there] += some.weight * which[row, there] / which[row, there].sum()
                expected += some.weight * which[row]
            for word in _words(name) if there or not columns else ():
                fed[word][0] += some.weight * bool(there)
                fed[word][1] += some.weight * likely[row]
    return Ahead(_of_columns(target, chosen, expected), np.array([_mean(fed, _words(one.name)) for one in source]))


def logits(score: Floats) -> Floats:
    """Scores as log odds; what is as good as nothing is one and the same."""
    import numpy as np

    inside = np.clip(score, NOTHING, 0.99)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _expected(score: Floats) -> tuple[Floats, Floats]:
    """How likely each column is where a field feeds one (field × target), and how likely each field is fed."""
    import numpy as np

    found = logits(score)
    best = found.max(axis=1)
    odds = np.exp(WHICH * (found - best[:, None]))
    threshold = threshold_of(score.shape[1])
    least = math.log(threshold / (1 - threshold))
    return odds / odds.sum(axis=1, keepdims=True), 1 / (1 + np.exp(-ANY * (best - least)))


def _of_columns(target: Sequence[Attribute], chosen: Floats, expected: Floats) -> Floats:
    """Of each column the mean over the words of its name and itself."""
    import numpy as np

    names = [_words(one.name) for one in target]
    counts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, one, other in zip(names, chosen.tolist(), expected.tolist(), strict=True):
        for word in name:
            counts[word][0] += one
            counts[word][1] += other
    own = np.log((chosen + 1) / (expected + 1))
    size = np.array([len(name) for name in names])
    return np.asarray((own + size * np.array([_mean(counts, name) for name in names])) / (size + 1))


def _mean(counts: Mapping[str, Sequence[float]], words: frozenset[str]) -> float:
    seen = [counts[word] for word in words if word in counts]
    return sum(math.log((chosen + 1) / (expected + 1)) for chosen, expected in seen) / max(1, len(words))


def _words(name: str) -> frozenset[str]:
    return frozenset(map(stem, evidence.name_words_of(name)))
