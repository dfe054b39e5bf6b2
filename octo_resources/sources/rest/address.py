"""Requests and their addresses: which ones may get the secrets, and how an address is shown."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import httpx

from octo_core.errors import SourceError
from octo_resources.redaction import MASK, redact

Value = str | int | float | bool
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Request:
    """One page to ask for. `url` has its parameters; `body` is sent as JSON."""

    method: str
    url: str
    body: Any = None

    def with_value(self, param: str, value: Value) -> "Request":
        """The same with one parameter set: in a JSON body that is an object, else in the address."""
        if self.method == "POST" and isinstance(self.body, dict) and param not in self.params:
            outer, _, inner = param.partition(".")
            if inner and isinstance(self.body.get(outer, {}), dict):  # GraphQL's `variables.after`
                return replace(self, body={**self.body, outer: {**self.body.get(outer, {}), inner: value}})
            return replace(self, body={**self.body, param: value})
        return replace(self, url=str(httpx.URL(self.url).copy_set_param(param, plain(value))))

    @property
    def params(self) -> dict[str, str]:
        """Parameters in the address."""
        return dict(httpx.URL(self.url).params)

    @property
    def values(self) -> dict[str, Any]:
        """All that was asked for, in the address or the body."""
        return {**(self.body if isinstance(self.body, dict) else {}), **self.params}


def plain(value: Value) -> str:
    """A parameter's text; booleans are true and false, as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def same_origin(one: str, other: str) -> bool:
    """Scheme, host and port are the same."""
    return _origin(one) == _origin(other)


def trusted_next(base: str, current: str, address: str) -> str:
    """The absolute address of a next page, on the host of the source's own `base`.

    A plain http:// link on the host of an https:// source (as proxies make them) is asked for by https. Raises
    SourceError for another host: a source must not be able to send its reader, and the secrets, elsewhere.
    """
    try:
        absolute = str(httpx.URL(current).join(address))
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"the next page's address is none: {clean(address)[:200]!r}", retryable=False) from error
    ours, theirs = urlsplit(base), urlsplit(absolute)
    if same_origin(base, absolute):
        return absolute
    if ours.hostname == theirs.hostname and {_origin(base)[2], _origin(absolute)[2]} <= {80, 443}:
        return urlunsplit(("https", theirs.hostname or "", theirs.path, theirs.query, ""))
    raise SourceError(
        f"the next page is on another host: {shown(absolute)}",
        where=shown(base),
        hint="It was not followed. Make that host the source's url, or say how pages go: pages: {kind: …}.",
        retryable=False,
    )


def shown(url: str) -> str:
    """The address for people and manifests: no user, no password, nothing that is secret."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    netloc = f"{host}:{parts.port}" if parts.port else host
    path = "/".join(_segment(segment) for segment in parts.path.split("/"))
    query = urlencode([(name, _parameter(name, value)) for name, value in parse_qsl(parts.query, True)], safe="*:,/")
    return redact(urlunsplit((parts.scheme, netloc, path, query, "")))


def clean(text: str) -> str:
    """What a server said, without secrets, also where it percent-encoded them in a way of its own."""
    once = redact(text)
    decoded = unquote(once)
    return once if redact(decoded) == decoded else redact(decoded)


def _segment(segment: str) -> str:
    text = unquote(segment)
    safe = redact(text)
    return segment if safe == text else quote(safe, safe="*")


def _parameter(name: str, value: str) -> str:
    return redact(value) if redact(f"?{name}={value}") == f"?{name}={value}" else MASK


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
