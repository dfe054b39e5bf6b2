"""The component that turns a project folder's pipelines into Dagster definitions.

In any code location: a defs.yaml with `type: octo_assets.component.OctopipeProject`.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import DagsterInvalidDefinitionError

from octo_assets.jobs import shared_jobs
from octo_assets.pipeline import Built, broken_pipeline, pipeline_definitions
from octo_assets.selection import of_this_run, wanted_pipelines
from octo_core.errors import UsageError
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
        return project_definitions(Project.at(self.project) if self.project else Project.find(), self.pipelines)


def project_definitions(project: Project, pipelines: Sequence[str] | None = None) -> dg.Definitions:
    """The definitions of a project's pipelines (all when left out), with the jobs and resources that they share.

    In the process of a run, only of those that the run is about.
    """
    names = wanted_pipelines(pipelines if pipelines is not None else project.pipeline_names())
    with _no_collection():
        run = of_this_run(names)
        built = _built(project, run[0]) if run is not None else []
        if run is None or not run[1] <= {key for one in built for key in one.keys}:
            built = _built(project, names)
        shared = shared_jobs(any(not one.broken for one in built))
        return dg.Definitions(
            assets=[asset for one in built for asset in one.assets],
            asset_checks=[check for one in built for check in one.checks],
            schedules=[one.schedule for one in built if one.schedule is not None],
            sensors=[*(sensor for one in built for sensor in one.sensors), *shared.pop("sensors", ())],
            **shared,
            resources=project_resources(project),
        )


def _built(project: Project, names: Iterable[str]) -> list[Built]:
    found: list[Built] = []
    owners: dict[dg.AssetKey, str] = {}
    for name in names:
        one = _pipeline(project, name)
        taken = [key for key in one.keys if key in owners]
        if taken:
            said = (
                f"the asset {taken[0].to_user_string()} is already made by {owners[taken[0]]}; set another `asset_key`"
            )
            one = broken_pipeline(name, said)
        owners |= dict.fromkeys(one.keys, name)
        found.append(one)
    return found


def _pipeline(project: Project, name: str) -> Built:
    try:
        return pipeline_definitions(project, project.pipeline(name))
    except (UsageError, DagsterInvalidDefinitionError) as mistake:
        # One broken file must not take the other pipelines of the code location down with it.
        return broken_pipeline(name, str(mistake))


def mistakes_of(project: Project, name: str) -> str:
    """What keeps a pipeline's definitions from being made, as it was said; "" where nothing does."""
    return _pipeline(project, name).mistakes


@contextmanager
def _no_collection() -> Iterator[None]:
    """Definitions live as long as the process: looking for garbage among them costs a third of a big load."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.enable()
