"""The HTTP client of a provider: what an answer may weigh and how long it may drip are bounded, TLS is verified."""

import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

MAX_ANSWER_BYTES: Final = 8_000_000


class Bounded(httpx2.BaseTransport):
    """Ends an answer that is too large, or that takes longer than `seconds` from the request to its last byte."""

    def __init__(self, seconds: float, proxy: str | None = None) -> None:
        self._inner = httpx2.HTTPTransport(proxy=proxy)
        self._seconds = seconds
        self._sockets: list[socket.socket] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it; the answer's body is read under the bounds."""
        end = time.monotonic() + self._seconds
        response = self._headed(request, end)
        body = response.stream
        if not isinstance(body, httpx2.SyncByteStream):
            raise TypeError("a synchronous transport gives a synchronous body")
        packed = response.headers.pop("content-encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", "deflate"):
            response.close()
            raise httpx2.RemoteProtocolError("the answer is compressed in another way than asked for", request=request)
        response.stream = _Body(body, end, request, packed)
        return response

    def _headed(self, request: httpx2.Request, end: float) -> httpx2.Response:
        """The answer up to its body. The client's own time-outs are for one read each: headers could drip for ever."""
        request.extensions = {**request.extensions, "trace": self._seen}
        watch = threading.Timer(self._seconds, self._cut)
        watch.daemon = True
        watch.start()
        try:
            return self._inner.handle_request(request)
        except httpx2.TransportError as error:
            if time.monotonic() >= end:
                raise httpx2.ReadTimeout("the answer took too long to arrive", request=request) from error
            raise
        finally:
            watch.cancel()

    def _seen(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._sockets.append(info["return_value"].get_extra_info("socket"))

    def _cut(self) -> None:
        for one in self._sockets:
            with suppress(OSError):  # closed meanwhile
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._inner.close()


class _Body(httpx2.SyncByteStream):
    """Unpacked here, where its size is bounded: a few kilobytes can hold gigabytes."""

    def __init__(self, inner: httpx2.SyncByteStream, end: float, request: httpx2.Request, packed: str) -> None:
        self._inner, self._end, self._request = inner, end, request
        self._unpacked = None if packed == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            plain = self._plain(chunk, MAX_ANSWER_BYTES + 1 - size)
            size += len(plain)
            if size > MAX_ANSWER_BYTES:
                said = f"the answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB"
                raise httpx2.RemoteProtocolError(said, request=self._request)
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the answer took too long to arrive", request=self._request)
            yield plain
        if size and self._unpacked is not None and not self._unpacked.eof:
            raise httpx2.RemoteProtocolError("the compressed answer was cut short", request=self._request)

    def _plain(self, chunk: bytes, most: int) -> bytes:
        if self._unpacked is None:
            return chunk
        try:
            return self._unpacked.decompress(chunk, most)
        except zlib.error as error:
            raise httpx2.DecodingError("the compressed answer is broken", request=self._request) from error

    def close(self) -> None:
        self._inner.close()


def client(seconds: float, address: str) -> httpx2.Client:
    """A client for one provider, through the environment's proxy where it names one for that address.

    Redirects are not followed: they would carry the key elsewhere.
    """
    timeout = httpx2.Timeout(seconds, connect=min(seconds, 10.0))
    transport, plain = Bounded(seconds, _proxy(address)), {"Accept-Encoding": "gzip, identity"}
    return httpx2.Client(transport=transport, timeout=timeout, follow_redirects=False, headers=plain)


def _proxy(address: str) -> str | None:
    parts = urlsplit(address)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
