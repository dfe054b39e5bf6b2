"""Landed lines that are no records: what a source brought and nobody can read, with the reason and where it stood.

Such a line begins with MARK, so that every reader takes it for malformed; the rest of it is JSON. Loads set it aside
with its own reason, and its payload says all that is known of it.
"""

import base64
from typing import Any, Final

import msgspec

MARK: Final = "!refused "
_MARK: Final = MARK.encode()
_ENCODE: Final = msgspec.json.Encoder().encode


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """`value` is the payload as it came: text, or base64 where `base64` says so; None where there was none."""

    reason: str
    value: str | None = None
    base64: bool = False
    at: dict[str, Any] = {}
    """Where it stood: topic, partition, offset, timestamp, key, headers."""

    def raw(self) -> bytes | None:
        """The payload's bytes, exactly."""
        if self.value is None:
            return None
        return base64.b64decode(self.value) if self.base64 else self.value.encode()


def refusal_line(reason: str, payload: bytes | None, at: dict[str, Any]) -> bytes:
    """The line, without its end."""
    if payload is None:
        return _MARK + _ENCODE(Refusal(reason, at=at))
    try:
        found = Refusal(reason, payload.decode(), at=at)
    except UnicodeDecodeError:
        found = Refusal(reason, base64.b64encode(payload).decode(), True, at)
    return _MARK + _ENCODE(found)


def read_refusal(line: str) -> Refusal | None:
    """What a line says; None where it is none of these."""
    if not line.startswith(MARK):
        return None
    try:
        return msgspec.json.decode(line[len(MARK) :], type=Refusal)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
