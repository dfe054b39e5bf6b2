"""Text from outside, made harmless to read: for prompts, and for what a model says that people will see."""

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_DATA: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|\d{6,}|\d(?:[ ./-]?\d){6,}|://")
MAX_NAME: Final = 120


def plain(text: str, limit: int) -> str:
    """One line without control, formatting and private-use characters, of at most `limit` characters."""
    kept = "".join(" " if char in "\t\r\n\v\f" else char for char in text[: limit * 4])
    kept = "".join(char for char in kept if unicodedata.category(char) not in _HIDDEN)
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shown(text: str, limit: int) -> str:
    """What a model said, for a page that renders Markdown: no links, images, code or HTML come of it."""
    return re.sub(r"[<>`\[\]|*_\\]", " ", plain(text, limit)).replace("  ", " ").strip()


def looks_like_data(name: str) -> bool:
    """Whether a field's name may itself be a value (an address, a long number): then it does not leave."""
    return len(name) > MAX_NAME or _DATA.search(name) is not None


_PERSONAL: Final = re.compile(
    r"[^\s@<>,;:\"']+@[^\s@<>,;:\"']+\.[^\s@<>,;:\"']+"  # addresses
    r"|\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b"  # IBAN
    r"|\+?\d(?:[ ().\-/]{0,2}\d){6,}"  # telephone numbers, cards, national numbers
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"  # IP addresses
)


def masked(text: str) -> str:
    """Text in which what looks personal is replaced by its mask (`A9-999`)."""
    from octo_core.inference.profile import mask

    return _PERSONAL.sub(lambda found: mask(found.group()), text)
