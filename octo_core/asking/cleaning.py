"""Text from outside, made harmless to read: for prompts, and for what a model says that people will see."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from octo_core.asking.people import without_people
from octo_core.asking.private import secrets, streets
from octo_core.inference.profile import mask

_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_ADDRESS: Final = r"[^\s@<>,;:\"']+@[^\s@<>,;:\"']+\.[^\s@<>,;:\"']+"
_KEY_LIKE: Final = r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}"
"""UUIDs, hashes, tokens: long words of letters and digits."""
_NETWORK: Final = (
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b"
    r"|\b(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{0,4}\b|\b(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}\b"
)
_HASH: Final = r"\b(?=[a-f]*\d)[0-9a-fA-F]{16,}\b|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}"
_DATA: Final = re.compile(rf"[^\s@]+@[^\s@]+\.[^\s@]+|\d{{6,}}|\d(?:[ ./-]?\d){{6,}}|://|\bwww\.|{_HASH}|{_NETWORK}")
_PERSONAL: Final = re.compile(
    _ADDRESS
    + r"|\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b"  # IBAN
    + rf"|{_NETWORK}|\b{_KEY_LIKE}"
    + r"|\bdata:[\w/+.;=-]*,\S*"  # a file's own bytes
    + r"|\+?\d(?:[ ().\-/]{0,2}\d){6,}"  # telephone numbers, cards, national numbers
)
_ISSUED: Final = re.compile(r"(?<![\w./-])(?=[\w./-]*[^\W\d_])(?=(?:[A-Za-z./-]*\d){5})[A-Za-z0-9][\w./-]*\w")
"""Codes of letters and five digits or more: a patient's, a policy's, a parcel's."""
_QUERY: Final = re.compile(r"(://[^\s?#]*)[?#]\S*")
_LINK: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//\S+|\bwww\.\S+|\b(?:mailto|xmpp|javascript|vbscript|data|file):\S+", re.IGNORECASE
)
_MARKUP: Final = re.compile(r"&#?\w{1,32};|[<>`\[\]|*\\]|(?<![^\W_])_|_(?![^\W_])")
MAX_NAME: Final = 120


def hides(text: str) -> bool:
    """Whether it holds control, formatting (bidirectional, zero-width, tag) or private-use characters."""
    return any(unicodedata.category(char) in _HIDDEN for char in text)


def plain(text: str, limit: int) -> str:
    """One line without control, formatting and private-use characters, of at most `limit` characters."""
    kept = "".join(" " if char in "\t\r\n\v\f" else char for char in text[: limit * 4])
    kept = "".join(char for char in kept if unicodedata.category(char) not in _HIDDEN)
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shown(text: str, limit: int) -> str:
    """What a model said, for a page that renders Markdown: no link, image, code, HTML or heading comes of it."""
    linkless = re.sub(_ADDRESS, "(address)", _LINK.sub("(link)", plain(text, limit)))
    return plain(_MARKUP.sub(" ", linkless), limit).lstrip("#=~+- ")


def looks_like_data(name: str) -> bool:
    """Whether a field's name may itself be a value (an address, a long number, a token), or hides something: then it
    does not leave.
    """
    return len(name) > MAX_NAME or hides(name) or _DATA.search(name) is not None


def masked(text: str) -> str:
    """Text in which what looks personal or secret is replaced by its mask (`A9-999`), without URLs' queries."""
    bare = _QUERY.sub(r"\1?…", text)
    for where in (secrets, streets):
        for start, end in reversed(where(bare)):
            bare = bare[:start] + mask(bare[start:end]) + bare[end:]
    found = _PERSONAL.sub(lambda found: mask(found.group()), bare)
    return without_people(_ISSUED.sub(lambda found: mask(found.group()), found))


def masked_beside(text: str, names: Iterable[str]) -> str:
    """The same, but for names that are told anyway: of a field called `t_20240105` a reviewer may speak."""
    odd = sorted((name for name in set(names) if masked(name) != name), key=len, reverse=True)
    if not odd:
        return masked(text)
    parts = re.split(rf"(?<!\w)({'|'.join(map(re.escape, odd))})(?!\w)", text)
    return "".join(part if place % 2 else masked(part) for place, part in enumerate(parts))
