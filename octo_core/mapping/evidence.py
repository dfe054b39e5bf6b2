"""Scores every pair of columns by one kind of evidence each, as matrices: names, texts, values, shapes, types.

All functions take the two sides and give a float array (source × target) of 0..1, or one with NaN where a pair has no
such evidence. numpy and scipy are imported inside (80 ms), since the command line's help needs neither.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.letters import unaccented
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.vocabulary import STOPWORDS, antonyms
from octo_core.mapping.words import CAMEL, content_words, contracts, initials, meanings, stem, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_TEXT_WORDS: Final = 40
MAX_CELL: Final = 200
MAX_WORDY: Final = 400
_CONSONANTS: Final = re.compile(r"[a-z][b-df-hj-np-tv-z]{2,4}")
_LINE_SPACE: Final = re.compile(r"[^a-z0-9\n]+")
_SPACE: Final = re.compile(r"[\W_]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Bags:
    """The words of many columns, flat: `words[starts[i]:starts[i + 1]]` are those of column i."""

    words: list[str]
    starts: list[int]


def bags(texts: Sequence[Sequence[str]]) -> Bags:
    flat: list[str] = []
    starts = [0]
    for text in texts:
        flat.extend(text or ("",))
        starts.append(len(flat))
    return Bags(flat, starts)


def word_similarity(left: Sequence[str], right: Sequence[str]) -> Floats:
    """How much the same two words mean: 1 for one stem, 0.9 for one concept, less for a prefix or like letters."""
    import numpy as np
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cdist

    lefts, rights = [stem(word) for word in left], [stem(word) for word in right]
    fuzzy = cdist(lefts, rights, scorer=JaroWinkler.similarity, dtype=np.float64)
    found = np.where(fuzzy >= 0.88, fuzzy * 0.85, 0.0)
    for row, place in zip(*map(np.ndarray.tolist, np.nonzero(found)), strict=True):
        if meanings(left[row]) and meanings(right[place]):
            found[row, place] = 0.0  # two known words: what they mean decides, storno is no store
    by_meaning: dict[str, list[int]] = {}
    by_stem: dict[str, list[int]] = {}
    for position, word in enumerate(right):
        by_stem.setdefault(rights[position], []).append(position)
        for concept in meanings(word):
            by_meaning.setdefault(concept, []).append(position)
    begins = _Beginnings(right)
    for row, word in enumerate(left):
        if len(word) >= 3 and word.isascii() and not word.isdigit():
            near = begins.near(word)
            found[row, near] = np.maximum(found[row, near], 0.8)
        elif word.isdigit():
            found[row, :] = 0.0
        for concept in meanings(word):
            found[row, by_meaning.get(concept, [])] = 0.9
        found[row, by_stem.get(lefts[row], [])] = 1.0
    for row, place in _contracted(left, right):
        found[row, place] = max(found[row, place], 0.75)
    for place, row in _contracted(right, left):
        found[row, place] = max(found[row, place], 0.75)
    return found


def acronyms(source: Sequence[Attribute], target: Sequence[Attribute]) -> NDArray[np.bool_]:
    """Where one name is the first letters of the other's words: `vin`, vehicle_identification_number."""
    import numpy as np

    lefts, rights = [words(one.name.rpartition(".")[2]) for one in source], [words(two.name) for two in target]
    found = np.zeros((len(lefts), len(rights)), dtype=bool)
    for these, those, at in ((lefts, rights, found), (rights, lefts, found.T)):
        short: dict[str, list[int]] = {}
        for place, text in enumerate(these):
            if len(text) == 1 and 3 <= len(text[0]) <= 6:
                short.setdefault(text[0], []).append(place)
        for other, text in enumerate(those):
            at[short.get(initials(text), []), other] = True
    return found


def _contracted(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Words that nobody knows and the longer ones that they are without the vowels: shpr, shipper."""
    short = [n for n, word in enumerate(left) if _CONSONANTS.fullmatch(word) and not meanings(word)]
    by_first: dict[str, list[int]] = {}
    for place, word in enumerate(right):
        if word.isascii() and len(word) >= 5:
            by_first.setdefault(word[0], []).append(place)
    return [
        (row, place)
        for row in short
        for place in by_first.get(left[row][0], [])
        if len(right[place]) >= len(left[row]) + 2 and right[place][-1] == left[row][-1]
        and contracts(left[row], right[place])
    ]  # fmt: skip


class _Beginnings:
    """Finds among words those that begin with another, and those of three letters or more that it begins with."""

    def __init__(self, words: Sequence[str]) -> None:
        self._order = sorted(range(len(words)), key=words.__getitem__)
        self._sorted = [words[position] for position in self._order]
        self._places: dict[str, list[int]] = {}
        for position, word in enumerate(words):
            self._places.setdefault(word, []).append(position)

    def near(self, word: str) -> list[int]:
        start = bisect_left(self._sorted, word)
        found: list[int] = []
        while start < len(self._sorted) and self._sorted[start].startswith(word):
            found.append(self._order[start])
            start += 1
        for size in range(3, len(word)):
            found.extend(self._places.get(word[:size], ()))
        return found


def soft_overlap(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]], weights: Weights) -> Overlap:
    """Weighted share of each side's words that the other side has too, whatever their order."""
    import numpy as np

    a, b = bags(left), bags(right)
    unique_a, unique_b = list(dict.fromkeys(a.words)), list(dict.fromkeys(b.words))
    same = word_similarity(unique_a, unique_b)
    index_a = {word: position for position, word in enumerate(unique_a)}
    index_b = {word: position for position, word in enumerate(unique_b)}
    flat_b = np.array([index_b[word] for word in b.words], dtype=np.int64)
    weight_b = np.array([weights.of(word) for word in b.words])
    starts_b = np.array(b.starts[:-1], dtype=np.int64)
    total_b = np.add.reduceat(weight_b, starts_b)
    of_left = np.zeros((len(left), len(right)))
    of_right, unsaid = np.zeros_like(of_left), np.zeros_like(of_left)
    for row in range(len(left)):
        mine = a.words[a.starts[row] : a.starts[row + 1]]
        weight = np.array([weights.of(word) for word in mine])
        similar = same[[index_a[word] for word in mine]][:, flat_b]
        best = np.maximum.reduceat(similar, starts_b, axis=1)
        of_left[row] = (weight[:, None] * best).sum(axis=0) / weight.sum()
        covered = similar.max(axis=0)
        of_right[row] = np.add.reduceat(covered * weight_b, starts_b) / total_b
        unsaid[row] = np.maximum.reduceat((1 - covered) * weight_b, starts_b)
    return Overlap(of_left, of_right, unsaid)


@dataclass(frozen=True, slots=True)
class Overlap:
    """`left[i, j]`: the share of i's words that j has; `right[i, j]`: the share of j's words that i has.

    `unsaid[i, j]`: the weight of the weightiest word of j that i does not have.
    """

    left: Floats
    right: Floats
    unsaid: Floats

    def balanced(self, lenience: float) -> Floats:
        """From the harmonic mean of both shares (lenience 0) to the greater of them (lenience 1)."""
        import numpy as np

        total = self.left + self.right
        mean = np.divide(2 * self.left * self.right, total, out=np.zeros_like(total), where=total > 0)
        return mean * (1 - lenience) + np.maximum(self.left, self.right) * lenience


class Weights:
    """What a word's presence is worth: little where many of the target's columns have it or the table's name does."""

    def __init__(self, texts: Sequence[Sequence[str]], context: frozenset[str] = frozenset()) -> None:
        self._count = Counter(stem(word) for text in texts for word in set(text))
        self._total = max(2, len(texts))
        self._context = frozenset(stem(word) for word in context)

    def of(self, word: str) -> float:
        stemmed = stem(word)
        weight = 0.3 + math.log(1 + self._total / (1 + self._count[stemmed])) / math.log(1 + self._total)
        if stemmed in self._context:
            weight *= 0.3
        return weight * 0.5 if word.isdigit() or (len(word) == 1 and word.isascii()) else weight


def opposites(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Floats:
    """0.35 where one side says the opposite of the other (arrival, departure) and not also the same; else 1."""
    import numpy as np

    lefts, rights = [_concepts(text) for text in left], [_concepts(text) for text in right]
    found = np.ones((len(left), len(right)))
    against = antonyms()
    for row, mine in enumerate(lefts):
        bad = {other for concept in mine for other in against.get(concept, ())} - mine
        if bad:
            for column, theirs in enumerate(rights):
                clash = bad & theirs
                if clash and not any(against[concept] & theirs & mine for concept in clash):
                    found[row, column] = 0.35
    return found


def value_overlap(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """Overlap of distinct values, rare ones counting most; NaN where a side has none."""
    import numpy as np

    lefts, rights = [_folded_values(one) for one in source], [_folded_values(two) for two in target]
    closed = np.array([other.closed for other in target])
    whole, shared = _contained(lefts, rights, closed)
    words_left, words_right = [_value_words(one) for one in source], [_value_words(one) for one in target]
    parts, _ = _contained(words_left, words_right, closed)
    numeric = np.array([_mostly_numbers(values) for values in lefts])
    found: Floats = np.maximum(whole * (1 - np.exp(-shared)), 0.6 * parts * (1 - np.exp(-shared - 0.7)))
    found[numeric] *= 0.35
    found[[not values for values in lefts]] = np.nan
    found[:, [not values for values in rights]] = np.nan
    return found


def _contained(
    lefts: Sequence[frozenset[str]], rights: Sequence[frozenset[str]], closed: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Share of weighted values held in common, and how much weight that is.

    Of a closed list the source need not use all, but should use no other; else the smaller side counts most.
    """
    import numpy as np
    from scipy.sparse import csr_array

    count: Counter[str] = Counter()
    for values in (*lefts, *rights):
        count.update(values)
    index = {value: position for position, value in enumerate(count)}
    total = max(3, len(lefts) + len(rights))
    weight = np.array([math.log(1 + total / seen) / math.log(1 + total) for seen in count.values()] or [0.0])

    def incidence(sides: Sequence[frozenset[str]]) -> csr_array:
        columns = np.fromiter((index[value] for values in sides for value in values), dtype=np.int64)
        starts = np.cumsum([0, *map(len, sides)])
        return csr_array((np.ones(len(columns)), columns, starts), shape=(len(sides), len(weight)))

    left, right = incidence(lefts), incidence(rights)
    common = ((left * weight) @ right.T).toarray()
    share_left = common / np.maximum(left @ weight, 1e-9)[:, None]
    share_right = common / np.maximum(right @ weight, 1e-9)[None, :]
    either = np.maximum(share_left, share_right) * 0.75 + np.minimum(share_left, share_right) * 0.25
    return np.where(closed[None, :], share_left * 0.85 + share_right * 0.15, either), common


def _folded_values(one: Attribute) -> frozenset[str]:
    """All values folded at once, since a column may bring thousands."""
    text = "\n".join(value[:MAX_CELL].replace("\n", " ") for value in one.values)
    if not text.isascii():
        return frozenset(filter(None, map(folded, one.values)))
    return frozenset(filter(None, (line.strip() for line in _LINE_SPACE.sub(" ", text.casefold()).split("\n"))))


def _value_words(one: Attribute) -> frozenset[str]:
    """The words of the first values, camelCase split: `pT2` shares `t2` with `T2`."""
    text = "\n".join(value[:MAX_CELL] for value in one.values[:MAX_WORDY])
    if not text.isascii():
        return frozenset(words(text))
    return frozenset(_LINE_SPACE.sub(" ", CAMEL.sub(" ", text).casefold()).split())


def shape_likeness(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """How alike the values look: length, digits, letters, scripts, punctuation, spread; NaN where a side has none."""
    import numpy as np

    lefts = np.array([shape(one) for one in source])
    rights = np.array([shape(one) for one in target])
    distance = np.zeros((len(source), len(target)))
    for feature in range(lefts.shape[1]):  # one at a time: all at once would hold twelve matrices
        distance += np.abs(lefts[:, None, feature] - rights[None, :, feature])
    likeness: Floats = np.exp(-1.2 * distance)
    return likeness


_CLASSES: Final = (
    re.compile(r"\d"), re.compile(r"[A-Z]"), re.compile(r"[^\W\d_A-Z㐀-鿿]"), re.compile(r"[㐀-鿿]"),
    re.compile(r"\s"), re.compile(r"[^\w\s]"),
)  # fmt: skip
_NUMBER: Final = re.compile(r"\s*[-+$€£]?\s*\d[\d.,]*\s*%?\s*")
_DATE: Final = re.compile(
    r"\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4})?|\d{1,2}:\d{2}|\b(jan|feb|mar|apr|may|jun|jul|aug|sep)"
)
_URL: Final = re.compile(r"https?://|www\.")
_MEDIA: Final = re.compile(r"\.(jpe?g|png|gif|webp|svg|mp4)\b", re.IGNORECASE)


def shape(one: Attribute) -> list[float]:
    """What a column's values look like, as numbers of 0..1; NaN where it has none."""
    values = [value[:MAX_CELL] for value in one.values[:60] if value]
    if not values:
        return [math.nan] * (len(_CLASSES) + 6)
    size = max(1, sum(map(len, values)))
    text = "".join(values)
    found = [len(kind.findall(text)) / size for kind in _CLASSES]
    found += [
        sum(1 for value in values if test(value)) / len(values)
        for test in (_NUMBER.fullmatch, _DATE.search, _URL.match, _MEDIA.search)
    ]
    return [*found, min(1.0, math.log1p(size / len(values)) / 5), min(1.0, len(set(values)) / 20)]


def range_likeness(source: Sequence[Attribute], target: Sequence[Attribute]) -> Floats:
    """For numbers on both sides: how much of the narrower range the wider one holds; NaN elsewhere."""
    import numpy as np

    def bounds(side: Sequence[Attribute]) -> Floats:
        return np.array([_bounds(one) for one in side], dtype=np.float64).reshape(len(side), 2)

    left, right = bounds(source), bounds(target)
    low = np.maximum(left[:, None, 0], right[None, :, 0])
    high = np.minimum(left[:, None, 1], right[None, :, 1])
    union = np.maximum(left[:, None, 1], right[None, :, 1]) - np.minimum(left[:, None, 0], right[None, :, 0])
    likeness: Floats = np.clip((high - low + 1e-9) / (union + 1e-9), 0.0, 1.0)
    return likeness


def _bounds(one: Attribute) -> tuple[float, float]:
    if one.low is not None and one.high is not None:
        return one.low, one.high
    values = one.values[:MAX_WORDY]
    numbers = [float(value) for value in values if re.fullmatch(r"-?\d+(\.\d+)?", value.strip())]
    if len(numbers) >= 3 and len(numbers) >= 0.8 * len(values):
        return min(numbers), max(numbers)
    return math.nan, math.nan


def folded(value: str) -> str:
    """A value without case, accents, spaces and punctuation, for comparison only."""
    return _SPACE.sub(" ", unaccented(value[:MAX_CELL]).casefold()).strip()


def name_words(side: Sequence[Attribute]) -> list[tuple[str, ...]]:
    return [name_words_of(one.name) for one in side]


def name_words_of(name: str) -> tuple[str, ...]:
    """The words of a name but `of`, `the` and their like; at its end `at`, `by` and `on` mean something."""
    every = words(name)
    return tuple(word for word in every[:-1] if word not in STOPWORDS) + every[-1:]


def text_words(side: Sequence[Attribute]) -> list[tuple[str, ...]]:
    return [content_words(one.text)[:MAX_TEXT_WORDS] if one.text else () for one in side]


def context_words(side: Sequence[Attribute]) -> frozenset[str]:
    return frozenset(word for one in side for word in words(one.context))


def _concepts(text: Sequence[str]) -> frozenset[str]:
    return frozenset(concept for word in text for concept in meanings(word))


def _mostly_numbers(values: frozenset[str]) -> bool:
    return bool(values) and sum(1 for value in values if value.replace(" ", "").isdigit()) >= 0.8 * len(values)
