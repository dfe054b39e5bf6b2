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
USUAL_SIZES: Final = frozenset(
    {10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 80, 100, 120, 150, 200, 250, 300, 400, 500, 1000, 2000, 5000, 10_000}
)
"""Lengths of a list that look like a page rather than like all there is."""
TOTAL_HEADERS: Final = ("x-total-count", "x-total", "x-wp-total", "x-pagination-total-count")
PAGES_HEADERS: Final = ("x-total-pages", "x-wp-totalpages", "x-pagination-page-count")
