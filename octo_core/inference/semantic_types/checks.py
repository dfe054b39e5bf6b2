"""Checks that libraries make: python-stdnum, phonenumbers, pycountry, zoneinfo. Imported when a value first asks."""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from octo_core.inference.semantic_types.model import Check

_SEPARATORS: Final = re.compile(r"[ \-]")


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    found: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid  # 0.2 s for the first
    return found


def stdnum(module: str) -> Check:
    """Format and check digits by python-stdnum's module of this name."""
    return lambda text: _is_valid(module)(text)


def luhn_digits(text: str) -> bool:
    """The check digit of cards and devices (ISO/IEC 7812-1), blanks and hyphens left out."""
    return _is_valid("luhn")(_SEPARATORS.sub("", text))


_VALUES: Final = {**{str(digit): digit for digit in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
                  **dict(zip("JKLMN", range(1, 6), strict=True)), "P": 7, "R": 9,
                  **dict(zip("STUVWXYZ", range(2, 10), strict=True))}  # fmt: skip
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vehicle(text: str) -> bool:
    """The check digit in the ninth place of a vehicle's number (49 CFR 565)."""
    total = sum(_VALUES.get(letter, 0) * weight for letter, weight in zip(text, _WEIGHTS, strict=False))
    return len(text) == len(_WEIGHTS) and text[8] == "0123456789X"[total % 11] and len(set(text)) > 1


def international_phone(text: str) -> bool:
    """A number that its country's numbering plan has; `+` or `00` and the country in front."""
    import phonenumbers  # 0.1 s

    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", text), None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def possible_phone(text: str) -> bool:
    """A plus, and a country with as many digits as its numbers may have, whether or not it gives out such ones."""
    import phonenumbers

    if not re.fullmatch(r"\+[1-9]\d{7,14}", text):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, None))
    except phonenumbers.NumberParseException:
        return False


@cache
def _codes(database: str, *attributes: str) -> frozenset[str]:
    """The codes or names (in lower case) that pycountry has, of those that have them."""
    import pycountry  # 0.05 s, and up to 0.1 s a database

    rows: Any = getattr(pycountry, database)
    return frozenset(str(getattr(row, key)).lower() for row in rows for key in attributes if hasattr(row, key))


def listed(database: str, *attributes: str) -> Check:
    """One of what pycountry lists, whatever the case."""
    return lambda text: text.lower() in _codes(database, *attributes)


def language_tag(text: str) -> bool:
    """A language's code, maybe with script and region behind it."""
    return re.split("[-_]", text)[0].lower() in _codes("languages", "alpha_2", "alpha_3")


_STATES_OF: Final = ("us", "ca", "br", "de", "es", "it", "au", "mx", "in")


def subdivision(text: str) -> bool:
    """A code such as US-CA, a name, or the code alone in a country whose states are known by it."""
    low = text.lower()
    if "-" in text and low in _codes("subdivisions", "code"):
        return True
    if len(text) <= 3:
        return any(f"{country}-{low}" in _codes("subdivisions", "code") for country in _STATES_OF)
    return low in _codes("subdivisions", "name")


_ZONES_IN_SHORT: Final = frozenset({
    "Z", "UTC", "GMT", "WET", "WEST", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "MSK", "BST", "IST", "TRT", "EST",
    "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "AST", "ADT", "NST", "NDT", "ET", "CT",
    "MT", "PT", "ART", "BRT", "BRST", "CLT", "CLST", "COT", "PET", "VET", "BOT", "UYT", "PYT", "GFT", "GST", "IRST",
    "IRDT", "AFT", "PKT", "NPT", "BDT", "MMT", "ICT", "WIB", "WITA", "WIT", "PHT", "PHST", "SGT", "MYT", "HKT", "JST",
    "KST", "AEST", "AEDT", "ACST", "ACDT", "AWST", "NZST", "NZDT", "FJT", "SAST", "CAT", "EAT", "WAT", "SAMT", "YEKT",
    "OMST", "NOVT", "KRAT", "IRKT", "YAKT", "VLAT", "MAGT", "PETT", "ALMT", "UZT", "GET", "AZT", "AMT",
})  # fmt: skip


def time_zone(text: str) -> bool:
    """A name of the IANA database."""
    from octo_core.expressions.times import zones

    return text in zones()


def time_zone_said(text: str) -> bool:
    """A zone as people say it: a name of the IANA database, an abbreviation in use, or an offset."""
    return time_zone(text) or text.upper() in _ZONES_IN_SHORT or text[-1:].isdigit()


def ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def jwt(text: str) -> bool:
    """A header that is JSON and names its algorithm."""
    head = text.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(found, dict) and "alg" in found


def between(low: float, high: float) -> Check:
    """A number in this range, both ends included."""
    return lambda text: low <= float(text) <= high


def pair_of_degrees(text: str) -> bool:
    """Latitude and longitude, in this order, as any sign between them says."""
    numbers = [float(number) for number in re.findall(r"[+-]?\d+(?:\.\d+)?", text)]
    return len(numbers) == 2 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 180


def has_letter(text: str) -> bool:
    return any(letter.isalpha() for letter in text)
