"""The gate: only an approval of exactly this plan of this pipeline, not revoked since, lets a load through."""

from collections.abc import Callable

import pytest

from octo_core.errors import NotApproved, UsageError
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry import Registry

from .conftest import NOON, plan, recipe, save

ANY = ApprovalPolicy()


def approve(registry: Registry, fingerprint: str, pipeline: str = "flights", **more: object) -> None:
    given = {"reviewer": "ana", "policy": ANY, "current_fingerprint": fingerprint, "at": NOON} | more
    registry.approve(pipeline, fingerprint[:8], **given)  # type: ignore[arg-type]  # a test's own keywords


def test_a_plan_that_nobody_approved_is_refused_with_the_way_to_approve_it(registry: Registry) -> None:
    wanted = save(registry, recipe())
    with pytest.raises(NotApproved) as refused:
        registry.require_approved("flights", wanted)
    assert refused.value.message == f"Cannot load flights: its plan {wanted[:8]} is not approved."
    assert f"octopipe approve flights --fingerprint {wanted[:8]}" in str(refused.value)
    assert refused.value.fingerprint == wanted
    assert registry.plan_state("flights", wanted) == "pending"


def test_an_approved_plan_passes_and_another_plan_says_what_changed_since(registry: Registry) -> None:
    first = save(registry, recipe())
    approve(registry, first)
    assert registry.require_approved("flights", first).reviewer == "ana"
    second = save(registry, recipe(family="integer"))
    with pytest.raises(NotApproved) as refused:
        registry.require_approved("flights", second)
    assert f"Since {first[:8]} (approved by ana " in refused.value.message
    assert "source field origin changed from text to integer." in refused.value.message
    assert "octopipe plan flights --diff" in str(refused.value.hint)


def test_approvals_of_another_pipeline_are_worth_nothing(registry: Registry) -> None:
    theirs = save(registry, recipe("carriers"))
    approve(registry, theirs, "carriers")
    with pytest.raises(NotApproved):
        registry.require_approved("flights", theirs)


def test_a_rejection_revokes_and_an_approval_after_it_holds_again(registry: Registry) -> None:
    wanted = save(registry, recipe())
    approve(registry, wanted)
    ruling = registry.reject("flights", wanted[:8], reviewer="bob", policy=ANY, reason="wrong unit")
    assert ruling.message.startswith("bob revoked the approval")
    with pytest.raises(NotApproved, match=r"bob rejected it .*: wrong unit"):
        registry.require_approved("flights", wanted)
    assert registry.plan_state("flights", wanted) == "revoked"
    approve(registry, wanted)
    assert registry.require_approved("flights", wanted).seq == 3


def test_drift_withdraws_an_approval_until_somebody_gives_it_again(registry: Registry) -> None:
    wanted = save(registry, recipe())
    policy = ApprovalPolicy(reviewers=("ana",), via="api")
    approve(registry, wanted, policy=policy, via="api")
    ruling = registry.withdraw("flights", wanted, "new field gate")
    assert (ruling.decision.reviewer, ruling.decision.via) == ("octopipe", "drift")
    with pytest.raises(NotApproved, match="octopipe rejected it today: new field gate"):
        registry.require_approved("flights", wanted)
    assert not registry.approve(
        "flights", wanted, reviewer="ana", policy=policy, via="api", current_fingerprint=wanted
    ).already
    assert registry.plan_state("flights", wanted) == "approved"


def test_deciding_the_same_again_adds_nothing(registry: Registry) -> None:
    wanted = save(registry, recipe())
    approve(registry, wanted)
    again = registry.approve("flights", wanted, reviewer="eve", policy=ANY, current_fingerprint=wanted)
    assert again.already
    assert "approved already, by ana" in again.message
    assert len(registry.decisions.all()) == 1


def test_a_stale_fingerprint_is_refused_with_what_changed(registry: Registry) -> None:
    read, now = save(registry, recipe()), save(registry, recipe(expr="lower(origin)"))
    with pytest.raises(UsageError) as refused:
        registry.approve("flights", read[:8], reviewer="ana", policy=ANY, current_fingerprint=now)
    assert f"Plan {read[:8]} of flights is not the current one; it is {now[:8]} now" in refused.value.message
    assert "public.flight.origin changed from upper(origin) to lower(origin)" in refused.value.message
    assert registry.decisions.all() == ()


@pytest.mark.parametrize("prefix", ["", "3f2a", "zzzzzzzz", "3f2a91c4 or 1", "%", "a" * 65])
def test_what_is_no_fingerprint_is_refused(registry: Registry, prefix: str) -> None:
    now = save(registry, recipe())
    with pytest.raises(UsageError, match="is no fingerprint"):
        registry.approve("flights", prefix, reviewer="ana", policy=ANY, current_fingerprint=now)


def test_an_unknown_fingerprint_names_the_current_one(registry: Registry) -> None:
    now = save(registry, recipe())
    wrong = "0" * 8 if not now.startswith("0" * 8) else "1" * 8
    with pytest.raises(UsageError, match=f"never had a plan {wrong}; its plan is {now[:8]}"):
        registry.approve("flights", wrong, reviewer="ana", policy=ANY, current_fingerprint=now)


def test_a_prefix_of_two_plans_is_refused(registry: Registry) -> None:
    now = save(registry, recipe())
    twin = now[:8] + ("0" if now[8] != "0" else "1") * 56
    with pytest.raises(UsageError, match="names 2 plans"):
        registry.approve("flights", now[:8], reviewer="ana", policy=ANY, current_fingerprint=twin)


@pytest.mark.parametrize(
    ("policy", "more", "why"),
    [
        (ApprovalPolicy(reviewers=("bob",)), {}, "ana is not one of its reviewers"),
        (ANY, {"reviewer": "ana\x1b[31m\nbob"}, "a name or an address on one line"),
        (ApprovalPolicy(not_author=True), {"author": "ANA"}, "ana wrote this plan"),
        (ApprovalPolicy(not_author=True), {"author": None}, "nobody knows who wrote this plan"),
        (ApprovalPolicy(via="api"), {"via": "cli"}, "through the API only"),
        (ANY, {"reviewer": "  "}, "needs a reviewer"),
    ],
)
def test_a_policy_refuses(registry: Registry, policy: ApprovalPolicy, more: dict[str, object], why: str) -> None:
    wanted = save(registry, recipe())
    with pytest.raises(UsageError, match=why):
        approve(registry, wanted, policy=policy, **more)
    assert registry.decisions.all() == ()


def test_a_policy_that_is_kept_lets_through(registry: Registry) -> None:
    wanted = save(registry, recipe())
    policy = ApprovalPolicy(reviewers=("Ana@airline.example",), not_author=True, via="api")
    approve(registry, wanted, policy=policy, reviewer="ana@airline.example", author="bob", via="api")
    assert registry.require_approved("flights", wanted).via == "api"


def test_with_a_key_only_what_was_sealed_with_it_counts(open_registry: Callable[..., Registry]) -> None:
    before = open_registry()
    wanted = save(before, recipe())
    approve(before, wanted)
    keyed = open_registry("k1")
    with pytest.raises(NotApproved, match="approved before a key was configured"):
        keyed.require_approved("flights", wanted)
    assert keyed.plan_state("flights", wanted) == "pending"
    approve(keyed, wanted)
    assert keyed.require_approved("flights", wanted).seal == "hmac-sha256"
    assert open_registry("k2,k1").require_approved("flights", wanted).seq == 2  # a key that was changed for another


def test_a_plan_is_kept_only_with_its_own_recipe(registry: Registry) -> None:
    with pytest.raises(ValueError, match="does not have its recipe's fingerprint"):
        registry.plans.save(plan(recipe()), recipe(expr="lower(origin)"))
