"""The registry: everything that outlives a run and is neither in git nor in the destination, behind one front."""

import json
import os
import typing
from datetime import datetime
from pathlib import Path

from octo_core.approvals import Decision, Keys
from octo_core.catalog import Catalog
from octo_core.mapping.model import Mapping
from octo_core.plan.model import PlanDiff, PlanState, Recipe
from octo_core.schema import SourceSchema
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry.calls import Feedback, LlmCalls
from octo_resources.registry.carrying import Carried, Carrying
from octo_resources.registry.control import Controls, Logs, Steps
from octo_resources.registry.database import Database, database_url
from octo_resources.registry.decisions import Decisions
from octo_resources.registry.documents import SCHEMA, Corrections, Versions
from octo_resources.registry.executions import Executions
from octo_resources.registry.migration import ensure_current
from octo_resources.registry.model import Ruling
from octo_resources.registry.plans import Plans
from octo_resources.registry.reviewing import Reviewing
from octo_resources.registry.tokens import Tokens

APPROVAL_KEY = "OCTOPIPE_APPROVAL_KEY"


class Registry:
    """Safe to share between threads; a process that forks opens its own."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self.database = database
        self.schemas: Versions[SourceSchema] = Versions(database, SCHEMA, SourceSchema)
        """By pipeline and source (`part`)."""
        self.catalogs: Versions[Catalog] = Versions(database, "catalog", Catalog)
        self.mappings: Versions[Mapping] = Versions(database, "mapping", Mapping)
        self.corrections = Corrections(database)
        self.feedback = Feedback(database)
        self.llm_calls = LlmCalls(database)
        self.plans = Plans(database)
        self.decisions = Decisions(database, keys)
        self.carrying = Carrying(database, self.decisions)
        self.executions = Executions(database)
        self.steps = Steps(database)
        self.controls = Controls(database)
        self.logs = Logs(database)
        self.tokens = Tokens(database)
        self._reviewing = Reviewing(database, self.decisions)

    @classmethod
    def open(cls, url: str, state: Path, *, approval_key: str | None = None) -> "Registry":
        """Open, and make or migrate where that is due.

        `url`: `sqlite` (registry.db in the folder `state`) or a PostgreSQL URL. `approval_key`: `new,old,…`, else
        $OCTOPIPE_APPROVAL_KEY, else decisions are chained without a key. Raises RegistryError, and UsageError for
        an address of another kind.
        """
        database = Database(database_url(url, state))
        try:
            ensure_current(database, state)
        except BaseException:
            database.engine.dispose()
            raise
        return cls(database, Keys.read(approval_key or os.environ.get(APPROVAL_KEY)))

    def close(self) -> None:
        """Give back the connections."""
        self.database.engine.dispose()

    def require_approved(self, pipeline: str, fingerprint: str) -> Decision:
        """The gate: the approval of exactly this plan, else NotApproved; RegistryError where decisions were altered."""
        return self.decisions.require_approved(pipeline, fingerprint)

    def plan_state(self, pipeline: str, fingerprint: str) -> PlanState:
        return self.decisions.state(pipeline, fingerprint)

    def diff_to_approved(self, recipe: Recipe) -> PlanDiff | None:
        """What changed since the approval that holds; None where there is none."""
        return self.decisions.diff_to_approved(recipe)

    def export_approvals(self, pipeline: str | None = None) -> str:
        """The decisions that hold, with their recipes, as a sealed JSON document for another environment."""
        return json.dumps(self.carrying.export(pipeline), indent=1, sort_keys=True)

    def import_approvals(
        self, text: str, *, reviewer: str, policies: typing.Mapping[str, ApprovalPolicy] | None = None
    ) -> Carried:
        """Append what `export_approvals` wrote elsewhere; `reviewer` carries it over and answers for it.

        `policies` are the pipelines' own, by name: a decision that they forbid is left out, with the reason.
        """
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        return self.carrying.load(document if isinstance(document, dict) else {}, by=reviewer, policies=policies)

    def approve(
        self,
        pipeline: str,
        fingerprint_prefix: str,
        *,
        reviewer: str,
        policy: ApprovalPolicy,
        current_fingerprint: str | None,
        reason: str | None = None,
        via: str = "cli",
        author: str | None = None,
        at: datetime | None = None,
    ) -> Ruling:
        """Approve the plan that the reviewer read, named by 8 or more letters of its fingerprint.

        `current_fingerprint` is that of the plan as it is now (None: there is none); another one is refused with
        what changed since. `author` counts where the policy says `not_author`. UsageError where it may not be.
        """
        return self._reviewing.decide(
            "approve",
            pipeline,
            fingerprint_prefix,
            reviewer=reviewer,
            reason=reason,
            via=via,
            policy=policy,
            author=author,
            current=current_fingerprint,
            at=at,
        )

    def reject(
        self,
        pipeline: str,
        fingerprint_prefix: str,
        *,
        reviewer: str,
        policy: ApprovalPolicy,
        current_fingerprint: str | None = None,
        reason: str | None = None,
        via: str = "cli",
        at: datetime | None = None,
    ) -> Ruling:
        """Reject a plan, or revoke its approval; also one that is not the current one any more."""
        return self._reviewing.decide(
            "reject",
            pipeline,
            fingerprint_prefix,
            reviewer=reviewer,
            reason=reason,
            via=via,
            policy=policy,
            author=None,
            current=current_fingerprint,
            at=at,
        )

    def withdraw(self, pipeline: str, fingerprint: str, reason: str, *, at: datetime | None = None) -> Ruling:
        """Revoke an approval because the source drifted and the pipeline says `ask`, until a person approves again.

        No policy applies: it is nobody's approval, and only makes things safer.
        """
        return self._reviewing.decide(
            "reject",
            pipeline,
            fingerprint,
            reviewer="octopipe",
            reason=reason,
            via="drift",
            policy=ApprovalPolicy(),
            author=None,
            current=None,
            at=at,
        )
