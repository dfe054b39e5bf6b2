"""What the forest of roles looks at: numbers of a field's profile, its chosen type, a few values, hashed name pieces.

Values come in as at most five of the sketch, those with the least hashes: as many as the training data has of a
column, so that a column of the product and one of the training set look alike.
"""

import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from octo_core.inference import claims as c
from octo_core.inference.names import says_boolean, says_epoch, says_identity, says_time, unit_of, words
from octo_core.inference.profile import Candidate, Evidence, FieldProfile, mask, token_profile
from octo_core.types import DataType

SAMPLE: Final = 5
BUCKETS: Final = 256
"""Columns of the hashed part: words, beginnings and ends of the name."""
Claimed = Mapping[Candidate, Evidence]
_KINDS: Final = (
    "boolean", "integer", "decimal", "float", "text", "date", "time", "timestamp", "timestamptz", "interval", "uuid",
    "json", "list", "record", "bytes",
)  # fmt: skip
_SHAPES: Final = tuple(shape for shape in c.NUMBER_SHAPES if shape != c.PAIRED)  # the forest was trained without it
_CLAIMS: Final = (*_SHAPES, c.ZEROS, "boolean", "date", "time", "timestamp", "timestamptz", "interval", "json")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
_STOP: Final = frozenset({
    "the", "a", "an", "of", "to", "and", "in", "is", "for", "on", "with", "that", "this", "it", "at", "by", "from",
    "as", "are", "was", "be", "or", "not", "you", "your", "i", "we", "they", "he", "she", "his", "her", "its", "our",
    "has", "have", "had", "will", "would", "can", "de", "la", "le", "les", "et", "des", "du", "en", "un", "une", "el",
    "los", "las", "y", "der", "die", "das", "und",
})  # fmt: skip
_URL: Final = re.compile(r"(?:https?|ftp)://|www\.", re.IGNORECASE)
_DATED: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}:\d{2}|\b(?:19|20)\d{2}\b")
_DELIMITER: Final = re.compile(r"[,;|]")
_SPACE: Final = re.compile(r"\s")


def sampled(profile: FieldProfile) -> list[str]:
    """The values looked at: those of the sketch with the least hashes, without words for no value."""
    found: list[str] = []
    for _, (text, _count) in sorted(profile.sketch.entries.items()):
        if text.strip() and text not in profile.spelled_nulls:
            found.append(text)
            if len(found) == SAMPLE:
                break
    return found


def features(profile: FieldProfile, name: str, kind: DataType, written: str | None) -> list[float]:
    """A field's features, always as many and in one order. `written`: the format that was found."""
    sample = sampled(profile)
    claimed = profile.claims or token_profile(dict.fromkeys(sample, 1)).claims
    return [
        *_counts(profile),
        *_types(profile, claimed, kind, written),
        *_range(profile, claimed, kind),
        *_texts(sample),
        *_named(name),
        *_pieces(name),
    ]


def _log(value: float) -> float:
    return math.copysign(math.log1p(abs(value)), value)


def _counts(profile: FieldProfile) -> Iterator[float]:
    spelled = sum(profile.spelled_nulls.values())
    values = profile.values
    real = max(values - spelled, 0)
    distinct = profile.distinct
    yield _log(profile.rows)
    yield _log(values)
    yield values / profile.rows if profile.rows else 0.0
    yield spelled / max(profile.tokens, 1)
    yield _log(distinct)
    yield distinct / max(values, 1)
    yield distinct / max(profile.rows, 1)
    yield float(min(distinct, 20))
    yield _log(values - distinct)
    yield float(real == 0)
    yield float(profile.rows <= SAMPLE)


def _types(profile: FieldProfile, claimed: Claimed, kind: DataType, written: str | None) -> Iterator[float]:
    for family in _KINDS:
        yield float(kind.family == family)
    tokens = max(profile.tokens, 1)
    shares: dict[str, float] = {}
    for (claim, _layout), evidence in claimed.items():
        claim = c.EN_GROUPED if claim == c.PAIRED else claim
        shares[claim] = max(shares.get(claim, 0.0), evidence.count / tokens)
    for claim in _CLAIMS:
        yield shares.get(claim, 0.0)
    yield float(written is not None)
    yield float(written is not None and kind.is_numeric)


def _range(profile: FieldProfile, claimed: Claimed, kind: DataType) -> Iterator[float]:
    bounds = [
        bound[0]
        for (claim, _layout), evidence in claimed.items()
        if claim in c.NUMBER_SHAPES
        for bound in (evidence.low, evidence.high)
        if isinstance(bound[0], float | int)
    ]
    low, high = (min(bounds), max(bounds)) if bounds else (0.0, 0.0)
    span = high - low
    yield float(bool(bounds))
    yield _log(low)
    yield _log(high)
    yield _log(span)
    yield float(low < 0)
    yield float(low == 0)
    yield float(low == 1)
    yield float(high == 1)
    yield float(low >= 0 and high <= 1)
    yield float(low >= 1500 and high <= 2100)
    yield min(profile.distinct / (span + 1), 10.0) if kind.is_integer and bounds else -1.0
    yield min(profile.rows / (span + 1), 10.0) if kind.is_integer and bounds else -1.0
    yield float(max((evidence.scale for evidence in claimed.values()), default=0))
    yield float(max((evidence.digits for evidence in claimed.values()), default=0))


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    if not values:
        return (-1.0, -1.0, -1.0)
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)), max(values)


def _texts(sample: Sequence[str]) -> Iterator[float]:
    parts = [text.split() for text in sample]
    stops = [float(sum(word.lower() in _STOP for word in words_)) for words_ in parts]
    yield float(len(sample))
    yield from _spread([float(len(words_)) for words_ in parts])
    yield from _spread([float(len(text)) for text in sample])
    yield from _spread(stops)
    yield from _spread([float(len(_SPACE.findall(text))) for text in sample])
    yield from _spread([float(len(_DELIMITER.findall(text))) for text in sample])
    yield from _spread([float(len(_NUMBER.findall(text))) for text in sample])
    for test in (str.isdigit, str.isalpha, str.isupper, str.isspace):
        yield from _spread([sum(map(test, text)) / max(len(text), 1) for text in sample])[:2]
    size = max(len(sample), 1)
    masks = {mask(text) for text in sample}
    yield len(masks) / size
    yield len({len(text) for text in sample}) / size
    yield sum(bool(_URL.search(text)) for text in sample) / size
    yield sum("@" in text for text in sample) / size
    yield sum(bool(_DATED.search(text)) for text in sample) / size
    yield sum(text[:1] in "[{(" and text[-1:] in "]})" for text in sample) / size
    yield sum("%" in text for text in sample) / size
    yield sum(any(sign in text for sign in "$€£¥") for text in sample) / size
    yield sum("<" in text for text in sample) / size
    yield sum(":" in text for text in sample) / size
    yield sum("/" in text for text in sample) / size
    yield sum("-" in text[1:] for text in sample) / size
    yield sum("_" in text for text in sample) / size
    yield sum(text[-1:] in ".!?" for text in sample) / size
    yield sum(text[:1].isupper() for text in sample) / size
    yield sum(text[:1].isdigit() for text in sample) / size
    yield sum(text[-1:].isdigit() for text in sample) / size
    around = {_NUMBER.sub("", text).strip().lower() for text in sample}
    yield len(around) / size


def _named(name: str) -> Iterator[float]:
    parts = words(name)
    yield float(len(name))
    yield float(len(parts))
    yield float(sum(map(str.isdigit, name)))
    yield float(name[-1:].isdigit())
    yield float(name.isupper())
    yield float(" " in name)
    yield float("_" in name)
    yield float("." in name)
    yield float(says_identity(name))
    yield float(says_time(name))
    yield float(says_epoch(name))
    yield float(says_boolean(name))
    yield float(unit_of(name) is not None)


def _pieces(name: str) -> list[float]:
    """One for each bucket that a word of the name, its first or its last one to three letters fall into."""
    low = name.lower()
    ends = (f"{side}{part}" for size in (1, 2, 3) for side, part in (("p", low[:size]), ("s", low[-size:])))
    found = [0.0] * BUCKETS
    for piece in (*(f"w{word}" for word in words(name)), *ends):
        found[zlib.crc32(piece.encode("utf-8", "surrogatepass")) % BUCKETS] = 1.0
    return found
