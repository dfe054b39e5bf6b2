"""The ways from one page to the next. Each looks at a page and gives the next request, or None at the end."""

import re
from typing import Protocol

import msgspec

from octo_core.errors import SourceError
from octo_core.spec.sources import CursorPaging, LinkPaging, NextUrlPaging, OffsetPaging, PagePaging, Paging
from octo_resources.sources.json_records import at_path
from octo_resources.sources.rest.address import Request, trusted_next
from octo_resources.sources.rest.page import Page

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^",;\s]+))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', re.IGNORECASE)


class Way(Protocol):
    """One way of paging, for one extraction. `open_ended`: its end shows by an empty page or a 404, not by a word."""

    open_ended: bool

    def first(self, request: Request) -> Request: ...

    def following(self, request: Request, page: Page, rows: int, /) -> Request | None:
        """The request after `request`, which brought `page`; `rows`: all records so far, this page's included."""
        ...


class LinkHeader:
    """RFC 8288: `Link: <…>; rel="next"`."""

    open_ended = False

    def __str__(self) -> str:
        return 'Link header with rel="next"'

    def __init__(self, base: str) -> None:
        self._base = base

    def first(self, request: Request) -> Request:
        return request

    def following(self, request: Request, page: Page, _rows: int, /) -> Request | None:
        address = next_link(page)
        return None if address is None else _moved(request, trusted_next(self._base, page.answer.url, address))


class NextUrl:
    """The next page's address in the answer."""

    open_ended = False

    def __init__(self, base: str, path: str) -> None:
        self._base, self._path = base, path

    def __str__(self) -> str:
        return f"next address at {self._path}"

    def first(self, request: Request) -> Request:
        return request

    def following(self, request: Request, page: Page, _rows: int, /) -> Request | None:
        address = value_at(page, self._path)
        if not address:
            return None
        if not isinstance(address, str):
            raise SourceError(f"the next page's address at {self._path} is no text: {address!r}", retryable=False)
        return _moved(request, trusted_next(self._base, page.answer.url, address))


class Token:
    """A cursor in the answer, sent back as a parameter. Where it stays the same, the server knows what comes next."""

    open_ended = False

    def __init__(self, path: str, param: str, more: str | None = None) -> None:
        self._path, self._param, self._more = path, param, more

    def __str__(self) -> str:
        return f"cursor at {self._path}, sent as {self._param}"

    def first(self, request: Request) -> Request:
        return request

    def following(self, request: Request, page: Page, _rows: int, /) -> Request | None:
        token = value_at(page, self._path)
        if token is None or token == "" or token is False or (self._more and value_at(page, self._more) is False):
            return None
        if not isinstance(token, str | int | float):
            raise SourceError(f"the cursor at {self._path} is no text", retryable=False)
        # A scroll is at its end where nothing comes; elsewhere empty pages with a new cursor may stand in the middle.
        if not page.count and ("scroll" in self._path.lower() or str(request.values.get(self._param)) == str(token)):
            return None
        return request.with_value(self._param, token)


class Continuation:
    """An object `continue` in the answer, whose members are sent back as parameters (as MediaWiki does)."""

    open_ended = False

    def __str__(self) -> str:
        return "parameters at continue"

    def first(self, request: Request) -> Request:
        return request

    def following(self, request: Request, page: Page, _rows: int, /) -> Request | None:
        values = continuation(page)
        for name, value in values.items():
            request = request.with_value(name, value)
        return request if values else None


class LastId:
    """The last record's id sent back as a parameter while the answer says that there is more (as Stripe does)."""

    open_ended = False

    def __init__(self, more: str, param: str, field: str = "id") -> None:
        self._more, self._param, self._field = more, param, field

    def __str__(self) -> str:
        return f"last record's {self._field}, sent as {self._param} while {self._more}"

    def first(self, request: Request) -> Request:
        return request

    def following(self, request: Request, page: Page, _rows: int, /) -> Request | None:
        if not page.rows or value_at(page, self._more) is not True:
            return None
        last = msgspec.json.decode(page.rows[-1]).get(self._field)
        return request.with_value(self._param, last) if isinstance(last, str | int) else None


class PageNumber:
    """`page=1`, `page=2`, … until the told number of pages, an empty page, or one shorter than the first."""

    def __init__(
        self, param: str = "page", start: int = 1, size_param: str | None = None, size: int | None = None,
        pages: str | None = None, total: int | None = None, send_first: bool = True, known: bool = True,
    ) -> None:  # fmt: skip
        self._known = known
        self._param, self._start, self._size_param, self._size = param, start, size_param, size
        self._pages, self._total, self._send_first = pages, total, send_first
        self._number, self._first_count = start, 0
        self.open_ended = pages is None

    def __str__(self) -> str:
        return f"page number, sent as {self._param}" + (f", {self._pages} pages in all" if self._pages else "")

    def first(self, request: Request) -> Request:
        if self._size_param and self._size:
            request = request.with_value(self._size_param, self._size)
        return request.with_value(self._param, self._start) if self._send_first else request

    def following(self, request: Request, page: Page, rows: int, /) -> Request | None:
        self._first_count = self._first_count or page.count
        pages = _whole(value_at(page, self._pages)) if self._pages else None
        self._number += 1
        if pages is not None:
            return request.with_value(self._param, self._number) if self._number - self._start < pages else None
        if not page.count or (self._total is not None and rows >= self._total):
            return None
        if self._total is None and page.count < self._first_count:
            return None
        return request.with_value(self._param, self._number)

    def unasked(self, request: Request, last: Page, rows: int) -> Request | None:
        """The request of page 1, where nothing showed that the first answer was it and not page 0.

        Servers that count from zero and do not say which page they gave lose their second page otherwise. Shown it is
        by all records that were told of, or by something on the last page that was told of. `last`: the last answer.
        """
        whole = (self._total is not None and rows >= self._total) or (self._pages is not None and last.count)
        return None if self._known or whole or self._start != 1 else request.with_value(self._param, 1)


class Offset:
    """`offset=0`, `offset=100`, …: as many as came so far, until the told total, an empty or a shorter page."""

    def __init__(
        self, param: str = "offset", limit_param: str | None = None, limit: int | None = None, total: str | None = None,
        start: int = 0, send_first: bool = True,
    ) -> None:  # fmt: skip
        self._param, self._limit_param, self._limit, self._total = param, limit_param, limit, total
        self._start, self._send_first, self._first_count = start, send_first, 0
        self.open_ended = total is None

    def __str__(self) -> str:
        return f"offset, sent as {self._param}"

    def first(self, request: Request) -> Request:
        if self._limit_param and self._limit:
            request = request.with_value(self._limit_param, self._limit)
        return request.with_value(self._param, self._start) if self._send_first else request

    def following(self, request: Request, page: Page, rows: int, /) -> Request | None:
        self._first_count = self._first_count or page.count
        total = _whole(value_at(page, self._total)) if self._total else None
        if not page.count or (total is not None and rows >= total):
            return None
        if total is None and page.count < self._first_count:
            return None
        return request.with_value(self._param, self._start + rows)


def told_way(paging: Paging, base: str) -> Way:
    """The way that the pipeline file tells."""
    match paging:
        case PagePaging():
            return PageNumber(paging.param, paging.start, paging.size_param, paging.size, paging.total)
        case OffsetPaging():
            return Offset(paging.param, paging.limit_param, paging.limit, paging.total)
        case CursorPaging():
            return Token(paging.path, paging.param)
        case LinkPaging():
            return LinkHeader(base)
        case NextUrlPaging():
            return NextUrl(base, paging.path)


def next_link(page: Page) -> str | None:
    """The address of the Link header's rel="next", or None."""
    for target, parameters in _LINK.findall(", ".join(page.answer.headers.get_list("link"))):
        if any("next" in (quoted or bare).lower().split() for quoted, bare in _REL.findall(parameters)):
            return str(target)
    return None


def continuation(page: Page) -> dict[str, str | int]:
    """What `continue` in the answer holds, by name; empty where there is none."""
    raw = (page.members or {}).get("continue")
    values = msgspec.json.decode(bytes(raw)) if raw is not None and bytes(raw)[:1] == b"{" else {}
    return {name: value for name, value in values.items() if isinstance(value, str | int)}


def value_at(page: Page, path: str) -> str | int | float | bool | None:
    """A scalar of the answer by its path; None where there is none. Header values by `header:X-Total-Count`."""
    if path.startswith("header:"):
        return str(page.answer.headers.get(path.removeprefix("header:"), ""))
    if path in page.hints:
        return page.hints[path]
    raw = at_path(page.members or {}, path)
    value = msgspec.json.decode(bytes(raw)) if raw is not None else None
    return value if isinstance(value, str | int | float | bool) else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdigit() else None


def _moved(request: Request, url: str) -> Request:
    return Request(request.method, url, request.body)
