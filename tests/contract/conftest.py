"""A project folder with one pipeline and a real destination, driven by the library as the command line drives it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from octo_resources import flow
from octo_resources.flow import LoadOutcome, Prepared, Workspace
from octo_resources.project import Project

PIPELINE = """
sources: {rows: {kind: file, path: "data/*"%s}}
destination: {kind: postgres, url: "${secret:env/WAREHOUSE_URL}"}
tables:
  public.t: {%s}
"""


@dataclass(frozen=True)
class Made:
    """A project with the pipeline `p`; every step opens the folder anew, as every command does."""

    root: Path
    url: str

    def put(self, name: str, content: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def space(self) -> Workspace:
        return Workspace(Project.find(self.root))

    def plan(self) -> Prepared:
        space = self.space()
        return flow.prepare(space, space.pipeline("p"))

    def approve(self) -> None:
        space = self.space()
        fingerprint = self.plan().plan.fingerprint
        flow.approve(space, space.pipeline("p"), fingerprint, reviewer="ana@example.com", via="cli")

    def run(self) -> LoadOutcome:
        space = self.space()
        pipeline = space.pipeline("p")
        flow.land(space, pipeline)
        return flow.load(space, pipeline)


@pytest.fixture
def made(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Made]:
    """Makes the project: the destination's DDL, what the table says in the pipeline file, and the source's files."""
    monkeypatch.setenv("WAREHOUSE_URL", postgres_url)
    monkeypatch.setenv("OCTOPIPE_HOME", str(tmp_path))

    def make(ddl: str, table: str = "", source: str = "", **files: str | bytes) -> Made:
        project = Made(tmp_path, postgres_url)
        project.sql(ddl)
        project.put("pipelines/p/pipeline.yaml", PIPELINE % (f", {source}" if source else "", table))
        for name, content in files.items():
            project.put(f"data/{name.replace('_', '.')}", content)
        return project

    return make
