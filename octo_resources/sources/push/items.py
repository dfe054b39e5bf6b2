"""The items of a request's body: one JSON object, a list of them, or one a line, each kept exactly as it came."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final, NoReturn

import msgspec

from octo_resources.sources.json_records import one_line, split_lines

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK: Final = b" \t\r\n"
_SHOWN: Final = 100
"""So many mistakes, at most, are told of one request."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one item. `item` counts from 1; `path` is a field's, None where it is no item at all."""

    item: int
    message: str
    path: str | None = None


class BadItems(Exception):  # noqa: N818 - named after what happened, as octo_core/errors.py does
    """Items that cannot be taken; none of the request's is."""

    def __init__(self, wrong: list[Wrong], *, broken: bool = False) -> None:
        super().__init__("; ".join(one.message for one in wrong[:3]))
        self.wrong = wrong[:_SHOWN]
        self.broken = broken
        """Whether the body is no JSON at all."""


@dataclass(frozen=True, slots=True)
class Items:
    """`lines`: each item's JSON text on one line; `parsed`: the same as dicts, numbers as the texts they stood as;
    `doubled`: items with a key that stands twice, of which a dict says nothing."""

    lines: list[bytes]
    parsed: list[dict[str, object]]
    doubled: list[Wrong]


def read_items(body: bytes) -> Items:
    """The items of a body. Raises BadItems."""
    lines = _lines(body)
    if not lines:
        raise BadItems([Wrong(0, "there is no item in it")])
    parsed: list[dict[str, object]] = []
    wrong: list[Wrong] = []
    doubled: list[Wrong] = []
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line.decode(), parse_float=str, parse_int=str, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise BadItems([Wrong(number, f"broken JSON: {_plain(error)}")], broken=True) from None
        if isinstance(found, dict):
            parsed.append(found)
            if line.count(b'":') != len(found) and (key := _doubled(line)) is not None:
                doubled.append(Wrong(number, "a key stands twice", key))
        else:
            wrong.append(Wrong(number, "an item is a JSON object"))
    if wrong:
        raise BadItems(wrong)
    return Items(lines, parsed, doubled)


def _lines(body: bytes) -> list[bytes]:
    text = body.removeprefix(b"\xef\xbb\xbf").strip(_BLANK)
    if text[:1] == b"[":
        try:
            return [one_line(bytes(raw).strip(_BLANK)) for raw in _LIST.decode(text)]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadItems([Wrong(0, f"broken JSON: {_plain(error)}")], broken=True) from None
    if b"\n" not in text:
        return [text] if text else []
    try:  # one document over several lines, or a document a line
        json.loads(text.decode())  # as text: of bytes it would guess UTF-16, which the queue's lines are not
    except (ValueError, RecursionError):
        return split_lines(text)
    return [one_line(text)]


def _doubled(line: bytes) -> str | None:
    """The key of the item that stands in it twice."""
    keys = Counter(key for key, _ in json.loads(line.decode(), object_pairs_hook=list))
    return next((key for key, times in keys.items() if times > 1), None)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _plain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    return str(error).removeprefix("JSON is malformed: ")
