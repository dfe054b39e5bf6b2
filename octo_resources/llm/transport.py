"""The HTTP client of a provider: what an answer may weigh and how long it may drip are bounded, TLS is verified."""

import time
from collections.abc import Iterator
from typing import Final

import httpx

MAX_ANSWER_BYTES: Final = 8_000_000


class Bounded(httpx.BaseTransport):
    """Ends an answer that is too large, or that takes longer than `seconds` from the request to its last byte."""

    def __init__(self, seconds: float) -> None:
        self._inner = httpx.HTTPTransport()
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the answer's body is read under the bounds."""
        end = time.monotonic() + self._seconds
        response = self._inner.handle_request(request)
        body = response.stream
        if not isinstance(body, httpx.SyncByteStream):
            raise TypeError("a synchronous transport gives a synchronous body")
        response.stream = _Body(body, end, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, end: float, request: httpx.Request) -> None:
        self._inner, self._end, self._request = inner, end, request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                said = f"the answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB"
                raise httpx.RemoteProtocolError(said, request=self._request)
            if time.monotonic() > self._end:
                raise httpx.ReadTimeout("the answer took too long to arrive", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()


def client(seconds: float) -> httpx.Client:
    """A client for one provider. Redirects are not followed: they would carry the key elsewhere."""
    return httpx.Client(
        transport=Bounded(seconds), timeout=httpx.Timeout(seconds, connect=min(seconds, 10.0)), follow_redirects=False
    )
