"""What APIs call the parts of paging, in lower case without separators: `next_page_token` is `nextpagetoken`."""

from typing import Final

NEXT: Final = frozenset(
    {
     "next", "nextpage", "nextpageurl", "nexturl", "nexturi", "nextlink", "odatanextlink", "nexthref", "nextrecordsurl",
    }
)  # fmt: skip
"""The next page's address."""
TOKENS: Final = frozenset(
    {
     "nextcursor", "cursornext", "nextpagetoken", "nexttoken", "continuationtoken", "continuation", "nextcursormark",
     "endcursor", "cursor", "after", "scrollid", "nextpagecursor", "pagetoken", "nextid", "nextkey", "nextmarker",
     "bookmark", "startingafter", "next", "nextpage", "nextstart", "nextoffset",
    }
)  # fmt: skip
"""A cursor."""
MORE: Final = frozenset({"hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "hasmoreitems", "moreitems"})
"""Whether there is more."""
PAGES: Final = frozenset(
    {
     "totalpages", "pages", "pagecount", "lastpage", "numpages", "pagetotal", "totalpagecount", "pagestotal", "maxpage",
    }
)  # fmt: skip
"""How many pages there are."""
CURRENT: Final = frozenset(
    {
     "page", "currentpage", "pagenumber", "pageindex", "pageno", "pagenum", "number", "currentpagenumber",
    }
)  # fmt: skip
"""Which page this is."""
OFFSETS: Final = frozenset({"offset", "skip", "start", "startat", "startindex", "from"})
"""How many records came before."""
TOTALS: Final = frozenset(
    {
     "total", "totalcount", "totalrecords", "totalresults", "totalitems", "totalelements", "count", "numfound",
     "totalhits", "recordstotal", "totalrows", "odatacount", "numberofrecords", "totalsize", "matched", "numbermatched",
    }
)  # fmt: skip
"""How many records there are in all."""
PAGE_PARAMS: Final = frozenset({"page", "p", "pg", "pagenumber", "pageno", "pagenum", "pageindex", "currentpage"})
"""Parameters that take a page's number."""
OFFSET_PARAMS: Final = frozenset({"offset", "skip", "startat", "startindex", "start", "from"})
"""Parameters that take an offset."""
SIZE_PARAMS: Final = frozenset(
    {
     "limit", "perpage", "pagesize", "size", "count", "maxresults", "top", "rows", "pagelimit",
    }
)  # fmt: skip
"""Parameters that take a page's size."""
ENVELOPE: Final = (
    NEXT | TOKENS | MORE | PAGES | CURRENT | OFFSETS | TOTALS | SIZE_PARAMS
    | {"status", "ok", "success", "message", "msg", "code", "error", "errors", "took", "object", "meta", "links",
       "previous", "prev", "perpage", "limit", "timestamp", "requestid", "version", "kind", "url"}
)  # fmt: skip
"""What stands beside a list in an answer and is no field of a record."""
NULL_LISTS: Final = ("data", "results", "items", "records", "rows", "entries", "hits", "elements", "objects", "list")
"""Names of lists for which some servers write null when nothing is in them."""
USUAL_SIZES: Final = frozenset(
    {10, 12, 15, 16, 20, 24, 25, 30, 32, 35, 36, 40, 45, 48, 50, 60, 64, 75, 80, 90, 96, 99, 128, 256, 512, 999, 1024,
     2048, 4096, *range(100, 1001, 25), *range(1000, 10_001, 500), *range(10_000, 100_001, 5000)}
)  # fmt: skip
"""Lengths of a list that look like a page rather than like all there is."""
MORE_PAGE_PARAMS: Final = ("pageNumber", "page_number", "p", "page[number]")
MORE_OFFSET_PARAMS: Final = ("skip", "start", "startIndex", "from", "page[offset]", "$skip")
"""Tried where the answer proves that more follows and does not say how."""
NEXT_HEADERS: Final = {
    "x-next-page": ("page",), "x-next-cursor": ("cursor",), "x-next-token": ("next_token",),
    "x-next-page-token": ("page_token", "pageToken"),
    "x-continuation-token": ("continuationToken", "continuation_token"),
    "x-ms-continuationtoken": ("continuationToken",), "x-ms-continuation": ("continuation",),
}  # fmt: skip
"""Headers that hold what the next page is asked for with, and the parameters that take it."""
TOTAL_HEADERS: Final = ("x-total-count", "x-total", "x-wp-total", "x-pagination-total-count")
PAGES_HEADERS: Final = ("x-total-pages", "x-wp-totalpages", "x-pagination-page-count")
