"""What was approved or corrected before, as evidence for a new proposal: a pure function of the remembered decisions.

A field that is the same as one of another source (precedents.py) belongs to the same column, or is left out as that
was. Of several columns that fit as well, those are likelier that were used before, and of columns whose names differ in
one word (`ajcc_…`, `uicc_…`) those with the word that was chosen: that says which column, never that there is one. A
destination takes about as many fields from each source, so that of a wide one more is left out. In the same source, a
column that another field feeds is hardly free, and as much is left out as its reviewer left out.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.precedents import LIKE, MOST_CELLS, Decided, likeness, precedents
from octo_core.mapping.scoring import Method
from octo_core.mapping.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SURE: Final = 0.97
"""What a pair of exactly remembered names comes to."""
NOTHING: Final = 0.02
"""Below this score a pair has no evidence of its own; only what fed the column before can give it some."""
LEFT_OUT: Final = 0.3
TAKEN: Final = 0.5
"""What is left of a score where the same field was left out before, and where the column is another field's."""
FED: Final = 3.0
LIKE_LEFT: Final = 3.0
OWN_LEFT: Final = 3.0
USED: Final = 0.25
PARALLEL: Final = 0.1
KIN: Final = 0.6
"""In logits, what is added for a pair that the same field of another source made, for each such source, and taken away
where that was left out, elsewhere and in the same source; what a column is ahead that another source fed, or that has
the chosen word of a family; what it gains where its name has a rare word that the reviewer of the same source chose
unsaid.

Chosen among few values each by looking at all five GDC studies; see docs/quality.md for what others give."""
WIDE: Final = 0.12
WIDEST: Final = 3.0
"""How much of the log odds that a field is fed at all reaches the score, and the furthest these odds go."""
MOST_PARALLEL: Final = 20
"""Columns that differ in one word are a family up to so many: beyond, they are numbered."""
ENOUGH: Final = 10
"""Decided fields of a source from which on it says how many of its fields are fed."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One decision of a reviewer: `field` feeds `column`; either is None where the other was left without. A column
    with an `expr` and no field is made of several.

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
    method: Method | None = None,
) -> Floats:
    """The scores (source × target) with what is remembered laid over them; the same ones where nothing applies.

    `remembered`: decisions of the same table, oldest first; of one field and column the last holds, and of very many
    the newest count. `source_name`: whose fields these are; only decisions of that source say that a column is taken.
    `method`: how the fields of other sources are told to be the same.
    """
    import numpy as np

    known = _newest(remembered, len(source))
    places = {two.name: position for position, two in enumerate(target)}
    if not any(one.column is None or one.column in places for one in known):
        return score
    mine = [one for one in known if source_name and one.source == source_name]
    others = [one for one in known if not (source_name and one.source == source_name)]
    method = method or Method()
    before = precedents(source, _decided_elsewhere(others), places, method)
    logit = np.log(np.clip(score, NOTHING, 0.99)) - np.log1p(-np.clip(score, NOTHING, 0.99))
    change = FED * before.feeds - LIKE_LEFT * before.left[:, None] - _wide(source, others, mine)
    change -= OWN_LEFT * _left_here(source, mine, method)[:, None]
    change += _preferred(logit + change, _favour(target, others))
    change += _kin(target, mine)[None, :]
    untouched = (change == 0) | ((score < NOTHING) & (before.feeds == 0))
    found = np.where(untouched, score, 1 / (1 + np.exp(-np.clip(logit + change, -50, 50))))
    found[before.same_left] *= LEFT_OUT
    strong = SURE * (0.7 + 0.2 * before.votes + 0.1 * found)
    found = np.where(before.votes > 0, np.maximum(found, strong), found)
    _decided(found, source, places, mine)
    return np.asarray(np.clip(found, 0.0, 1.0))


def _preferred(logit: Floats, favour: Floats) -> Floats:
    """What `favour` moves within each row, so that its best stays as good as it was."""
    import numpy as np

    return np.asarray(favour[None, :] - ((logit + favour).max(axis=1) - logit.max(axis=1))[:, None])


def _decided_elsewhere(others: Iterable[Remembered]) -> list[Decided]:
    """Each field once, with all columns that it feeds."""
    said: dict[tuple[str, str | None], list[Remembered]] = defaultdict(list)
    for one in others:
        said[one.source, one.field].append(one)
    return [
        Decided(
            next((one.about for one in some if one.about), Attribute(field or "")),
            source,
            frozenset(one.column for one in some if one.column is not None),
        )
        for (source, field), some in said.items()
    ]


def _wide(source: Sequence[Attribute], others: Iterable[Remembered], mine: Iterable[Remembered]) -> float:
    """What a source loses of whose fields few are fed: by its own that were reviewed, else by how many others fed."""

    def reviewed(some: Iterable[Remembered]) -> list[dict[str | None, bool]]:
        fields: dict[str, dict[str | None, bool]] = defaultdict(dict)
        for one in some:
            fields[one.source][one.field] = fields[one.source].get(one.field, False) or one.column is not None
        return [found for found in fields.values() if len(found) >= ENOUGH]

    if own := reviewed(mine):
        fed, every = float(sum(own[0].values())), len(own[0])
    elif elsewhere := reviewed(others):
        fed, every = sum(sum(one.values()) for one in elsewhere) / len(elsewhere), len(source)
    else:
        return 0.0
    odds = (fed + 1) / max(1.0, every - fed + 1)
    return WIDE * min(WIDEST, max(0.0, -math.log(odds)))


def _left_here(source: Sequence[Attribute], mine: Sequence[Remembered], method: Method) -> Floats:
    """How surely fields of the same source that are like each were left out, where none as like was not."""
    import numpy as np

    if not mine:
        return np.zeros(len(source))
    alike = likeness(source, [one.about or Attribute(one.field or "") for one in mine], method.encoder)
    out = np.array([one.column is None for one in mine])
    left, fed = np.where(out, alike, 0.0).max(axis=1), np.where(out, 0.0, alike).max(axis=1)
    return np.asarray(np.where(left >= fed, np.clip((left - LIKE) / (1 - LIKE), 0.0, 1.0), 0.0))


def _newest(remembered: Iterable[Remembered], rows: int) -> list[Remembered]:
    """Those that say something of a field, each once, the last; no more than can be held against as many rows."""
    found: dict[tuple[str | None, str | None, str], Remembered] = {}
    for one in remembered:
        if one.field is not None:
            found.pop((one.field, one.column, one.source), None)
            found[one.field, one.column, one.source] = one
    return list(found.values())[-max(100, MOST_CELLS // max(1, rows)) :]


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
    """Of each column how much likelier it is than others that fit as well, by the columns that other sources feed."""
    import numpy as np

    used = {one.column for one in others if one.column is not None}
    return np.array([USED if two.name in used else 0.0 for two in target]) + PARALLEL * _parallel(target, others)


def _parallel(target: Sequence[Attribute], others: Sequence[Remembered]) -> Floats:
    """Of each column, −1..1, whether its word was chosen where names differ in one word, which no field said."""
    import numpy as np

    names = [tuple(map(stem, name)) for name in evidence.name_words(target)]
    found: dict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
    for place, name in enumerate(names):
        for n, word in enumerate(name if len(name) > 1 else ()):
            found[name[:n], name[n + 1 :]][word] = place
    families = [family for family in found.values() if 1 < len(family) <= MOST_PARALLEL]
    places = {two.name: place for place, two in enumerate(target)}
    fed: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in others:
        if (here := places.get(one.column or "")) is not None:
            fed[one.source][here] |= set(map(stem, evidence.name_words_of(one.field or "")))
    ahead: Counter[tuple[str, str]] = Counter()
    for said in fed.values():
        won = Counter(
            (word, other)
            for family in families
            for word, place in family.items()
            if place in said and word not in said[place]
            for other, rival in family.items()
            if rival not in said
        )
        for word, other in won:
            if won[word, other] > won[other, word]:
                ahead[word, other] += 1
                ahead[other, word] -= 1
    standing: list[list[int]] = [[] for _ in target]
    for family in families if ahead else ():
        for word, at in family.items():
            standing[at] += [lead for other in family if (lead := ahead[word, other])]
    return np.array([min(1.0, max(-1.0, sum(leads) / len(leads))) if leads else 0.0 for leads in standing])
