"""What an answer holds: records in unusual shapes, answers without any, and answers that are none."""

import gzip
import json

import pytest

from octo_core.errors import SourceError
from octo_resources.landing import Landing
from tests.servers.api import Api, Reply
from tests.sources.support import LandRest, content, records_of

BOXES = {f"c{number}": {"kg": number} for number in range(3)}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "records"),
    [
        (BOXES, [{"_key": name, **box} for name, box in BOXES.items()]),
        ({"ok": True, "boxes": BOXES}, [{"_key": name, **box} for name, box in BOXES.items()]),
        ({name: {"id": name, "lots": [{}, {}]} for name in "abc"}, [{"id": name, "lots": [{}, {}]} for name in "abc"]),
        # Measurements of one record are no records: their keys are names of fields.
        (one := {name: {"value": 1, "unit": "m"} for name in ("wind", "rain", "snow")}, [one]),
        ({"items": None, "total": 0}, []),
        ({}, []),
        (two := {"sensor": "a", "data": None}, [two]),
        (Reply(gzip.compress(b'{"id":1}\n{"id":2}\n')), [{"id": 1}, {"id": 2}]),
        (
            Reply('[{"n":"Łódź"}]'.encode(), headers={"Content-Type": "application/json; charset=iso-8859-1"}),
            [{"n": "Łódź"}],
        ),
        (Reply('[{"n":"Zoë"}]'.encode("latin-1")), [{"n": "Zoë"}]),
    ],
)  # fmt: skip
def test_records_are_found(answer: object, records: list[object], land_rest: LandRest, landing: Landing) -> None:
    with Api({"/boxes": lambda _: answer}) as api:
        batch = land_rest(f"{api.url}/boxes", pages="none")
    assert batch is not None
    assert records_of(landing, batch) == records


def test_csv_may_be_sent_as_plain_text(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/boxes": lambda _: Reply("id;naam\n1;Zoë\n2;Jo\n".encode(), headers=TEXT)}) as api:
        batch = land_rest(f"{api.url}/boxes")
    assert batch is not None
    assert batch.files[0].format == "csv"
    assert content(landing, batch).decode().splitlines()[1] == "1;Zoë"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": {"code": "quota"}, "data": []}, "the answer is an error"),
        ({"status": "error", "message": "no such key"}, "no such key"),
        (Reply(b'[{"id": 1, "level": NaN}]'), "NaN is no JSON value"),
        (Reply(b"<html>log in</html>"), "no JSON but a page"),
        (Reply(b"Please log in, friend", headers=TEXT), "no JSON but text/plain"),
        (Reply(gzip.compress(b'{"id":1}\n' * 99)[:-9]), "cut short"),
    ],
)
def test_what_is_no_answer_is_an_error(answer: object, said: str, land_rest: LandRest, landing: Landing) -> None:
    with Api({"/boxes": lambda _: answer}) as api, pytest.raises(SourceError, match=said):
        land_rest(f"{api.url}/boxes")
    assert landing.batches("p", "s") == []


def test_a_page_whose_end_is_missing_is_asked_for_again(land_rest: LandRest, landing: Landing) -> None:
    whole = json.dumps([{"id": number} for number in range(9)]).encode()
    answers = iter([whole[:30], whole])
    with Api({"/boxes": lambda _: Reply(next(answers))}) as api:
        batch = land_rest(f"{api.url}/boxes")
    assert batch is not None
    assert batch.rows == 9


def test_a_list_without_records_stays_the_list_that_it_was(land_rest: LandRest, landing: Landing) -> None:
    facets = [{"kind": "a"}, {"kind": "b"}]
    answers = iter([{"boxes": [{"id": 1}] * 3, "facets": facets}, {"boxes": [], "facets": facets}])
    with Api({"/boxes": lambda _: next(answers)}) as api:
        land_rest(f"{api.url}/boxes")
        batch = land_rest(f"{api.url}/boxes")
    assert batch is not None
    assert batch.rows == 0
