"""What the registry keeps: versions of documents, corrections, plans with their rows, steps, switches and logs."""

from datetime import timedelta

import pytest

from octo_core.catalog import Catalog
from octo_core.mapping.model import Correction
from octo_core.plan.fingerprint import fingerprint
from octo_core.schema import Field, SourceSchema
from octo_core.types import INT32, INT64
from octo_resources.registry import Registry

from .conftest import NOON, plan, recipe, save

DAY = timedelta(days=1)


def test_a_schema_is_a_new_version_only_when_it_changed(registry: Registry) -> None:
    narrow = SourceSchema(source="flights", fields=(Field(name="id", type=INT32),))
    wide = SourceSchema(source="flights", fields=(Field(name="id", type=INT64),))
    numbers = [
        registry.schemas.save("flights", schema, part="flights", inputs="b1", at=NOON)
        for schema in (narrow, narrow, wide)
    ]
    assert numbers == [1, 1, 2]
    assert registry.schemas.newest("flights", "flights") == wide
    assert registry.schemas.newest("flights", "other") is None
    assert [version.value for version in registry.schemas.history("flights", "flights")] == [wide, narrow]


def test_the_same_value_of_other_inputs_is_a_new_version(registry: Registry) -> None:
    pulled = Catalog(dialect="postgresql", version="18", tables={})
    assert registry.catalogs.save("flights", pulled, inputs="labels 1") == 1
    assert registry.catalogs.save("flights", pulled, inputs="labels 2") == 2
    newest = registry.catalogs.newest_version("flights")
    assert newest is not None
    assert newest.inputs == "labels 2"


def test_old_versions_go_and_the_newest_stays(registry: Registry) -> None:
    for number in range(3):
        pulled = Catalog(dialect="postgresql", version=str(number), tables={})
        registry.catalogs.save("flights", pulled, at=NOON + number * DAY)
    assert registry.catalogs.clean(NOON + 9 * DAY, dry_run=True) == 2
    assert registry.catalogs.clean(NOON + 9 * DAY) == 2
    assert [version.value.version for version in registry.catalogs.history("flights")] == ["2"]


def test_the_newest_correction_of_a_column_holds(registry: Registry) -> None:
    def correct(column: str, expr: str | None) -> Correction:
        return Correction(table="public.flight", column=column, expr=expr, reviewer="ana", made_at=NOON)

    made = [correct("note", "a"), correct("origin", "b"), correct("note", None)]
    for one in made:
        registry.corrections.add("flights", one)
    assert registry.corrections.history("flights") == tuple(made)
    assert registry.corrections.holding("flights") == (made[2], made[1])
    assert registry.corrections.holding("carriers") == ()


def test_the_plan_saved_last_is_the_newest_also_when_it_was_there_before(registry: Registry) -> None:
    first, second = recipe(), recipe(expr="lower(origin)")
    for one in (first, second, first):
        registry.plans.save(plan(one), one, inputs="i")
    newest = registry.plans.newest("flights")
    assert newest is not None
    assert newest.recipe == first
    assert newest.plan == plan(first)
    assert newest.inputs == "i"
    assert set(registry.plans.fingerprints("flights")) == {fingerprint(first), fingerprint(second)}


def test_retention_takes_the_rows_out_of_old_plans_and_leaves_the_rest(registry: Registry) -> None:
    wanted = save(registry, recipe())
    assert registry.plans.clean(NOON) == 0
    assert registry.plans.clean(NOON + DAY) == 1
    kept = registry.plans.get("flights", wanted)
    assert kept is not None
    assert not kept.holds_rows
    assert kept.plan.tables["public.flight"].sample == ()
    assert kept.plan.tables["public.flight"].key == ("id",)
    assert registry.plans.clean(NOON + DAY) == 0


def test_a_step_keeps_when_it_began(registry: Registry) -> None:
    registry.steps.put("flights", "raw", "running", part="flights", log_path="raw.log", at=NOON)
    registry.steps.put("flights", "raw", "failed", part="flights", message="404", at=NOON + DAY)
    registry.steps.put("flights", "load", "waiting", at=NOON)
    raw = next(one for one in registry.steps.of("flights") if one.step == "raw")
    assert (raw.state, raw.started, raw.ended, raw.message) == ("failed", NOON, NOON + DAY, "404")
    assert raw.log_path == "raw.log"
    assert len(registry.steps.of("flights")) == 2


def test_a_pipeline_is_off_until_it_is_started_and_a_pause_ends_by_itself(registry: Registry) -> None:
    assert registry.controls.of("flights").state == "stopped"
    assert registry.controls.switch("flights", "started", by="ana", at=NOON).state == "started"
    registry.controls.switch("flights", "paused", until=NOON + DAY, at=NOON)
    assert registry.controls.of("flights", NOON).state == "paused"
    assert registry.controls.of("flights", NOON + DAY).state == "started"
    registry.controls.switch("weather", "paused", until=NOON + DAY, at=NOON)
    registry.controls.switch("weather", "paused", until=NOON + 2 * DAY, at=NOON)
    assert registry.controls.of("weather", NOON + 2 * DAY).state == "stopped"  # nobody ever started it
    with pytest.raises(ValueError, match="only a pause has an end"):
        registry.controls.switch("flights", "stopped", until=NOON)


def test_a_stop_in_a_pause_ends_no_pause(registry: Registry) -> None:
    controls = registry.controls
    controls.switch("flights", "started", at=NOON - DAY)
    controls.switch("flights", "paused", until=NOON + DAY, at=NOON)
    stopped = controls.stop("flights", by="ana", at=NOON)
    assert (stopped.state, stopped.until, stopped.changed_by) == ("paused", NOON + DAY, "ana")
    assert controls.of("flights", NOON + DAY).state == "stopped"
    assert controls.stop("flights", at=NOON + 2 * DAY).state == "stopped"


def test_an_abort_reaches_the_load_that_runs_and_not_the_next(registry: Registry) -> None:
    registry.controls.switch("flights", "started")
    registry.controls.ask_to_abort("flights", at=NOON)
    assert registry.controls.abort_asked("flights", "l1", NOON - DAY)
    assert not registry.controls.abort_asked("flights", "l2", NOON + DAY)
    registry.controls.ask_to_abort("flights", "l3", at=NOON)
    assert registry.controls.abort_asked("flights", "l3", NOON)
    assert not registry.controls.abort_asked("flights", "l1", NOON - DAY)
    registry.controls.abort_done("flights")
    assert not registry.controls.abort_asked("flights", "l3", NOON)
    assert registry.controls.of("flights").state == "started"


def test_logs_are_found_by_load_and_forgotten_by_age(registry: Registry) -> None:
    registry.logs.add("flights", "a.log", load_id="l1", at=NOON)
    registry.logs.add("flights", "b.log", load_id="l2", step="load", at=NOON + DAY)
    assert [one.path for one in registry.logs.of("flights")] == ["b.log", "a.log"]
    assert [one.path for one in registry.logs.of("flights", "l1")] == ["a.log"]
    assert registry.logs.clean(NOON + DAY) == ("a.log",)
    assert [one.path for one in registry.logs.of("flights")] == ["b.log"]
