"""The gate's memory: decisions appended to one chain, and the gate's question, which reads the whole chain again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from octo_core.approvals import GENESIS, Decision, Head, Keys, Verdict, head_of, newest, sealed, verify_chain
from octo_core.errors import RegistryError, UsageError
from octo_core.plan.diff import diff
from octo_core.plan.fingerprint import canonical_json
from octo_core.plan.model import PlanDiff, PlanState, Recipe
from octo_core.plan.refusal import approved_before_the_key, not_approved
from octo_resources.registry.database import Database
from octo_resources.registry.documents import read_schemas
from octo_resources.registry.plans import read_recipe
from octo_resources.registry.tables import decision as decisions
from octo_resources.registry.tables import decision_head as heads


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody decided, before it has its place in the chain."""

    pipeline: str
    fingerprint: str
    decision: Verdict
    reviewer: str
    reason: str | None
    via: str
    at: datetime
    origin: str | None = None


class Decisions:
    """The chain of decisions. Every question verifies all of it first: 0.2 s for 5,000 decisions."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database, self.keys = database, keys

    def all(self, pipeline: str | None = None) -> tuple[Decision, ...]:
        """Decisions oldest first, of one pipeline or of all. RegistryError where the chain was altered."""
        with self._database.read() as connection:
            chain = self.verified(connection)
        return tuple(made for made in chain if pipeline is None or made.pipeline == pipeline)

    def holding(self, pipeline: str, fingerprint: str) -> Decision | None:
        """The newest decision about a pipeline's plan, or None."""
        return newest(self.all(), pipeline, fingerprint)

    def state(self, pipeline: str, fingerprint: str) -> PlanState:
        """pending, approved, rejected, or revoked (rejected after it had been approved)."""
        mine = [made for made in self.all(pipeline) if made.fingerprint == fingerprint]
        if not mine:
            return "pending"
        if mine[-1].decision == "approve":
            return "approved" if self.believed(mine[-1]) else "pending"
        return "revoked" if any(made.decision == "approve" for made in mine) else "rejected"

    def believed(self, made: Decision) -> bool:
        """Whether its seal is as strong as what is configured: with a key, only what was sealed with one counts."""
        return not self.keys or made.seal == "hmac-sha256"

    def last_approved(self, pipeline: str) -> Decision | None:
        """The newest approval of a pipeline that still holds."""
        with self._database.read() as connection:
            return self._last_approved(self.verified(connection), pipeline)

    def all_last_approved(self) -> dict[str, Decision]:
        """Pipeline → the newest approval that still holds, of all that have one."""
        with self._database.read() as connection:
            chain = self.verified(connection)
        holding = {(made.pipeline, made.fingerprint): made for made in chain}  # of each plan the newest decision
        found: dict[str, Decision] = {}
        for made in sorted(holding.values(), key=lambda one: one.seq):
            if made.decision == "approve" and self.believed(made):
                found[made.pipeline] = made
        return found

    def require_approved(self, pipeline: str, fingerprint: str) -> Decision:
        """The approval of exactly this plan; NotApproved without one, RegistryError where the chain was altered.

        This is the gate's question: the load asks it itself, whichever way it was started.
        """
        with self._database.read() as connection:
            chain = self.verified(connection)
            found = newest(chain, pipeline, fingerprint)
            recipe = read_recipe(connection, pipeline, fingerprint)
            if found is not None and found.decision == "approve":
                if not self.believed(found):
                    raise approved_before_the_key(found)
                if recipe is None or recipe_hash(recipe) != found.recipe_hash:
                    raise RegistryError(
                        f"The recipe that decision {found.seq} approved is not in the registry any more"
                    )
                return found
            since = self._last_approved(chain, pipeline)
            changes = self._since(connection, since, recipe)
        raise not_approved(pipeline, fingerprint, rejected=found, since=changes)

    def diff_to_approved(self, recipe: Recipe) -> PlanDiff | None:
        """What changed since the newest approval that holds; None where nothing was approved yet."""
        with self._database.read() as connection:
            since = self._last_approved(self.verified(connection), recipe.pipeline)
            return self._since(connection, since, recipe)

    def append(self, connection: sa.Connection, entry: Entry) -> Decision:
        """Put one decision at the chain's end, within a writing transaction that also verifies the chain."""
        chain = self.locked(connection)
        if chain and chain[-1].seal == "hmac-sha256" and not self.keys:  # verified() has refused already
            raise RegistryError("decisions here are sealed with a key, and none is configured")
        recipe = read_recipe(connection, entry.pipeline, entry.fingerprint)
        if recipe is None:
            raise UsageError(f"{entry.pipeline} has no plan {entry.fingerprint[:8]}")
        last = chain[-1] if chain else None
        made = sealed(
            Decision(
                seq=last.seq + 1 if last else 1,
                pipeline=entry.pipeline,
                fingerprint=entry.fingerprint,
                decision=entry.decision,
                reviewer=entry.reviewer,
                reason=entry.reason,
                via=entry.via,
                at=entry.at.astimezone(UTC),
                recipe_hash=recipe_hash(recipe),
                origin=entry.origin,
                prev_hash=last.hash if last else GENESIS,
            ),
            self.keys,
        )
        connection.execute(sa.insert(decisions).values(made.model_dump()))
        head = head_of(made, self.keys)
        connection.execute(sa.update(heads).where(heads.c.id == 1).values(head.model_dump()))
        return made

    def locked(self, connection: sa.Connection) -> tuple[Decision, ...]:
        """The verified chain, with everyone else who wants to append waiting until the transaction ends."""
        self._database.hold(connection, "decisions")
        return self.verified(connection)

    def verified(self, connection: sa.Connection) -> tuple[Decision, ...]:
        rows = connection.execute(sa.select(decisions).order_by(decisions.c.seq)).mappings().all()
        head = connection.execute(sa.select(heads).where(heads.c.id == 1)).one_or_none()
        try:
            chain = tuple(Decision.model_validate(dict(row)) for row in rows)
        except ValueError as problem:  # a value that no decision has, e.g. a verdict of another name
            raise RegistryError(f"The registry's decisions were altered: {_first(problem)}") from problem
        end = None if head is None else Head(seq=head.seq, hash=head.hash, seal=head.seal)
        verify_chain(chain, end, self.keys)
        return chain

    def _last_approved(self, chain: Sequence[Decision], pipeline: str) -> Decision | None:
        for made in reversed(chain):
            holds = made.pipeline == pipeline and newest(chain, pipeline, made.fingerprint) == made
            if holds and made.decision == "approve" and self.believed(made):
                return made
        return None

    def _since(self, connection: sa.Connection, since: Decision | None, recipe: Recipe | None) -> PlanDiff | None:
        if since is None or recipe is None:
            return None
        old = read_recipe(connection, since.pipeline, since.fingerprint)
        changes = diff(old, recipe, read_schemas(connection, recipe.pipeline)) if old is not None else ()
        return PlanDiff(against=since.fingerprint, approved_by=since.reviewer, approved_at=since.at, changes=changes)


def recipe_hash(recipe: Recipe) -> str:
    """What a decision keeps of the recipe it was made about."""
    return hashlib.sha256(canonical_json(recipe.model_dump()).encode("ascii")).hexdigest()


def _first(problem: Any) -> str:
    return str(problem).splitlines()[0]
