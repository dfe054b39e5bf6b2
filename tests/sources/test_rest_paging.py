"""Every kind of paging is found by the answer alone, every page is fetched once, and no walk goes on for ever."""

from collections import Counter
from collections.abc import Callable

import pytest

from octo_core.errors import SourceError
from octo_resources.landing import Landing
from tests.servers.api import Api, Asked, Reply, paged
from tests.sources.support import LandRest, records_of

RECORDS = [{"id": number, "name": f"n{number}"} for number in range(1, 96)]
SAID = [
    "link",
    "next_url",
    "hal",
    "odata",
    "cursor",
    "page_token",
    "last_id",
    "page",
    "spring",
    "offset",
    "jira",
    "next_page",
]
GUESSED = ["end_cursor", "bare_page", "total_header", "page_404", "clamped"]


@pytest.mark.parametrize("way", SAID)
def test_paging_is_found_and_every_page_fetched_once(way: str, land_rest: LandRest, landing: Landing) -> None:
    with Api({"/flights": paged(RECORDS, 20, way)}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert records_of(landing, batch) == RECORDS
    assert max(Counter(api.urls).values()) == 1
    assert len(api.asked) == 5
    assert batch.rows == len(RECORDS)


@pytest.mark.parametrize("way", GUESSED)
@pytest.mark.parametrize("count", [95, 100])
def test_paging_without_a_word_of_it_is_tried(way: str, count: int, land_rest: LandRest, landing: Landing) -> None:
    records = [{"id": number} for number in range(count)]
    with Api({"/flights": paged(records, 20, way)}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert records_of(landing, batch) == records
    assert max(Counter(api.urls).values()) == 1
    assert len(api.asked) <= 7  # five pages, an empty one, and whether the first was page 1 or page 0


def test_an_offset_is_tried_where_a_page_number_is_ignored(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/flights": paged(RECORDS, 20, "bare_offset")}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert records_of(landing, batch) == RECORDS
    assert len(api.asked) == 6


@pytest.mark.parametrize("way", [*SAID, *GUESSED, "bare_offset"])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_one_page_is_one_page(way: str, count: int, land_rest: LandRest, landing: Landing) -> None:
    with Api({"/flights": paged(RECORDS[:count], 20, way)}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert records_of(landing, batch) == RECORDS[:count]
    assert len(api.asked) <= 3


@pytest.mark.parametrize(
    ("way", "pages"),
    [
        ("link", {"kind": "link"}),
        ("next_url", {"kind": "next_url", "path": "next"}),
        ("hal", {"kind": "next_url", "path": "_links.next.href"}),
        ("odata", {"kind": "next_url", "path": "@odata.nextLink"}),
        ("cursor", {"kind": "cursor", "path": "response_metadata.next_cursor"}),
        ("page_token", {"kind": "cursor", "path": "nextPageToken", "param": "pageToken"}),
        ("page", {"kind": "page"}),
        ("page", {"kind": "page", "total": "meta.total_pages"}),
        ("spring", {"kind": "page", "start": 0, "size_param": "size", "size": 20, "total": "totalPages"}),
        ("page_404", {"kind": "page"}),
        ("clamped", {"kind": "page"}),
        ("offset", {"kind": "offset", "total": "total"}),
        ("bare_offset", {"kind": "offset", "limit": 20}),
        ("jira", {"kind": "offset", "param": "startAt", "limit_param": None}),
    ],
)
def test_told_paging(way: str, pages: dict[str, object], land_rest: LandRest, landing: Landing) -> None:
    with Api({"/flights": paged(RECORDS, 20, way)}) as api:
        batch = land_rest(f"{api.url}/flights", pages=pages)
    assert batch is not None
    assert records_of(landing, batch) == RECORDS
    assert max(Counter(api.urls).values()) == 1


def test_pages_none_takes_the_first_page_only(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/flights": paged(RECORDS, 20, "next_url")}) as api:
        batch = land_rest(f"{api.url}/flights", pages="none")
    assert batch is not None
    assert (batch.rows, len(api.asked)) == (20, 1)


@pytest.mark.parametrize("told", ["auto", {"kind": "page"}, {"kind": "offset"}])
def test_a_server_that_ignores_the_parameter_gives_its_page_once(
    told: object, land_rest: LandRest, landing: Landing
) -> None:
    with Api({"/flights": lambda _: RECORDS[:50]}) as api:
        batch = land_rest(f"{api.url}/flights", pages=told)
    assert batch is not None
    assert batch.rows == 50
    assert len(api.asked) <= 3


@pytest.mark.parametrize("way", ["bare_page", "bare_offset"])
def test_pages_of_an_odd_length_are_found_without_a_word_of_them(
    way: str, land_rest: LandRest, landing: Landing
) -> None:
    with Api({"/flights": paged(RECORDS, 37, way)}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert records_of(landing, batch) == RECORDS


@pytest.mark.parametrize(
    "second", [RECORDS[:37], Reply({"error": "no such parameter"}, 400), Reply({"error": "whose are you?"}, 403)]
)
def test_a_list_that_is_all_there_is_stays_it(second: object, land_rest: LandRest) -> None:
    with Api({"/flights": lambda asked: second if asked.params else RECORDS[:37]}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert (batch.rows, len(api.asked)) == (37, 3)


def test_a_list_that_is_another_each_time_is_not_paged(land_rest: LandRest) -> None:
    starts = iter(range(0, 1000, 37))
    with Api(
        {"/flights": lambda _: [{"id": number + start} for start in [next(starts)] for number in range(37)]}
    ) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert batch.rows == 37


def test_a_shuffled_first_page_is_no_second_page(land_rest: LandRest) -> None:
    answers = iter([RECORDS[:50], RECORDS[49::-1], RECORDS[49::-1]])
    with Api({"/flights": lambda _: next(answers)}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert batch.rows == 50


def test_strict_servers_that_refuse_unknown_parameters_are_not_bothered(land_rest: LandRest) -> None:
    def strict(asked: Asked) -> object:
        return Reply({"error": "unknown parameter"}, 400) if asked.params else RECORDS[:50]

    with Api({"/flights": strict}) as api:
        batch = land_rest(f"{api.url}/flights")
    assert batch is not None
    assert batch.rows == 50


@pytest.mark.parametrize(
    "answer",
    [
        {"total": 500, "data": RECORDS[:50]},
        {"has_more": True, "data": RECORDS[:50]},
        {"next_cursor": "abc", "data": RECORDS[:50]},
        {"total_pages": 9, "data": RECORDS[:50]},
        {"LastEvaluatedKey": {"id": {"S": "50"}}, "Items": RECORDS[:50]},
    ],
)
def test_records_that_cannot_be_reached_are_an_error_and_not_silently_left_out(
    answer: dict[str, object], land_rest: LandRest, landing: Landing
) -> None:
    with Api({"/flights": lambda _: answer}) as api, pytest.raises(SourceError, match="more pages") as caught:
        land_rest(f"{api.url}/flights")
    assert "pages: {kind:" in str(caught.value)
    assert landing.batches("p", "s") == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: {"next": asked.path, "data": [{"id": len(asked.params)}]},
        lambda asked: Reply([{"id": 1}], headers={"Link": f'<{asked.path}>; rel="next"'}),
        lambda asked: {"next_cursor": "x", "data": [{"id": f"{'cursor' in asked.params}"}]},
    ],
)
def test_pages_in_circles_are_an_error(
    answer: Callable[[Asked], object], land_rest: LandRest, landing: Landing
) -> None:
    with Api({"/flights": answer}) as api, pytest.raises(SourceError, match="circles"):
        land_rest(f"{api.url}/flights")
    assert len(api.asked) <= 3
    assert landing.batches("p", "s") == []


def test_a_cursor_goes_into_the_body_of_a_post(land_rest: LandRest, landing: Landing) -> None:
    import json

    def search(asked: Asked) -> object:
        at = json.loads(asked.body).get("cursor", 0)
        return {"results": RECORDS[at : at + 50], "next_cursor": at + 50 if at + 50 < len(RECORDS) else None}

    with Api({"/search": search}) as api:
        batch = land_rest(f"{api.url}/search", method="POST", body={"query": "all"})
    assert batch is not None
    assert records_of(landing, batch) == RECORDS
    assert json.loads(api.asked[0].body) == {"query": "all"}
    assert {asked.headers["Content-Type"] for asked in api.asked} == {"application/json"}


def test_a_graphql_query_gets_its_cursor_as_the_variable_that_it_names(land_rest: LandRest, landing: Landing) -> None:
    import json

    def graph(asked: Asked) -> object:
        at = int(json.loads(asked.body).get("variables", {}).get("next", 0))
        info = {"hasNextPage": at < 80, "endCursor": str(at + 20)}
        return {"data": {"flights": {"nodes": _part(at), "pageInfo": info}}}

    with Api({"/graph": graph}) as api:
        body = {"query": "query($next: String) { flights(first: 20, after: $next) { nodes { id } } }"}
        batch = land_rest(f"{api.url}/graph", method="POST", body=body)
    assert batch is not None
    assert records_of(landing, batch) == RECORDS


def test_given_parameters_stay_on_every_page(land_rest: LandRest) -> None:
    with Api({"/flights": paged(RECORDS, 20, "bare_page")}) as api:
        land_rest(f"{api.url}/flights?year=2013", params={"origin": "JFK & co", "full": True})
    for asked in api.asked:
        assert (asked.params["year"], asked.params["origin"], asked.params["full"]) == ("2013", "JFK & co", "true")


def _part(at: int) -> list[dict[str, object]]:
    return RECORDS[at : at + 20]


def _scroll() -> Callable[[Asked], object]:
    """A server that remembers where a scroll stands: the same cursor each time, another page."""
    at = iter(range(0, 200, 20))
    return lambda _: {"_scroll_id": "always the same", "docs": _part(next(at))}


def _from_zero(asked: Asked) -> list[dict[str, object]]:
    return _part(int(asked.params.get("page", 0)) * 20)


def _dotnet(asked: Asked) -> Reply:
    number = int(asked.params.get("pageNumber", 1))
    return Reply(_part((number - 1) * 20), headers={"X-Pagination": f'{{"TotalPages":5,"CurrentPage":{number}}}'})


def _neighbours(asked: Asked) -> dict[str, object]:
    number = int(asked.params.get("page", 1))
    following = {"next": {"page": number + 1, "limit": 20}} if number < 5 else {}
    return {"previous": {"page": number - 1, "limit": 20}, "results": _part((number - 1) * 20), **following}


def _wiki(asked: Asked) -> dict[str, object]:
    at = int(asked.params.get("from", 0))
    return {"query": {"pages": _part(at)}} | ({"continue": {"from": str(at + 20)}} if at < 80 else {})


def _german(asked: Asked) -> dict[str, object]:
    number = int(asked.params.get("seite", 1))
    return {"seite": number, "seiten": 5, "gesamt": 95, "fahrten": _part((number - 1) * 20)}


def _fhir(asked: Asked) -> dict[str, object]:
    at = int(asked.params.get("at", 0))
    links = [{"relation": "self", "url": asked.url}, {"relation": "first", "url": asked.path}]
    links += [{"relation": "next", "url": f"{asked.path}?at={at + 20}"}] if at < 80 else []
    return {"resourceType": "Bundle", "id": "b", "type": "searchset", "link": links, "entry": _part(at)}


def _paypal(asked: Asked) -> dict[str, object]:
    at = int(asked.params.get("at", 0))
    links = [{"href": asked.url, "rel": "self"}, {"href": f"{asked.path}?at=80", "rel": "last"}]
    links += [{"href": f"{asked.path}?at={at + 20}", "rel": "next"}] if at < 80 else []
    return {"links": links, "transactions": _part(at)}


@pytest.mark.parametrize(
    "answer",
    [
        _scroll(),
        _from_zero,
        lambda asked: {"total": 95, "items": _from_zero(asked)},
        lambda asked: {"totalPages": 5, "items": _from_zero(asked)},
        _dotnet,
        _wiki,
        _neighbours,
        _german,
        _fhir,
        _paypal,
        lambda asked: Reply(
            _part(int(asked.params.get("cursor", 0))),
            headers={"X-Next-Cursor": str(int(asked.params.get("cursor", 0)) + 20)}
            if asked.params != {"cursor": "80"}
            else {},
        ),
    ],
    ids=[
        "scroll",
        "from zero",
        "from zero, total",
        "from zero, pages",
        "X-Pagination",
        "continue",
        "next: {page}",
        "words of another language",
        "FHIR",
        "list of links",
        "X-Next-Cursor",
    ],
)
def test_rarer_ways_leave_no_page_out(answer: Callable[[Asked], object], land_rest: LandRest, landing: Landing) -> None:
    with Api({"/things": answer}) as api:
        batch = land_rest(f"{api.url}/things")
    assert batch is not None
    assert sorted(records_of(landing, batch), key=str) == sorted(RECORDS, key=str)


def test_cursors_that_bring_nothing_for_ever_end(land_rest: LandRest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_resources.sources.rest.crawl.MAX_EMPTY", 5)

    def endless(asked: Asked) -> object:
        at = int(asked.params.get("cursor", 0))
        return {"next_cursor": at + 1, "data": RECORDS[:20] if at == 0 else []}

    with Api({"/things": endless}) as api, pytest.raises(SourceError, match="circles"):
        land_rest(f"{api.url}/things")


def test_the_same_records_under_ever_new_addresses_end(land_rest: LandRest) -> None:
    def endless(asked: Asked) -> object:
        return {"next": f"{asked.path}?at={int(asked.params.get('at', 0)) + 1}", "data": RECORDS[:20]}

    with Api({"/things": endless}) as api, pytest.raises(SourceError, match="circles"):
        land_rest(f"{api.url}/things")
    assert len(api.asked) < 20


def test_a_bundle_of_fhir_without_entries_holds_no_record(land_rest: LandRest) -> None:
    with Api({"/things": lambda _: {"resourceType": "Bundle", "id": "b", "total": 0}}) as api:
        batch = land_rest(f"{api.url}/things")
    assert batch is not None
    assert batch.rows == 0
