"""A small HTTP API on loopback: handlers by path, every request counted, and the usual ways of paging ready made."""

import json
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class Reply:
    """`body`: bytes as they are, anything else as JSON. `cut`: the connection ends after so many bytes of it."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Handler = Callable[[Asked], Any]


class Api:
    """A server for the length of a `with`. `routes`: path → handler, which gives a Reply or a value sent as JSON."""

    def __init__(self, routes: dict[str, Handler], tls: ssl.SSLContext | None = None) -> None:
        self.routes = routes
        self.asked: list[Asked] = []
        api = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query, True)),
                    dict(self.headers.items()),
                    body,
                    self.path,
                )
                api.asked.append(asked)
                handler = api.routes.get(parts.path, lambda _: Reply({"error": "no such thing"}, 404))
                reply = handler(asked)
                self._reply(reply if isinstance(reply, Reply) else Reply(reply))

            do_POST = do_GET  # noqa: N815 - http.server's name

            def _reply(self, reply: Reply) -> None:
                raw = isinstance(reply.body, bytes)
                body = reply.body if raw else json.dumps(reply.body).encode()
                headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | reply.headers
                self.send_response(reply.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if reply.cut is None else body[: reply.cut])
                if reply.cut is not None:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Requests are kept in `asked`, not printed."""

        self._server = _Quiet(("127.0.0.1", 0), _Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> "Api":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def urls(self) -> list[str]:
        """Paths with parameters, in the order they were asked for."""
        return [asked.url for asked in self.asked]


class _Quiet(ThreadingHTTPServer):
    """A refused handshake or a broken pipe is what some tests are about, not something to print."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed."""


def paged(records: Sequence[Any], size: int, way: str) -> Handler:
    """A handler that pages through `records`. `way` names who does it so in the world."""
    return lambda asked: _WAYS[way](asked, records, size)


def _number(asked: Asked, name: str, default: int) -> int:
    return int(asked.params.get(name, default))


def _link(asked: Asked, records: Sequence[Any], size: int) -> Reply:
    """GitHub."""
    page = _number(asked, "page", 1)
    last = (len(records) + size - 1) // size
    links = [f'<{asked.path}?page={last}>; rel="last"', f'<{asked.path}?page=1>; rel="first"']
    if page < last:
        links.insert(0, f'<{asked.path}?page={page + 1}>; title="a, b"; rel="next"')
    return Reply(records[(page - 1) * size : page * size], headers={"Link": ", ".join(links)})


def _next_url(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Django REST framework."""
    at = _number(asked, "offset", 0)
    following = f"http://{asked.headers['Host']}{asked.path}?offset={at + size}" if at + size < len(records) else None
    return {"count": len(records), "next": following, "previous": None, "results": records[at : at + size]}


def _hal(asked: Asked, records: Sequence[Any], size: int) -> Any:
    at = _number(asked, "at", 0)
    links = {"self": {"href": asked.url}}
    if at + size < len(records):
        links["next"] = {"href": f"?at={at + size}"}
    return {"_links": links, "_embedded": {"flights": records[at : at + size]}}


def _odata(asked: Asked, records: Sequence[Any], size: int) -> Any:
    at = _number(asked, "$skip", 0)
    more = {"@odata.nextLink": f"flights?$skip={at + size}"} if at + size < len(records) else {}
    return {"@odata.context": "$metadata", "value": records[at : at + size], **more}


def _cursor(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Slack."""
    at = int(asked.params.get("cursor", "c0")[1:])
    return {
        "ok": True, "members": records[at : at + size],
        "response_metadata": {"next_cursor": f"c{at + size}" if at + size < len(records) else ""},
    }  # fmt: skip


def _page_token(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Google."""
    at = int(asked.params.get("pageToken", "t0")[1:])
    token = {"nextPageToken": f"t{at + size}"} if at + size < len(records) else {}
    return {"kind": "list", "items": records[at : at + size], **token}


def _last_id(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Stripe."""
    after = asked.params.get("starting_after")
    at = 0 if after is None else next(place for place, one in enumerate(records) if str(one["id"]) == after) + 1
    return {"object": "list", "has_more": at + size < len(records), "data": records[at : at + size]}


def _end_cursor(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """GraphQL's connections over REST."""
    at = _number(asked, "after", 0)
    info = {"endCursor": str(min(at + size, len(records))), "hasNextPage": at + size < len(records)}
    return {"nodes": records[at : at + size], "pageInfo": info}


def _page(asked: Asked, records: Sequence[Any], size: int) -> Any:
    page = _number(asked, "page", 1)
    meta = {"page": page, "per_page": size, "total_pages": (len(records) + size - 1) // size, "total": len(records)}
    return {"data": records[(page - 1) * size : page * size], "meta": meta}


def _spring(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Spring counts from 0."""
    page = _number(asked, "page", 0)
    pages = (len(records) + size - 1) // size
    return {
        "content": records[page * size : (page + 1) * size],
        "number": page,
        "totalPages": pages,
        "last": page + 1 >= pages,
    }


def _offset(asked: Asked, records: Sequence[Any], size: int) -> Any:
    at = _number(asked, "offset", 0)
    return {"offset": at, "limit": size, "total": len(records), "items": records[at : at + size]}


def _jira(asked: Asked, records: Sequence[Any], size: int) -> Any:
    at = _number(asked, "startAt", 0)
    return {"startAt": at, "maxResults": size, "total": len(records), "issues": records[at : at + size]}


def _bare_page(asked: Asked, records: Sequence[Any], size: int) -> Any:
    page = _number(asked, "page", 1)
    return records[(page - 1) * size : page * size]


def _bare_offset(asked: Asked, records: Sequence[Any], size: int) -> Any:
    at = _number(asked, "offset", 0)
    return records[at : at + size]


def _total_header(asked: Asked, records: Sequence[Any], size: int) -> Reply:
    return Reply(_bare_page(asked, records, size), headers={"X-Total-Count": str(len(records))})


def _page_404(asked: Asked, records: Sequence[Any], size: int) -> Any:
    rows = _bare_page(asked, records, size)
    return rows if rows or "page" not in asked.params else Reply({"detail": "Invalid page."}, 404)


def _clamped(asked: Asked, records: Sequence[Any], size: int) -> Any:
    """Past the end comes the last page again."""
    page = min(_number(asked, "page", 1), (len(records) + size - 1) // size)
    return records[(page - 1) * size : page * size]


def _next_page(asked: Asked, records: Sequence[Any], size: int) -> Any:
    page = _number(asked, "page", 1)
    return {
        "rows": records[(page - 1) * size : page * size],
        "next_page": page + 1 if page * size < len(records) else None,
    }


_WAYS: dict[str, Callable[[Asked, Sequence[Any], int], Any]] = {
    "link": _link, "next_url": _next_url, "hal": _hal, "odata": _odata, "cursor": _cursor, "page_token": _page_token,
    "last_id": _last_id, "end_cursor": _end_cursor, "page": _page, "spring": _spring, "offset": _offset, "jira": _jira,
    "bare_page": _bare_page, "bare_offset": _bare_offset, "total_header": _total_header, "page_404": _page_404,
    "clamped": _clamped, "next_page": _next_page,
}  # fmt: skip
