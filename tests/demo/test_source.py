"""The demo's flight API: real flights, a token, pages that link on, moods, and what happens at the source."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo import source


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("api")
    server = source.Server(0, folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()
    thread.join()


def _get(address: str, token: str | None = source.TOKEN) -> Any:
    request = urllib.request.Request(address)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_pages_hold_all_flights_and_link_to_the_next(api: tuple[str, Path]) -> None:
    first = _get(f"{api[0]}/flights?page=1&per_page=3")
    assert first["total"] == 336_776
    assert [row["flight"] for row in first["data"]] == [1545, 1714, 1141]
    assert _get(first["next"])["data"][0]["flight"] == 725
    last = _get(f"{api[0]}/flights?page=169&per_page=2000")
    assert (len(last["data"]), last["next"]) == (776, None)


def test_without_the_token_it_answers_401(api: tuple[str, Path]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        _get(f"{api[0]}/flights", token=None)
    with refused.value:
        assert refused.value.code == 401


def test_it_has_moods(api: tuple[str, Path]) -> None:
    seen = set()
    for _ in range(source.FAIL_EVERY + 1):
        try:
            _get(f"{api[0]}/flights?per_page=1")
        except urllib.error.HTTPError as refused:
            with refused:
                seen.add(refused.code)
    assert seen == {429, 503}


def test_what_happens_at_the_source_shows_in_its_pages(api: tuple[str, Path]) -> None:
    before = source.page(1, 6, {})
    after = source.page(1, 6, {"delayed": [0], "spoiled": [1], "air_time_as_text": True})
    assert after[0]["dep_delay"] == before[0]["dep_delay"] + 5
    assert after[1]["carrier"] == "??"
    assert (before[2]["air_time"], after[2]["air_time"]) == (160, "2h40")
