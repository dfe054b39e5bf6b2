"""What one token of text could be: the candidate grammars that a profile counts."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from octo_core.inference.named_dates import named_claims
from octo_core.inference.temporal import temporal_claims

NULL_SPELLINGS: Final = frozenset({
    "", "-", "--", "---", "?", ".", "\\n", "na", "n/a", "#n/a", "n.a.", "null", "(null)", "#null!", "nil", "none",
    "nan", "nat", "missing", "undefined", "unknown", "not available",
})  # fmt: skip
"""Lower-case words that mean "no value" where the rest of a field is typed; in plain text they are text."""

ZERO_DATES: Final = frozenset({
    "00000000", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000", "00000000000000",
})  # fmt: skip
"""How MySQL and SAP write that there is no date: no value among dates, and a value anywhere else."""
NULL_WORDS: Final = NULL_SPELLINGS | ZERO_DATES
LONGEST_NULL: Final = 20

BOOLEAN_PAIRS: Final = (
    ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("1", "0"),
    ("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"), ("o", "n"), ("vrai", "faux"), ("si", "no"),
    ("sí", "no"), ("s", "n"), ("verdadero", "falso"), ("sim", "não"), ("sim", "nao"), ("ja", "nee"), ("ja", "nej"),
    ("tak", "nie"), ("да", "нет"), ("vero", "falso"), ("evet", "hayır"), ("evet", "hayir"), ("igen", "nem"),
    ("ano", "ne"),
    ("áno", "nie"), ("da", "nu"), ("da", "ne"), ("так", "ні"), ("да", "не"), ("kyllä", "ei"), ("jah", "ei"),
    ("taip", "ne"), ("jā", "nē"), ("ναι", "όχι"), ("ya", "tidak"), ("はい", "いいえ"), ("是", "否"), ("예", "아니오"),
    ("نعم", "لا"), ("כן", "לא"),
)  # fmt: skip
"""True and false as people write them. What belongs to two pairs, such as `n`, is counted for both."""
_BOOLEAN: Final = {
    word: tuple(pair for pair in BOOLEAN_PAIRS if word in pair) for both in BOOLEAN_PAIRS for word in both
}
_LONGEST_BOOLEAN: Final = max(map(len, _BOOLEAN))

INTEGER: Final = "integer"
DECIMAL: Final = "decimal"  # with a point
FLOAT: Final = "float"  # with an exponent
POINT3: Final = "point3"  # 1.234: a decimal, or a thousand and more where the comma is the decimal mark
COMMA3: Final = "comma3"  # 1,234: a thousand and more, or a decimal where the comma is the mark
EN_GROUPED: Final = "en_grouped"  # 1,234,567.89
DE_GROUPED: Final = "de_grouped"  # 1.234.567,89
COMMA: Final = "comma"  # 12,5
SPACED: Final = "spaced"  # 1 234,56
QUOTED: Final = "quoted"  # 1'234.56
PAIRED: Final = "paired"  # 12,34,567.89: in India
NUMBER_SHAPES: Final = (INTEGER, DECIMAL, FLOAT, POINT3, COMMA3, EN_GROUPED, DE_GROUPED, COMMA, SPACED, QUOTED, PAIRED)
ZEROS: Final = "zeros"  # an integer with zeros in front, as 00501: counted beside `integer`


@dataclass(frozen=True, slots=True)
class Claim:
    """A token read as one candidate. `order` sorts values of one candidate; digits before and after the mark."""

    kind: str
    format: str | None
    order: float | str
    digits: int = 0
    scale: int = 0


_SHAPES: Final = (  # thousands never begin with a zero: 0,102 is a fraction
    (INTEGER, re.compile(r"[+-]?(\d+)", re.ASCII)),
    (POINT3, re.compile(r"[+-]?([1-9]\d{0,2})\.(\d{3})", re.ASCII)),
    (DECIMAL, re.compile(r"[+-]?(\d*)\.(\d+)", re.ASCII)),
    (FLOAT, re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}", re.ASCII)),
    (COMMA3, re.compile(r"[+-]?([1-9]\d{0,2}),(\d{3})", re.ASCII)),
    (EN_GROUPED, re.compile(r"[+-]?([1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?", re.ASCII)),
    (PAIRED, re.compile(r"[+-]?([1-9]\d?(?:,\d{2})+,\d{3})(?:\.(\d+))?", re.ASCII)),
    (
        DE_GROUPED,
        re.compile(r"[+-]?([1-9]\d{0,2}(?:\.\d{3}){2,})(?:,(\d+))?|[+-]?([1-9]\d{0,2}(?:\.\d{3})+),(\d+)", re.ASCII),
    ),
    (COMMA, re.compile(r"[+-]?(\d*),(\d+)", re.ASCII)),
    (SPACED, re.compile(r"[+-]?([1-9]\d{0,2}(?:[ \u00a0\u202f\u2009]\d{3})+)(?:,(\d+))?", re.ASCII)),
    (QUOTED, re.compile(r"[+-]?([1-9]\d{0,2}(?:['’]\d{3})+)(?:\.(\d+))?", re.ASCII)),
)
_SIGNS = "$€£¥₹₺₽₩₪₫₴₦฿₱₸₾￥＄￡"
_CODES = (
    "USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|ZAR|KRW|TRY|RUB|HUF|RON|BGN|UAH|ILS|THB|AED|SAR|"
    "NZD|SGD|HKD|TWD|Rs|kr|zł|Kč|Ft|TL|lei|лв|руб"
)
_ADORNED = re.compile(
    rf"([+-]?)(?P<before>(?:R\$|[{_SIGNS}])[ \u00a0\u202f]?|(?:{_CODES})[ \u00a0\u202f])?"
    rf"(?P<number>[+-]?[\d.,'’\u00a0\u202f\u2009 ]*\d)"
    rf"(?P<after>[ \u00a0\u202f]?[{_SIGNS}%‰円元원]|[ \u00a0\u202f](?:{_CODES})\.?)?",
    re.ASCII,
)
TRAILING: Final = "#-"
"""The adornment of numbers whose minus stands behind them."""
_DIGIT = re.compile("[0-9]")
_UUID_LENGTH: Final = 36
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_INTERVAL = re.compile(
    r"[+-]?P(?=[0-9T])(?:[0-9]{1,6}Y)?(?:[0-9]{1,6}M)?(?:[0-9]{1,6}W)?(?:[0-9]{1,8}D)?"
    r"(?:T(?=[0-9])(?:[0-9]{1,8}H)?(?:[0-9]{1,9}M)?(?:[0-9]{1,10}(?:\.[0-9]{1,6})?S)?)?"
)
_CLOCK = re.compile(r"[+-]?[0-9]{1,8}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?")


def claims(token: str) -> tuple[Claim, ...]:
    """Every candidate that `token` satisfies; empty for plain text. Spaces around it are not part of it."""
    text = token.strip()
    if not text or len(text) > 64:
        return tuple(_structured(text))
    return _short(text)


@lru_cache(maxsize=65_536)
def _short(text: str) -> tuple[Claim, ...]:
    if _DIGIT.search(text) is None and len(text) != _UUID_LENGTH:  # most texts: the rest of the grammars ask for digits
        return (*_booleans(text), *_structured(text))
    found = (*temporal_claims(text), *named_claims(text))
    dated = (Claim(kind, layout, order) for kind, layout, order in found)
    return (*_booleans(text), *_numbers(text), *dated, *_others(text), *_structured(text))


def _booleans(text: str) -> Iterator[Claim]:
    for pair in _BOOLEAN.get(text.lower(), ()) if len(text) <= _LONGEST_BOOLEAN else ():
        yield Claim("boolean", "|".join(pair), text.lower())


def _numbers(text: str) -> Iterator[Claim]:
    if text[-1].isdigit() and (text[0].isdigit() or text[0] in "+-."):
        plain = tuple(_number(text, None))
        yield from plain
        if plain or text[0] not in "+-":
            return
    if _DIGIT.search(text) is None:  # digits of other scripts are text: no cast reads them
        return
    bracketed = text[0] == "(" and text[-1] == ")"
    if text[-1] == "-" and text[0].isdigit():  # SAP's way to write -12: 12-
        yield from _number(f"-{text[:-1]}", TRAILING)
        return
    adorned = _ADORNED.fullmatch(text[1:-1] if bracketed else text)
    if adorned is None:
        return
    sign, number = adorned[1], adorned["number"].strip()
    before, after = (adorned["before"] or "").strip(), (adorned["after"] or "").strip()
    before, after = before + " " * before.isalpha(), " " * after.isalpha() + after
    if not bracketed:
        yield from _number(sign + number, f"{before}#{after}")
    elif not sign and number[0] not in "+-":  # accountants' way to write -12: (12)
        yield from _number(f"-{number}", f"({before}#{after})")


def _number(text: str, adornment: str | None) -> Iterator[Claim]:
    for shape, pattern in _SHAPES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = [group or "" for group in match.groups() if group is not None] + [""]
        whole = re.sub(r"\D", "", groups[0]) if shape != FLOAT else ""
        scale = len(groups[1]) if shape != FLOAT and len(groups) > 1 else 0
        yield Claim(shape, adornment, _value(text, shape), len(whole.lstrip("0")), scale)
        if shape == INTEGER and len(whole) > 1 and whole[0] == "0":
            yield Claim(ZEROS, adornment, float(len(whole)), len(whole))
        if shape == INTEGER and adornment is None and text.isdigit() and len(whole) <= 4 and _clock(int(whole)):
            yield Claim("time", "hhmm", float(whole))
        return


def _clock(number: int) -> bool:
    """Whether a whole number is a time of day without its colon, as 517 is 05:17."""
    return number == 2400 or (number < 2400 and number % 100 < 60)


def _value(text: str, shape: str) -> float:
    if shape in (COMMA, DE_GROUPED, SPACED):
        text = re.sub(r"[.\s\u00a0\u202f\u2009]", "", text).replace(",", ".")
    return float(re.sub("[,'’]", "", text))


def _others(text: str) -> Iterator[Claim]:
    if len(text) == _UUID_LENGTH and _UUID.fullmatch(text):
        yield Claim("uuid", None, text.lower())
    elif text.lstrip("+-").startswith("P") and _INTERVAL.fullmatch(text):
        yield Claim("interval", "iso", text)
    elif text[-1].isdigit() and text.count(":") == 2 and _CLOCK.fullmatch(text):
        yield Claim("interval", "hms", text.rjust(24))


def _structured(text: str) -> Iterator[Claim]:
    if text[:1] not in ("{", "[") or text[-1:] not in ("}", "]"):
        return
    with suppress(ValueError, RecursionError):
        json.loads(text)
        yield Claim("json", None, "")
