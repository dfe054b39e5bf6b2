"""Goes through the pages of one source, each fetched once, and ends for certain."""

import json
from collections.abc import Iterator
from typing import Final

from octo_core.errors import SourceError
from octo_core.spec.sources import RestSource
from octo_resources.sources.rest.address import Request, shown
from octo_resources.sources.rest.client import Answer, Client, HttpError
from octo_resources.sources.rest.detect import Found, find_paging
from octo_resources.sources.rest.page import CutShortError, Page, read_page
from octo_resources.sources.rest.paging import PageNumber, Token, Way, told_way

MAX_PAGES: Final = 1_000_000
MAX_EMPTY: Final = 1_000
"""Empty pages in a row: filters leave some, and a server that never ends leaves any number."""
MAX_ALIKE: Final = 10
"""Pages of the same records one after another, each under an address of its own: such a server never ends."""
_CUT_SHORT: Final = 2
_SAY_IT = "Say how it goes on, e.g. pages: {kind: page, param: page} or {kind: cursor, path: …, param: …}."


class Crawl:
    """One walk through a source's pages. After it `paging` says which way was found."""

    def __init__(self, spec: RestSource, client: Client, request: Request, known: str | None = None) -> None:
        """`known`: where the list stood when the source was last read."""
        self._spec, self._client, self._base = spec, client, request.url
        self._request = request
        self._asked: set[str] = set()
        self._records = spec.records
        self._known = known
        self.paging = "none"
        self.number = 0

    def pages(self) -> Iterator[Page]:
        """Every page in order. Raises SourceError where paging goes in circles or could not be found."""
        told = self._spec.pages
        way = told_way(told, self._base) if not isinstance(told, str) else None
        if way is not None:
            self.paging = str(way)
            self._request = way.first(self._request)
        page = self._fetch(self._request)
        yield page
        rows = page.count
        if told == "none":
            return
        if way is None:
            found = find_paging(self._base, self._request, page)
            way, second = self._tried(found, page)
            if way is None or second is None:
                return
            yield second
            first, page, rows = page, second, rows + second.count
        else:
            first = page
        yield from self._rest(way, first, page, rows)

    def _rest(self, way: Way, first: Page, page: Page, rows: int) -> Iterator[Page]:
        """The pages after `page`, by a way that is known."""
        ended: HttpError | None = None
        empty = alike = 0
        while (following := way.following(self._request, page, rows)) is not None:
            before, only = page, self.number == 1
            try:
                page = self._fetch(following, isinstance(way, Token))
            except HttpError as error:
                if error.status != 404:
                    raise
                ended = error  # many servers answer so past their last page
                break
            if self._same(following) and page.count and page.rows == before.rows:
                raise _circles(self.number, following)
            if way.open_ended and page.rows == before.rows:
                if only and page.count:
                    self.paging = f"none ({way} is ignored by the server)"
                break  # the last page again, or the only one: whoever counts past the end gets that
            self._request = following
            rows += page.count
            empty = 0 if page.count else empty + 1
            alike = alike + 1 if page.count and page.rows == before.rows else 0
            if empty > MAX_EMPTY or alike >= MAX_ALIKE:
                raise _circles(self.number, following)
            yield page
        missed = self._missed(way, first, page, rows, ended)
        if missed is not None:
            yield missed
        elif ended is not None and not way.open_ended:
            raise ended

    def _missed(self, way: Way, first: Page, last: Page, rows: int, ended: HttpError | None) -> Page | None:
        """The second page of a server that counts its pages from zero without a word of it."""
        if not isinstance(way, PageNumber):
            return None
        request = way.unasked(self._request, Page(last.answer, last.kind, []) if ended else last, rows)
        if request is None or self._key(request) in self._asked:
            return None
        try:
            page = self._fetch(request)
        except HttpError:
            return None
        if page.count and not _overlaps(page, first):
            return page
        self.number -= 1
        return None

    def _same(self, request: Request) -> bool:
        return self._key(request) == self._key(self._request)

    def _tried(self, found: Found, first: Page) -> tuple[Way | None, Page | None]:
        """The first way whose second page is another one than the first, with that page."""
        for way in found.ways:
            following = way.following(self._request, first, first.count)
            if following is None or (not found.sure and self._key(following) in self._asked):
                continue
            try:
                page = self._fetch(following)
            except HttpError as error:
                if found.sure or (not found.doubtful and (error.status >= 500 or error.status in (401, 403, 429))):
                    raise
                continue
            if found.sure or (_is_other(page, first, way, found) and (not found.doubtful or self._stays(first))):
                self._request, self.paging = following, str(way)
                return way, page
            self.number -= 1
        if found.more:
            raise SourceError(
                f"there are more pages ({found.more}), but the way to them was not found",
                where=shown(self._base),
                hint=_SAY_IT,
                retryable=False,
            )
        return None, None

    def _stays(self, first: Page) -> bool:
        """Whether the first answer, asked for once more, is still the same: else any second one is another."""
        same = _overlaps(self._fetch(self._request, again=True), first)
        self.number -= 1
        return same

    def _fetch(self, request: Request, again: bool = False) -> Page:
        """A page. `again`: the same request may bring another one, as with scrolls, whose cursor stays the same."""
        key = self._key(request)
        if key in self._asked and not (again and self._same(request)):
            raise _circles(self.number, request)
        if self.number >= MAX_PAGES:
            raise SourceError(
                f"more than {MAX_PAGES:,} pages",
                where=shown(request.url),
                hint="Ask for larger pages.",
                retryable=False,
            )
        self._asked.add(key)
        page = self._read(request)
        # Where the list stood on the first page it has to stand on all of them.
        self._records = self._records or page.path
        self.number += 1
        return page

    def _read(self, request: Request) -> Page:
        """One page, asked for again where its end is missing."""
        for _ in range(_CUT_SHORT):
            try:
                return self._taken(self._client.fetch(request))
            except CutShortError:
                continue
        return self._taken(self._client.fetch(request))

    def _taken(self, answer: Answer) -> Page:
        """Where the records stood before they are looked for first: an answer without any has no list to find."""
        if self.number == 0 and self._known is not None and self._records is None:
            try:
                return read_page(answer, self._known)
            except CutShortError:
                raise
            except SourceError:
                return read_page(answer, None)
        return read_page(answer, self._records)

    @staticmethod
    def _key(request: Request) -> str:
        return f"{request.method} {request.url} {json.dumps(request.body, sort_keys=True) if request.body else ''}"


def _is_other(page: Page, first: Page, way: Way, found: Found) -> bool:
    """Whether a page got by a guess is really the next one, and not the first again (perhaps in another order)."""
    if not page.count:
        return not (found.more and way.open_ended)
    return not _overlaps(page, first)


def _overlaps(page: Page, first: Page) -> bool:
    return len(set(page.rows) & set(first.rows)) * 2 >= page.count


def _circles(number: int, request: Request) -> SourceError:
    return SourceError(
        f"the pages go in circles: page {number + 1:,} is one that came before",
        where=shown(request.url),
        hint="The server gives the same next page again. " + _SAY_IT,
        retryable=False,
    )
