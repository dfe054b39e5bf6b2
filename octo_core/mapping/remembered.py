"""What was approved or corrected before, as evidence for a new proposal: a pure function of the remembered decisions.

A field that is the same as one of another source (precedents.py) belongs to the same column, or is left out as that
was. Of several columns that fit, those are likelier that were chosen more often than the matcher expects, and fields
are left out whose words were fed less often than it expects (expectations.py). A destination takes about as many fields
from each source, so that of a wide one more is left out. In the same source, a column that another field feeds is
hardly free, and what its reviewer chose counts more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from octo_core.mapping.attribute import Attribute
from octo_core.mapping.expectations import ANY, NOTHING, Reviewed, ahead, logits
from octo_core.mapping.precedents import MOST_CELLS, Decided, precedents
from octo_core.mapping.scoring import Method
from octo_core.mapping.scoring import score as scored

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
"""In logits, what is added for a pair that the same field of another source made, for each such source, and taken away
where that was left out."""
OWN: Final = 3.0
"""How many times a decision about the same source counts."""
MOST_REVIEWED: Final = 300
"""Decided fields that are scored again, some 3 ms each with their meaning."""
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
    elsewhere = _decided_fields(others)
    before = precedents(source, elsewhere, places, method)
    logit = logits(score)
    reviewed = [*_reviewed(elsewhere, target, method), *_own(score, source, target, mine, method)]
    seen = ahead(source, target, places, reviewed)
    change = FED * (before.feeds - before.left[:, None]) - (0.0 if mine else _wide(source, others))
    change += seen.fields[:, None] + _preferred(logit + change, seen.columns)
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


def _decided_fields(remembered: Iterable[Remembered]) -> list[Decided]:
    """Each field once, with all columns that it feeds."""
    said: dict[tuple[str, str | None], list[Remembered]] = defaultdict(list)
    for one in remembered:
        said[one.source, one.field].append(one)
    return [
        Decided(
            next((one.about for one in some if one.about), Attribute(field or "")),
            source,
            frozenset(one.column for one in some if one.column is not None),
        )
        for (source, field), some in said.items()
    ]


def _reviewed(elsewhere: Sequence[Decided], target: Sequence[Attribute], method: Method) -> list[Reviewed]:
    """The fields of other sources as if they were of one, which takes a fraction of the time; the newest that fit."""
    each: dict[str, list[Decided]] = {}
    for one in elsewhere:
        each.setdefault(one.source, []).append(one)
    most = min(MOST_REVIEWED, MOST_CELLS // max(1, len(target)))
    some: list[Decided] = []
    for fields in reversed(each.values()):
        some += fields if len(some) + len(fields) <= most else ()
    return [_again(some, target, method)] if some else []


def _own(
    score: Floats, source: Sequence[Attribute], target: Sequence[Attribute], mine: Sequence[Remembered], method: Method
) -> list[Reviewed]:
    """The decided fields of the same source, those that it has no longer too."""
    decided = {one.field.name: one for one in _decided_fields(mine)}
    rows: dict[str, int] = {}
    for row, one in enumerate(source):  # what is made of fields may be called as one of them
        if one.name in decided:
            rows.setdefault(one.name, row)
    here, gone = [decided[name] for name in rows], [one for name, one in decided.items() if name not in rows]
    scores = score[list(rows.values())]
    found = [Reviewed(list(rows), scores, [one.columns for one in here])] if here else []
    if 0 < len(gone) <= MOST_REVIEWED:
        found.append(_again(gone, target, method))
    return [replace(one, weight=OWN) for one in found]


def _again(some: Sequence[Decided], target: Sequence[Attribute], method: Method) -> Reviewed:
    """Decided fields, matched as if they were new."""
    fields = [one.field for one in some]
    return Reviewed([one.name for one in fields], scored(fields, target, method).score, [one.columns for one in some])


def _wide(source: Sequence[Attribute], others: Iterable[Remembered]) -> float:
    """What a source loses that is wider than others: the odds are against a field where as many are fed as in these."""
    fields: dict[str, dict[str | None, bool]] = defaultdict(dict)
    for one in others:
        fields[one.source][one.field] = fields[one.source].get(one.field, False) or one.column is not None
    fed = max((sum(found.values()) for found in fields.values() if len(found) >= ENOUGH), default=len(source))
    return max(0.0, math.log(max(1, len(source) - fed + 1) / (fed + 1))) / ANY


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
