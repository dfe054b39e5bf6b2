"""People's names in text that may leave: a common given name beside another name, or what stands after a title."""

import re
from collections.abc import Sequence
from typing import Final

from octo_core.inference.given_names import holds_a_name, is_initialed, is_of_a_place_or_firm, undotted
from octo_core.inference.profile import mask
from octo_core.mapping.words import meanings, words

_WORD: Final = r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?"
_PARTICLE: Final = r"(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ben|ibn|zu|ter|ten)"
_GAP: Final = re.compile(rf",? (?:{_PARTICLE} ){{0,2}}")
_TITLED: Final = re.compile(
    rf"(?<!\w)(?:mr|mrs|ms|miss|dr|prof|herrn?|frau|sra?|señora?|mme|madame|monsieur|signora?|sig|bay|bayan)\.? "
    rf"(?P<name>(?:{_PARTICLE} ){{0,2}}{_WORD}(?: (?:{_PARTICLE} ){{0,2}}{_WORD}){{0,2}})",
    re.IGNORECASE,
)
_NO_NAMES: Final = frozenset({"jan"})
"""Given names that stand beside others as something else: months."""
_CAPITALIZED: Final = re.compile(r"[^\W\d_]{3,}")
_CODE: Final = re.compile(r"(?=(?:\D*\d){4}|(?:\D*\d){3}.*[-./ ]|.*[-./ ](?:\D*\d){3})[\w./ -]+")
_LONGEST: Final = 120
"""Characters of a key that are looked at: longer ones stay here anyway."""
_FEW: Final = 0.25
_MOST: Final = 0.5


def without_people(text: str) -> str:
    """The text with people's names as masks. In small letters they are not told from other words."""
    found = _TITLED.sub(_masked_name, text)
    for start, end in reversed(_runs(found)):
        if _is_person(found[start:end]):
            found = found[:start] + mask(found[start:end]) + found[end:]
    return found


def names_somebody(name: str) -> bool:
    """Whether a field's name is a person's: a given name beside one that is no word of column names."""
    for start, end in _runs(name):
        others = [word for word in words(name[start:end]) if not holds_a_name(word)]
        if _is_person(name[start:end]) and not (others and all(map(meanings, others))):
            return True
    return False


def are_keys(names: Sequence[str], *, sparse: bool) -> bool:
    """Whether the names of a record's fields, which are all of one type, look like a map's keys, which are data:
    numbers, codes, people. `sparse`: most of them are missing in most records.
    """
    names = [name[:_LONGEST] for name in names]
    coded = sum(_is_code(name) for name in names)
    named = sum(_is_given(name) or names_somebody(name) for name in names)
    odd = sum(_is_odd(name) for name in names)
    return (
        coded >= _MOST * len(names)
        or (named > 0 and named >= _FEW * len(names))
        or (sparse and len(names) > 1 and odd >= _MOST * len(names))
    )


def may_be_people(values: Sequence[str]) -> bool:
    """Whether a few distinct values may be people's names: the share that `given_names` asks of many is enough."""
    values = [undotted(value.strip()) for value in values]
    if values and sum(map(is_initialed, values)) >= _MOST * len(values):
        return True
    several = [value for value in values if " " in value]
    if several and 2 * len(several) >= len(values):
        return sum(_is_person(value, small=True) for value in several) >= _FEW * len(values)
    return sum(_is_given(value.strip().title()) for value in values) >= max(1, _MOST * len(values))


def _runs(text: str) -> list[tuple[int, int]]:
    """Where capitalized words stand one after the other, maybe with a comma or a particle between two."""
    found: list[tuple[int, int]] = []
    for word in re.finditer(rf"(?<!\w){_WORD}", text):
        if not _is_capitalized(word.group()):
            continue
        if found and _GAP.fullmatch(text, found[-1][1], word.start()):
            found[-1] = (found[-1][0], word.end())
        else:
            found.append(word.span())
    return found


def _is_capitalized(word: str) -> bool:
    """Whether it begins with a capital, or is of a script without them."""
    return word[:1] != word[:1].lower() or word.lower() == word.upper()


def _masked_name(found: re.Match[str]) -> str:
    name = found["name"]
    end = 0
    for word in re.finditer(_WORD, name):
        if _is_capitalized(word.group()):
            end = word.end()
        elif re.fullmatch(_PARTICLE, word.group()) is None:
            break
    return found.group()[: -len(name)] + mask(name[:end]) + name[end:]


def _is_person(text: str, *, small: bool = False) -> bool:
    """Whether a run of words holds a given name and another beside it, both capitalized unless `small` ones do."""
    parts = re.findall(_WORD, text)
    names = [one for one in parts if small or _is_capitalized(one)]
    return (
        len(names) > 1
        and any(holds_a_name(one) and one.lower() not in _NO_NAMES for one in names)
        and not is_of_a_place_or_firm(text)
    )


def _is_given(name: str) -> bool:
    return name.lower() not in _NO_NAMES and holds_a_name(name) and _CAPITALIZED.fullmatch(name) is not None


def _is_code(name: str) -> bool:
    return not any(map(str.isalpha, name)) or _CODE.fullmatch(name) is not None


def _is_odd(name: str) -> bool:
    """Whether it is capitalized as names are, and no word that columns are called by."""
    bare = name[:1].isupper() and not name.isupper()
    return bare and not any(map(meanings, words(name)))
