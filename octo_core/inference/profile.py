"""The profile of a field: counts of what was seen, bounded in size, that two machines can make and merge."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from octo_core.inference.claims import LONGEST_NULL, NULL_WORDS, Claim, claims
from octo_core.inference.sketch import Sketch, merge_sketches, sketch_of
from octo_core.schema import Carrier
from octo_core.types import FLOAT64, INT64, TEXT, DataType

_T = TypeVar("_T")
_K = TypeVar("_K", bound=str)

MAX_KEYS: Final = 1000
"""A record with more keys is a map: its keys are data, and it is kept as json."""
MAX_DEPTH: Final = 8
MAX_MASKS: Final = 200
_RUN: Final = re.compile(r"([9Aa])\1{6,}")
_ASCII: Final = str.maketrans(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "9" * 10 + "a" * 26 + "A" * 26
)
_MASK_LENGTH: Final = 40

Candidate = tuple[str, str | None]
"""(kind, format), as claims.py names them."""
Bound = tuple[float | str, str]
"""(sortable value, the token itself)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How often one candidate held, the least and greatest value as it, and the digits it needs."""

    count: int
    low: Bound
    high: Bound
    digits: int = 0
    scale: int = 0

    def merge(self, other: "Evidence") -> "Evidence":
        return Evidence(
            self.count + other.count,
            min(self.low, other.low),
            max(self.high, other.high),
            max(self.digits, other.digits),
            max(self.scale, other.scale),
        )


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """What was seen of one field. Merging is associative and commutative (but for the order of a record's keys).

    rows = missing + nulls + all carriers. `tokens` are the scalar values, as text; `claims` counts, for each candidate
    that any token satisfied, how many did; `spelled_nulls` counts words such as NA; `masks` keeps the shortest masks
    with exact counts. `children` are a record's keys (None where there are too many), `element` a list's elements.
    """

    rows: int = 0
    missing: int = 0
    nulls: int = 0
    carriers: dict[Carrier, int] = field(default_factory=dict)
    tokens: int = 0
    claims: dict[Candidate, Evidence] = field(default_factory=dict)
    sketch: Sketch = field(default_factory=Sketch)
    known_distinct: int | None = None
    """The exact number of distinct values where the engine counted it; lost in a merge."""
    spelled_nulls: dict[str, int] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=dict)
    shortest: int | None = None
    longest: int | None = None
    characters: int = 0
    least: str | None = None
    greatest: str | None = None
    native: DataType | None = None
    """The type that a typed carrier says (Parquet, SQL)."""
    unit: str | None = None
    """The unit that a typed carrier says, as Parquet does of a duration."""
    finer: bool = False
    """Whether a typed carrier holds fractions of a second finer than a microsecond."""
    children: "dict[str, FieldProfile] | None" = field(default_factory=dict)
    element: "FieldProfile | None" = None

    @property
    def values(self) -> int:
        """Rows that hold a value: neither missing nor null."""
        return self.rows - self.missing - self.nulls

    @property
    def distinct(self) -> int:
        return self.sketch.distinct if self.known_distinct is None else self.known_distinct

    @property
    def distinct_exact(self) -> bool:
        return self.known_distinct is not None or not self.sketch.full


def mask(token: str) -> str:
    """The shape of a token: `A` upper case, `a` lower case, `9` digit; runs longer than six end in `+`."""
    text = token[: 4 * _MASK_LENGTH].translate(_ASCII)
    if not text.isascii():
        text = "".join(_letter(letter) for letter in text)
    return _RUN.sub(r"\1\1+", text)[:_MASK_LENGTH]


def _letter(letter: str) -> str:
    if not letter.isalpha():
        return "9" if letter.isdigit() else letter
    return "A" if letter.isupper() else "a"


def token_profile(counts: Mapping[str, int], carrier: Carrier = "text") -> FieldProfile:
    """The profile of scalar tokens with how often each came; `rows` is their number, no nulls."""
    total = sum(counts.values())
    if not total:
        return FieldProfile()
    masks: Counter[str] = Counter()
    spelled: Counter[str] = Counter()
    seen: dict[Candidate, Evidence] = {}
    for token, count in counts.items():
        masks[mask(token)] += count
        if is_null_spelling(token):
            spelled[token] += count
        for claim in claims(token):
            add_claim(seen, claim, token, count)
    lengths = [len(token) for token in counts]
    return FieldProfile(
        rows=total,
        carriers={carrier: total},
        tokens=total,
        claims=seen,
        sketch=sketch_of(counts),
        spelled_nulls=_bounded(spelled),
        masks=_bounded(masks),
        shortest=min(lengths),
        longest=max(lengths),
        characters=sum(len(token) * count for token, count in counts.items()),
        least=min(counts)[:256],
        greatest=max(counts)[:256],
    )


def is_null_spelling(token: str) -> bool:
    """Whether a token is one of the words for "no value"."""
    return len(token) <= LONGEST_NULL and token.strip().lower() in NULL_WORDS


def add_claim(seen: dict[Candidate, Evidence], claim: Claim, token: str, count: int) -> None:
    """Count one token's claim among the evidence."""
    bound = (claim.order, token[:64])
    new = Evidence(count, bound, bound, claim.digits, claim.scale)
    old = seen.get((claim.kind, claim.format))
    seen[claim.kind, claim.format] = old.merge(new) if old else new


def absent(*, missing: int = 0, nulls: int = 0) -> FieldProfile:
    """The profile of rows without a value."""
    return FieldProfile(rows=missing + nulls, missing=missing, nulls=nulls)


def merge(left: FieldProfile, right: FieldProfile) -> FieldProfile:
    """The profile of both parts' rows."""
    if not left.rows:
        return right
    if not right.rows:
        return left
    return FieldProfile(
        rows=left.rows + right.rows,
        missing=left.missing + right.missing,
        nulls=left.nulls + right.nulls,
        carriers=_added(left.carriers, right.carriers),
        tokens=left.tokens + right.tokens,
        claims=_merged(left.claims, right.claims),
        sketch=merge_sketches(left.sketch, right.sketch),
        known_distinct=_distinct(left, right),
        spelled_nulls=_bounded(_added(left.spelled_nulls, right.spelled_nulls)),
        masks=_bounded(_added(left.masks, right.masks)),
        shortest=min(_present(left.shortest, right.shortest), default=None),
        longest=max(_present(left.longest, right.longest), default=None),
        characters=left.characters + right.characters,
        least=min(_present(left.least, right.least), default=None),
        greatest=max(_present(left.greatest, right.greatest), default=None),
        native=_native(left, right),
        unit=_one_unit(left, right),
        finer=left.finer or right.finer,
        children=_children(left, right),
        element=left.element if right.element is None else _element(left.element, right.element),
    )


def merge_all(profiles: Iterable[FieldProfile]) -> FieldProfile:
    whole = FieldProfile()
    for profile in profiles:
        whole = merge(whole, profile)
    return whole


def _present(*values: _T | None) -> list[_T]:
    return [value for value in values if value is not None]


def _added(left: Mapping[_K, int], right: Mapping[_K, int]) -> dict[_K, int]:
    summed = dict(left)
    for key, count in right.items():
        summed[key] = summed.get(key, 0) + count
    return summed


def _merged(left: dict[Candidate, Evidence], right: dict[Candidate, Evidence]) -> dict[Candidate, Evidence]:
    whole = dict(left)
    for key, evidence in right.items():
        whole[key] = whole[key].merge(evidence) if key in whole else evidence
    return whole


def _bounded(counts: Mapping[str, int]) -> dict[str, int]:
    """The shortest keys: an order that does not depend on who saw what first, and that keeps structured values."""
    if len(counts) <= MAX_MASKS:
        return dict(counts)
    return {key: counts[key] for key in sorted(counts, key=lambda key: (len(key), key))[:MAX_MASKS]}


def _distinct(left: FieldProfile, right: FieldProfile) -> int | None:
    if not left.tokens or not right.tokens:
        return right.known_distinct if not left.tokens else left.known_distinct
    return None


def _native(left: FieldProfile, right: FieldProfile) -> DataType | None:
    if left.native is None or right.native is None or left.native == right.native:
        return left.native or right.native
    families = {left.native.family, right.native.family}
    if families == {"integer"}:
        return INT64
    return FLOAT64 if families <= {"integer", "float"} else TEXT


def _one_unit(left: FieldProfile, right: FieldProfile) -> str | None:
    """The unit of both parts; none where they count in different ones. A part without values says nothing."""
    if not left.values or not right.values:
        return left.unit if left.values else right.unit
    return left.unit if left.unit == right.unit else None


def _children(left: FieldProfile, right: FieldProfile) -> dict[str, FieldProfile] | None:
    """Keys of both; a key that one part never had is missing in that part's records."""
    if left.children is None or right.children is None:
        return None
    if not left.children and not right.children:
        return {}
    records = (left.carriers.get("object", 0), right.carriers.get("object", 0))
    whole = {}
    for name in [*left.children, *(name for name in right.children if name not in left.children)]:
        own, other = left.children.get(name), right.children.get(name)
        whole[name] = merge(own or absent(missing=records[0]), other or absent(missing=records[1]))
    return whole if len(whole) <= MAX_KEYS else None


def _element(left: FieldProfile | None, right: FieldProfile) -> FieldProfile:
    return right if left is None else merge(left, right)
