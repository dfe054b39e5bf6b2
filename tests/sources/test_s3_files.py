"""Files in S3: what a path means there, and that only new ones land."""

import gzip
from pathlib import Path

import pytest

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.spec.sources import FileSource
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract, probe
from octo_resources.sources.file.objects import _pattern
from octo_resources.sources.place import Progress, silent
from tests.servers.s3 import S3Server


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("in/*.json.gz", "in/a.json.gz", True),
        ("in/*.json.gz", "in/b/a.json.gz", False),
        ("in/**/*.csv", "in/a.csv", True),
        ("in/**/*.csv", "in/b/c/a.csv", True),
        ("in/2026-0[1-3].csv", "in/2026-02.csv", True),
        ("in/2026-0[!1-3].csv", "in/2026-02.csv", False),
        ("in/a+b.csv", "in/a+b.csv", True),
        ("in/[[]x].csv", "in/[x].csv", True),
        ("in/[&^a].csv", "in/b.csv", False),
        ("in/[\\w].csv", "in/b.csv", False),
    ],
)
def test_patterns_go_by_folders(pattern: str, key: str, matches: bool) -> None:
    assert bool(_pattern(pattern).fullmatch(key)) is matches


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pipelines").mkdir()
    return Project.at(tmp_path)


def read(project: Project, path: str, progress: Progress = silent, **said: object) -> Batch | None:
    spec = FileSource.model_validate({"kind": "file", "path": path, **said})
    landing = Landing(project.root / "landing")
    return extract(spec, pipeline="p", source_name="s", project=project, landing=landing, progress=progress)


def origins(batch: Batch | None) -> list[str]:
    assert batch is not None
    return [file.position["path"].partition("//")[2].partition("/")[2] for file in batch.files]


def test_only_new_objects_land_by_key_etag_and_size(s3: S3Server, project: Project) -> None:
    bucket = s3.bucket()
    path = f"s3://{bucket}/in/*.json.gz"
    for number in range(3):
        s3.put(bucket, f"in/{number}.json.gz", gzip.compress(b'[{"id": %d}, {"id": 9}]' % number))
    s3.put(bucket, "in/deeper/4.json.gz", b"not asked for")
    s3.put(bucket, "in/5.json.gz.part", b"not finished")
    first = read(project, path)
    assert origins(first) == ["in/0.json.gz", "in/1.json.gz", "in/2.json.gz"]
    assert first is not None
    assert (first.landing, [file.rows for file in first.files]) == ("copy", [2, 2, 2])
    assert read(project, path) is None

    s3.put(bucket, "in/1.json.gz", gzip.compress(b'[{"id": 100}]'))
    s3.put(bucket, "in/3.json.gz", gzip.compress(b'[{"id": 0}, {"id": 9}]'))  # the same rows under another key
    s3.client.copy_object(
        Bucket=bucket, Key="in/2.json.gz", CopySource=f"{bucket}/in/2.json.gz", MetadataDirective="REPLACE"
    )
    assert origins(read(project, path)) == ["in/1.json.gz", "in/3.json.gz"]
    assert list((project.root / "landing" / "p" / "s").glob(".tmp-*")) == []


def test_the_same_size_with_other_content_is_new(s3: S3Server, project: Project) -> None:
    bucket = s3.bucket()
    for number in range(40):  # more than are downloaded at once
        s3.put(bucket, f"in/{number:02d}.csv", f"id\n{number + 100}\n")
    first = read(project, f"s3://{bucket}/in/*.csv")
    assert origins(first) == [f"in/{number:02d}.csv" for number in range(40)]
    s3.put(bucket, "in/07.csv", "id\n999\n")
    assert origins(read(project, f"s3://{bucket}/in/*.csv")) == ["in/07.csv"]


def test_an_object_deleted_after_it_was_listed_is_left_out(
    s3: S3Server, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = s3.bucket()
    for number in range(40):  # more than are downloaded at once
        s3.put(bucket, f"in/{number:02d}.csv", f"id\n{number + 100}\n")

    def taken_away(_rows: int, _bytes: int, name: str) -> None:
        if name == "in/00.csv":
            s3.client.delete_object(Bucket=bucket, Key="in/38.csv")

    batch = read(project, f"s3://{bucket}/in/*.csv", progress=taken_away)
    assert origins(batch) == [f"in/{number:02d}.csv" for number in range(40) if number != 38]
    assert caplog.messages == [f"s3://{bucket}/in/38.csv was deleted after it was listed, and is left out"]
    assert list((project.root / "landing" / "p" / "s").glob(".tmp-*")) == []


def test_a_listing_goes_on_past_its_first_page(s3: S3Server, project: Project) -> None:
    bucket = s3.bucket()
    for number in range(1001):
        s3.put(bucket, f"in/{number:04d}.txt", b"")
    s3.put(bucket, "in/9999.csv", b"id\n1\n")
    assert origins(read(project, f"s3://{bucket}/in/*.csv")) == ["in/9999.csv"]


def test_a_folder_and_one_object(s3: S3Server, project: Project) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "in/a.csv", b"id,name\n1,x\n")
    s3.put(bucket, "in/b/c.csv", b"id,name\n2,y\n")
    s3.put(bucket, "in/_SUCCESS", b"")
    assert origins(read(project, f"s3://{bucket}/in")) == ["in/a.csv"]
    assert origins(read(project, f"s3://{bucket}/in/b/c.csv")) == ["in/b/c.csv"]
    seen = probe(FileSource(kind="file", path=f"s3://{bucket}/in"), project)
    assert (seen.ok, seen.columns, seen.files) == (True, ("id", "name"), 1)


def test_what_is_not_there_is_said(s3: S3Server, project: Project) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "in/a.csv", b"id\n1\n")
    with pytest.raises(SourceError, match="no objects at") as refused:
        read(project, f"s3://{bucket}/in/*.json")
    assert refused.value.hint == "At in/ there are: a.csv"
    with pytest.raises(SourceError, match="there is no such bucket"):
        read(project, "s3://no-such-bucket-here/in/*.json")
    with pytest.raises(SourceError, match="nothing answers at"):
        read(project, f"s3://{bucket}/in/*.csv", endpoint="http://127.0.0.1:1")
