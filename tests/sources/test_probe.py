"""Looking at a source lands nothing, never raises, and says what was found; samples stop early."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octo_core.spec.sources import FileSource, RestSource, SampleLimits
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import ProbeResult, probe, sample
from tests.servers.api import Api, Reply, paged
from tests.sources.support import LandRest, content

Look = Callable[..., ProbeResult]


@pytest.fixture
def look(project: Project, land_rest: LandRest) -> Look:
    """look(url or path, **keys); REST retries hardly wait, because land_rest set it so."""

    def run(place: str, **keys: object) -> ProbeResult:
        if place.startswith("http"):
            return probe(RestSource.model_validate({"kind": "rest", "url": place, **keys}), project)
        return probe(FileSource.model_validate({"kind": "file", "path": place, **keys}), project)

    return run


@pytest.mark.parametrize(
    ("name", "data", "format_", "columns", "first"),
    [
        ("a.csv", b"a;b\n1;x\n2;y\n", "csv", ("a", "b"), {"a": "1", "b": "x"}),
        ("a.json", b'{"rows": [{"a": 1}, {"b": 2}]}', "json", ("a", "b"), {"a": 1}),
        ("a.jsonl", b'{"a": 1}\nbroken\n', "jsonl", ("a", "malformed"), {"a": 1}),
    ],
)
def test_a_file_is_described(
    project: Project,
    look: Look,
    name: str,
    data: bytes,
    format_: str,
    columns: tuple[str, ...],
    first: dict[str, object],
) -> None:
    (project.root / name).write_bytes(data)
    found = look(name)
    assert (found.ok, found.format, found.columns, found.files) == (True, format_, columns, 1)
    assert found.records[0] == first
    assert not project.landing_path.exists()


def test_parquet_is_described(project: Project, look: Look) -> None:
    pq.write_table(pa.table({"a": list(range(100))}), project.root / "a.parquet")
    found = look("a.parquet")
    assert (found.format, found.columns, len(found.records)) == ("parquet", ("a",), 20)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("link", 'Link header with rel="next"'),
        ("next_url", "next address at next"),
        ("cursor", "cursor at response_metadata.next_cursor, sent as cursor"),
        ("page", "page number, sent as page, meta.total_pages pages in all"),
        ("offset", "offset, sent as offset"),
        ("bare_page", "page number, sent as page (to be tried)"),
    ],
)
def test_the_way_of_paging_is_named(look: Look, way: str, said: str) -> None:
    with Api({"/x": paged([{"id": number} for number in range(50)], 20, way)}) as api:
        found = look(f"{api.url}/x")
    assert (found.ok, found.paging, len(found.records), len(api.asked)) == (True, said, 20, 1)


def test_csv_answers_are_shown(look: Look) -> None:
    with Api({"/x": lambda _: Reply(b"a,b\n1,x\n", headers={"Content-Type": "text/csv"})}) as api:
        found = look(f"{api.url}/x")
    assert found.records == ({"a": "1", "b": "x"},)


@pytest.mark.parametrize("place", ["nowhere.csv", "s3://b/a.csv", "http://127.0.0.1:9/"])
def test_what_cannot_be_reached_is_said_and_not_raised(look: Look, place: str) -> None:
    found = look(place)
    assert not found.ok
    assert found.message


def test_an_empty_file_is_said(project: Project, look: Look) -> None:
    (project.root / "a.csv").write_text("")
    assert "empty" in look("a.csv").message


def test_a_sample_of_an_api_stops_early(project: Project, land_rest: LandRest) -> None:
    scratch = Landing(project.state / "samples")
    with Api({"/x": paged([{"id": number} for number in range(500)], 20, "next_url")}) as api:
        spec = RestSource(kind="rest", url=f"{api.url}/x")
        limits = SampleLimits(rows=50)
        batch = sample(spec, pipeline="p", source_name="s", project=project, landing=scratch, limits=limits)
    assert batch is not None
    assert (batch.rows, len(api.asked)) == (60, 3)
    assert Landing(project.landing_path).batches("p", "s") == []


def test_a_sample_of_a_json_document_stops_early(project: Project) -> None:
    (project.root / "a.json").write_text(str([{"a": number} for number in range(100)]).replace("'", '"'))
    scratch = Landing(project.state / "samples")
    spec = FileSource(kind="file", path="a.json")
    batch = sample(spec, pipeline="p", source_name="s", project=project, landing=scratch, limits=SampleLimits(rows=3))
    assert batch is not None
    assert content(scratch, batch).splitlines() == [b'{"a": 0}', b'{"a": 1}', b'{"a": 2}']
