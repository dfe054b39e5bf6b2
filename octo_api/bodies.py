"""A request's body, read within limits: what is too long ends at once, also without Content-Length or when packed."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive

from octo_api.problems import Refused, put_off

_SECONDS: Final = 60.0
"""A body that takes longer to arrive is given up."""
_ROOM: Final = 256_000_000
"""Bytes of all bodies that are held at one moment."""
_TYPES: Final = (
    "", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
    "application/json-lines", "application/x-jsonlines", "application/octet-stream",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """`raw` as it was sent (what a signature is of), `plain` decompressed."""

    raw: bytes
    plain: bytes


class Room:
    """The memory that bodies may take together."""

    def __init__(self, most: int = _ROOM) -> None:
        self._most, self._taken = most, 0

    def take(self, size: int) -> None:
        """Raises Refused (503) where there is no room."""
        if self._taken + size > self._most:
            raise put_off(503, "Too much is being sent at this moment", 1)
        self._taken += size

    def give_back(self, size: int) -> None:
        self._taken -= size


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int, room: Room) -> Body:
    """The body, at most `limit` bytes of it, packed and unpacked; names of headers are in lower case.

    Raises Refused: 400, 408, 413, 415, 503.
    """
    unpack = _coding(headers)
    told = headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise _too_big(limit)
    chunks: list[bytes] = []
    held, more = 0, True
    try:
        async with asyncio.timeout(_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "The body was cut short")
                chunk, more = message.get("body", b""), message.get("more_body", False)
                room.take(len(chunk))
                held += len(chunk)
                if held > limit:
                    raise _too_big(limit)
                chunks.append(chunk)
        raw = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Body(raw, gunzip(raw, limit) if unpack else raw)
    except TimeoutError:
        raise Refused(408, "The body took too long to arrive", headers={"Connection": "close"}) from None
    finally:
        room.give_back(held)


def gunzip(raw: bytes, limit: int) -> bytes:
    """Decompressed, never more than `limit` bytes of it in memory. Raises Refused."""
    parts: list[bytes] = []
    size = 0
    rest = raw
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(rest, limit - size + 1)
            size += len(part)
            if size > limit:
                raise _too_big(limit)
            if not member.eof:
                raise Refused(400, "The gzip body was cut short")
            parts.append(part)
            rest = member.unused_data
    except zlib.error:
        raise Refused(400, "The body is no gzip, though Content-Encoding says so") from None
    return b"".join(parts)


def _coding(headers: Mapping[str, str]) -> bool:
    """Whether the body is packed. Refuses what cannot be read."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES and not kind.endswith("+json"):
        hint = "-H 'Content-Type: application/json', or application/x-ndjson for an item a line"
        raise Refused(415, f"Items come as JSON, not as {kind[:60]}", hint=hint)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise Refused(415, f"Content-Encoding {coding[:30]} is not read", headers={"Accept-Encoding": "gzip"})
    return coding in ("gzip", "x-gzip")


def _too_big(limit: int) -> Refused:
    hint = "Send fewer items at once, or raise `max_bytes` of the source."
    return Refused(413, f"The body has more than {limit:,} bytes", hint=hint, headers={"Connection": "close"})
