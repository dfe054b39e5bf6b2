"""What sensors have in common: whether a run is under way, and how a pipeline stands at a tick."""

from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from octo_resources.project import Project

if TYPE_CHECKING:
    from octo_resources.flow import Workspace

UNDER_WAY: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def switched(project: Project) -> dg.DefaultSensorStatus:
    """Off until `octopipe start`, or on at once where octopipe.yaml says autostart."""
    return dg.DefaultSensorStatus.RUNNING if project.spec.rules.autostart else dg.DefaultSensorStatus.STOPPED


def space_of(resources: Any) -> "Workspace":
    """The workspace of a tick's resources."""
    from octo_resources.flow import Workspace

    return Workspace.open(resources.landing.project, registry=resources.registry.open())


def is_under_way(instance: dg.DagsterInstance, tags: dict[str, str]) -> bool:
    """Whether a run with these tags waits, runs or is being cancelled."""
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=UNDER_WAY)) > 0
