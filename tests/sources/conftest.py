"""A project in a temporary folder with a landing zone, and a way to read what landed."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from octo_core.batch import Batch
from octo_core.spec.sources import FileSource
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract

LandFile = Callable[..., Batch | None]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    (folder / "pipelines").mkdir(parents=True)
    return Project.at(folder)


@pytest.fixture
def landing(project: Project) -> Landing:
    return Landing(project.landing_path)


@pytest.fixture
def land_file(project: Project, landing: Landing) -> LandFile:
    """land_file("data.csv", format=…, options={…}, full=…) extracts a file source of pipeline p, source s."""

    def run(path: str, full: bool = False, **keys: object) -> Batch | None:
        spec = FileSource.model_validate({"kind": "file", "path": path, **keys})
        return extract(spec, pipeline="p", source_name="s", project=project, landing=landing, full=full)

    return run


def content(landing: Landing, batch: Batch, number: int = 0) -> bytes:
    """A landed file's bytes, decompressed."""
    file = batch.files[number]
    data = landing.open_file(batch, file).read_bytes()
    if file.compression == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return gzip.decompress(data) if file.compression == "gzip" else data
