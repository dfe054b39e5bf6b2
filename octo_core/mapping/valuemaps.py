"""Pairs a source's values with the members of an enum or a CHECK list: by equality, abbreviation, meaning, letter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from octo_core.mapping.evidence import folded
from octo_core.mapping.words import meanings, stem

_TRUE_WORDS: Final = "true t yes y 1 on ok si sí oui ja да 是 真 نعم active enabled positive x checked"
_FALSE_WORDS: Final = "false f no n 0 off non nein нет 否 假 لا inactive disabled negative unchecked"
_TRUE: Final = frozenset(_TRUE_WORDS.split())
_FALSE: Final = frozenset(_FALSE_WORDS.split())
_NOTHING: Final = frozenset({"na", "n a", "null", "none", "nil", "nan", "unknown", "", "not available"})
_SAME: Final = (
    "active act enabled live open current a",
    "inactive disabled closed i",
    "cancelled canceled cancel c void voided annulled x",
    "pending waiting open new queued p",
    "complete completed done finished fulfilled",
    "shipped sent dispatched s",
    "delivered received d",
    "returned refunded return r",
    "failed error failure rejected declined",
    "male m man 男",
    "female f woman w 女",
    "unknown u other unspecified undetermined not_reported",
    "married m",
    "single s unmarried",
    "high h hi",
    "medium mid med m",
    "low l lo",
    "paid p settled",
    "unpaid due outstanding",
    "monday mon",
    "tuesday tue",
    "wednesday wed",
    "thursday thu",
    "friday fri",
    "saturday sat",
    "sunday sun",
)


@dataclass(frozen=True, slots=True)
class ValueMap:
    """source value → member; `unmatched` source values have none; `quality` is 1.0 where all are equal."""

    pairs: tuple[tuple[str, str], ...]
    unmatched: tuple[str, ...]
    quality: float

    @property
    def identical(self) -> bool:
        return all(left == right for left, right in self.pairs) and not self.unmatched


def map_values(values: Sequence[str], members: Sequence[str]) -> ValueMap:
    """The best pairing of values with members; several values may share a member (`C`, `cancelled`)."""
    found: dict[str, tuple[str, float]] = {}
    for grade, pairing in ((1.0, _equal), (0.9, _meaning), (0.8, _beginning), (0.65, _initial)):
        for value in values:
            if value not in found:
                taken = {member for member, _ in found.values()} if grade < 0.9 else set()
                member = pairing(value, [one for one in members if one not in taken])
                if member is not None:
                    found[value] = (member, grade)
    unmatched = tuple(value for value in values if value not in found and folded(value) not in _NOTHING)
    free = [one for one in members if one not in {member for member, _ in found.values()}]
    if len(unmatched) == len(free) == 1 and len(free[0]) == 1 and len(found) > 1:  # the letter that is left
        found[unmatched[0]], unmatched = (free[0], 0.5), ()
    grades = [grade for _, grade in found.values()] + [0.0] * len(unmatched)
    pairs = tuple((value, found[value][0]) for value in values if value in found)
    return ValueMap(pairs, unmatched, sum(grades) / len(grades) if grades else 0.0)


def truths(values: Iterable[str]) -> ValueMap | None:
    """Values as `true` and `false`, or None where they are no two-sided code."""
    pairs, unmatched = [], []
    for value in values:
        key = folded(value)
        if key in _TRUE or key in _FALSE:
            pairs.append((value, "true" if key in _TRUE else "false"))
        elif key not in _NOTHING:
            unmatched.append(value)
    sides = {side for _, side in pairs}
    return ValueMap(tuple(pairs), (), 0.9) if len(sides) == 2 and not unmatched else None


def _equal(value: str, members: Sequence[str]) -> str | None:
    exact = next((member for member in members if member == value), None)
    key = folded(value)
    return exact or next((member for member in members if folded(member) == key and key), None)


def _meaning(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [member for member in members if stem(folded(member)) == stem(key)]
    if not found and len(key) > 1:
        mine = {line for line in _SAME if key.replace(" ", "_") in line.split()} | meanings(key)
        found = [
            member
            for member in members
            if mine
            & ({line for line in _SAME if folded(member).replace(" ", "_") in line.split()} | meanings(folded(member)))
        ]
    return found[0] if len(found) == 1 else None


def _beginning(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [
        member
        for member in members
        if len(key) >= 2
        and (folded(member).startswith(key) or (len(folded(member)) >= 3 and key.startswith(folded(member))))
    ]
    return found[0] if len(found) == 1 else None


def _initial(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [
        member
        for member in members
        if key and folded(member) and 1 in (len(key), len(folded(member))) and folded(member)[0] == key[0]
    ]
    if len(found) != 1 and len(key) == 1:
        found = [
            member for member in members
            if any(key in line.split() and folded(member) in line.split() for line in _SAME)
        ]  # fmt: skip
    return found[0] if len(found) == 1 else None
