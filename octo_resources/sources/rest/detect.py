"""Which way of paging an API has, by its first answer: what it says outright first, what must be tried last."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from octo_resources.sources.rest.address import Request
from octo_resources.sources.rest.page import Page, Scalar, normal
from octo_resources.sources.rest.paging import (
    Continuation,
    LastId,
    LinkHeader,
    NextUrl,
    Offset,
    PageNumber,
    Token,
    Way,
    continuation,
    next_link,
)
from octo_resources.sources.rest.vocabulary import (
    CURRENT,
    MORE,
    MORE_OFFSET_PARAMS,
    MORE_PAGE_PARAMS,
    NEXT,
    NEXT_HEADERS,
    OFFSET_PARAMS,
    OFFSETS,
    PAGE_PARAMS,
    PAGES,
    PAGES_HEADERS,
    SIZE_PARAMS,
    TOKENS,
    TOTAL_HEADERS,
    TOTALS,
    USUAL_SIZES,
)

_OBJECTS = frozenset({"lastevaluatedkey", "nextkey", "continuationtoken", "nextcursor"})
"""Cursors that may be objects, which no parameter takes."""
_NEIGHBOURS = frozenset({"next", "previous", "prev", "first", "last"})
"""Objects in an answer that speak of another page than this."""
_DOUBTFUL = range(10, 1001)
"""Lengths of a list that may be a page without a word of it; shorter ones, and files' lengths, are all there is."""
_AFTER = re.compile(r"\bafter\s*:\s*\$(\w+)")
_RANGE = re.compile(r"/(\d+)\s*$")


@dataclass(frozen=True, slots=True)
class Found:
    """Ways to try in turn. `sure`: the first is what the answer itself says. `more`: what proves that more follows.
    `doubtful`: nothing speaks for more pages than that the list is no short one.
    """

    ways: tuple[Way, ...] = ()
    sure: bool = False
    more: str | None = None
    doubtful: bool = False


def find_paging(base: str, request: Request, page: Page) -> Found:
    """What the first page says about the next. No ways: there is no next page."""
    if next_link(page) is not None:
        return Found((LinkHeader(base),), sure=True)
    hints = page.hints
    for path, value in hints.items():
        if _is_next(path) and isinstance(value, str) and _like_address(value):
            return Found((NextUrl(base, path),), sure=True)
    more = _first(hints, MORE, bool)
    if more is not None and hints[more] is False:
        return Found()
    tokens = {path: value for path, value in hints.items() if _is_token(path)}
    whole = {name: bytes(raw) for name, raw in (page.members or {}).items() if normal(name) in _OBJECTS}
    for name, raw in whole.items():
        if raw[:1] == b"{" and raw != b"{}":
            return Found(more=f"{name} holds a cursor")
    for path, value in tokens.items():
        if _is_value(value):
            ways = tuple(Token(path, param, more) for param in _token_params(path, value, request))
            return Found(ways, more=f"{path} holds a cursor")
    for name, params in NEXT_HEADERS.items():
        if page.answer.headers.get(name):
            told = tuple(Token(f"header:{name}", param, more) for param in params)
            return Found(told, more=f"{name} holds what the next page is asked for with")
    if continuation(page):
        return Found((Continuation(),), more="`continue` says how to go on")
    return _by_numbers(request, page, more)


def _by_numbers(request: Request, page: Page, more: str | None) -> Found:
    hints = page.hints
    pages, current, offset = _first(hints, PAGES, int), _first(hints, CURRENT, int), _first(hints, OFFSETS, int)
    headers = next((f"header:{name}" for name in PAGES_HEADERS if page.answer.headers.get(name, "").isdigit()), None)
    total = _total(page)
    start, known = _start(hints, current, request), current is not None or _asked(request, PAGE_PARAMS)
    names = _page_params(current, request)
    others = [] if known else [(name, 0) for name in names]
    others += [(name, start) for name in MORE_PAGE_PARAMS if name not in names]
    if pages is not None or headers is not None:
        path = pages or headers or ""
        number = hints[pages] if pages else int(page.answer.headers[headers.removeprefix("header:")]) if headers else 0
        if isinstance(number, int) and number <= 1:
            return Found()
        said = [PageNumber(name, start, pages=path, send_first=False, known=known) for name in names]
        said += [PageNumber(name, at, pages=path, send_first=False, known=known) for name, at in others]
        return Found(tuple(said), more=f"{path} says {number} pages")
    if total is not None and page.count and total <= page.count:
        return Found()
    proof = f"the answer says {total:,} records in all" if total is not None and total > page.count else None
    proof = proof or (f"{more} is true" if more is not None and hints[more] is True else None)
    if _next_is_null(hints) and proof is None:
        return Found()
    by_page = tuple(PageNumber(name, start, total=total, send_first=False, known=known) for name in names)
    by_offset = tuple(_offsets(offset, request, hints, page))
    # Where the answer proves that more follows, what is less usual is tried too.
    later: tuple[Way, ...] = ()
    if proof:
        later = tuple(PageNumber(name, at, total=total, send_first=False, known=known) for name, at in others)
        later += tuple(_offsets(offset, request, hints, page, MORE_OFFSET_PARAMS))[len(by_offset) :]
    if offset is not None and current is None:
        return Found((*by_offset, *by_page, *later) if proof else by_offset, more=proof)
    if current is not None or _asked(request, PAGE_PARAMS):
        return Found((*by_page, *by_offset, *later) if proof else by_page, more=proof)
    if _asked(request, OFFSET_PARAMS):
        return Found((*by_offset, *by_page, *later) if proof else by_offset, more=proof)
    if more is not None and hints[more] is True:
        last = tuple(LastId(more, param) for param in ("starting_after", "after", "after_id", "since_id"))
        return Found((*last, *by_page, *by_offset, *later), more=proof)
    by_numbers: tuple[Way, ...] = (*_by_agreement(page), *by_page, *by_offset)
    if proof or _looks_cut(request, page):
        return Found((*by_numbers, *later), more=proof)
    if page.count in _DOUBTFUL and request.method == "GET":
        return Found(by_numbers, doubtful=True)
    return Found()


def _by_agreement(page: Page) -> Iterator[PageNumber]:
    """By words that nobody knows whose numbers agree: `seite` 1 of `seiten` 7, for `gesamt` 230 records, 33 here."""
    numbers = {path: value for path, value in page.hints.items() if isinstance(value, int) and _is_number(value)}
    counts = {-(-value // page.count) for value in numbers.values() if value > page.count > 0}
    for pages in (path for path, value in numbers.items() if value in counts):
        for path, value in numbers.items():
            if value in (0, 1):
                yield PageNumber(path.rpartition(".")[2], value, pages=pages, send_first=False)


def _total(page: Page) -> int | None:
    """How many records there are in all; a number smaller than the page's own count means something else."""
    for name in TOTAL_HEADERS:
        text = page.answer.headers.get(name, "")
        if text.isdigit():
            return int(text)
    ranged = _RANGE.search(page.answer.headers.get("content-range", ""))
    if ranged and int(ranged[1]) >= page.count:
        return int(ranged[1])
    found = [value for path, value in page.hints.items() if _last(path) in TOTALS and _is_number(value)]
    totals = [int(value) for value in found if isinstance(value, int) and value >= page.count]
    # `count` alone may count the page: it proves that there is more, never that there is not.
    named = any(_last(path) in TOTALS - {"count"} and _is_number(value) for path, value in page.hints.items())
    return max(totals, default=None) if named or max(totals, default=0) > page.count else None


def _looks_cut(request: Request, page: Page) -> bool:
    """A page exactly as long as was asked for or as the answer says pages are, or a bare list of a usual length."""
    sizes = [value for name, value in request.values.items() if normal(name) in SIZE_PARAMS]
    said = [value for path, value in page.hints.items() if _last(path) in SIZE_PARAMS - {"count"}]
    if page.count in said:
        return True
    if sizes:
        return str(page.count) in map(str, sizes)
    return page.count in USUAL_SIZES


def _page_params(current: str | None, request: Request) -> list[str]:
    asked = [name for name in request.values if normal(name) in PAGE_PARAMS]
    own = current.rpartition(".")[2] if current and _last(current) != "number" else None
    return _unique([*asked, "page", *([own] if own else [])])


def _offsets(
    offset: str | None, request: Request, hints: dict[str, Scalar], page: Page, more: tuple[str, ...] = ()
) -> Iterator[Offset]:
    asked = [name for name in request.values if normal(name) in OFFSET_PARAMS]
    own = [offset.rpartition(".")[2]] if offset else []
    value = hints[offset] if offset else 0
    start = value if isinstance(value, int) and not isinstance(value, bool) else 0
    totals = [path for path, value in hints.items() if _last(path) in TOTALS and value == _total(page)]
    for name in _unique([*asked, *own, "offset", *more]):
        yield Offset(name, total=totals[0] if totals else None, start=start, send_first=False)


def _start(hints: dict[str, Scalar], current: str | None, request: Request) -> int:
    asked = next((value for name, value in request.values.items() if normal(name) in PAGE_PARAMS), None)
    value = hints[current] if current else asked
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 1


def _token_params(path: str, value: Scalar, request: Request) -> list[str]:
    """The usual names of the parameter that takes a cursor found at `path`, likeliest first."""
    query = request.body.get("query") if isinstance(request.body, dict) else None
    if isinstance(query, str) and (variable := _AFTER.search(query)):
        return [f"variables.{variable[1]}"]
    name = path.rpartition(".")[2]
    camel = name != name.lower() and "_" not in name
    token = "pageToken" if camel else "page_token"
    likely = {
        "scrollid": ["scroll_id", "scrollId", name],
        "nextcursor": ["cursor", name], "cursornext": ["cursor"], "nextpagecursor": ["cursor", name],
        "nextpagetoken": [token, name], "pagetoken": [name], "nexttoken": [name], "endcursor": ["after", "cursor"],
        "nextcursormark": ["cursorMark"], "after": ["after"], "cursor": ["cursor"], "startingafter": [name],
        "next": ["page"] if _is_number(value) else ["cursor", "next", "after"], "nextpage": ["page", "cursor", name],
        "nextstart": ["start"], "nextoffset": ["offset", "start", "skip"],
        "nextmarker": ["marker", name], "nextid": ["after", "from_id"], "nextkey": ["key", name],
    }.get(normal(name), [name])  # fmt: skip
    asked = [
        one for one in request.values if one in (*likely, "cursor", "page_token", "pageToken", "after", "start_cursor")
    ]
    return _unique([*asked, *likely, "cursor", token, "after", "starting_after", "start_cursor", name])


def _is_next(path: str) -> bool:
    parts = path.split(".")
    return (
        _last(path) in NEXT
        or normal(path).endswith("odatanextlink")
        or (len(parts) > 1 and normal(parts[-2]) == "next" and normal(parts[-1]) in ("href", "url"))
    )


def _is_token(path: str) -> bool:
    parts = path.split(".")
    if len(parts) > 1 and normal(parts[-2]) in _NEIGHBOURS:  # {"next": {"page": 2, "limit": 10}}
        return normal(parts[-2]) == "next" and _last(path) in TOKENS | CURRENT | OFFSETS
    return _last(path) in TOKENS or (
        len(parts) > 1 and normal(parts[-2]) == "cursors" and parts[-1] in ("next", "after")
    )


def _next_is_null(hints: dict[str, Scalar]) -> bool:
    """A paged API that names no next page is at its end."""
    return any(value in (None, "", False) and (_is_next(path) or _is_token(path)) for path, value in hints.items())


def _like_address(value: str) -> bool:
    return value.startswith(("http://", "https://", "/", "?")) or ("?" in value and "=" in value)


def _is_value(value: Scalar) -> bool:
    return (isinstance(value, str) and value != "") or _is_number(value)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _asked(request: Request, names: frozenset[str]) -> bool:
    return any(normal(name) in names for name in request.values)


def _first(hints: dict[str, Scalar], names: frozenset[str], kind: type) -> str | None:
    """The outermost path whose last part is one of the names and that holds a value of exactly this type."""
    paths = [
        path
        for path, value in hints.items()
        if _last(path) in names and type(value) is kind and not set(map(normal, path.split(".")[:-1])) & _NEIGHBOURS
    ]
    return min(paths, key=lambda path: path.count("."), default=None)


def _last(path: str) -> str:
    return normal(path.rpartition(".")[2])


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))
