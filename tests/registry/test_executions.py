"""Executions: started once, ended once, with the closure of parents and children right at every moment."""

from datetime import timedelta

import pytest

from octo_core.errors import NotApproved, RegistryError
from octo_core.ledger import LoadResult, TableLedger
from octo_resources.registry import Registry

from .conftest import NOON

LATER = NOON + timedelta(seconds=10)
RESULT = LoadResult(
    pipeline="flights",
    load_id="l1",
    batches=("b1", "b2"),
    fingerprint="f" * 64,
    status="loaded",
    tables={
        "public.flight": TableLedger(read=100, inserted=90, updated=5, unchanged=5, soft_deleted=2),
        "public.airport": TableLedger(read=20, inserted=20),
    },
)


def test_a_load_is_counted_as_the_watcher_counts(registry: Registry) -> None:
    registry.executions.start("flights", "l1", at=NOON, next_watermark="2013")
    ended = registry.executions.end("l1", "loaded", result=RESULT, at=LATER)
    assert (ended.total_rows, ended.inserts, ended.updates, ended.soft_deletes) == (120, 110, 5, 2)
    assert (ended.status, ended.seconds, ended.batches, ended.result) == ("loaded", 10.0, ("b1", "b2"), RESULT)
    assert registry.executions.watermark("flights") == "2013"


def test_starting_twice_is_one_execution_and_the_first_end_stays(registry: Registry) -> None:
    first = registry.executions.start("flights", "l1", at=NOON)
    assert registry.executions.start("flights", "l1", at=LATER) == first
    registry.executions.end("l1", "loaded", at=LATER)
    assert registry.executions.end("l1", "failed", at=LATER).status == "loaded"
    assert len(registry.executions.recent("flights")) == 1


def test_a_failure_moves_no_watermark_and_a_success_without_one_keeps_it(registry: Registry) -> None:
    for load, status, mark in (("l1", "loaded", "2013"), ("l2", "failed", "2014"), ("l3", "loaded", None)):
        registry.executions.start("flights", load, next_watermark=mark)
        registry.executions.end(load, status)  # type: ignore[arg-type]  # statuses of the table above
    assert registry.executions.watermark("flights") == "2013"


def test_the_closure_holds_every_ancestor_with_its_depth(registry: Registry) -> None:
    registry.executions.start("nightly", "root")
    registry.executions.start("flights", "child", parent_load_id="root")
    registry.executions.start("flights", "leaf", parent_load_id="child")
    registry.executions.start("carriers", "other", parent_load_id="root")
    ids = {one.load_id: one.id for one in registry.executions.recent()}
    tree = {(row.child, row.depth) for row in registry.executions.tree("root")}
    assert tree == {(ids["root"], 0), (ids["child"], 1), (ids["other"], 1), (ids["leaf"], 2)}
    assert [row.depth for row in registry.executions.tree("leaf")] == [0]
    with pytest.raises(RegistryError, match="no execution nobody"):
        registry.executions.start("flights", "orphan", parent_load_id="nobody")


def test_what_goes_wrong_within_a_load_is_noted_without_secrets_and_goes_on(registry: Registry) -> None:
    with pytest.raises(OSError, match="refused"), registry.executions.running("flights", "l1"):
        raise OSError("refused by postgresql://u:hidden@h/d")
    failed = registry.executions.get("l1")
    assert failed is not None
    assert failed.status == "failed"
    assert "refused" in str(failed.error)
    assert "hidden" not in str(failed.error)
    with pytest.raises(NotApproved), registry.executions.running("flights", "l2"):
        raise NotApproved("no", fingerprint="f")
    with registry.executions.running("flights", "l3", batches=["b"]) as running:
        running.end(RESULT)
    with pytest.raises(KeyboardInterrupt), registry.executions.running("flights", "l4"):
        raise KeyboardInterrupt
    statuses = {one.load_id: one.status for one in registry.executions.recent("flights")}
    assert statuses == {"l1": "failed", "l2": "waiting_for_approval", "l3": "loaded", "l4": "aborted"}


def test_each_pipelines_newest_is_found_in_one_question(registry: Registry) -> None:
    for number, pipeline in enumerate(["flights", "carriers", "flights"]):
        registry.executions.start(pipeline, f"l{number}", at=NOON + timedelta(seconds=number))
    assert {name: one.load_id for name, one in registry.executions.newest_of_all().items()} == {
        "flights": "l2",
        "carriers": "l1",
    }
    assert [one.load_id for one in registry.executions.find("flights", "l")] == ["l2", "l0"]
    assert registry.executions.find("flights", "%") == ()


def test_cleaning_forgets_what_ended_long_ago_and_nothing_that_runs_or_is_above_it(registry: Registry) -> None:
    registry.executions.start("flights", "old", at=NOON)
    registry.executions.end("old", "loaded", at=NOON)
    registry.executions.start("flights", "parent", at=NOON)
    registry.executions.start("flights", "running", parent_load_id="parent", at=NOON)
    registry.executions.end("parent", "loaded", at=NOON)
    registry.executions.start("flights", "new", at=LATER)
    registry.executions.end("new", "loaded", at=LATER)
    assert registry.executions.clean(LATER, dry_run=True) == ("old",)
    assert registry.executions.clean(LATER, pipeline="carriers") == ()
    assert registry.executions.clean(LATER) == ("old",)
    assert {one.load_id for one in registry.executions.recent()} == {"parent", "running", "new"}
    registry.executions.end("running", "failed", at=NOON)
    assert set(registry.executions.clean(LATER)) == {"parent", "running"}
