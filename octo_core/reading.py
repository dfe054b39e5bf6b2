"""Tokens read in Python: the meanings of expressions/formats.py, for models that take records as their source has them.

Grammars are the engine's own; a property test holds both readings against each other.
"""

import base64
import json
import math
import re
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NoReturn

from octo_core.expressions.formats import (
    BASE64_REGEX,
    HMS_INTERVAL,
    ISO_INTERVAL,
    UUID_REGEX,
    boolean_spellings,
    check_format,
    reason_noun,
)
from octo_core.expressions.numbers import PLAIN, WITH_EXPONENT, exact_regex, parse_number_format
from octo_core.expressions.times import NATIVE
from octo_core.reading_times import read_time
from octo_core.types import INTEGER_BITS, TEXT, DataType

_FLOAT: Final = PLAIN + r"(?:[eE][+-]?[0-9]{1,4})?"
_WRITTEN_OTHERWISE: Final = re.compile(r'[",\\\[\]{}\x00-\x1f]')
"""What in a list's element is none of a typed token, or is an escape in JSON."""
Reader = Callable[[str], object]


def read_token(token: str, kind: DataType, fmt: str | None = None) -> object:
    """The value of a token of this type and format: int, Decimal, float, bool, date, time, datetime, UUID, bytes, str.

    Blanks and tabs around it do not matter. Intervals stay text, as Python has none with months. Raises ValueError
    where a load would set the row aside.
    """
    return reader(kind, fmt)(token)


@lru_cache(maxsize=2048)
def reader(kind: DataType, fmt: str | None = None) -> Reader:
    """What `read_token` reads tokens of a type by. Raises ValueError for a format that cannot be."""
    if kind.kind in ("text", "record"):
        return _text
    if kind.kind == "json":
        return _json
    if kind.kind == "list":
        element = kind.element or TEXT
        return lambda token: read_list(_list_in(token), element)
    check_format(kind, fmt)
    inner = _inner(kind, fmt)

    def read(token: str) -> object:
        value = inner(token.strip(" \t"))
        if value is None:
            raise ValueError(f"{token[:80]!r} is no {reason_noun(kind, fmt)}")
        return value

    return read


def _inner(kind: DataType, fmt: str | None) -> Reader:
    """A reader that answers None for what does not fit."""
    if kind.kind in NATIVE:
        return lambda token: read_time(token, kind, fmt or "iso")
    if kind.is_numeric:
        return _formatted(kind, fmt) if fmt else lambda token: _number(token, kind)
    if kind.kind == "boolean":
        if fmt is None:
            return {"true": True, "false": False}.get
        true, false = boolean_spellings(fmt)
        return lambda token: True if token.lower() in true else False if token.lower() in false else None
    if kind.kind == "uuid":
        return lambda token: uuid.UUID(token) if re.fullmatch(UUID_REGEX, token) else None
    if kind.kind == "bytes":
        return _bytes(fmt)
    grammar = re.compile(HMS_INTERVAL if fmt == "hms" else ISO_INTERVAL + r"(?<=[0-9][YMWDHS])")
    return lambda token: token if grammar.fullmatch(token) else None


def _text(token: str) -> str:
    if "\x00" in token:
        raise ValueError("a NUL character")
    if not token.isascii() and re.search("[\ud800-\udfff]", token):
        raise ValueError("half a character (a lone surrogate)")
    return token


def _json(token: str) -> object:
    try:
        found: object = json.loads(token, parse_constant=_refuse)
        holdable(found)
    except (ValueError, RecursionError):
        raise ValueError(f"{token[:80]!r} is no JSON") from None
    return found


def holdable(value: object) -> object:
    """A JSON value, if a database can hold all its texts. Raises ValueError for NUL and for half a character."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            _text(key)
            holdable(inner)
    elif isinstance(value, list):
        for inner in value:
            holdable(inner)
    return value


def _list_in(token: str) -> object:
    """The JSON of a text that begins as a list does; else the text."""
    return _json(token) if token.lstrip(" \t\r\n").startswith("[") else token


def read_structure(value: object, noun: Literal["object", "list", "any"]) -> object:
    """An object or a list taken whole, or one that a text holds from its first sign on. Raises ValueError."""
    if noun == "any":
        return holdable(value)
    kind, sign = (dict, "{") if noun == "object" else (list, "[")
    found = _json(value) if isinstance(value, str) and value.startswith(sign) else value
    if not isinstance(found, kind):
        raise ValueError(f"{token_of(value)[:80]!r} is no {noun}")
    return holdable(found)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def read_list(value: object, element: DataType) -> list[object]:
    """The elements of a JSON list, each by its type; null stays None. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError(f"{str(value)[:80]!r} is no list<{element}>")
    return [_element(item, element) for item in value]


def _element(item: object, kind: DataType) -> object:
    if item is None or (item == "null" and kind.kind != "text"):
        return None
    token = token_of(item)
    if isinstance(item, list | dict) or (kind.kind != "text" and _WRITTEN_OTHERWISE.search(token)):
        raise ValueError(f"{token[:80]!r} is no {kind}")
    return read_token(token, kind)


def token_of(value: object) -> str:
    """A JSON value as it would stand in the text; a text is its own token."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _number(token: str, kind: DataType) -> int | float | Decimal | None:
    if kind.family == "float":
        value = float(token) if re.fullmatch(_FLOAT, token) else math.nan
        return value if math.isfinite(value) and (kind.kind == "float64" or _is_single(value)) else None
    if re.fullmatch(WITH_EXPONENT, token):
        token = format(Decimal(token), "f")
    if not re.fullmatch(exact_regex(kind), token):
        return None
    if not kind.is_integer:
        return Decimal(token)
    whole, room = int(token.partition(".")[0]), 2 ** (INTEGER_BITS[kind.kind] - 1)
    return whole if -room <= whole < room else None


def _is_single(value: float) -> bool:
    try:
        struct.pack("<f", value)
    except OverflowError:
        return False
    return True


def _formatted(kind: DataType, text: str) -> Reader:
    fmt = parse_number_format(text)
    grammar, drop = re.compile(fmt.regex), re.compile(f"[^0-9(+−{re.escape(fmt.point)}-]")

    def read(token: str) -> object:
        if not grammar.fullmatch(token):
            return None
        plain = drop.sub("", token)
        plain = plain.replace(",", ".") if fmt.point == "," else plain
        plain = plain.replace("−", "-").replace("(", "-")
        return _number(f"-{plain[:-1]}" if plain.endswith("-") else plain, kind)

    return read


def _bytes(fmt: str | None) -> Reader:
    if fmt == "hex":
        return lambda token: bytes.fromhex(token) if re.fullmatch("(?:[0-9a-fA-F]{2})*", token) else None
    return lambda token: base64.b64decode(token) if re.fullmatch(BASE64_REGEX, token) else None
