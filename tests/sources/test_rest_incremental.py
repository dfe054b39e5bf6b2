"""Incremental reading: from what landed, less the lag; and an extraction that was killed leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo_core.errors import SourceError, UsageError
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources.cursor import less, newest
from tests.servers.api import Api, Asked, paged
from tests.sources.support import LandRest, content, records_of


class Events:
    """An API of records that grow; it gives those at or after `since`."""

    def __init__(self) -> None:
        self.records: list[dict[str, object]] = []

    def __call__(self, asked: Asked) -> object:
        since = asked.params.get("since", "")
        return {"data": [one for one in self.records if str(one.get("at", "")) >= since], "next": None}


def test_the_next_extraction_goes_on_where_the_last_one_landed(land_rest: LandRest, landing: Landing) -> None:
    events = Events()
    cursor = {"field": "at", "param": "since", "lag": "2 h"}
    with Api({"/e": events}) as api:
        events.records = [{"at": f"2024-01-0{day}T10:00:00Z"} for day in (1, 3, 2)]
        first = land_rest(f"{api.url}/e", cursor=cursor)
        events.records += [{"at": "2024-01-03T09:00:00Z"}, {"at": "2024-01-04T00:00:00Z"}, {"note": "no time"}]
        second = land_rest(f"{api.url}/e", cursor=cursor)
        landing.clean(timedelta(0))
        third = land_rest(f"{api.url}/e", cursor=cursor, full=True)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.cursor_from, first.cursor_to, first.full) == (None, "2024-01-03T10:00:00Z", True)
    assert (second.cursor_from, second.cursor_to, second.full) == (first.cursor_to, "2024-01-04T00:00:00Z", False)
    assert (third.cursor_from, third.full, third.rows) == (None, True, 6)
    assert [asked.params.get("since") for asked in api.asked] == [None, "2024-01-03T08:00:00Z", None]
    assert second.rows == 3


def test_since_reads_again_from_there_and_does_not_take_the_position_back(land_rest: LandRest) -> None:
    events = Events()
    cursor = {"field": "at", "param": "since"}
    with Api({"/e": events}) as api:
        events.records = [{"at": f"2024-01-0{day}T10:00:00Z"} for day in (1, 2, 3)]
        land_rest(f"{api.url}/e", cursor=cursor)
        events.records.pop()
        again = land_rest(f"{api.url}/e", cursor=cursor, since="2024-01-02T00:00:00Z")
        assert again is not None
        assert (again.rows, again.cursor_to) == (1, "2024-01-03T10:00:00Z")
        assert again.cursor_from == "2024-01-02T00:00:00Z"
        with pytest.raises(UsageError, match="banana"):
            land_rest(f"{api.url}/e", cursor=cursor, since="banana")
    assert [asked.params.get("since") for asked in api.asked] == [None, "2024-01-02T00:00:00Z"]


def test_the_first_read_begins_at_the_start(land_rest: LandRest) -> None:
    with Api({"/e": lambda _: [{"n": 12}]}) as api:
        land_rest(f"{api.url}/e", cursor={"field": "n", "start": 5, "lag": 2})
    assert api.asked[0].params == {"n": "5"}


def test_the_destinations_position_with_a_lag(land_rest: LandRest) -> None:
    with Api({"/e": lambda _: [{"n": 12}, {"n": 9}]}) as api:
        batch = land_rest(f"{api.url}/e", since="10", cursor={"field": "n", "start": 5, "lag": 2})
    assert batch is not None
    assert api.asked[0].params == {"n": "8"}
    assert (batch.cursor_from, batch.cursor_to, batch.full) == ("10", "12", False)


def test_nothing_new_is_none_and_lands_nothing(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/e": lambda _: {"data": []}}) as api:
        assert land_rest(f"{api.url}/e", since="10", cursor={"field": "n"}) is None
        assert landing.batches("p", "s") == []
        whole = land_rest(f"{api.url}/e")
    assert whole is not None, "a whole read that finds nothing says that there is nothing"
    assert (whole.rows, whole.full, content(landing, whole)) == (0, True, b"")


def test_the_position_never_goes_back(land_rest: LandRest) -> None:
    with Api({"/e": lambda _: [{"n": 7}]}) as api:
        batch = land_rest(f"{api.url}/e", since="10", cursor={"field": "n", "lag": 5})
    assert batch is not None
    assert batch.cursor_to == "10"


@pytest.mark.parametrize(
    ("field", "records", "reached"),
    [
        ("m.at", [{"m": {"at": "2024-01-02"}}, {"m": None}, {"m": "odd"}, {"m": {"at": "2024-01-01"}}], "2024-01-02"),
        ("a.b", [{"a.b": 3}, {"a.b": 20}], "20"),
        ("n", [{"n": 9}, {"n": 10.5}, {"n": None}], "10.5"),
    ],
)  # fmt: skip
def test_cursor_fields_may_be_nested_or_missing(
    field: str, records: list[object], reached: str, land_rest: LandRest
) -> None:
    with Api({"/e": lambda _: records}) as api:
        batch = land_rest(f"{api.url}/e", cursor={"field": field})
    assert batch is not None
    assert (batch.cursor_to, batch.rows) == (reached, len(records))


def test_a_cursor_that_no_record_has_names_the_nearest(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/e": lambda _: [{"updated_at": 1}]}) as api, pytest.raises(SourceError, match="'updatedat'") as caught:
        land_rest(f"{api.url}/e", cursor={"field": "updatedat"})
    assert "Did you mean updated_at?" in str(caught.value)
    assert landing.batches("p", "s") == []


@pytest.mark.parametrize(
    ("values", "best"),
    [
        (["9", "10", "1e1"], "1e1"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00.5Z"], "2024-01-01T10:00:00.5Z"),
        (["2024-01-01T10:00:00+02:00", "2024-01-01T09:00:00Z"], "2024-01-01T09:00:00Z"),
        (["b10", "b9"], "b9"),
        (["9", "x"], "x"),
        ([], None),
    ],
)
def test_the_newest_value(values: list[str], best: str | None) -> None:
    assert newest(values) == best


def test_the_newest_value_in_a_format_of_its_own() -> None:
    assert newest(["31.12.2023", "01.02.2024"], "%d.%m.%Y") == "01.02.2024"


@pytest.mark.parametrize(
    ("value", "lag", "earlier"),
    [
        ("2024-03-01T01:00:00Z", timedelta(hours=2), "2024-02-29T23:00:00Z"),
        ("2024-03-01 01:00:00.123+02:00", timedelta(hours=2), "2024-02-29 23:00:00.123+02:00"),
        ("2024-03-01", timedelta(hours=2), "2024-02-29"),
        ("2024-03-01T01:00", timedelta(minutes=1), "2024-03-01T00:59"),
        ("100", 5, "95"),
        ("1700000000", timedelta(hours=1), "1699996400"),
        ("1700000000000", timedelta(hours=1), "1699996400000"),
        ("abc", None, "abc"),
    ],
)
def test_a_lag_keeps_the_way_the_value_is_written(value: str, lag: timedelta | int | None, earlier: str) -> None:
    assert less(value, lag) == earlier


def test_a_lag_in_a_format_of_its_own() -> None:
    assert less("01.03.2024", timedelta(days=1), "%d.%m.%Y") == "29.02.2024"


def test_a_lag_on_text_is_an_error() -> None:
    with pytest.raises(SourceError, match="neither a number nor a time"):
        less("abc", 5)


@given(st.datetimes(), st.integers(1, 10**6))
def test_a_value_less_a_lag_is_older(moment: object, seconds: int) -> None:
    text = f"{moment.isoformat(timespec='microseconds')}Z"  # type: ignore[attr-defined]
    assert newest([text, less(text, timedelta(seconds=seconds))]) == text


def test_an_extraction_killed_half_way_leaves_no_batch(project: Project, landing: Landing, land_rest: LandRest) -> None:
    records = [{"id": number} for number in range(60)]
    good = paged(records, 20, "next_url")
    killer: list[int] = []

    def deadly(asked: Asked) -> object:
        if killer and "offset" in asked.params:
            os.kill(killer.pop(), signal.SIGKILL)
        return good(asked)

    code = (
        "import os, sys; from pathlib import Path\n"
        "from octo_core.spec.sources import RestSource; from octo_resources.landing import Landing\n"
        "from octo_resources.project import Project; from octo_resources.sources import extract\n"
        "project = Project.at(sys.argv[1]); print(os.getpid(), flush=True); sys.stdin.readline()\n"
        "extract(RestSource(kind='rest', url=sys.argv[2]), pipeline='p', source_name='s', project=project,"
        " landing=Landing(project.landing_path))\n"
    )
    with Api({"/e": deadly}) as api:
        arguments = [sys.executable, "-c", code, str(project.root), f"{api.url}/e"]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            killer.append(int(process.stdout.readline()))
            process.communicate(b"go\n")
        assert process.returncode == -signal.SIGKILL
        assert landing.batches("p", "s") == []
        batch = land_rest(f"{api.url}/e")
    assert batch is not None
    assert records_of(landing, batch) == records
    assert [path.name for path in landing.folder("p", "s").iterdir() if path.is_dir()] == [batch.id]


def test_the_manifest_is_plain_json(land_rest: LandRest) -> None:
    with Api({"/e": paged([{"id": number} for number in range(40)], 20, "next_url")}) as api:
        batch = land_rest(f"{api.url}/e")
    assert batch is not None
    manifest = json.loads((Path(batch.folder) / "manifest.json").read_text())
    pages = manifest["files"][0]["position"]["pages"]
    assert [page["rows"] for page in pages] == [20, 20]
    assert all(len(page["sha256"]) == 64 and page["date"] for page in pages)
