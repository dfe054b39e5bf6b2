"""Approvals carried to another environment: sealed on the way, judged by the policies there, the newest holds."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from octo_core.errors import NotApproved, RegistryError, UsageError
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry import Registry

from .conftest import NOON, recipe, save

ANY = ApprovalPolicy()


@pytest.fixture
def there(tmp_path: Path, registry_file: Path) -> Iterator[Registry]:
    """Another environment's registry."""
    (tmp_path / "there").mkdir()
    shutil.copy(registry_file, tmp_path / "there")
    registry = Registry.open("sqlite", tmp_path / "there")
    yield registry
    registry.close()


def decide(registry: Registry, verdict: str, hours: int = 0, made: str = "upper(origin)") -> str:
    wanted = save(registry, recipe(expr=made))
    at = NOON + timedelta(hours=hours)
    if verdict == "approve":
        registry.approve("flights", wanted, reviewer="ana", policy=ANY, current_fingerprint=wanted, at=at)
    else:
        registry.reject("flights", wanted, reviewer="bob", policy=ANY, at=at)
    return wanted


def test_an_approval_counts_where_it_was_carried_to_and_says_where_from(registry: Registry, there: Registry) -> None:
    wanted = decide(registry, "approve")
    carried = there.import_approvals(registry.export_approvals(), reviewer="otto")
    assert len(carried) == 1
    made = there.require_approved("flights", wanted)
    assert (made.reviewer, made.via) == ("ana", "import")
    origin = json.loads(made.origin or "")
    assert origin["imported_by"] == "otto"
    assert origin["decision"]["hash"] == registry.decisions.all()[0].hash
    again = there.import_approvals(registry.export_approvals(), reviewer="otto")
    assert (len(again), again.skipped) == (0, (f"flights {wanted[:8]}: is here already",))


def test_a_revocation_follows_and_an_older_approval_does_not_undo_it(registry: Registry, there: Registry) -> None:
    wanted = decide(registry, "approve")
    approved = registry.export_approvals()
    there.import_approvals(approved, reviewer="otto")
    decide(registry, "reject", hours=1)
    there.import_approvals(registry.export_approvals("flights"), reviewer="otto")
    with pytest.raises(NotApproved, match="bob rejected it"):
        there.require_approved("flights", wanted)
    third = Registry.open("sqlite", Path(str(there.database.url.database)).parent / "third")
    third.import_approvals(there.export_approvals(), reviewer="otto")  # the rejection, carried twice
    late = third.import_approvals(approved, reviewer="otto")
    assert "a newer decision is here (reject by bob)" in late.skipped[0]


def test_this_environments_policy_judges_what_comes_in(registry: Registry, there: Registry) -> None:
    wanted = decide(registry, "approve")
    policies = {"flights": ApprovalPolicy(reviewers=("carla",))}
    carried = there.import_approvals(registry.export_approvals(), reviewer="otto", policies=policies)
    assert carried.skipped == (f"flights {wanted[:8]}: ana is not one of its reviewers",)
    with pytest.raises(NotApproved):
        there.require_approved("flights", wanted)


@pytest.mark.parametrize(("old", "new"), [("ana", "eve"), ("upper(origin)", "lower(origin)"), ("approve", "reject")])
def test_an_altered_export_is_refused(registry: Registry, there: Registry, old: str, new: str) -> None:
    decide(registry, "approve")
    with pytest.raises(RegistryError, match="altered since it was written"):
        there.import_approvals(registry.export_approvals().replace(old, new), reviewer="otto")
    assert there.decisions.all() == ()


def test_with_keys_both_sides_need_the_same_one(tmp_path: Path) -> None:
    def at(name: str, key: str | None) -> Registry:
        return Registry.open("sqlite", tmp_path / name, approval_key=key)

    decide(at("keyed", "k"), "approve")
    decide(at("plain", None), "approve")
    keyed, plain = at("keyed", "k").export_approvals(), at("plain", None).export_approvals()
    assert len(at("same", "k").import_approvals(keyed, reviewer="otto")) == 1
    with pytest.raises(RegistryError, match="sealed with another key"):
        at("other", "k2").import_approvals(keyed, reviewer="otto")
    with pytest.raises(RegistryError, match="none is configured here"):
        at("none", None).import_approvals(keyed, reviewer="otto")
    with pytest.raises(RegistryError, match="not sealed with a key"):
        at("same", "k").import_approvals(plain, reviewer="otto")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another"}', "no json"])
def test_what_is_no_export_is_refused(there: Registry, text: str) -> None:
    with pytest.raises(UsageError, match="no export of approvals"):
        there.import_approvals(text, reviewer="otto")


def test_an_import_needs_somebody_who_answers_for_it(registry: Registry, there: Registry) -> None:
    decide(registry, "approve")
    with pytest.raises(UsageError, match="answers for it"):
        there.import_approvals(registry.export_approvals(), reviewer=" ")
