"""Databases to read from, and what a reading of one gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from octo_core.batch import Batch
from octo_core.inference.declared import declared_over
from octo_core.schema import SourceSchema
from octo_core.spec.sources import SqlSource
from octo_resources.engines.duckdb.profile import profile_batches, typed_schema
from octo_resources.flow.understand import scratch_in
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract
from tests.servers.mariadb import mariadb


@dataclass(frozen=True)
class Read:
    """One extraction: its batch, its rows as they landed, its typed schema."""

    batch: Batch
    rows: list[dict[str, Any]]
    schema: SourceSchema

    @property
    def types(self) -> dict[str, str]:
        return {field.name: str(field.type) for field in self.schema.fields}


Reading = Callable[..., Read]


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A server's URL without a database."""
    with mariadb() as url:
        yield url


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    """Reads a source, whose keys are given, into a landing zone of its own."""
    (tmp_path / "pipelines").mkdir()
    project = Project.at(tmp_path)

    def reading(**said: Any) -> Read:
        spec = SqlSource.model_validate({"kind": "sql", **said})
        landing = Landing(tmp_path / "landing")
        batch = extract(spec, pipeline="p", source_name="s", project=project, landing=landing)
        assert batch is not None
        rows = [row for file in batch.files for row in parquet.read_table(landing.open_file(batch, file)).to_pylist()]
        with scratch_in(tmp_path / "tmp") as connection:
            profiles, counts = profile_batches(connection, [batch])
        schema = declared_over(typed_schema(profiles, counts, spec, "s"), [batch], spec)
        return Read(batch, rows, schema)

    return reading
