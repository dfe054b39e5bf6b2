"""What a message says beside its value, as the fields of a record: where it stood, its key, headers and time.

`_topic`, `_partition`, `_offset`, `_timestamp` (ms since 1970), `_key` (text), `_headers`, `_deleted`.
"""

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec

from octo_core.offsets import Place

if TYPE_CHECKING:
    from confluent_kafka import Message

ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode


def prefix_of(place: Place) -> bytes:
    """How every record of a partition begins."""
    return b'{"_topic":%s,"_partition":%d,"_offset":' % (ENCODE(place[0]), place[1])


def text_of(raw: bytes | None) -> str | None:
    """Bytes as text; what is no UTF-8 as `base64:…`."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(raw).decode()


def key_json(raw: bytes | None) -> bytes:
    """A key as a JSON string, or null."""
    return b"null" if raw is None else ENCODE(text_of(raw))


def headers_of(headers: Any) -> dict[str, Any]:
    """Names and texts; of a name that stands several times the list of its texts."""
    found: dict[str, Any] = {}
    for name, raw in headers or ():
        text = text_of(raw.encode() if isinstance(raw, str) else raw)
        if name in found:
            before = found[name]
            found[name] = [*before, text] if isinstance(before, list) else [before, text]
        else:
            found[name] = text
    return found


def place_of(message: "Message") -> dict[str, Any]:
    """Where a message stood, for one that is no record."""
    kind, time = message.timestamp()
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": time if kind else None,
        "key": text_of(message.key()),
        "headers": headers_of(message.headers()),
    }


def head_of(prefix: bytes, message: "Message", key: bytes, *, deleted: bool) -> bytes:
    """The record's beginning, from `{` to after `_deleted`, without what follows."""
    kind, time = message.timestamp()
    headers = message.headers()
    return b'%s%d,"_timestamp":%s,"_key":%s,"_headers":%s,"_deleted":%s' % (
        prefix,
        message.offset(),
        b"%d" % time if kind else b"null",
        key,
        ENCODE(headers_of(headers)) if headers else b"null",
        b"true" if deleted else b"false",
    )


def joined(head: bytes, value: bytes) -> bytes:
    """A record of its head and an object on one line that begins with its first key."""
    return head + b"}" if value == b"{}" else head + b"," + value[1:]
