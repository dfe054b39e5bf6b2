"""Decide about a plan: approve exactly the one that was read, or reject it."""

from octo_resources.flow.logs import step
from octo_resources.flow.planning import prepare
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline
from octo_resources.registry.model import Ruling


def approve(
    space: Workspace, pipeline: Pipeline, fingerprint: str, *, reviewer: str, reason: str | None = None, via: str
) -> Ruling:
    """Approve the plan named by 8 or more letters of its fingerprint, if it is the plan of this moment.

    What the plan stands on is looked at again first, so that nobody approves what is not so any more. Raises
    UsageError for a wrong or stale fingerprint, with what changed since, and where the policy forbids it.
    """
    current = prepare(space, pipeline).plan.fingerprint
    with step(space, pipeline.name, "approval") as log:
        ruling = space.registry.approve(
            pipeline.name,
            fingerprint,
            reviewer=reviewer,
            reason=reason,
            via=via,
            policy=pipeline.spec.approval,
            author=pipeline.spec.owner,
            current_fingerprint=current,
        )
        log.line(ruling.message)
    return ruling


def reject(
    space: Workspace, pipeline: Pipeline, fingerprint: str, *, reviewer: str, reason: str | None = None, via: str
) -> Ruling:
    """Reject a plan, or revoke its approval: any plan the pipeline ever had. Raises UsageError."""
    newest = space.registry.plans.newest(pipeline.name)
    return space.registry.reject(
        pipeline.name,
        fingerprint,
        reviewer=reviewer,
        reason=reason,
        via=via,
        policy=pipeline.spec.approval,
        current_fingerprint=newest.plan.fingerprint if newest else None,
    )
