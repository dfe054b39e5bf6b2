"""Octopipe's resources in Dagster, and a project folder's instance. The one module here that knows Dagster."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field, PrivateAttr

from octo_core.errors import UsageError
from octo_resources.project import Project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from octo_resources.llm.silence import Silences
    from octo_resources.registry import Registry


ARTIFACTS = "OCTOPIPE_ARTIFACTS"


class RegistryResource(dg.ConfigurableResource[Any]):
    """Where schemas, plans, approvals and executions are kept."""

    url: str = Field(default="", description="sqlite or a PostgreSQL URL; octopipe.yaml's when empty")
    project: str = Field(description="The project folder")

    _opened: Any = PrivateAttr(default=None)
    _silences: "Silences" = PrivateAttr(default_factory=dict)

    def open(self) -> "Registry":
        """The registry, opened at first use and kept."""
        from octo_resources.flow.workspace import open_registry  # SQLAlchemy

        opened: Registry = self._opened or open_registry(Project.at(self.project), self.url)
        self._opened = opened
        return opened

    @property
    def silences(self) -> "Silences":
        """Which language models do not answer, as the steps of one run found: the rest of it does not ask them."""
        return self._silences


class LandingResource(dg.ConfigurableResource[Any]):
    """Where batches land."""

    project: str = Field(description="The project folder")


class LlmResource(dg.ConfigurableResource[Any]):
    """The language model that may propose types and mappings. None: the embedded proposer does."""

    model: str = Field(default="", description="for example openai/gpt-5; empty: none is asked")
    base_url: str = ""
    share: str = Field(default="statistics", description="none, statistics or samples")


class KafkaResource(dg.ConfigurableResource[Any]):
    """The brokers that carry batches and streams. Empty: none."""

    brokers: str = ""


class SparkResource(dg.ConfigurableResource[Any]):
    """The Spark of code of one's own; opened at first use through dagster-pyspark, as loads on Spark open theirs."""

    master: str = Field(default="local[*]", description="local[N], spark://…, yarn or k8s://…")
    remote: str = Field(default="", description="sc://… for Spark Connect")

    @property
    def session(self) -> "SparkSession":
        """The Spark session. Needs the extra `spark`."""
        from octo_resources.engines.spark.session import Settings, session

        return session(Settings(self.master, self.remote or None))


def project_resources(project: Project) -> dict[str, Any]:
    """The resources of a code location, as the project's octopipe.yaml says."""
    folder = str(project.root)
    llm = project.spec.llm
    return {
        **_artifacts(project.environment.get(ARTIFACTS, "")),
        "registry": RegistryResource(project=folder),
        "landing": LandingResource(project=folder),
        "llm": LlmResource(model=llm.model or "", base_url=llm.base_url or "", share=llm.share or "statistics"),
        "kafka": KafkaResource(),
        "spark": SparkResource(),
    }


def _artifacts(where: str) -> dict[str, Any]:
    """Where values that assets hand to one another are kept: on S3 where $OCTOPIPE_ARTIFACTS says so.

    Octopipe's own assets hand on none; assets of a project's own in octo_assets/defs do. Raises UsageError.
    """
    if not where:
        return {}
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    if not where.startswith("s3://") or not bucket:
        raise UsageError(f"{ARTIFACTS} is no s3://BUCKET/PREFIX", hint="Leave it out to keep values in local files.")
    from dagster_aws.s3 import S3PickleIOManager, S3Resource  # 3 s to import

    store = S3Resource(endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
    return {"io_manager": S3PickleIOManager(s3_resource=store, s3_bucket=bucket, s3_prefix=prefix or "dagster")}


@contextmanager
def instance_of(root: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of a project folder: $DAGSTER_HOME's, else what the folder's dagster.yaml says.

    Paths in dagster.yaml are relative to the current folder, so this changes into the project's for its time.
    """
    from filelock import FileLock

    before = Path.cwd()
    os.chdir(root)
    try:
        (root / ".octopipe").mkdir(exist_ok=True)
        # Two first runs at once in a fresh folder collide while they make its tables: one after the other, then.
        with FileLock(root / ".octopipe" / "dagster.lock"):
            home = os.environ.get("DAGSTER_HOME")
            instance = dg.DagsterInstance.get() if home else _folder_instance(root)
            instance.get_run_records(limit=1)
        with instance:
            yield instance
    finally:
        os.chdir(before)


def _folder_instance(root: Path) -> dg.DagsterInstance:
    """What the folder's dagster.yaml says; where there is none, its state still goes to .octopipe/ and nowhere else."""
    if (root / "dagster.yaml").is_file():
        return dg.DagsterInstance.from_config(str(root))
    from dagster._core.instance.ref import InstanceRef

    state = root / ".octopipe" / "dagster"
    state.mkdir(exist_ok=True)
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(state), overrides={"telemetry": {"enabled": False}}))


def purge_runs(root: Path, pipeline: str | None, before: datetime, *, dry_run: bool) -> int:
    """Delete runs that ended before a moment, with their events; how many. What runs is kept."""
    tags = {"octopipe/pipeline": pipeline} if pipeline else None
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = dg.RunsFilter(tags=tags, statuses=ended, created_before=before)
    with instance_of(root) as instance:
        ids = [record.dagster_run.run_id for record in instance.get_run_records(filters=old)]
        for run_id in [] if dry_run else ids:
            instance.delete_run(run_id)
    return len(ids)
