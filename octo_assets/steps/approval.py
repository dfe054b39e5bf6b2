"""`approved_mapping`: a person approves, rejects or corrects a plan; it yields only where the plan is approved."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from octo_assets.names import approved_key, mapping_key, op_name
from octo_assets.steps.common import (
    Materialized,
    Metadata,
    failures_in_plain_words,
    pipeline_of,
    spec_fields,
    workspace,
)
from octo_assets.steps.mapping import show_new_plan
from octo_core.errors import UsageError
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.flow import Prepared, Workspace

Event = Materialized | dg.AssetCheckResult


class ApprovalConfig(dg.Config):
    """What the reviewer says. Left alone (`keep`), the run goes on only if the plan is approved already."""

    decision: Literal["keep", "approve", "reject", "correct"] = Field(
        default="keep", description="keep: change nothing; approve or reject the plan; correct: change columns"
    )
    fingerprint: str = Field(
        default="",
        description="The plan that you read: 8 or more letters of its fingerprint, in quotes",
    )
    reviewer: str = Field(default="", description="Who decides: your e-mail address")
    reason: str = Field(default="", description="Why, for those who read it later")
    corrections: dict[str, str] = Field(
        default={},
        description='For `correct`: {"public.flight.note": "an expression"}; an empty text leaves the column unmapped',
    )
    feedback: str = Field(
        default="",
        description="For `correct`: what should be otherwise, in your words; without a language model in plain "
        "sentences: map X to Y, leave Z empty",
    )


CONFIG = ApprovalConfig.to_fields_dict()
"""Made once: a schema for each of a thousand pipelines costs the code location two seconds."""


def approval_asset(spec: PipelineSpec) -> dg.AssetsDefinition:
    """The gate as an asset, with the `approval` check."""
    key = approved_key(spec.name)
    about = (
        "The gate. Nothing is loaded before a person approved exactly the plan on the mapping's page.\n\n"
        "Next: open the Launchpad (the arrow beside Materialize, or shift-click it) and give `decision: approve`, the "
        "`fingerprint` that you read, and who you are as `reviewer`. `reject` revokes; `correct` takes `corrections` "
        "(or `feedback` in words) and makes a new plan, to be read and approved in its turn.\n\n"
        f"The same in a terminal: `octopipe approve {spec.name} --fingerprint F --reviewer YOU`."
    )

    @dg.multi_asset(
        name=op_name(spec.name, "approved_mapping"),
        specs=[
            dg.AssetSpec(
                key,
                deps=[mapping_key(spec.name)],
                skippable=True,
                description=about,
                kinds={"approval"},
                **spec_fields(spec, "load"),
            )
        ],
        check_specs=[dg.AssetCheckSpec("approval", asset=key, description="The current plan is approved by a person.")],
        config_schema=CONFIG,
        required_resource_keys={"registry", "landing"},
    )
    def approved_mapping(context: dg.AssetExecutionContext) -> Iterator[Event]:
        from octo_resources.flow import prepare

        config = ApprovalConfig(**context.op_execution_context.op_config)
        with failures_in_plain_words():
            space = workspace(context)
            pipeline = pipeline_of(space, spec)
            _decide(context, space, pipeline, config)
            prepared = prepare(space, pipeline)
        yield from _outcome(key, prepared)

    return approved_mapping


def _decide(context: dg.AssetExecutionContext, space: "Workspace", pipeline: Pipeline, config: ApprovalConfig) -> None:
    from octo_resources.flow import approve, correct, heed, prepare, reject

    if config.decision == "keep":
        return
    if not config.reviewer:
        raise UsageError("who decides? `reviewer` is empty", hint="give your e-mail address as `reviewer`")
    reason = config.reason or None
    if config.decision == "correct":
        if not config.corrections and not config.feedback:
            raise UsageError("`corrections` is empty", hint='write {"public.flight.note": "an expression"}')
        if config.corrections:
            correct(space, pipeline, config.corrections, reviewer=config.reviewer, reason=reason)
        if config.feedback:
            heed(space, pipeline, config.feedback, reviewer=config.reviewer)
        prepared = prepare(space, pipeline, again=bool(config.feedback))
        show_new_plan(context, prepared, f"A correction by {config.reviewer} made this plan")
        return
    act = approve if config.decision == "approve" else reject
    act(space, pipeline, config.fingerprint, reviewer=config.reviewer, reason=reason, via="dagster")


def _outcome(key: dg.AssetKey, prepared: "Prepared") -> Iterator[Event]:
    plan = prepared.plan
    approved = plan.state == "approved"
    decision = prepared.decision
    metadata: Metadata = {
        "fingerprint": plan.fingerprint,
        "state": plan.state,
        "plan": dg.MetadataValue.asset(mapping_key(plan.pipeline)),
    }
    if approved and decision is not None:
        metadata |= {"reviewer": decision.reviewer, "reason": decision.reason or "", "at": decision.at.isoformat()}
        yield dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(plan.fingerprint[:16]))
    yield dg.AssetCheckResult(
        asset_key=key, check_name="approval", passed=approved, description=standing(prepared), metadata=metadata
    )


def standing(prepared: "Prepared") -> str:
    """How a plan stands with the reviewers, and what to do about it."""
    plan, decision = prepared.plan, prepared.decision
    short = plan.fingerprint[:8]
    if plan.state == "approved":
        return f"Plan {short} is approved" + (f" by {decision.reviewer}." if decision else ".")
    state = "waits for approval" if plan.state == "pending" else f"is {plan.state}"
    return (
        f"Plan {short} {state}, so nothing is loaded. Read it on the mapping's page, then materialize this asset from "
        f'the Launchpad with decision: approve, fingerprint: "{short}" and your name as reviewer.'
    )
