"""Values, numbers and formats with all that could be somebody's value taken out of them."""

import hashlib
import math
import random
import re
import string
from typing import Final

from octo_core.asking.cleaning import plain
from octo_core.schema import Field

_FOREIGN: Final = re.compile(r"[^9Aa+ \-_./:,@()%$€£#\[\]{}\"']")
_MANY_SIGNS: Final = re.compile(r"[^9Aa+·]{4,}|·{2,}")
_MIXED: Final = re.compile(r"[Aa]*(?:9+[Aa]+){2,}9+[9Aa]*|9*(?:[Aa]+9+){2,}[Aa]+[9Aa]*")
_TIME_SIGNS: Final = re.compile(r"%-?[A-Za-z]|(?<=%H)h(?=%M)|UTC|GMT|[TZ](?![A-Za-z])|[ \-/.,:()年月日時时分秒]|\s\|\s")


def shape(text: str) -> str:
    """A mask without what might tell the value: foreign signs, nothing but signs, where a hash has its digits."""
    found = _MIXED.sub("a9+", _MANY_SIGNS.sub("·", _FOREIGN.sub("·", text)))
    return found if re.search(r"[9Aa]", found) else "·"


def lookalike(shape: str) -> str:
    """A made-up value of a mask: the same one each time, so that the same question stays the same."""
    dice = random.Random(hashlib.sha256(shape.encode()).digest())  # noqa: S311 - nothing here is a secret
    letters = {"9": string.digits, "A": string.ascii_uppercase, "a": string.ascii_lowercase}
    made = [dice.choice(letters[char]) if char in letters else char for char in shape]
    return "".join(made).replace("+", "")


def outward(value: float, way: int, *, whole: bool = False) -> str:
    """The next of 1, 2, 5, 10, 20, 50 … away from the values, never the value itself but for 0."""
    if value == 0 or (whole and 0 < value * -way <= 1):
        return "0"
    away = (value > 0) == (way > 0)
    size = math.floor(math.log10(abs(value)))
    steps = [float(f"{digit}e{place}") for place in (size - 1, size, size + 1) for digit in (1, 2, 5)]
    found = next((one for one in steps if one > abs(value)), None) if away else None
    if not away:
        found = next((one for one in reversed(steps) if one < abs(value)), 0.0)
    return "any" if found is None or math.isinf(found) else f"{math.copysign(found, value):g}"


def rounded(count: int) -> int:
    size: int = 10 ** (len(str(count)) - 1)
    return round(count / size) * size


def layout(field: Field) -> str | None:
    """A field's format without words of the data: letters of times, signs of numbers, no spellings of yes."""
    text = field.format
    if not text:
        return None
    if field.type.kind == "boolean":
        return None
    if field.type.is_numeric:
        return text if re.fullmatch(r"[^\w]*(?:[A-Z]{3} )?[^\w]*1.?234(?:.56)?[^\w]*(?: [A-Z]{3})?", text) else None
    patterns = [part.partition(" @")[0] for part in text.split(" | ")]
    zone = text.partition(" @")[2].partition(" | ")[0]
    if (
        all(map(is_time_layout, patterns))
        or text in ("iso", "hhmm", "hms", "hex", "base64")
        or text.startswith("epoch_")
    ):
        return plain(text, 80)
    return plain(f"@{zone}", 80) if zone else None


def is_time_layout(pattern: str) -> bool:
    """Whether it holds strptime's letters and the usual signs between them, and no words."""
    return "%" in pattern and not _TIME_SIGNS.sub("", pattern)
