"""Whose values are people's because of what stands in other fields: surnames, initials and logins of those named there.

Names too rare to be known by themselves (`QUILLFEATHER, T.`, `t.quillfeather`, `tquill7`) are told by the words that
they share with a field that is known to hold people's names or their addresses of electronic mail.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from octo_core.inference.given_names import is_of_a_place_or_firm
from octo_core.letters import unaccented

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LOGIN: Final = re.compile(r"[\w.@+-]{3,64}")
_CODED: Final = re.compile(r"(?=[\w.@+-]*[^\W\d_])(?=[\w.@+-]*\d)[\w.@+-]{3,64}")
_ACCOUNT: Final = re.compile(r"[a-z][a-z._]{2,}\d{1,4}")
_TITLES: Final = """
mrs miss prof herr herrn frau sra señora mme madame monsieur signor signora bay bayan von van den der del della dos
and und the info mail email sales office support contact admin service services billing orders order hello team help
jobs news web shop marketing finance accounts reception noreply reply
"""
_NO_NAMES: Final = frozenset(_TITLES.split())
"""Titles and particles beside names, and mailboxes that are nobody's."""
_PIECE: Final = 5
"""Letters of a name that a login has at the least, unless the whole name is shorter."""
_HALF: Final = 0.5
_OF_SAMPLES: Final = 0.25
"""The share that is asked where there are more people than a sketch holds: not all of their words are known."""
_SAMPLED_HITS: Final = 20
_LOOKED_AT: Final = 100
_FIELDS: Final = 40
"""Fields of people that are read."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a field holds: distinct values, how often each came (empty: unknown), and whether these are all of them."""

    values: Sequence[str]
    counts: Sequence[int] = ()
    whole: bool = True


def kin(people: Iterable[Held], others: Mapping[str, Held], *, as_many: bool = False) -> set[str]:
    """The names of those fields whose values half repeat a word of the people's, or that have one login a person.

    `as_many`: only fields of half as many values as there are people, where it is not sure that they are people: the
    `Tea` of `Green Tea` and `Black Tea` is no surname.
    """
    known = list(people)[:_FIELDS]
    words = {word for one in known for value in one.values for word in _name_words(value)}
    if not words:
        return set()
    whole = all(one.whole for one in known)
    pieces = {word[:_PIECE] for word in words if len(word) >= _PIECE - 1} if whole else set()
    rhythms = {_rhythm(one) for one in known} - {()}
    share = _HALF if whole else _OF_SAMPLES
    least = min(len(one.values) for one in known) if as_many else 0
    found = set()
    for name, held in others.items():
        values = held.values[:: max(1, len(held.values) // _LOOKED_AT)]
        hits = sum(_is_kin(value, words, pieces) for value in values)
        enough = max(share * len(values), min(2, *(len(one.values) for one in known)))
        if not whole:
            enough = max(enough, min(_SAMPLED_HITS, _HALF * len(values)))
        if (values and hits >= enough and 2 * len(held.values) >= least) or _is_one_each(held, values, rhythms):
            found.add(name)
    return found


def _name_words(value: str) -> list[str]:
    """The words of a person's name, or of an address's local part, as they are compared."""
    if is_of_a_place_or_firm(value):
        return []
    text = unaccented(value.partition("@")[0]).casefold()
    return [word for word in _WORD.findall(text) if word not in _NO_NAMES]


def _is_kin(value: str, words: set[str], pieces: set[str]) -> bool:
    """Whether it has a word of the people's, or as a login a piece of one. Firms may be called for their owners."""
    if is_of_a_place_or_firm(value):
        return False
    text = unaccented(value).casefold()
    if not words.isdisjoint(_WORD.findall(text)):
        return True
    if not pieces or _LOGIN.fullmatch(text) is None:
        return False
    parts = (text[start : start + length] for length in (_PIECE - 1, _PIECE) for start in range(len(text) - length + 1))
    return any(part in pieces for part in parts)


def _is_one_each(held: Held, values: Sequence[str], rhythms: set[tuple[int, ...]]) -> bool:
    """Whether letters with digits come exactly as often as people do: one login, or staff number, for each of them."""
    rhythm = _rhythm(held)
    if rhythm not in rhythms:
        return False
    form = _CODED if len(set(rhythm)) > 1 else _ACCOUNT  # where all come as often as each other, chance will do
    return sum(form.fullmatch(value) is not None for value in values) >= _HALF * len(values)


def _rhythm(held: Held) -> tuple[int, ...]:
    """How often the values came, sorted: empty where there are few, or where each came once as any row's own does."""
    if not held.whole or len(held.counts) != len(held.values) or len(held.values) < 3 or max(held.counts) < 2:
        return ()
    return tuple(sorted(held.counts))
