"""Goes through the pages of one source, each fetched once, and ends for certain."""

import json
from collections.abc import Iterator
from typing import Final

from octo_core.errors import SourceError
from octo_core.spec.sources import RestSource
from octo_resources.sources.rest.address import Request, shown
from octo_resources.sources.rest.client import Client, HttpError
from octo_resources.sources.rest.detect import Found, find_paging
from octo_resources.sources.rest.page import Page, read_page
from octo_resources.sources.rest.paging import Way, told_way

MAX_PAGES: Final = 1_000_000
_SAY_IT = "Say how it goes on, e.g. pages: {kind: page, param: page} or {kind: cursor, path: …, param: …}."


class Crawl:
    """One walk through a source's pages. After it `paging` says which way was found."""

    def __init__(self, spec: RestSource, client: Client, request: Request) -> None:
        self._spec, self._client, self._base = spec, client, request.url
        self._request = request
        self._asked: set[str] = set()
        self._records = spec.records
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
            page, rows = second, rows + second.count
        yield from self._rest(way, page, rows)

    def _rest(self, way: Way, page: Page, rows: int) -> Iterator[Page]:
        """The pages after `page`, by a way that is known."""
        while (following := way.following(self._request, page, rows)) is not None:
            before, first = page, self.number == 1
            try:
                page = self._fetch(following)
            except HttpError as error:
                if way.open_ended and error.status == 404:
                    return  # many servers answer so past their last page
                raise
            if way.open_ended and page.rows == before.rows:
                if first and page.count:
                    self.paging = f"none ({way} is ignored by the server)"
                return  # the last page again, or the only one: whoever counts past the end gets that
            self._request = following
            rows += page.count
            yield page

    def _tried(self, found: Found, first: Page) -> tuple[Way | None, Page | None]:
        """The first way whose second page is another one than the first, with that page."""
        for way in found.ways:
            following = way.following(self._request, first, first.count)
            if following is None or (not found.sure and self._key(following) in self._asked):
                continue
            try:
                page = self._fetch(following)
            except HttpError as error:
                if found.sure or error.status >= 500 or error.status in (401, 403, 429):
                    raise
                continue
            if found.sure or _is_other(page, first, way, found):
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

    def _fetch(self, request: Request) -> Page:
        key = self._key(request)
        if key in self._asked:
            raise SourceError(
                f"the pages go in circles: page {self.number + 1:,} is one that came before",
                where=shown(request.url), hint="The server gives the same next page again. " + _SAY_IT, retryable=False,
            )  # fmt: skip
        if self.number >= MAX_PAGES:
            raise SourceError(
                f"more than {MAX_PAGES:,} pages",
                where=shown(request.url),
                hint="Ask for larger pages.",
                retryable=False,
            )
        self._asked.add(key)
        page = read_page(self._client.fetch(request), self._records)
        # Where the list stood on the first page it has to stand on all of them.
        self._records = self._records or page.path
        self.number += 1
        return page

    @staticmethod
    def _key(request: Request) -> str:
        return f"{request.method} {request.url} {json.dumps(request.body, sort_keys=True) if request.body else ''}"


def _is_other(page: Page, first: Page, way: Way, found: Found) -> bool:
    """Whether a page got by a guess is really the next one, and not the first again (perhaps in another order)."""
    if not page.count:
        return not (found.more and way.open_ended)
    return len(set(page.rows) & set(first.rows)) * 2 < page.count
