"""The agency's API: `GET /campaigns?page=N`, 100 campaigns a page, as they were last night."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CHANNELS = ("search", "social", "mail", "display")
CAMPAIGNS = 1_000
_PAGE = 100


def campaign(number: int, **changed: Any) -> dict[str, Any]:
    """One campaign as the agency tells it."""
    return {
        "id": number,
        "name": f"Campaign {number}",
        "channel": CHANNELS[number % 4],
        "daily_budget": f"{20 + number % 80}.00",
        "clicks": number * 7 % 5_000,
        "updated_at": "2026-03-01T00:00:00Z",
    } | changed


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        page = int(asked.get("page", ["1"])[0])
        numbers = range(1 + (page - 1) * _PAGE, 1 + min(page * _PAGE, CAMPAIGNS))
        more = page * _PAGE < CAMPAIGNS
        host = self.headers["Host"]
        body = json.dumps(
            {
                "campaigns": [campaign(number) for number in numbers],
                "next": f"http://{host}/campaigns?page={page + 1}" if more else None,
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def agency() -> Iterator[str]:
    """The API's address while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
