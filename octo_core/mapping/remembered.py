"""What was approved or corrected before, as evidence for a new proposal: a pure function of the remembered decisions.

A field that is like one which was decided before (precedents.py), by its name, values and meaning, belongs to the same
column; one like those that were left out is left out. Of several columns that fit as well, those are likelier that were
used before, or that share with them a word that no field said (`ajcc_…`). In the same source, a column that another
field feeds is hardly free, and as much is left out as its reviewer left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import embedding, evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.precedents import MOST_CELLS, Precedents, likeness, precedents
from octo_core.mapping.threshold import threshold_of
from octo_core.mapping.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SURE: Final = 0.97
"""What a pair of exactly remembered names comes to."""
LEFT_OUT: Final = 0.3
TAKEN: Final = 0.5
"""What is left of a score where the same field was left out before, and where the column is another field's."""
FED: Final = 2.0
RIVAL: Final = 1.0
LIKE_LEFT: Final = 1.0
OWN_LEFT: Final = 3.0
USED: Final = 0.3
UNUSED: Final = -0.2
KIN: Final = 0.6
"""In logits, what is added for a pair that fields like it made, and taken away where they rather made another; where
they were left out, elsewhere and in the same source; what a column gains that another source fed, or loses that none
did; what it gains where its name has a rare word that the reviewer of the same source chose unsaid.

Chosen among few values each by looking at all five GDC studies; see docs/quality.md."""
STRICTEST: Final = 0.9
HELD_BACK: Final = 3.0
"""Corrections that a threshold has to save for every 1.0 that it is away from the usual one."""
ENOUGH: Final = 10
"""Reviewed fields of a source from which its reviewer's choosiness shows."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One decision of a reviewer: `field` feeds `column`; either is None where the other was left without.

    `source` and `table` say where; left empty, they are taken to be any. `expr`: how the column was written. `like`:
    what pairs have in common that are written alike (patterns.py). `about`: what is known of the field beside its name.
    """

    field: str | None
    column: str | None
    source: str = ""
    table: str = ""
    expr: str | None = None
    like: str | None = None
    about: Attribute | None = None


def recalled(
    score: Floats,
    source: Sequence[Attribute],
    target: Sequence[Attribute],
    remembered: Iterable[Remembered],
    *,
    source_name: str = "",
    encode: embedding.Encoder | None = None,
) -> Floats:
    """The scores (source × target) with what is remembered laid over them; the same ones where nothing applies.

    `remembered`: decisions of the same table, oldest first; of one field and column the last holds, and of very many
    the newest count. `source_name`: whose fields these are; only decisions of that source say that a column is taken.
    `encode`: the meaning of texts as vectors, where there is such a thing.
    """
    import numpy as np

    known = _newest(remembered, len(source))
    places = {two.name: position for position, two in enumerate(target)}
    if not any(one.column is None or one.column in places for one in known):
        return score
    mine = [one for one in known if source_name and one.source == source_name]
    others = [one for one in known if not (source_name and one.source == source_name)]
    fields = list({(one.source, one.field): one for one in known}.values())
    alike = likeness(source, [one.about or Attribute(one.field or "") for one in fields], encode)
    numbers = {(one.source, one.field): number for number, one in enumerate(fields)}

    def said(some: Sequence[Remembered]) -> Precedents:
        decided = [(numbers[one.source, one.field], one.column, one.source) for one in some]
        return precedents(alike, decided, places)

    elsewhere, own = said(others), said(mine)
    logit = np.log(np.clip(score, 0.02, 0.99)) - np.log1p(-np.clip(score, 0.02, 0.99))
    rivals = np.maximum(_best_other(elsewhere.feeds) - elsewhere.feeds, 0)
    change = FED * elsewhere.feeds - RIVAL * rivals
    change -= LIKE_LEFT * np.maximum(elsewhere.left[:, None] - elsewhere.feeds, 0)
    change -= OWN_LEFT * np.maximum(own.left[:, None] - own.feeds, 0)
    change += _favour(target, others)[None, :] + _kin(target, mine)[None, :]
    found = np.where(change == 0, score, 1 / (1 + np.exp(-(logit + change))))
    found[elsewhere.same_left] *= LEFT_OUT
    strong = SURE * (0.7 + 0.2 * elsewhere.share + 0.1 * found)
    found = np.where(elsewhere.feeds >= 0.9, np.maximum(found, strong), found)
    _decided(found, source, places, mine)
    return np.asarray(np.clip(_as_strict(found, score, source, target, mine), 0.0, 1.0))


def _newest(remembered: Iterable[Remembered], rows: int) -> list[Remembered]:
    """Those that say something of a field, each once, the last; no more than can be held against as many rows."""
    found: dict[tuple[str | None, str | None, str], Remembered] = {}
    for one in remembered:
        if one.field is not None:
            found.pop((one.field, one.column, one.source), None)
            found[one.field, one.column, one.source] = one
    return list(found.values())[-max(100, MOST_CELLS // max(1, rows)) :]


def _best_other(feeds: Floats) -> Floats:
    """Of each cell the greatest of the others in its row."""
    import numpy as np

    if feeds.shape[1] < 2:
        return np.zeros_like(feeds)
    top = -np.partition(-feeds, 1, axis=1)[:, :2]
    return np.where(feeds >= top[:, :1], top[:, 1:], top[:, :1])


def _decided(found: Floats, source: Sequence[Attribute], places: dict[str, int], mine: Sequence[Remembered]) -> None:
    """Lay, in place, over the scores what was decided about these very fields."""
    rows = {one.name: row for row, one in enumerate(source)}
    for one in mine:
        row, column = rows.get(one.field or ""), places.get(one.column or "")
        if column is not None:
            found[[other for other in rows.values() if other != row], column] *= TAKEN
        if row is not None and column is not None:
            found[row, column] = max(found[row, column], SURE)
        elif row is not None and one.column is None:
            found[row] *= LEFT_OUT


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
    """Of each column what it gains where its name has a rare word that no field said whose column has it (`ajcc_…`)."""
    import numpy as np

    pairs = [(one.field, one.column) for one in mine if one.field is not None and one.column is not None]
    names = [set(map(stem, name)) for name in evidence.name_words(target)]
    rare = _rare(names, _unsaid(pairs))
    return np.array([KIN if name & rare else 0.0 for name in names])


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


def _favour(target: Sequence[Attribute], others: Sequence[Remembered]) -> Floats:
    """Of each column what it gains where another source feeds it, or loses where none does; 0 where none feeds any."""
    import numpy as np

    used = {one.column for one in others if one.column is not None}
    if not used & {two.name for two in target}:
        return np.zeros(len(target))
    return np.array([USED if two.name in used else UNUSED for two in target])
