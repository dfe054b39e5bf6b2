"""Cuts names and labels into words that can be compared: camelCase, snake_case, digits, glued words, other scripts."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from octo_core.mapping.vocabulary import STOPWORDS, concepts, plain

CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PIECE: Final = re.compile(r"[㐀-鿿豈-﫿぀-ヿ]+|[^\W\d_]+|\d+", re.UNICODE)
_CJK: Final = re.compile(r"[㐀-鿿豈-﫿぀-ヿ]")
_SUFFIXES: Final = (
    "number", "timestamp", "name", "code", "date", "time", "type", "desc", "num", "amt", "qty", "zone", "url", "status",
)  # fmt: skip
_COMPOUNDS: Final = {
    ("postal", "code"): "postcode", ("post", "code"): "postcode", ("zip", "code"): "zipcode",
    ("time", "zone"): "timezone",
    ("date", "time"): "datetime", ("e", "mail"): "email", ("web", "site"): "website",
    ("sub", "total"): "subtotal", ("user", "name"): "username", ("file", "name"): "filename",
    ("checked", "out"): "checkout", ("check", "out"): "checkout", ("check", "in"): "checkin",
    ("given", "name"): "forename",
    ("raison", "sociale"): "raisonsociale", ("razon", "social"): "raisonsociale", ("etat", "civil"): "etat_civil",
}  # fmt: skip
_NUMBERS: Final = ("nr", "no", "id")
"""What a word that is known may end with besides: kundennr, orderid."""
_ENDINGS: Final = (("ies", "y"), ("sses", "ss"), ("ations", "ate"), ("ation", "ate"), ("ings", ""), ("ing", ""),
                   ("edly", ""), ("ed", ""), ("ers", "er"), ("es", "e"), ("s", ""))  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A light English stem: what is left when plural and verb endings are cut; other scripts as they are."""
    if len(word) < 4 or not word.isascii() or word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            word = word[: len(word) - len(ending)] + instead
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The words of a name or a label, lower-cased, in order: `schedDepTime_UTC2` → sched, dep, time, utc, 2."""
    text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for chunk in CAMEL.sub(" ", text).split():
        for piece in _PIECE.findall(chunk):
            found.extend(_split(plain(piece.casefold())))
    return tuple(_joined(found))


def _joined(found: list[str]) -> list[str]:
    """Pairs of words that are one: postal code, time zone."""
    if len(found) < 2:
        return found
    joined: list[str] = []
    for word in found:
        if joined and (joined[-1], word) in _COMPOUNDS:
            joined[-1] = _COMPOUNDS[joined[-1], word]
        else:
            joined.append(word)
    return joined


def content_words(text: str) -> tuple[str, ...]:
    """`words` without those that say nothing, unless nothing else is there."""
    every = words(text)
    return tuple(word for word in every if word not in STOPWORDS) or every


@lru_cache(maxsize=65536)
def meanings(word: str) -> frozenset[str]:
    """The concepts a word may stand for; empty for a word that the vocabulary does not know."""
    known = concepts()
    return known.get(word) or known.get(stem(word)) or _by_stem().get(stem(word)) or frozenset()


@lru_cache(maxsize=1)
def _by_stem() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for word, names in concepts().items():
        found[stem(word)] = found.get(stem(word), frozenset()) | names
    return found


def contracts(short: str, word: str) -> bool:
    """Whether a word is another without some of its letters, but with its first: sgl, single."""
    rest = iter(word)
    return short[:1] == word[:1] and len(short) < len(word) and all(letter in rest for letter in short)


def initials(text: Sequence[str]) -> str:
    """The first letters of three words or more: `vin` of vehicle, identification, number."""
    return "".join(word[0] for word in text) if len(text) >= 3 else ""


def _split(piece: str) -> list[str]:
    if _CJK.match(piece):
        return _segment(piece)
    if piece in concepts() or stem(piece) in concepts():
        return [piece]
    for suffix in _SUFFIXES:
        head = piece[: -len(suffix)]
        if piece.endswith(suffix) and len(head) >= 3:
            return [head, suffix]
    if piece.endswith(_NUMBERS) and (first := _unglued(piece[:-2])) is not None:
        return [first, piece[-2:]]
    return _parted(piece) if len(piece) >= 8 else [piece]


def _parted(piece: str) -> list[str]:
    """Two words of the vocabulary that are glued, maybe by the German s, n, en or es: entlassungsdatum; else one."""
    known = concepts()
    for cut in range(4, len(piece) - 3):
        head, tail = piece[:cut], piece[cut:]
        if tail != "ship" and (tail in known or stem(tail) in known) and (first := _unglued(head)) is not None:
            return [first, tail]
    return [piece]


def _unglued(head: str) -> str | None:
    """The word of the vocabulary that another is glued to, without what glues them; None where it is none."""
    for glue in ("", "s", "n", "en", "es", "er"):
        if head.endswith(glue) and (first := head[: len(head) - len(glue)]) in concepts() and len(first) >= 4:
            return first
    return None


def _segment(text: str) -> list[str]:
    """Chinese or Japanese: the longest words of the vocabulary, what is left in single characters."""
    known, found, position = concepts(), [], 0
    while position < len(text):
        size = next((size for size in (4, 3, 2) if text[position : position + size] in known), 1)
        found.append(text[position : position + size])
        position += size
    return found
