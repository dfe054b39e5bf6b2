"""The root of the code location: the pipelines of the project folder, and what else lies below defs/."""

import gc
import sys
from functools import cache
from pathlib import Path

import dagster as dg

from octo_assets.component import project_definitions
from octo_resources.project import Project


@dg.definitions
def defs() -> dg.Definitions:
    """The pipelines of the project folder as assets, jobs, schedules and resources."""
    here = Path(__file__).parent
    serves = "grpc" in sys.argv
    pipelines = _served_pipelines() if serves else _pipelines()
    if all(file.parent.name == "__pycache__" for file in (here / "defs").glob("*/*")):
        if serves:
            _describe_jobs(pipelines)
        return pipelines
    # Only where there is something: looking for components imports every Dagster library installed (3 s, each run).
    return dg.Definitions.merge(pipelines, dg.load_from_defs_folder(path_within_project=here))


def _pipelines() -> dg.Definitions:
    # Dagster makes millions of lasting objects of a thousand pipelines: looking for garbage among them costs seconds.
    gc.set_threshold(50_000, 50, 100)
    # Steps run in the run's own process also where the UI materializes assets without a job.
    return dg.Definitions.merge(project_definitions(Project.find()), dg.Definitions(executor=dg.in_process_executor))


@cache
def _served_pipelines() -> dg.Definitions:
    """The same in a code server, which asks twice as it starts and has a process of its own for each load."""
    return _pipelines()


def _describe_jobs(definitions: dg.Definitions) -> None:
    """Make, and keep, what webserver and daemon ask a code server for, both at once."""
    for job in definitions.get_repository_def().get_all_jobs():
        job.get_job_snapshot_id()
    gc.freeze()
