"""Scores every pair of columns: the evidence weighed by hand, then by what was learned from labelled pairs of tables.

By hand, evidence adds up as 1 − Π(1 − weight × evidence): any strong kind is enough, several weak ones help each other;
the type and opposite words then multiply. `combiner` reads from that, and from how a pair stands among its rivals, how
likely it is true. See docs/mapping.md and docs/quality.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.mapping import combiner, embedding, evidence
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.compatibility import TELLING, type_fit
from octo_core.mapping.words import meanings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_CELLS: Final = 2_000_000
"""Above this many pairs the hand's weights alone decide, in blocks: what was learned would take minutes."""
MAX_TEXTS: Final = 2_000
"""Above this many columns of both sides none is read by meaning (7 ms each): the hand's weights alone decide."""
LEARNED: Final = 0.7
"""The share of the learned score in the whole."""
_SHAPE_ALONE: Final = 0.55
_KIND_ALONE: Final = 0.4
"""Weights of the values' looks, and of a rare type, for a column whose name says nothing."""
_NUMBERED: Final = re.compile(
    r"(c|col|column|f|field|v|var|variable|x|attr|attribute|unnamed)?[ _:.-]*\d+", re.IGNORECASE
)
WEIGHTS: Final = {"name": 0.9, "text": 0.75, "values": 0.7, "shape": 0.3, "range": 0.2, "kind": 0.35, "key": 0.15}


@dataclass(frozen=True, slots=True)
class Scores:
    """The matrices (source × target): the score, and each kind of evidence before its weight."""

    score: Floats
    parts: dict[str, Floats]

    def with_score(self, score: Floats) -> Scores:
        return Scores(score, self.parts)

    def evidence(self, row: int, column: int) -> tuple[tuple[str, float], ...]:
        return self.evidence_of(row, [column])[0]

    def evidence_of(self, row: int, columns: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
        """What each kind of evidence says of a row's pairs, weightiest first, without what is as good as nothing."""
        kinds = list(self.parts)
        each = zip(*(self.parts[kind][row, columns].tolist() for kind in kinds), strict=True)
        weights = [WEIGHTS.get(kind, 0.1) for kind in kinds]
        found = []
        for values in each:
            said = [
                (-value * weight, kind, value)
                for kind, weight, value in zip(kinds, weights, values, strict=True)
                if value >= 0.05  # NaN compares false
            ]
            said.sort(key=lambda item: item[0])
            found.append(tuple((kind, round(value, 3)) for _, kind, value in said))
        return found


@dataclass(frozen=True, slots=True)
class Method:
    """How to score; the default is the product's. Others are for measuring: see benchmarks/eval_mapping.py."""

    encoder: embedding.Encoder | None = None
    """Meaning as vectors; None: without."""
    model: combiner.Model | None = None
    """What was learned; None: the hand's weights alone."""


def product() -> Method:
    """What the product does: the vectors where the extra is installed, and the model that was trained for that."""
    encoder = embedding.installed()
    return Method(encoder, combiner.shipped("embedding" if encoder else "plain"))


def score(source: Sequence[Attribute], target: Sequence[Attribute], method: Method | None = None) -> Scores:
    """Score every pair; both lists hold at least one column. 5,000 × 5,000 take 2.4 GB at their peak."""
    method = method or product()
    if len(source) * len(target) > MAX_CELLS:
        return _in_blocks(source, target)
    if method.encoder is not None and len(source) + len(target) > MAX_TEXTS:
        method = Method()
    byhand, language = weighed(source, target)
    if method.model is None:
        return byhand
    alike = names_alike = None
    if method.encoder is not None:
        alike = embedding.likeness(source, target, method.encoder)
        names_alike = embedding.likeness(source, target, method.encoder, embedding.called)
    sides = combiner.Sides(source, target, byhand.score, {**byhand.parts, **language}, alike, names_alike)
    learned = combiner.probability(sides, method.model) * _ground(byhand.score, alike)
    parts = byhand.parts if alike is None else {**byhand.parts, "meaning": alike}
    return Scores(LEARNED * learned**0.25 + (1 - LEARNED) * byhand.score, parts)


def _ground(hand: Floats, alike: Floats | None) -> Floats:
    """0..1: whether a pair has any evidence of its own, so that the best of nothing is still nothing."""
    import numpy as np

    ground = hand / 0.15 if alike is None else np.maximum(hand / 0.15, (alike - 0.2) / 0.2)
    return np.asarray(np.clip(ground, 0.0, 1.0) ** 4)


def _in_blocks(source: Sequence[Attribute], target: Sequence[Attribute]) -> Scores:
    import numpy as np

    rows = max(1, MAX_CELLS // len(target))
    blocks = [weighed(source[start : start + rows], target)[0] for start in range(0, len(source), rows)]
    kept = {kind: np.vstack([block.parts[kind] for block in blocks]) for kind in ("name", "text")}
    return Scores(np.vstack([block.score for block in blocks]), kept)


def weighed(source: Sequence[Attribute], target: Sequence[Attribute]) -> tuple[Scores, dict[str, Floats]]:
    """The score by the hand's weights, and the shares of words behind it."""
    import numpy as np

    language, shares = _language(source, target)
    parts = {**language, **_content(source, target)}
    rest = np.ones((len(source), len(target)))
    for kind, part in parts.items():
        rest *= 1 - WEIGHTS[kind] * np.nan_to_num(part)
    nameless = np.array([says_nothing(one.name) and not one.text for one in source])
    if nameless.any():
        alone = (1 - _SHAPE_ALONE * np.nan_to_num(parts["shape"] ** 0.5)) * (1 - _KIND_ALONE * parts["kind"])
        rest[nameless] *= alone[nameless]
    total = 1 - rest
    types = type_fit(source, target)
    names = evidence.name_words(source), [*map(_sum, evidence.name_words(target), evidence.text_words(target))]
    against = evidence.opposites(*names)
    place = _place(len(source), len(target))
    contrast = np.nan_to_num(parts["shape"], nan=1.0)
    total = total * (0.25 + 0.75 * types) * against * (0.75 + 0.25 * np.sqrt(contrast)) + 0.004 * place
    return Scores(np.clip(total, 0.0, 1.0), {**parts, "type": types}), shares


def says_nothing(name: str) -> bool:
    """Whether a name is a mere number: c1, col_2, Column 3, field4, v5, Unnamed: 6."""
    return _NUMBERED.fullmatch(name.strip()) is not None


def _language(source: Sequence[Attribute], target: Sequence[Attribute]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """What names, labels and descriptions say."""
    import numpy as np

    names, other = evidence.name_words(source), evidence.name_words(target)
    texts, labels = evidence.text_words(source), evidence.text_words(target)
    context = evidence.context_words(target) | evidence.context_words(source)
    weights = evidence.Weights(other, context)
    overlap = evidence.soft_overlap(names, other, weights)
    short = evidence.acronyms(source, target)
    left, right = np.where(short, 0.9, overlap.left), np.where(short, 0.9, overlap.right)
    overlap = evidence.Overlap(left, right, np.where(short, 0.0, overlap.unsaid))
    shares = {"name_left": overlap.left, "name_right": overlap.right, "name_unsaid": overlap.unsaid}
    name = overlap.balanced(0.35)
    equal = _equal([one.name.casefold() for one in source], [two.name.casefold() for two in target])
    name = np.where(equal, 1.0, name**1.3)
    text = np.zeros_like(name)
    broad = evidence.Weights([_sum(*pair) for pair in zip(other, labels, strict=True)], context)
    has_label, has_text = np.array([bool(label) for label in labels]), np.array([bool(text) for text in texts])
    if has_label.any():
        overlap = evidence.soft_overlap(names, labels, broad)
        shares |= {"text_left": overlap.left, "text_right": overlap.right}
        said = overlap.balanced(0.45) ** 1.3
        text = np.maximum(text, said * has_label[None, :])
    if has_text.any():
        said = evidence.soft_overlap(texts, other, broad).balanced(0.45) ** 1.3
        text = np.maximum(text, said * has_text[:, None])
    if has_text.any() and has_label.any():
        said = evidence.soft_overlap(texts, labels, broad).balanced(0.2) ** 1.3
        text = np.maximum(text, said * has_text[:, None] * has_label[None, :])
    return {"name": name, "text": text}, shares


def _content(source: Sequence[Attribute], target: Sequence[Attribute]) -> dict[str, Floats]:
    """What values, ranges, types and keys say."""
    return {
        "values": evidence.value_overlap(source, target),
        "shape": evidence.shape_likeness(source, target),
        "range": evidence.range_likeness(source, target),
        "kind": _telling(source, target),
        "key": _keys(source, target),
    }


def _telling(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """The same rare type or semantic type: the fewer columns have it, the more it says."""
    import numpy as np

    found = np.zeros((len(source), len(target)))
    lefts = np.array([one.type.family if one.type else "" for one in source])
    rights = np.array([one.type.family if one.type else "" for one in target])
    for family in TELLING & set(lefts.tolist()) & set(rights.tolist()):
        rows, columns = np.flatnonzero(lefts == family), np.flatnonzero(rights == family)
        found[np.ix_(rows, columns)] = 1.0 / (len(rows) * len(columns)) ** 0.5
    meant = [(row, meanings(one.semantic) | {one.semantic}) for row, one in enumerate(source) if one.semantic]
    if meant:
        said = [{concept for word in _all_words(two) for concept in (*meanings(word), word)} for two in target]
        for row, concepts in meant:
            for column, theirs in enumerate(said):
                if concepts & theirs:
                    found[row, column] = max(found[row, column], 0.8)
    return found


def _equal(lefts: Sequence[str], rights: Sequence[str]) -> NDArray[np.bool_]:
    import numpy as np

    codes = {text: code for code, text in enumerate(dict.fromkeys((*lefts, *rights)))}
    left, right = np.array([codes[text] for text in lefts]), np.array([codes[text] for text in rights])
    equal: NDArray[np.bool_] = left[:, None] == right[None, :]
    return equal


def _keys(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """A key on both sides."""
    import numpy as np

    return np.outer([one.key for one in source], [two.key for two in target]).astype(np.float64)


def _place(rows: int, columns: int) -> Floats:
    """How near the same position: nothing but a tie-break."""
    import numpy as np

    left = np.arange(rows) / max(1, rows - 1)
    right = np.arange(columns) / max(1, columns - 1)
    near: Floats = 1 - np.abs(left[:, None] - right[None, :])
    return near


def _sum(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return first + second


def _all_words(one: Attribute) -> tuple[str, ...]:
    return evidence.name_words([one])[0] + evidence.text_words([one])[0]
