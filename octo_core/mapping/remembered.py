"""What was approved or corrected before, as evidence for a new proposal: a pure function of the remembered decisions.

A field of the same name, or of much the same words, belongs to the same column; one that was left out is left out
again. Of several columns that fit as well, those are likelier that were used before, or that share with them a word
that no field said (`ajcc_…`). In the same source, a column that another field feeds is hardly free.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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

SURE: Final = 0.97
"""What a pair of exactly remembered names comes to."""
LIKE: Final = 0.6
"""From this likeness of two fields' names on, one is evidence for the other; at 1 it is all the evidence there is."""
LEFT_OUT: Final = 0.3
TAKEN: Final = 0.5
"""What is left of a score where the field was left out before, and where the column is another field's."""
USED: Final = 0.4
UNUSED: Final = 0.85
FAMILY: Final = 0.92
"""What is left of the score of a column that no other source fed yet, and of one whose name's family they fed."""
KIN: Final = 1.2
"""What the score of a column gains whose name has a rare word that the reviewer of the same source chose unsaid."""
STRICTEST: Final = 0.9
HELD_BACK: Final = 3.0
"""Corrections that a threshold has to save for every 1.0 that it is away from the usual one."""
ENOUGH: Final = 10
"""Reviewed fields of a source from which its reviewer's choosiness shows."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One decision of a reviewer: `field` feeds `column`; either is None where the other was left without.

    `source` and `table` say where; left empty, they are taken to be any. `expr`: how the column was written. `like`:
    what pairs have in common that are written alike (patterns.py).
    """

    field: str | None
    column: str | None
    source: str = ""
    table: str = ""
    expr: str | None = None
    like: str | None = None


def recalled(
    score: Floats,
    source: Sequence[Attribute],
    target: Sequence[Attribute],
    remembered: Iterable[Remembered],
    *,
    source_name: str = "",
) -> Floats:
    """The scores (source × target) with what is remembered laid over them; the same ones where nothing applies.

    `remembered`: decisions of the same table, oldest first; of one field and column the last holds. `source_name`:
    whose fields these are; only decisions of that source, or of none in particular, say that a column is taken.
    """
    import numpy as np

    known = list({(one.field, one.column, one.source): one for one in remembered}.values())
    if not known:
        return score
    places = {two.name: position for position, two in enumerate(target)}
    decided = [one for one in known if one.field is not None]
    likely = _ramp(_likeness(source, decided))
    used, favour = _favour(target, [one for one in known if one.source != source_name or not source_name])
    found = score * favour[None, :]
    found += np.maximum(SURE - found, 0) * (USED * used)[None, :] * found
    _tell(found, places, decided, likely)
    for one in known:
        column = places.get(one.column or "")
        if column is not None and source_name and one.source == source_name:
            found[[row for row, two in enumerate(source) if two.name != one.field], column] *= TAKEN
    mine = [one for one in decided if source_name and one.source == source_name]
    found *= _kin(target, mine)[None, :]
    return np.asarray(np.clip(_as_strict(found, score, source, target, mine), 0.0, 1.0))


def _tell(found: Floats, places: Mapping[str, int], decided: Sequence[Remembered], likely: Floats) -> None:
    """Raise, in place, the pairs that were decided so for fields of like names, and lower the fields left out.

    Where decisions about one name differ, each counts by its share of the sources.
    """
    import numpy as np

    for row in range(len(found)):
        best = likely[row].max(initial=0.0)
        if best <= 0:
            continue
        like = [one for one, weight in zip(decided, likely[row], strict=True) if weight >= best - 1e-9]
        sources = max(1, len({one.source for one in like}))
        votes = Counter(one.column for one in like)
        if best >= 1 and votes[None] * 2 > sources:
            found[row] *= LEFT_OUT
        there = {places[name]: count for name, count in votes.items() if name is not None and name in places}
        for column, count in there.items():
            here = float(found[row, column])
            found[row, column] = max(here, here + (SURE * (0.75 + 0.25 * min(1.0, count / sources)) - here) * best)
        if best >= 1 and there:
            others = np.ones(found.shape[1], dtype=bool)
            others[list(there)] = False
            found[row, others] *= TAKEN


def _as_strict(
    found: Floats, score: Floats, source: Sequence[Attribute], target: Sequence[Attribute], mine: Sequence[Remembered]
) -> Floats:
    """As choosy as the reviewer was with this very source: where more of its fields were left out than were proposed.

    Of the fields that were reviewed, the best score before review and whether it was right set the threshold that would
    have needed the fewest corrections; the scores of the others are scaled to it.
    """
    import numpy as np

    rows = {one.name: row for row, one in enumerate(source)}
    wanted: dict[int, set[str | None]] = defaultdict(set)
    for one in mine:
        if one.field in rows:
            wanted[rows[one.field]].add(one.column)
    if len(wanted) < ENOUGH:
        return found
    best = score.argmax(axis=1)
    tried = [(float(score[row, best[row]]), target[int(best[row])].name, names) for row, names in wanted.items()]
    usual = threshold_of(len(target))
    steps = [usual, *np.arange(usual + 0.02, STRICTEST, 0.02).tolist()]

    def corrections(step: float) -> float:
        """Of the reviewed fields those that would be put right, a little more for what is far from the usual."""
        wrong = sum((name if value > step else None) not in names for value, name, names in tried)
        return wrong + HELD_BACK * (step - usual)

    scale = usual / min(steps, key=corrections)
    others = [row for row in range(len(source)) if row not in wanted]
    found[others] *= scale
    return found


def _kin(target: Sequence[Attribute], mine: Sequence[Remembered]) -> Floats:
    """Of each column a factor: KIN where its name has a rare word that no field said whose column has it (`ajcc_…`)."""
    import numpy as np

    pairs = [(one.field, one.column) for one in mine if one.field is not None and one.column is not None]
    names = [set(map(stem, name)) for name in evidence.name_words(target)]
    rare = _rare(names, _unsaid(pairs))
    return np.array([KIN if name & rare else 1.0 for name in names])


def _unsaid(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The words of columns that the fields which feed them do not have."""
    found: set[str] = set()
    for field, column in pairs:
        found |= set(map(stem, evidence.name_words_of(column))) - set(map(stem, evidence.name_words_of(field)))
    return found


def _rare(names: Sequence[set[str]], words: Iterable[str]) -> set[str]:
    """Those of the words that few columns have."""
    most = min(max(2, len(names) // 2), max(4, len(names) // 20))
    return {word for word in words if sum(word in name for name in names) <= most}


def _likeness(source: Sequence[Attribute], known: Sequence[Remembered]) -> Floats:
    """How alike the names of the fields (rows) and of the remembered fields (columns) are; 1 by the same words."""
    import numpy as np

    if not known:
        return np.zeros((len(source), 0))
    names = evidence.name_words(source)
    others = [evidence.name_words_of(one.field or "") for one in known]
    likeness = evidence.soft_overlap(names, others, evidence.Weights(others)).balanced(0.0)
    same = [[_words(one) == _words(two) for two in others] for one in names]
    return np.where(same, 1.0, np.minimum(likeness, 0.95))


def _words(name: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(map(stem, name)))


def _ramp(likeness: Floats) -> Floats:
    """0 up to LIKE, then its square."""
    import numpy as np

    return np.asarray(np.clip((likeness - LIKE) / (1 - LIKE), 0.0, 1.0) ** 2)


def _favour(target: Sequence[Attribute], others: Sequence[Remembered]) -> tuple[Floats, Floats]:
    """Of each column whether another source feeds it, and a factor.

    The factor is 1 where one does, less where its name shares with such columns a rare word that their fields did not
    say, least where it does neither; all 1 where no other source feeds any.
    """
    import numpy as np

    pairs = [(one.field, one.column) for one in others if one.field is not None and one.column is not None]
    used = {column for _, column in pairs}
    if not used & {two.name for two in target}:
        return np.zeros(len(target)), np.ones(len(target))
    names = [set(map(stem, name)) for name in evidence.name_words(target)]
    rare = _rare(names, _unsaid(pairs))
    found = [
        1.0 if two.name in used else FAMILY if name & rare else UNUSED for two, name in zip(target, names, strict=True)
    ]
    return np.array([float(two.name in used) for two in target]), np.array(found)
