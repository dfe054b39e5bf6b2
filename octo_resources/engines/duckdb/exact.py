"""The slow judge of JSON records: the standard library's parser, tokens kept as text. What it says is the meaning."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from octo_core.refusals import read_refusal


class UnfitError(ValueError):
    """A record that is refused: `reason` is a phrase from a small set, `detail` what was seen, `field` where."""

    def __init__(self, reason: str, detail: str | None = None, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = None if detail is None else writable(detail)
        self.field = field


def writable(text: str) -> str:
    """A text that may be kept and shown: half a character, which no encoding takes, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Doubled(dict[str, Any]):
    """An object in which a key stands twice."""

    key: str


Part = str | int
PathParts = tuple[Part, ...]

_LONE: Final = re.compile("[\ud800-\udfff]")
NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = Doubled(found)
    seen: set[str] = set()
    doubled.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None
    return doubled


def _constant(text: str) -> Any:
    raise UnfitError(f"malformed JSON: {text}", text)


_DECODER: Final = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=_constant, object_pairs_hook=_object
)


def decode(text: str) -> dict[str, Any]:
    """A record with its numbers as written. Raises UnfitError for what is no JSON object of distinct keys."""
    try:
        found = _DECODER.decode(text.strip(" \t\r\n"))
    except json.JSONDecodeError as error:
        refusal = read_refusal(text)
        if refusal is not None:  # whoever landed it knew that it is no record, and why
            raise UnfitError(refusal.reason, refusal.value) from None
        raise UnfitError(
            f"malformed JSON: {_plain(error.msg)}", text[max(0, error.pos - 20) : error.pos + 20]
        ) from error
    except RecursionError as error:
        raise UnfitError("malformed JSON: nested too deeply") from error
    if not isinstance(found, dict):
        raise UnfitError("malformed JSON: not an object", text[:40])
    if isinstance(found, Doubled):
        raise UnfitError("a key stands twice", found.key)
    return found


def tokens(record: dict[str, Any], paths: Sequence[PathParts]) -> list[str | None]:
    """The exact token at each path; None for null and for what is not there. Raises UnfitError."""
    return [token(record, parts) for parts in paths]


def token(record: dict[str, Any], parts: PathParts) -> str | None:
    """The exact token at one path; where it ends in position 0, the value as JSON: a text with its quotes."""
    field = str(parts[0])
    value: Any = record
    whole = parts[-1] == 0
    for place, part in enumerate(parts[:-1] if whole else parts):
        if place:
            check_kind(value, part, field)
        value = _at(value, part)
        if value is None:
            return None
        if isinstance(value, Doubled):
            raise UnfitError("a key stands twice", value.key, field)
    quoted = whole or not isinstance(value, str)
    return checked(dumps(value, field) if quoted else value, field, nested=quoted)


def _at(value: Any, part: Part) -> Any:
    if isinstance(part, int):
        return value[part - 1] if 0 < part <= len(value) else None
    return value.get(part)


def check_kind(value: Any, part: Part, field: str) -> None:
    if isinstance(part, int) != isinstance(value, list) or not isinstance(value, list | dict):
        raise UnfitError("not a list" if isinstance(part, int) else "not an object", dumps(value, field), field)


def checked(text: str, field: str, *, nested: bool) -> str:
    """The text, if a database can hold it. Raises UnfitError for NUL and for half a surrogate pair."""
    if "\x00" in text or (nested and NUL_ESCAPE.search(text)):
        raise UnfitError("a NUL character", None, field)
    if _LONE.search(text):
        raise UnfitError("half a character (a lone surrogate)", None, field)
    return str(text)


def dumps(value: Any, field: str) -> str:
    """A nested value as JSON without touching its numbers. Raises UnfitError for a key that stands twice."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Doubled):
        raise UnfitError("a key stands twice", value.key, field)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {dumps(inner, field)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dumps(inner, field) for inner in value) + "]"
    return _quoted(value)


def _quoted(value: Any) -> str:
    """Lone surrogates stay as they are, for `checked` to find; NUL is written as an escape."""
    return json.dumps(value, ensure_ascii=False)


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:].removesuffix(" at")
