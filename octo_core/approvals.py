"""Decisions about plans: who approved or rejected which fingerprint, when and why, each sealed to the one before."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from octo_core.errors import RegistryError
from octo_core.plan.fingerprint import canonical_json
from octo_core.schema import Frozen

Verdict = Literal["approve", "reject"]
Seal = Literal["sha256", "hmac-sha256"]

GENESIS = "0" * 64
"""What the first decision of a chain names as the hash before it."""


class Decision(Frozen):
    """One row of the chain. Nothing in it ever changes; a later decision about the same fingerprint overrules it."""

    seq: int
    """Its place in the chain, from 1, without gaps."""
    pipeline: str
    fingerprint: str
    decision: Verdict
    reviewer: str
    reason: str | None = None
    via: str
    """How it came: `cli`, `dagster`, `api`, `import`, or `drift` (withdrawn by Octopipe itself)."""
    at: datetime
    """UTC, microseconds."""
    recipe_hash: str
    """sha256 of the recipe's stored text: what exactly was approved."""
    origin: str | None = None
    """For an imported decision: the original, as canonical JSON, and who carried it over."""
    prev_hash: str = GENESIS
    seal: Seal = "sha256"
    hash: str = ""


class Head(Frozen):
    """Where the chain ends: a chain that was cut at its end no longer reaches it."""

    seq: int = 0
    hash: str = GENESIS
    seal: str = ""


class Keys:
    """The keys that seal decisions. The first seals; any verifies, so that a key can be changed for another."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(key.encode() for key in keys if key)

    @classmethod
    def read(cls, text: str | None) -> "Keys":
        """Keys from a setting: `new,old,…`; none where it is empty."""
        return cls([part.strip() for part in (text or "").split(",")])

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"Keys({len(self._keys)})"

    @property
    def seal(self) -> Seal:
        return "hmac-sha256" if self._keys else "sha256"

    def sign(self, text: str) -> str:
        """The seal's hex digits over `text`, by the first key, or a bare sha256 where there is none."""
        if self._keys:
            return hmac.new(self._keys[0], text.encode(), hashlib.sha256).hexdigest()
        return hashlib.sha256(text.encode()).hexdigest()

    def verifies(self, text: str, digest: str, seal: str) -> bool:
        """Whether `digest` seals `text`. A keyed seal needs one of the keys."""
        if seal == "sha256":
            return hmac.compare_digest(hashlib.sha256(text.encode()).hexdigest(), digest)
        if seal != "hmac-sha256":
            return False
        return any(
            hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), digest) for key in self._keys
        )


def decision_text(decision: Decision) -> str:
    """What a decision's hash is taken of: everything but the hash itself."""
    values: dict[str, Any] = decision.model_dump(exclude={"hash"})
    values["at"] = decision.at.isoformat(timespec="microseconds")
    return "decision " + canonical_json(values)


def head_text(seq: int, digest: str) -> str:
    """What the head's seal is taken of."""
    return f"head {seq} {digest}"


def sealed(decision: Decision, keys: Keys) -> Decision:
    """The decision with its seal and hash."""
    open_one = decision.model_copy(update={"seal": keys.seal, "hash": ""})
    return open_one.model_copy(update={"hash": keys.sign(decision_text(open_one))})


def head_of(decision: Decision, keys: Keys) -> Head:
    """The head after `decision` was appended."""
    return Head(seq=decision.seq, hash=decision.hash, seal=keys.sign(head_text(decision.seq, decision.hash)))


def verify_chain(decisions: Iterable[Decision], head: Head | None, keys: Keys) -> None:
    """Go through the whole chain, oldest first. RegistryError names the first row that is not as it was written."""
    previous, keyed, seq = GENESIS, False, 0
    for decision in decisions:
        seq += 1
        if decision.seq != seq:
            raise _altered(f"decision {seq} is missing (decision {decision.seq} stands in its place)")
        if decision.prev_hash != previous:
            raise _altered(f"decision {seq} does not follow decision {seq - 1}: one of them was put in or changed")
        if decision.seal == "hmac-sha256":
            _need_key(keys, seq)
            keyed = True
        elif keyed:
            raise _altered(f"decision {seq} is sealed without the key, after decisions that are sealed with it")
        if not keys.verifies(decision_text(decision), decision.hash, decision.seal):
            raise _altered(f"decision {seq} (about {decision.pipeline}) is not as it was written")
        previous = decision.hash
    _verify_end(seq, previous, head, keys, keyed=keyed)


def _verify_end(seq: int, last: str, head: Head | None, keys: Keys, *, keyed: bool) -> None:
    if head is None:
        raise _altered("the record of where the decisions end is missing")
    if head.seq > seq:
        raise _altered(f"decision {seq + 1} is missing: the decisions end at {seq}, but {head.seq} were made")
    if (head.seq, head.hash) != (seq, last):
        raise _altered(f"decision {seq} does not match the record of where the decisions end")
    if seq and not keys.verifies(head_text(seq, last), head.seal, "hmac-sha256" if keyed else "sha256"):
        raise _altered("the record of where the decisions end is not as it was written")


def _need_key(keys: Keys, seq: int) -> None:
    if not keys:
        raise RegistryError(
            f"decision {seq} is sealed with a key, and none is configured here",
            hint="Set OCTOPIPE_APPROVAL_KEY to the key that the approvals were made with.",
        )


def _altered(what: str) -> RegistryError:
    return RegistryError(
        f"The registry's decisions were altered: {what}",
        hint="Nothing is loaded on their word. Restore the registry from a backup, or see docs/approvals.md.",
    )


def newest(decisions: Iterable[Decision], pipeline: str, fingerprint: str) -> Decision | None:
    """The decision that holds for this pipeline's plan, or None; decisions come oldest first."""
    found = None
    for decision in decisions:
        if decision.pipeline == pipeline and decision.fingerprint == fingerprint:
            found = decision
    return found
