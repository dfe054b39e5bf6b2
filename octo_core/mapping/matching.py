"""`match`: scores every pair of columns from all evidence there is, and decides which pairs hold, one to one.

The scores: scoring.py. What is below a threshold stays unmapped; see docs/mapping.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from octo_core.mapping.attribute import Attribute, ColumnLike, attribute
from octo_core.mapping.remembered import Remembered, recalled
from octo_core.mapping.scoring import MAX_CELLS, Method, Scores, product, score
from octo_core.mapping.threshold import threshold_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MARGIN: Final = 0.03
"""Two candidates closer than this have equal evidence."""
KEPT: Final = 100
"""Pairs of a column that carry their evidence; where very many pairs could be, those that are scored."""
MAX_PAIRS: Final = 200_000
FLOOR: Final = 0.02
NOTHING: Final = 0.00005
"""A score below it is that of a pair without any evidence."""
_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """One pair and its score of 0..1; `evidence` says what each kind of evidence gave, strongest first."""

    source: str
    target: str
    score: float
    evidence: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """The names of both sides and the score of every pair (source × target)."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    score: Floats

    def pairs(self) -> Iterator[ScoredPair]:
        """Every pair that has any evidence, best first, without what the evidence is: there may be millions."""
        import numpy as np

        flat = self.score.ravel()
        order = np.flatnonzero(flat >= NOTHING)
        order = order[np.argsort(-flat[order], kind="stable")]
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE]
            rows, columns = np.divmod(some, len(self.targets))
            for row, column, value in zip(rows.tolist(), columns.tolist(), flat[some].tolist(), strict=True):
                yield ScoredPair(self.sources[row], self.targets[column], value)


@dataclass(frozen=True, slots=True)
class Match:
    """`pairs`: the best pairs of every source column, best first, with their evidence. `assignment`: source → target,
    or None.
    """

    pairs: tuple[ScoredPair, ...]
    assignment: dict[str, str | None]
    scored: Scored | None = field(default=None, repr=False, compare=False)

    def every(self) -> Iterator[ScoredPair]:
        """Every scored pair, best first."""
        return self.scored.pairs() if self.scored is not None else iter(self.pairs)


def match(
    source: Sequence[ColumnLike],
    target: Sequence[ColumnLike],
    *,
    remembered: Sequence[Remembered] = (),
    source_name: str = "",
    method: Method | None = None,
) -> Match:
    """Match two lists of columns (names must differ within a list).

    Takes Attributes, source Fields, destination Columns or bare names, mixed as you like. The assignment is one to one
    and leaves unmapped what has too little evidence. `remembered`: decisions made before about the
    same table (remembered.py), `source_name`: whose columns these are. `method`: another way to score, for measuring.
    """
    lefts, rights = [attribute(one) for one in source], [attribute(one) for one in target]
    if not lefts or not rights:
        return Match((), {one.name: None for one in lefts})
    method = method or product()
    scores = score(lefts, rights, method)
    if remembered:
        known = recalled(scores.score, lefts, rights, remembered, source_name=source_name, method=method)
        scores = scores.with_score(known)
    if len(lefts) * len(rights) > MAX_CELLS:
        scores = scores.with_score(_short_listed(scores.score))
    scored = Scored(tuple(one.name for one in lefts), tuple(two.name for two in rights), scores.score)
    return Match(_pairs(lefts, rights, scores), _named(lefts, rights, assign(scores.score)), scored)


def undecided(found: Match) -> dict[str, tuple[str, ...]]:
    """Of a source's column the targets for which it has equal evidence, within MARGIN: its own and another's.

    Either several targets fit one column, or several columns fit one target: then each of them has that target here.
    Targets that another column took with more evidence do not count, nor columns that fit another target better.
    """
    scores = {(pair.source, pair.target): pair.score for pair in found.pairs}
    taken = {target: scores.get((source, target), 1.0) for source, target in found.assignment.items() if target}
    said: dict[str, set[str]] = {}
    for pair in found.pairs:
        mine = found.assignment.get(pair.source)
        best = scores.get((pair.source, mine), 0.0) if mine is not None else 0.0
        if mine is not None and pair.target != mine and abs(pair.score - best) < MARGIN:
            if pair.target not in taken or taken[pair.target] < pair.score + MARGIN:
                said.setdefault(pair.source, {mine}).add(pair.target)
        elif mine is None and pair.target in taken and abs(pair.score - taken[pair.target]) < MARGIN:
            said.setdefault(pair.source, set()).add(pair.target)
    takers = {target: source for source, target in found.assignment.items() if target is not None}
    for source, targets in list(said.items()):
        if found.assignment.get(source) is None:
            for target in targets:
                said.setdefault(takers[target], set()).add(target)
    return {
        source: tuple(sorted(said[source], key=lambda one: -scores.get((source, one), 0.0)))
        for source in found.assignment
        if source in said
    }


def assign(score: Floats) -> list[int | None]:
    """One to one, the greatest sum of what is above the threshold: for every row its column or None."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    threshold = threshold_of(score.shape[1])
    gain = np.maximum(score - threshold, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    found: list[int | None] = [None] * score.shape[0]
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if gain[row, column] > 0:
            found[row] = column
    return found


def _short_listed(score: Floats) -> Floats:
    """The scores of the KEPT likeliest counterparts of every column of either side; no other pair counts."""
    import numpy as np

    kept = np.zeros_like(score)
    for matrix, into in ((score, kept), (score.T, kept.T)):
        if matrix.shape[1] <= KEPT:
            return score
        for row in range(len(matrix)):
            best = np.argpartition(-matrix[row], KEPT)[:KEPT]
            into[row, best] = matrix[row, best]
    return kept


def _pairs(lefts: Sequence[Attribute], rights: Sequence[Attribute], scores: Scores) -> tuple[ScoredPair, ...]:
    import numpy as np

    found = []
    kept = max(10, min(KEPT, MAX_PAIRS // len(lefts)))
    for row, one in enumerate(lefts):
        best = np.argsort(-scores.score[row], kind="stable")[:kept]
        best = best[scores.score[row, best] >= FLOOR]
        said = scores.evidence_of(row, best.tolist())
        for column, value, evidence in zip(best.tolist(), scores.score[row, best].tolist(), said, strict=True):
            found.append(ScoredPair(one.name, rights[column].name, value, evidence))
    return tuple(sorted(found, key=lambda pair: -pair.score))


def _named(
    lefts: Sequence[Attribute], rights: Sequence[Attribute], assigned: Sequence[int | None]
) -> dict[str, str | None]:
    return {
        one.name: None if column is None else rights[column].name for one, column in zip(lefts, assigned, strict=True)
    }
