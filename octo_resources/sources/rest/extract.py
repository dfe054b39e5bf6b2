"""Extraction from an HTTP API: from where the last one ended, page by page, into one batch."""

from collections.abc import Collection
from typing import Any

import httpx

from octo_core.batch import Batch, LandedFile
from octo_core.errors import NotSupportedYet, SourceError, UsageError
from octo_core.spec.sources import RestSource
from octo_resources.landing import Landing
from octo_resources.sources.cursor import Start
from octo_resources.sources.place import Place, Progress, Revealer
from octo_resources.sources.rest.address import Request, plain
from octo_resources.sources.rest.client import Client
from octo_resources.sources.rest.crawl import Crawl
from octo_resources.sources.rest.overlap import Overlap, digests_of
from octo_resources.sources.rest.pace import Patience
from octo_resources.sources.rest.parts import Parts, listed_at
from octo_resources.sources.rest.position import Reached, start_of


def extract_rest(
    spec: RestSource,
    pipeline: str,
    source: str,
    place: Place,
    landing: Landing,
    since: str | None,
    full: bool,
    progress: Progress,
    max_rows: int | None = None,
    waiting: Collection[str] = (),
    max_bytes: int | None = None,
    once: bool = False,
    patience: Patience | None = None,
) -> Batch | None:
    """See `octo_resources.sources.extract`; call it under the source's lock.

    Past `max_rows` or `max_bytes` no further page is asked for, and the batch is not full. With `once` the records of
    an incremental read that came before are left out.
    """
    history = landing.history(pipeline, source)
    start = start_of(spec.cursor, history, since, full)
    request = first_request(spec, place.secrets, start)
    reached = Reached(spec.cursor, start.position) if spec.cursor else None
    whole = spec.cursor is None or full or start.asked is None
    overlap = Overlap(spec.cursor, digests_of(None if full or not history else history[-1])) if spec.cursor else None
    with Client(spec, place, patience) as client, landing.begin(pipeline, source) as writer:
        parts, crawl = Parts(writer.folder), Crawl(spec, client, request, listed_at(history[-1] if history else None))
        try:
            for page in crawl.pages():
                values = reached.see(page) if reached is not None else []
                if once and overlap is not None and page.kind == "json":
                    parts.add(overlap.less_known(page, values))
                else:
                    parts.add(page)
                progress(parts.rows, parts.size, f"page {crawl.number:,}")
                if _enough(parts.rows, max_rows) or _enough(parts.size, max_bytes):
                    whole = False
                    break
            if not parts.rows and spec.cursor is not None and not full and not parts.has_csv:
                return None
            if reached is not None:
                reached.require_seen()
            files = parts.finish()
            if whole and _is_there(landing.newest(pipeline, source), files, waiting):
                return None
        except SourceError as error:
            error.where = error.where or f"{pipeline}.{source}"
            raise
        finally:
            parts.abandon()
        if once and overlap is not None:
            overlap.write(writer.folder)
        counts = [file.rows for file in files]
        return writer.commit(
            files,
            landing="copy",
            rows=None if None in counts else sum(count or 0 for count in counts),
            size=parts.size,
            cursor_from=start.told,
            cursor_to=reached.value if reached else None,
            full=whole,
        )


def _enough(count: int, limit: int | None) -> bool:
    return limit is not None and count >= limit


def _is_there(newest: Batch | None, files: tuple[LandedFile, ...], waiting: Collection[str]) -> bool:
    """Whether the newest batch holds the same bytes and is still to be loaded: then there is nothing to add to it."""
    if newest is None or newest.id not in waiting or not newest.full:
        return False
    return [file.sha256 for file in newest.files] == [file.sha256 for file in files]


def first_request(spec: RestSource, secrets: Revealer, start: Start) -> Request:
    """The request of the first page, its secrets revealed. Raises UsageError, NotSupportedYet."""
    if spec.children:
        raise NotSupportedYet("children of a rest source are not supported yet", where="children")
    if spec.public_only:
        raise NotSupportedYet("public_only is not supported yet", where="public_only")
    url = secrets.reveal(spec.url)
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"url: {spec.url!r} is no address", hint="It begins with https:// or http://.")
    params = {
        name: secrets.reveal(value) if isinstance(value, str) else plain(value) for name, value in spec.params.items()
    }
    address = str(httpx.URL(url).copy_merge_params(params)) if params else url
    request = Request(spec.method, address, _revealed(spec.body, secrets) if spec.method == "POST" else None)
    if start.asked is not None and spec.cursor is not None:
        request = request.with_value(spec.cursor.param or spec.cursor.field, start.asked)
    return request


def _revealed(body: Any, secrets: Revealer) -> Any:
    if isinstance(body, str):
        return secrets.reveal(body)
    if isinstance(body, dict):
        return {name: _revealed(value, secrets) for name, value in body.items()}
    return [_revealed(value, secrets) for value in body] if isinstance(body, list | tuple) else body
