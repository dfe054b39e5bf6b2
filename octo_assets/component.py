"""The component that turns a project folder's pipelines into Dagster definitions.

In any code location: a defs.yaml with `type: octo_assets.component.OctopipeProject`.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from octo_assets.jobs import shared_jobs
from octo_assets.pipeline import broken_pipeline, pipeline_definitions
from octo_assets.selection import wanted_pipelines
from octo_resources.dagster import project_resources
from octo_resources.project import Project


class OctopipeProject(dg.Component, dg.Model, dg.Resolvable):
    """Assets, checks, jobs, schedules and resources of the pipelines of one project folder.

    `project` is the folder (found from $OCTOPIPE_HOME or the current folder when left out), `pipelines` the names
    wanted (all when left out).
    """

    project: str | None = None
    pipelines: list[str] | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  Dagster's signature
        return project_definitions(Project.find(Path(self.project) if self.project else None), self.pipelines)


def project_definitions(project: Project, pipelines: Sequence[str] | None = None) -> dg.Definitions:
    """The definitions of a project's pipelines (all when left out), with the jobs and resources that they share."""
    names = list(pipelines) if pipelines is not None else project.pipeline_names()
    parts = [_definitions(project, name) for name in wanted_pipelines(names)]
    return dg.Definitions.merge(*parts, shared_jobs(parts), dg.Definitions(resources=project_resources(project)))


def _definitions(project: Project, name: str) -> dg.Definitions:
    from octo_core.errors import UsageError

    try:
        return pipeline_definitions(project, project.pipeline(name))
    except UsageError as mistake:
        # One broken file must not take the other pipelines of the code location down with it.
        return broken_pipeline(name, str(mistake))
