"""How the gate refuses: which plan is not approved, what changed since the one that is, and how to read and approve."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from octo_core.approvals import Decision
from octo_core.errors import NotApproved
from octo_core.plan.diff import change_text
from octo_core.plan.model import PlanDiff
from octo_core.plan.text import harmless

_SHOWN = 5
"""Changes that a refusal names; `plan --diff` shows all."""


def not_approved(
    pipeline: str, fingerprint: str, *, rejected: Decision | None, since: PlanDiff | None, now: datetime | None = None
) -> NotApproved:
    """The gate's refusal, ready to raise. `rejected`: the decision that says no, where it is not just missing."""
    message = refusal_text(pipeline, fingerprint, rejected=rejected, since=since, now=now)
    read = f"octopipe plan {pipeline} --diff" if since and since.changes else f"octopipe plan {pipeline}"
    hint = f"Read: {read}\n  Approve what you have read: octopipe approve {pipeline} --fingerprint {fingerprint[:8]}"
    return NotApproved(message, fingerprint=fingerprint, hint=f"{hint} --reviewer you@example.com")


def refusal_text(
    pipeline: str,
    fingerprint: str,
    *,
    rejected: Decision | None = None,
    since: PlanDiff | None = None,
    batches: Sequence[str] = (),
    now: datetime | None = None,
) -> str:
    """The refusal without the hint. `batches` are what this run landed meanwhile."""
    lines = [f"Cannot load {pipeline}: its plan {fingerprint[:8]} is not approved."]
    if rejected is not None:
        why = f": {harmless(rejected.reason)}" if rejected.reason else ""
        lines.append(f"  {harmless(rejected.reviewer)} rejected it {when(rejected.at, now)}{why}")
    if since is not None and since.against != fingerprint:
        by = harmless(since.approved_by or "somebody")
        who = f" (approved by {by} {when(since.approved_at, now)})" if since.approved_at else ""
        lines.append(f"  Since {since.against[:8]}{who}: {changes_text(since, _SHOWN)}.")
    return "\n".join([*lines, *_landed(batches)])


def misfit_text(pipeline: str, why: Sequence[str], batches: Sequence[str]) -> str:
    """The source changed so that the approved mapping names what is not there: no new plan can be made yet."""
    lines = [f"Cannot load {pipeline}: its source changed, and no new plan can be made of its mapping."]
    return "\n".join(
        [*lines, *(f"  {harmless(line)}" for text in why for line in text.splitlines()), *_landed(batches)]
    )


def _landed(batches: Sequence[str]) -> Iterator[str]:
    if batches:
        plural = "es" if len(batches) > 1 else ""
        verb = "they load" if len(batches) > 1 else "it loads"
        yield f"  The data of this run landed as batch{plural} {', '.join(batches)}; {verb} after approval."


def changes_text(since: PlanDiff, at_most: int) -> str:
    """The changes in one line, `and N more` at its end."""
    texts = [harmless(change_text(change)) for change in since.changes]
    more = len(texts) - at_most
    shown = ", ".join(texts[:at_most]) or "nothing changed"
    return f"{shown}, and {more} more" if more > 0 else shown


def when(at: datetime | None, now: datetime | None = None) -> str:
    """`today`, `yesterday` or the date, in UTC."""
    if at is None:
        return ""
    days = ((now or datetime.now(UTC)).astimezone(UTC).date() - at.astimezone(UTC).date()).days
    return {0: "today", 1: "yesterday"}.get(days, f"on {at.astimezone(UTC):%Y-%m-%d}")


def approved_before_the_key(approval: Decision) -> NotApproved:
    """An approval whose seal anyone could have made, now that a key is configured."""
    pipeline, short = approval.pipeline, approval.fingerprint[:8]
    return NotApproved(
        f"Cannot load {pipeline}: its plan {short} was approved before a key was configured",
        fingerprint=approval.fingerprint,
        hint=f"Approve it again: octopipe approve {pipeline} --fingerprint {short} --reviewer you@example.com",
    )
