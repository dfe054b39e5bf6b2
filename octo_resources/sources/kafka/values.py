"""JSON of messages made fit to stand in a line, without being read: values, objects, keys."""

from collections.abc import Sequence
from typing import Final

import msgspec

from octo_resources.sources.json_records import one_line
from octo_resources.sources.kafka.connect import converter
from octo_resources.sources.kafka.members import MEMBERS
from octo_resources.sources.kafka.message import ENCODE

_RAW: Final = msgspec.json.Decoder(msgspec.Raw)
_BLANKS: Final = b" \t\r\n"
BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading the members of a value may raise: nobody has looked at their names and texts before."""


class Unreadable(Exception):  # noqa: N818 - no error of ours: it becomes a line that says why
    """A message that is no record, and why."""


def why_broken(error: Exception) -> str:
    """In words what is wrong with JSON that was broken further inside than a first look went."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return f"malformed JSON: {str(error).removeprefix('JSON is malformed: ')}"


def json_value(raw: bytes) -> bytes:
    """The text of a JSON value without blanks around it. Raises Unreadable."""
    text = raw.removeprefix(b"\xef\xbb\xbf").strip(_BLANKS)
    try:
        _RAW.decode(text)
    except msgspec.DecodeError as error:
        raise Unreadable(f"malformed JSON: {str(error).removeprefix('JSON is malformed: ')}") from None
    except RecursionError:
        raise Unreadable("malformed JSON: nested too deeply") from None
    return text


def json_object(raw: bytes) -> bytes:
    """An object's text that begins with its first key and stands on one line. Raises Unreadable."""
    text = json_value(raw)
    if text[:1] != b"{":
        raise Unreadable("malformed JSON: not an object")
    inside = text[1:].lstrip(_BLANKS)
    return b"{}" if inside == b"}" else b"{" + one_line(inside)


def members_of(raw: bytes) -> dict[str, msgspec.Raw]:
    """An object's members as they are written. Raises Unreadable."""
    return MEMBERS.decode(json_object(raw))


def key_object(raw: bytes, names: Sequence[str]) -> bytes:
    """A JSON key as an object; Connect's envelope is opened and its types written out, as those of values are; a scalar
    gets the key's name. Raises Unreadable."""
    text = json_value(raw)
    if text[:1] == b"{":
        members = members_of(text)
        if members.keys() == {"schema", "payload"}:
            described, payload = bytes(members["schema"]), bytes(members["payload"])
            convert = converter(described) if described != b"null" else None
            return key_object(convert(payload) if convert is not None else payload, names)
        return json_object(text)
    if text[:1] == b"[" or len(names) != 1:
        raise Unreadable("the key is no JSON object")
    return b"{%s:%s}" % (ENCODE(names[0]), text)
