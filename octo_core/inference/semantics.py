"""Semantic types: what values mean beyond their type. Each has a validator, and a checksum where one exists."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from octo_core.inference.codes import COUNTRIES_2, COUNTRIES_3, CURRENCIES, LANGUAGES
from octo_core.inference.names import words
from octo_core.types import DataType

VALID_SHARE: Final = 0.9
"""Share of distinct values that a validator must take: real columns of addresses hold a few broken ones."""

_EMAIL: Final = re.compile(
    r"[^@\s,;<>\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"
)
_URL: Final = re.compile(r"(?:https?|ftp|s3|wss?)://[^\s/$.?#].[^\s]*|www\.[^\s.]+\.[^\s]{2,}", re.IGNORECASE)
_PHONE: Final = re.compile(r"(?:\+|00)?[\d(][\d\s().\-/]{6,20}\d(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_PHONE_WRITTEN: Final = re.compile(r"\+\d[\d\s().\-]{6,18}\d|\(\d{3}\)\s?\d{3}[-. ]\d{4}|\d{3}-\d{3}-\d{4}")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}", re.IGNORECASE)
_MIME: Final = re.compile(r"(?:application|audio|font|image|message|model|multipart|text|video)/[\w.+-]+")
_POSTAL: Final = re.compile(
    r"\d{4,5}(?:-\d{3,4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{3}-\d{4}|[A-Z]{2}-\d{4,5}"
)
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")


def luhn(digits: str) -> bool:
    """The check digit of cards and many account numbers (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(text: str) -> bool:
    """13 to 19 digits with a valid check digit and a first digit that card networks use."""
    digits = re.sub(r"[ -]", "", text)
    return 13 <= len(digits) <= 19 and digits.isascii() and digits.isdigit() and digits[0] in "23456" and luhn(digits)


def is_iban(text: str) -> bool:
    """ISO 13616: a country, two check digits, and 97 leaves 1."""
    body = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", body) or body[:2] not in COUNTRIES_2 | {"XK"}:
        return False
    return int("".join(str(int(letter, 36)) for letter in body[4:] + body[:4])) % 97 == 1


def is_isbn(text: str) -> bool:
    """ISBN-10 (weights 10 to 1, modulo 11) or ISBN-13 (978 or 979, weights 1 and 3, modulo 10)."""
    body = re.sub(r"[ -]", "", text).upper()
    if re.fullmatch(r"\d{9}[\dX]", body):
        return sum((10 - i) * (10 if c == "X" else int(c)) for i, c in enumerate(body)) % 11 == 0
    return (
        bool(re.fullmatch(r"97[89]\d{10}", body))
        and sum(int(c) * (1 + 2 * (i % 2)) for i, c in enumerate(body)) % 10 == 0
    )


def is_ip(text: str) -> bool:
    if text.count(".") != 3 and ":" not in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Semantic:
    """One semantic type. `named`: words one of which the field's name must hold; empty where values alone tell."""

    name: str
    valid: Callable[[str], bool]
    named: frozenset[str] = frozenset()
    pii: bool = False
    families: frozenset[str] = frozenset({"text"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANY: Final = frozenset({"text", "integer", "decimal"})
VOCABULARY: Final = (
    Semantic("email", _matches(_EMAIL), pii=True),
    Semantic("url", _matches(_URL)),
    Semantic("iban", is_iban, pii=True),
    Semantic("ip", is_ip, pii=True),
    Semantic("mac", _matches(_MAC)),
    Semantic("mime", _matches(_MIME)),
    Semantic("ssn", _matches(_SSN), pii=True),
    Semantic("phone", _matches(_PHONE_WRITTEN), pii=True),
    Semantic(
        "phone",
        _matches(_PHONE),
        _words("phone tel telephone mobile cell fax phones telefono msisdn contact"),
        pii=True,
        families=_ANY,
    ),
    Semantic("credit_card", is_card, _words("card cc pan creditcard credit payment number"), pii=True, families=_ANY),
    Semantic("isbn", is_isbn, _words("isbn isbn10 isbn13 book ean"), families=_ANY),
    Semantic(
        "country_code",
        lambda text: text.upper() in COUNTRIES_2 or text.upper() in COUNTRIES_3,
        _words("country nation nationality iso iso2 iso3 cc pais land origin"),
    ),
    Semantic("currency_code", lambda text: text.upper() in CURRENCIES, _words("currency curr ccy iso cur money")),
    Semantic(
        "language_code",
        lambda text: text.lower().replace("_", "-").split("-")[0] in LANGUAGES,
        _words("lang language locale idioma"),
    ),
    Semantic("hostname", _matches(_HOST), _words("host hostname domain fqdn server site")),
    Semantic("postal_code", _matches(_POSTAL), _words("zip zipcode postal postcode plz cep"), families=_ANY),
)
"""In order: the first that the values (and, where it says so, the name) bear out is taken."""

BY_NAME: Final = (
    (
        "birth_date",
        ("dob", "birthdate", "birthday", "birth", "born"),
        frozenset({"date", "timestamp", "timestamptz"}),
        True,
    ),
    ("latitude", ("lat", "latitude"), frozenset({"decimal", "float"}), False),
    ("longitude", ("lon", "lng", "long", "longitude"), frozenset({"decimal", "float"}), False),
    (
        "person_name",
        ("firstname", "lastname", "surname", "fullname", "forename", "nachname", "vorname", "apellido"),
        frozenset({"text"}),
        True,
    ),
    ("address", ("address", "street", "addr", "adresse", "direccion"), frozenset({"text"}), True),
    ("city", ("city", "town", "municipality", "ciudad"), frozenset({"text"}), False),
    ("gender", ("gender", "sex"), frozenset({"text"}), True),
    ("time_zone", ("tz", "tzone", "timezone", "tzname"), frozenset({"text"}), False),
    ("year", ("year", "yr"), frozenset({"integer"}), False),
    ("passport", ("passport",), frozenset({"text", "integer"}), True),
    ("ssn", ("ssn",), frozenset({"text", "integer"}), True),
)
_NAME_OF_PERSON: Final = (
    {"first", "last", "middle", "given", "family", "full", "maiden"},
    {
        "customer",
        "person",
        "patient",
        "employee",
        "user",
        "passenger",
        "contact",
        "author",
        "owner",
        "client",
        "driver",
        "guest",
    },
)


def semantic_of(kind: DataType, name: str, values: Iterable[str]) -> tuple[str | None, bool]:
    """(semantic type or None, whether it is personal data) of a field, by its distinct values and its name."""
    sample = [value.strip() for value in values if value.strip()][:300]
    parts = set(words(name))
    if sample and kind.family in _ANY:
        for semantic in VOCABULARY:
            if kind.family not in semantic.families or (semantic.named and not semantic.named & parts):
                continue
            if sum(map(semantic.valid, sample)) >= VALID_SHARE * len(sample):
                return semantic.name, semantic.pii
    if kind.kind == "uuid":
        return "uuid", False
    return _named(kind, parts, name, sample)


def _named(kind: DataType, parts: set[str], name: str, sample: list[str]) -> tuple[str | None, bool]:
    joined = "".join(words(name))
    for semantic, hints, families, pii in BY_NAME:
        if kind.family in families and (parts & set(hints) or joined in hints) and in_range(semantic, sample):
            return semantic, pii
    whose, who = _NAME_OF_PERSON
    if kind.kind == "text" and "name" in parts and parts & (whose | who):
        return "person_name", True
    return None, False


def in_range(semantic: str, sample: list[str]) -> bool:
    limits = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0), "year": (1000.0, 2200.0)}.get(semantic)
    if limits is None:
        return True
    try:
        return all(limits[0] <= float(value) <= limits[1] for value in sample)
    except ValueError:
        return False
