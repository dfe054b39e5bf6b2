"""A project in a temporary folder with a landing zone, and a way to read what landed."""

from pathlib import Path

import pytest

from octo_core.batch import Batch
from octo_core.spec.sources import FileSource, RestSource
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract
from octo_resources.sources.rest.pace import Patience
from tests.sources.support import LandFile, LandRest


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


@pytest.fixture
def land_rest(project: Project, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> LandRest:
    """land_rest(url, since=…, full=…, **keys) extracts a REST source of pipeline p, source s; retries hardly wait."""
    monkeypatch.setattr("octo_resources.sources.rest.client.PATIENCE", Patience(4, 0.001, 0.01, 0.001, 5.0, 20.0))

    def run(url: str, since: str | None = None, full: bool = False, **keys: object) -> Batch | None:
        spec = RestSource.model_validate({"kind": "rest", "url": url, **keys})
        return extract(spec, pipeline="p", source_name="s", project=project, landing=landing, since=since, full=full)

    return run
