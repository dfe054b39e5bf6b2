"""Approving and rejecting: the reviewer names the plan they read, and the pipeline's policy says who may."""

import re
from datetime import UTC, datetime

import sqlalchemy as sa

from octo_core.approvals import Decision, Verdict, newest
from octo_core.errors import UsageError
from octo_core.plan.diff import diff
from octo_core.plan.model import PlanDiff
from octo_core.plan.refusal import changes_text
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry.database import Database
from octo_resources.registry.decisions import Decisions, Entry
from octo_resources.registry.documents import read_schemas
from octo_resources.registry.model import Ruling
from octo_resources.registry.plans import read_recipe
from octo_resources.registry.tables import recipe as recipes

_PREFIX = re.compile(r"[0-9a-f]{8,64}")
_CHANGES = 10
_LONGEST_NAME = 200
_DONE = {"approve": "approved", "reject": "rejected"}


class Reviewing:
    """Turns a reviewer's word into a decision, or refuses it with the reason."""

    def __init__(self, database: Database, decisions: Decisions) -> None:
        self._database, self._decisions = database, decisions

    def decide(
        self,
        verdict: Verdict,
        pipeline: str,
        prefix: str,
        *,
        reviewer: str,
        reason: str | None,
        via: str,
        policy: ApprovalPolicy,
        author: str | None,
        current: str | None,
        at: datetime | None = None,
    ) -> Ruling:
        """Append the decision, or say that it stands already. UsageError where it may not be made."""
        who = reviewer.strip()
        check_policy(verdict, pipeline, who, via, policy, author)
        with self._database.write() as connection:
            chain = self._decisions.locked(connection)
            fingerprint = self._named(connection, verdict, pipeline, prefix, current)
            standing = newest(chain, pipeline, fingerprint)
            if standing is not None and standing.decision == verdict and self._decisions.believed(standing):
                said = f"plan {fingerprint[:8]} of {pipeline} was {_DONE[verdict]} already, by {standing.reviewer}"
                return Ruling(decision=standing, already=True, message=f"{said} on {standing.at:%Y-%m-%d}.")
            moment = at or datetime.now(UTC)
            text = (reason or "").strip() or None
            entry = Entry(pipeline, fingerprint, verdict, who, text, via, moment)
            made = self._decisions.append(connection, entry)
        return Ruling(decision=made, already=False, message=_message(made, standing))

    def _named(
        self, connection: sa.Connection, verdict: Verdict, pipeline: str, prefix: str, current: str | None
    ) -> str:
        """The fingerprint that the prefix names: for an approval the current plan's and no other."""
        wanted = prefix.strip().lower()
        if not _PREFIX.fullmatch(wanted):
            raise UsageError(
                f"{prefix!r} is no fingerprint: give 8 to 64 of its letters (0-9, a-f)",
                where=pipeline,
                hint=f"The plan shows it: octopipe plan {pipeline}",
            )
        known = connection.execute(sa.select(recipes.c.fingerprint).where(recipes.c.pipeline == pipeline)).scalars()
        every: set[str] = {*known, *([current] if current else [])}
        found = sorted(one for one in every if one.startswith(wanted))
        if len(found) > 1:
            raise UsageError(
                f"{prefix} names {len(found)} plans: {', '.join(one[: len(wanted) + 4] for one in found)}",
                where=pipeline,
                hint="Give more letters of the fingerprint.",
            )
        if not found:
            raise _unknown(pipeline, prefix, current)
        if verdict == "approve" and found[0] != current:
            raise self._stale(connection, pipeline, found[0], current)
        return found[0]

    def _stale(self, connection: sa.Connection, pipeline: str, named: str, current: str | None) -> UsageError:
        old = read_recipe(connection, pipeline, named)
        new = read_recipe(connection, pipeline, current) if current else None
        changed = ""
        if old is not None and new is not None:
            against = PlanDiff(against=named, changes=diff(old, new, read_schemas(connection, pipeline)))
            changed = f"\n  Since {named[:8]}: {changes_text(against, _CHANGES)}."
        now_is = f"it is {current[:8]} now" if current else "there is no plan now"
        return UsageError(
            f"Plan {named[:8]} of {pipeline} is not the current one; {now_is}. Nothing was approved.{changed}",
            hint=f"Read the current plan first: octopipe plan {pipeline} --diff",
        )


def check_policy(
    verdict: Verdict, pipeline: str, reviewer: str, via: str, policy: ApprovalPolicy, author: str | None
) -> None:
    """Whether this reviewer may decide this way; UsageError says which rule forbids it.

    A rejection only makes things safer, so an author may reject what they wrote.
    """
    where = f"{pipeline}: approval"
    if not reviewer:
        raise UsageError("a decision needs a reviewer", where=where, hint="Say who decides: --reviewer you@example.com")
    if not reviewer.isprintable() or len(reviewer) > _LONGEST_NAME:
        said = f"a reviewer is a name or an address on one line, at most {_LONGEST_NAME} signs, and this is none"
        raise UsageError(said, where=where, hint="Say who decides: you@example.com")
    named = {name.casefold() for name in policy.reviewers}
    if named and reviewer.casefold() not in named:
        allowed = ", ".join(policy.reviewers)
        raise UsageError(f"{reviewer} is not one of its reviewers", where=where, hint=f"The reviewers are: {allowed}.")
    if policy.via == "api" and via != "api":
        raise UsageError(
            "its decisions are taken through the API only, where the API knows who asks (`via: api`)",
            where=where,
            hint="Decide on the page that `octopipe serve` shows, or change the policy in pipeline.yaml.",
        )
    if verdict == "approve" and policy.not_author:
        _check_author(reviewer, author, where)


def _check_author(reviewer: str, author: str | None, where: str) -> None:
    if not author:
        raise UsageError(
            "nobody knows who wrote this plan, and its author may not approve it (`not_author: true`)",
            where=where,
            hint="Set `owner:` in pipeline.yaml.",
        )
    if reviewer.casefold() == author.strip().casefold():
        raise UsageError(
            f"{reviewer} wrote this plan, and its author may not approve it (`not_author: true`)",
            where=where,
            hint="Ask somebody else to read and approve it.",
        )


def _unknown(pipeline: str, prefix: str, current: str | None) -> UsageError:
    if current is None:
        return UsageError(f"{pipeline} has no plan {prefix}", hint=f"Make one first: octopipe plan {pipeline}")
    return UsageError(
        f"{pipeline} never had a plan {prefix}; its plan is {current[:8]}. Nothing was decided.",
        hint=f"Read it first: octopipe plan {pipeline}",
    )


def _message(made: Decision, before: Decision | None) -> str:
    name, who = f"plan {made.fingerprint[:8]} of {made.pipeline}", made.reviewer
    if made.decision == "approve":
        again = f", which {before.reviewer} had rejected" if before is not None and before.decision == "reject" else ""
        return f"{who} approved {name}{again}. It loads at its next run, or now: octopipe run {made.pipeline}"
    if before is not None and before.decision == "approve":
        return f"{who} revoked the approval of {name}, given by {before.reviewer} on {before.at:%Y-%m-%d}."
    return f"{who} rejected {name}. Nothing of it loads."
