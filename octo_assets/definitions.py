"""The root of the code location: everything below defs/, found and joined."""

from pathlib import Path

import dagster as dg

from octo_assets.component import project_definitions
from octo_resources.project import Project


@dg.definitions
def defs() -> dg.Definitions:
    """The pipelines of the project folder as assets, jobs, schedules and resources."""
    here = Path(__file__).parent
    if (here.parent / "pyproject.toml").is_file():
        return dg.load_from_defs_folder(path_within_project=here)
    # Installed as a package, there is no dg project around this file: the one component it would find is made here.
    return project_definitions(Project.find())
