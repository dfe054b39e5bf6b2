"""Decisions that somebody changed behind the registry's back are noticed, with the row named, and nothing passes."""

import hashlib
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from octo_core.approvals import Decision, decision_text, head_text
from octo_core.errors import NotApproved, RegistryError, UsageError
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry import Registry

from .conftest import NOON, recipe, save

ANY = ApprovalPolicy()
EXPRESSIONS = ("upper(origin)", "lower(origin)", "trim(origin)")


def run(registry: Registry, sql: str, **values: object) -> None:
    """As somebody with the database's password would."""
    with registry.database.write() as connection:
        connection.execute(sa.text(sql), values)


def three_decisions(registry: Registry) -> list[str]:
    """Approve, reject, approve: three plans of flights."""
    prints = [save(registry, recipe(expr=expr)) for expr in EXPRESSIONS]
    registry.approve("flights", prints[0], reviewer="ana", policy=ANY, current_fingerprint=prints[0], at=NOON)
    registry.reject("flights", prints[1], reviewer="bob", policy=ANY, at=NOON)
    registry.approve("flights", prints[2], reviewer="ana", policy=ANY, current_fingerprint=prints[2], at=NOON)
    return prints


EDITS = {
    "another verdict": (
        "UPDATE decision SET decision = 'approve' WHERE seq = 2",
        "decision 2 .* not as it was written",
    ),
    "another plan": (
        "UPDATE decision SET fingerprint = (SELECT d.fingerprint FROM decision d WHERE d.seq = 3) WHERE seq = 1",
        "decision 1 .* not as it was written",
    ),
    "another pipeline": ("UPDATE decision SET pipeline = 'carriers' WHERE seq = 1", "decision 1 .* not as it was"),
    "another reviewer": ("UPDATE decision SET reviewer = 'eve' WHERE seq = 3", "decision 3 .* not as it was written"),
    "another time": ("UPDATE decision SET at = '2020-01-01 00:00:00' WHERE seq = 2", "decision 2 .* not as it was"),
    "another recipe": ("UPDATE decision SET recipe_hash = 'x' WHERE seq = 2", "decision 2 .* not as it was written"),
    "no such verdict": ("UPDATE decision SET decision = 'maybe' WHERE seq = 1", "were altered"),
    "first removed": ("DELETE FROM decision WHERE seq = 1", "decision 1 is missing"),
    "middle removed": ("DELETE FROM decision WHERE seq = 2", "decision 2 is missing"),
    "last removed": ("DELETE FROM decision WHERE seq = 3", "decision 3 is missing: the decisions end at 2, but 3"),
    "all removed": ("DELETE FROM decision", "decision 1 is missing"),
    "end forgotten": ("DELETE FROM decision_head", "the record of where the decisions end is missing"),
    "end moved": ("UPDATE decision_head SET seq = 2", "decision 3 does not match the record"),
    "end without its seal": ("UPDATE decision_head SET seal = ''", "where the decisions end is not as it was written"),
}


@pytest.mark.parametrize(("edit", "said"), EDITS.values(), ids=EDITS.keys())
def test_an_edit_is_noticed_and_closes_the_gate(registry: Registry, edit: str, said: str) -> None:
    first, _, _ = three_decisions(registry)
    run(registry, edit)
    with pytest.raises(RegistryError, match=said):
        registry.require_approved("flights", first)
    with pytest.raises(RegistryError, match=said):
        registry.reject("flights", first, reviewer="ana", policy=ANY)


def test_removed_and_renumbered_rows_are_noticed(registry: Registry) -> None:
    first, _, _ = three_decisions(registry)
    run(registry, "DELETE FROM decision WHERE seq = 2")
    run(registry, "UPDATE decision SET seq = 2 WHERE seq = 3")
    with pytest.raises(RegistryError, match="decision 2 does not follow decision 1"):
        registry.require_approved("flights", first)


def test_swapped_rows_are_noticed(registry: Registry) -> None:
    first, _, _ = three_decisions(registry)
    run(registry, "UPDATE decision SET seq = 9 WHERE seq = 1")
    run(registry, "UPDATE decision SET seq = 1 WHERE seq = 2")
    run(registry, "UPDATE decision SET seq = 2 WHERE seq = 9")
    with pytest.raises(RegistryError, match="decision 1 does not follow"):
        registry.require_approved("flights", first)


def test_a_row_put_back_in_its_place_with_other_words_is_noticed(registry: Registry) -> None:
    three_decisions(registry)
    old = registry.decisions.all()[1]
    run(registry, "DELETE FROM decision WHERE seq = 2")
    changed = old.model_copy(update={"decision": "approve"})
    with registry.database.write() as connection:
        from octo_resources.registry.tables import decision

        connection.execute(sa.insert(decision).values(changed.model_dump()))
    with pytest.raises(RegistryError, match=r"decision 2 .* not as it was written"):
        registry.require_approved("flights", old.fingerprint)


def forge(registry: Registry, fingerprint: str) -> None:
    """Append a row as somebody would who read the source, has the database, and has no key."""
    from octo_resources.registry.tables import decision, decision_head

    with registry.database.write() as connection:
        last = connection.execute(sa.select(decision).order_by(decision.c.seq.desc()).limit(1)).one()
        made = Decision(
            seq=last.seq + 1,
            pipeline="flights",
            fingerprint=fingerprint,
            decision="approve",
            reviewer="ana",
            via="cli",
            at=NOON,
            recipe_hash=last.recipe_hash,
            prev_hash=last.hash,
        )
        digest = hashlib.sha256(decision_text(made).encode()).hexdigest()
        connection.execute(sa.insert(decision).values(made.model_copy(update={"hash": digest}).model_dump()))
        end = hashlib.sha256(head_text(made.seq, digest).encode()).hexdigest()
        connection.execute(sa.update(decision_head).values(seq=made.seq, hash=digest, seal=end))


def test_a_row_forged_without_the_key_is_noticed(open_registry: Callable[..., Registry]) -> None:
    registry = open_registry("the key")
    first, _, _ = three_decisions(registry)
    forge(registry, save(registry, recipe(expr="origin")))
    with pytest.raises(RegistryError, match="decision 4 is sealed without the key"):
        registry.require_approved("flights", first)


def test_a_whole_chain_forged_without_the_key_approves_nothing(open_registry: Callable[..., Registry]) -> None:
    keyed = open_registry("the key")
    three_decisions(keyed)
    run(keyed, "DELETE FROM decision")
    run(keyed, "UPDATE decision_head SET seq = 0, hash = :zero, seal = ''", zero="0" * 64)
    forged = open_registry()
    prints = three_decisions(forged)
    with pytest.raises(NotApproved):
        keyed.require_approved("flights", prints[0])


def test_the_wrong_key_and_no_key_verify_nothing(open_registry: Callable[..., Registry]) -> None:
    first, _, _ = three_decisions(open_registry("the key"))
    with pytest.raises(RegistryError, match=r"decision 1 .* not as it was written"):
        open_registry("another").require_approved("flights", first)
    with pytest.raises(RegistryError, match="sealed with a key, and none is configured here"):
        open_registry().require_approved("flights", first)


def test_an_edited_recipe_is_noticed(registry: Registry) -> None:
    first, _, _ = three_decisions(registry)
    run(registry, "UPDATE recipe SET body = replace(body, 'upper(origin)', 'lower(origin)')")
    with pytest.raises(RegistryError, match=r"recipe of flights's plan .* was altered"):
        registry.require_approved("flights", first)


def test_a_removed_recipe_is_noticed(registry: Registry) -> None:
    first, _, _ = three_decisions(registry)
    run(registry, "DELETE FROM recipe")
    with pytest.raises(RegistryError, match="that decision 1 approved is not in the registry"):
        registry.require_approved("flights", first)


def test_nobody_decides_about_a_plan_that_was_never_made(registry: Registry) -> None:
    with pytest.raises(UsageError, match="flights has no plan"):
        registry.approve("flights", "a" * 64, reviewer="ana", policy=ANY, current_fingerprint="a" * 64)


def test_reviewers_at_the_same_moment_make_one_chain(open_registry: Callable[..., Registry]) -> None:
    prints = [save(open_registry(), recipe(expr=f"substring(origin, {number})")) for number in range(1, 9)]
    gate, problems = threading.Barrier(len(prints)), []

    def decide(registry: Registry, wanted: str) -> None:
        gate.wait()
        try:
            registry.approve("flights", wanted, reviewer="ana", policy=ANY, current_fingerprint=wanted)
        except Exception as problem:  # noqa: BLE001  # shown by the assertion below
            problems.append(problem)

    threads = [threading.Thread(target=decide, args=(open_registry(), wanted)) for wanted in prints]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    made = open_registry().decisions.all()
    assert [one.seq for one in made] == list(range(1, 9))
    assert {one.fingerprint for one in made} == set(prints)
