"""A project folder with one small pipeline on a real PostgreSQL, and its definitions in an instance of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from octo_assets.component import project_definitions
from octo_assets.schedules import pipeline_keys
from octo_resources.flow import Workspace
from octo_resources.project import Project

PIPELINE = """\
description: Shops and their towns
owner: data@example.com
tags: {{domain: "reference data"}}
sources:
  shops: {{kind: file, path: "drop/shops*.jsonl"}}
destination: {{kind: postgres, url: "{url}"}}
tables:
  public.shop:
    key: [id]
    write: merge
schedule: "15 6 * * *"
retries: {{max: 0}}
drift: {{type_change: ask}}
monitors: {{freshness: 26 h}}
"""
TABLE = "CREATE TABLE public.shop (id integer PRIMARY KEY, town text, staff integer)"


@dataclass
class Shop:
    """The project at work: runs its assets in `instance`, as the UI, the daemon and a schedule would."""

    root: Path
    url: str
    instance: dg.DagsterInstance
    defs: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.defs = project_definitions(self.project)

    @property
    def project(self) -> Project:
        return Project.at(self.root)

    @property
    def space(self) -> Workspace:
        return Workspace.open(self.root)

    @property
    def keys(self) -> list[dg.AssetKey]:
        return pipeline_keys(self.project.pipeline("shops").spec)

    def drop(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A new file at the source."""
        (self.root / "drop" / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def ask(self, base_url: str) -> None:
        """Give the project a language model."""
        settings = {"model": "openai/test-1", "base_url": base_url, "timeout": "5 s"}
        (self.root / "octopipe.yaml").write_text(json.dumps({"llm": settings}))

    def run(
        self, *only: dg.AssetKey, config: dict[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """A run of the job `load`, over all of the pipeline's assets or some of them."""
        ops = {"ops": {"shops__approved_mapping": {"config": config}}} if config else None
        return self.defs.resolve_job_def("load").execute_in_process(
            instance=self.instance,
            asset_selection=list(only) or self.keys,
            run_config=ops,
            tags={"octopipe/pipeline": "shops", **(tags or {})},
            raise_on_error=False,
        )

    def decide(self, decision: str, **more: Any) -> dg.ExecuteInProcessResult:
        """What a reviewer gives in the Launchpad of `approved_mapping`."""
        config = {"decision": decision, "reviewer": "ana@example.com", **more}
        return self.run(dg.AssetKey(["shops", "approved_mapping"]), config=config)

    def fingerprint(self) -> str:
        """The fingerprint that the mapping's page shows."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(["shops", "mapping"]))
        assert event is not None
        assert event.asset_materialization is not None
        return str(event.asset_materialization.metadata["fingerprint"].value)

    def approved(self) -> "Shop":
        """Land, plan and approve."""
        assert self.run().success
        assert self.decide("approve", fingerprint=self.fingerprint()[:8]).success
        return self

    def rows(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT * FROM public.shop ORDER BY id").fetchall()


def checks(run: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Check → whether it passed."""
    return {one.check_name: one.passed for one in run.get_asset_check_evaluations()}


def failure(run: dg.ExecuteInProcessResult) -> str:
    """What a failed run says."""
    data = next(event for event in run.all_events if event.event_type_value == "STEP_FAILURE").step_failure_data
    assert data.user_failure_data is not None
    return str(data.user_failure_data.description)


def write_project(root: Path, url: str) -> None:
    (root / "pipelines" / "shops").mkdir(parents=True)
    (root / "pipelines" / "shops" / "pipeline.yaml").write_text(PIPELINE.format(url=url))
    (root / "drop").mkdir()
    rows = [{"id": number, "town": f"Town {number}", "staff": number % 7} for number in range(1, 201)]
    (root / "drop" / "shops1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with psycopg.connect(url) as connection:
        connection.execute(TABLE)


@pytest.fixture
def shop(tmp_path: Path, postgres_url: str) -> Iterator[Shop]:
    """200 shops at the source, nothing in the table, nothing approved."""
    write_project(tmp_path, postgres_url)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shop(tmp_path, postgres_url, instance)
