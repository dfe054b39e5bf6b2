"""A project folder written from texts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from octo_core.errors import SpecError
from octo_resources.project import Pipeline, Project

BASE = """\
sources:
  orders: {kind: file, path: in/orders.csv}
destination: {kind: postgres, url: postgresql://localhost/x}
tables:
  public.orders:
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    """project({"pipelines/a/pipeline.yaml": text, …}) → the Project with these files."""

    def make(files: Mapping[str, str]) -> Project:
        (tmp_path / "pipelines").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Project.at(tmp_path)

    return make


@pytest.fixture
def pipeline(project: Callable[..., Project]) -> Callable[..., Pipeline]:
    """The pipeline `a` of this text, with other files beside it."""

    def load(text: str, **files: str) -> Pipeline:
        return project({"pipelines/a/pipeline.yaml": text, **files}).pipeline("a")

    return load


@pytest.fixture
def mistakes(pipeline: Callable[..., Pipeline]) -> Callable[..., list[str]]:
    """`line:column  message` of each mistake of a pipeline's text."""

    def find(text: str, **files: str) -> list[str]:
        try:
            pipeline(text, **files)
        except SpecError as error:
            return [f"{item.line}:{item.column}  {item.message}" for item in error.mistakes]
        return []

    return find
