"""The HTTP client of a provider: what an answer may weigh and how long it may drip are bounded, TLS is verified."""

import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

MAX_ANSWER_BYTES: Final = 8_000_000


class Bounded(httpx2.BaseTransport):
    """Ends an answer that is too large, or that takes longer than `seconds` from the request to its last byte."""

    def __init__(self, seconds: float, proxy: str | None = None) -> None:
        self._inner = httpx2.HTTPTransport(proxy=proxy)
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it; the answer's body is read under the bounds."""
        end = time.monotonic() + self._seconds
        response = self._inner.handle_request(request)
        body = response.stream
        if not isinstance(body, httpx2.SyncByteStream):
            raise TypeError("a synchronous transport gives a synchronous body")
        response.stream = _Body(body, end, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, end: float, request: httpx2.Request) -> None:
        self._inner, self._end, self._request = inner, end, request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                said = f"the answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB"
                raise httpx2.RemoteProtocolError(said, request=self._request)
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the answer took too long to arrive", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()


def client(seconds: float, address: str) -> httpx2.Client:
    """A client for one provider, through the environment's proxy where it names one for that address.

    Redirects are not followed: they would carry the key elsewhere.
    """
    timeout = httpx2.Timeout(seconds, connect=min(seconds, 10.0))
    return httpx2.Client(transport=Bounded(seconds, _proxy(address)), timeout=timeout, follow_redirects=False)


def _proxy(address: str) -> str | None:
    parts = urlsplit(address)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
