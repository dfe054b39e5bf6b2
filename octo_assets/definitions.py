"""The root of the code location: the pipelines of the project folder, and what else lies below defs/."""

import gc
from pathlib import Path

import dagster as dg

from octo_assets.component import project_definitions
from octo_resources.project import Project


@dg.definitions
def defs() -> dg.Definitions:
    """The pipelines of the project folder as assets, jobs, schedules and resources."""
    # Dagster makes millions of lasting objects of a thousand pipelines: looking for garbage among them costs seconds.
    gc.set_threshold(50_000, 50, 100)
    # Steps run in the run's own process also where the UI materializes assets without a job.
    pipelines = dg.Definitions.merge(
        project_definitions(Project.find()), dg.Definitions(executor=dg.in_process_executor)
    )
    here = Path(__file__).parent
    if not any((here / "defs").glob("*/*")):
        return pipelines
    # Only where there is something: looking for components imports every Dagster library installed (3 s, each run).
    return dg.Definitions.merge(pipelines, dg.load_from_defs_folder(path_within_project=here))
