"""Fetches one page: authenticated, at the allowed pace, tried again where that can help, limited in size."""

import hashlib
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx
import msgspec
import stamina

from octo_core.errors import SourceError, UsageError
from octo_core.spec.sources import RestSource
from octo_resources.redaction import install_log_redaction, remember_credentials
from octo_resources.retry_log import log_retries
from octo_resources.sources.place import Place
from octo_resources.sources.rest.address import Request, clean, same_origin, shown
from octo_resources.sources.rest.auth import credentials
from octo_resources.sources.rest.pace import PATIENCE, Pace, Patience, retry_after

MAX_PAGE_BYTES: Final = 256_000_000
"""Of one answer, decompressed: more is refused rather than held in memory."""
_REDIRECTS = 10
_RETRIED = frozenset({408, 425, 429})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the address it came from in the end, its headers and its whole, decompressed body."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def media_type(self) -> str:
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        for part in str(self.headers.get("content-type", "")).split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'").lower()
        return None


class HttpError(SourceError):
    """The server answered with an error; `status` is its code."""

    def __init__(self, message: str, status: int, *, where: str, hint: str | None, retryable: bool) -> None:
        super().__init__(message, where=where, hint=hint, retryable=retryable)
        self.status = status


class _AgainError(Exception):
    """Worth another try, after `wait` seconds where the server said so."""

    def __init__(self, error: SourceError, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


class Client:
    """One source's connection pool. Use as a context manager."""

    def __init__(self, spec: RestSource, place: Place, patience: Patience | None = None) -> None:
        install_log_redaction()
        for chatty in (
            "httpx",
            "httpcore",
        ):  # they log whole addresses and headers; what is safe of them is logged here
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._base = place.secrets.reveal(spec.url)
        remember_credentials(self._base)
        self._auth = credentials(spec.auth, place.secrets)
        self._plain = {name: value for name, value in spec.headers.items() if "${secret:" not in value}
        self._secret = {
            name: place.secrets.reveal(value) for name, value in spec.headers.items() if name not in self._plain
        }
        self._pace = Pace(spec.rate)
        self._patience = patience or PATIENCE
        self._timeout = spec.timeout.total_seconds()
        self._http = httpx.Client(
            verify=_context(spec.verify, place.root),
            timeout=self._timeout,
            headers={
                "Accept": "application/json, */*;q=0.5",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": "octopipe",
            },
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=4),
        )
        log_retries()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def fetch(self, request: Request) -> Answer:
        """The answer of success (2xx). Raises SourceError; HttpError where the server refused."""
        patience = self._patience
        try:
            for attempt in stamina.retry_context(
                on=_backoff,
                attempts=patience.attempts,
                timeout=patience.total,
                wait_initial=patience.first_wait,
                wait_max=patience.longest_wait,
                wait_jitter=patience.jitter,
            ):
                with attempt:
                    return self._follow(request)
        except _AgainError as again:
            raise again.error from again
        raise AssertionError("stamina gives at least one attempt")

    def _follow(self, request: Request) -> Answer:
        for _ in range(_REDIRECTS):
            self._pace.wait()
            try:
                answer = self._send(request)
            except httpx.HTTPError as error:
                raise self._transport(error, request) from error
            except httpx.InvalidURL as error:
                raise SourceError(
                    f"no address: {clean(str(error))}", where=shown(request.url), retryable=False
                ) from error
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                self._require_success(answer)
                return answer
            request = self._redirected(request, answer)
        raise SourceError("too many redirects", where=shown(request.url), retryable=False)

    def _send(self, request: Request) -> Answer:
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s", request.method, shown(request.url))
        own = same_origin(self._base, request.url)
        headers = {**self._plain, **(self._secret | self._auth.headers if own else {})}
        url = httpx.URL(request.url)
        if own and self._auth.params:
            url = url.copy_merge_params(self._auth.params)
        content = None if request.body is None else msgspec.json.encode(request.body)
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        with self._http.stream(request.method, url, headers=headers, content=content) as response:
            return Answer(request.url, response.status_code, response.headers, self._body(request, response))

    def _body(self, request: Request, response: httpx.Response) -> bytes:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", "deflate", ""):
            raise SourceError(
                f"the answer is encoded as {coding!r}, which was not asked for",
                where=shown(request.url),
                retryable=False,
            )
        length = response.headers.get("content-length", "0")
        size, chunks = int(length) if length.isdigit() else 0, []
        if size <= MAX_PAGE_BYTES:
            size = 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                chunks.append(chunk)
                if size > MAX_PAGE_BYTES:
                    break
        if size > MAX_PAGE_BYTES:
            raise SourceError(
                f"one answer is larger than {MAX_PAGE_BYTES // 1_000_000} MB",
                where=shown(request.url),
                hint="Ask for smaller pages, by `params` or `pages`.",
                retryable=False,
            )
        return b"".join(chunks)

    def _redirected(self, request: Request, answer: Answer) -> Request:
        try:
            target = str(httpx.URL(request.url).join(answer.headers["location"]))
        except httpx.InvalidURL as error:
            raise SourceError("redirected to no valid address", where=shown(request.url), retryable=False) from error
        if request.url.startswith("https:") and not target.startswith("https:"):
            raise SourceError(
                f"redirected from https to {shown(target)}",
                where=shown(request.url),
                hint="It was not followed.",
                retryable=False,
            )
        if request.method == "POST" and answer.status in (301, 302, 303):
            return Request("GET", target)
        if request.body is not None and not same_origin(self._base, target):
            raise SourceError(
                f"redirected to another host: {shown(target)}",
                where=shown(request.url),
                hint="The body was not sent there.",
                retryable=False,
            )
        return Request(request.method, target, request.body)

    def _require_success(self, answer: Answer) -> None:
        status = answer.status
        if 200 <= status < 300:
            return
        where, said = shown(answer.url), _said(answer)
        hint = {
            401: f"The server does not know who asks: {self._auth.described}.",
            403: f"The server knows who asks and refuses: {self._auth.described}.",
            404: "Look at the source's url.",
            405: "Look at the source's method.",
        }.get(status)
        retried = status in _RETRIED or status >= 500
        error = HttpError(f"HTTP {status}{said}", status, where=where, hint=hint, retryable=retried)
        if not retried:
            raise error
        wait = retry_after(answer.headers.get("retry-after"))
        if wait is not None and wait > self._patience.longest_retry_after:
            error.hint = (
                f"The server asks to wait {wait:,.0f} s, longer than Octopipe waits. Run it later, or set `rate`."
            )
            raise error
        _log.info("HTTP %s from %s, trying again", status, where)
        raise _AgainError(error, wait)

    def _transport(self, error: httpx.HTTPError, request: Request) -> Exception:
        where, said = shown(request.url), clean(str(error))
        if "CERTIFICATE_VERIFY_FAILED" in said or isinstance(error.__cause__, ssl.SSLCertVerificationError):
            hint = "Octopipe verifies TLS. For a private authority give its certificates: verify: path/to/ca.pem."
            return SourceError(
                f"the server's certificate is not trusted ({said})", where=where, hint=hint, retryable=False
            )
        if isinstance(error, httpx.UnsupportedProtocol):
            return SourceError(
                f"no address of a server: {said}",
                where=where,
                hint="It begins with https:// or http://.",
                retryable=False,
            )
        if isinstance(error, httpx.TimeoutException):
            return _AgainError(
                SourceError(
                    f"no answer within {self._timeout:g} s", where=where, hint="Set `timeout`, or look at the server."
                )
            )
        return _AgainError(
            SourceError(
                f"the connection failed: {said or type(error).__name__}",
                where=where,
                hint="Look at the url and the network.",
            )
        )


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, _AgainError):
        return False
    return True if error.wait is None else error.wait


def _said(answer: Answer) -> str:
    """The first words of an error's body, without secrets."""
    if not answer.body or "html" in answer.media_type:
        return ""
    return ": " + clean(" ".join(answer.body[:4000].decode("utf-8", "replace").split()))[:200]


def _context(verify: bool | str, root: Path) -> Any:
    if verify is False:
        raise UsageError("verify: false is refused", hint="Give the authority's certificates: verify: path/to/ca.pem")
    if verify is True:
        return True
    bundle = root / str(verify)
    try:
        return ssl.create_default_context(cafile=str(bundle))
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"verify: {bundle} holds no certificates ({error})", hint="Give a PEM file of certificates."
        ) from error
