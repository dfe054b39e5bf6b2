"""What runs by itself: tables after an approval or new data, and schedules."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import AUTOMATION_CONDITION_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster._utils.schedules import schedule_execution_time_iterator

from octo_assets.pauses import load_after_pause
from octo_assets.report import cancel_queued, report_decision, report_plan, switch_schedule
from octo_assets.schedules import pipeline_schedule
from octo_resources.dagster import instance_of, project_resources
from octo_resources.flow import correct, due_pipelines, next_run, prepare, take_tick
from tests.dagster.conftest import Shop

# Dagster's own evaluation of conditions calls what it calls beta.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`")
TABLE = dg.AssetKey(["shops", "public", "shop"])
RAW = dg.AssetKey(["shops", "raw", "shops"])
DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"


def requested(shop: Shop, cursor: object = None) -> tuple[int, object]:
    """How many tables the automation sensor would load now, and its cursor."""
    found = dg.evaluate_automation_conditions(defs=shop.defs, instance=shop.instance, cursor=cursor)  # type: ignore[arg-type]  # its type is private
    return found.get_num_requested(TABLE), found.cursor


def test_nothing_loads_by_itself_before_an_approval_and_the_approval_starts_it(shop: Shop) -> None:
    shop.run()
    before, cursor = requested(shop)
    assert before == 0
    shop.decide("approve", fingerprint=shop.fingerprint())
    assert requested(shop, cursor)[0] == 1


def test_an_approval_starts_the_load_where_no_run_landed_the_data(shop: Shop) -> None:
    """`octopipe plan` lands it, and the whole may have been approved before the daemon ever looked."""
    fingerprint = prepare(shop.space, shop.space.pipeline("shops")).plan.fingerprint
    _, cursor = requested(shop)
    shop.decide("approve", fingerprint=fingerprint)
    assert requested(shop, cursor)[0] == 1
    first, cursor = requested(shop)
    assert first == 1
    shop.run(TABLE)
    assert requested(shop, cursor)[0] == 0
    assert requested(shop)[0] == 0


def test_new_data_starts_a_load_and_a_whole_run_does_not_start_it_twice(shop: Shop) -> None:
    shop.approved().run()
    again, cursor = requested(shop)
    assert again == 0
    shop.drop("shops2.jsonl", [{"id": 900, "town": "New", "staff": 1}])
    shop.run(RAW)
    fired, cursor = requested(shop, cursor)
    assert fired == 1
    shop.run(TABLE)
    assert len(shop.rows()) == 201
    assert requested(shop, cursor)[0] == 0


def test_new_data_starts_nothing_while_a_plan_waits_or_an_approval_is_revoked(shop: Shop) -> None:
    shop.approved().run()
    _, cursor = requested(shop)
    shop.decide("reject", fingerprint=shop.fingerprint())
    shop.drop("shops2.jsonl", [{"id": 900, "town": "New", "staff": 1}])
    shop.run(RAW)
    fired, cursor = requested(shop, cursor)
    assert fired == 0
    shop.decide("approve", fingerprint=shop.fingerprint())
    assert requested(shop, cursor)[0] == 1


def test_an_approval_in_the_tick_in_which_a_load_ended_is_not_lost(shop: Shop) -> None:
    shop.approved()
    shop.run()
    _, cursor = requested(shop)
    shop.decide("reject", fingerprint=shop.fingerprint()[:8])
    _, cursor = requested(shop, cursor)
    shop.drop("shops9.jsonl", [{"id": 950, "town": "X", "staff": "7"}])
    shop.run(RAW)
    shop.instance.report_runless_asset_event(dg.AssetMaterialization(TABLE))  # a load of before that ends now
    shop.decide("approve", fingerprint=shop.fingerprint()[:8])
    assert requested(shop, cursor)[0] == 1


def test_drift_starts_nothing_until_the_new_plan_is_approved(shop: Shop) -> None:
    shop.approved().run()
    shop.drop("shops2.jsonl", [{"id": number, "town": "X", "staff": "many"} for number in range(300, 500)])
    shop.run()
    _, cursor = requested(shop)
    shop.drop("shops3.jsonl", [{"id": 901, "town": "Y", "staff": "few"}])
    shop.run(RAW)
    assert requested(shop, cursor)[0] == 0


def test_an_approval_by_the_command_line_is_reported_and_starts_the_load(shop: Shop) -> None:
    (shop.root / "dagster.yaml").write_text(DAGSTER_YAML.read_text())
    with instance_of(shop.root) as instance:
        shop.instance = instance
        shop.run()
        _, cursor = requested(shop)
        fingerprint = shop.fingerprint()
        shop.space.registry.approve(
            "shops",
            fingerprint,
            reviewer="ana@example.com",
            reason=None,
            via="cli",
            policy=shop.project.pipeline("shops").spec.approval,
            author=None,
            current_fingerprint=fingerprint,
        )
        report_decision(shop.root, "shops", fingerprint, "approve", "ana@example.com")
        assert requested(shop, cursor)[0] == 1


def test_a_correction_by_the_command_line_shows_that_approval_is_missing_again(shop: Shop) -> None:
    (shop.root / "dagster.yaml").write_text(DAGSTER_YAML.read_text())
    key = dg.AssetCheckKey(dg.AssetKey(["shops", "approved_mapping"]), "approval")

    def approval() -> bool:
        (record,) = shop.instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
        assert record.event is not None
        assert record.event.dagster_event is not None
        evaluation = record.event.dagster_event.event_specific_data
        assert isinstance(evaluation, dg.AssetCheckEvaluation)
        return evaluation.passed

    with instance_of(shop.root) as instance:
        shop.instance = instance
        shop.approved()
        shop.run()
        assert approval()
        space = shop.space
        pipeline = space.pipeline("shops")
        correct(space, pipeline, {"public.shop.town": "upper(town)"}, reviewer="ana@example.com", reason=None)
        report_plan(shop.root, prepare(space, pipeline).plan)
        assert not approval()


def kept(shop: Shop) -> dg.DagsterInstance:
    """An instance on disk, as a tick wants it."""
    folder = shop.root / "ticks"
    folder.mkdir(exist_ok=True)
    return dg.DagsterInstance.local_temp(str(folder))


def tick(shop: Shop) -> tuple[list[dg.RunRequest], str | None]:
    schedule = pipeline_schedule(shop.project, shop.project.pipeline("shops").spec)
    assert schedule is not None
    assert schedule.execution_timezone == "UTC"
    resources = project_resources(shop.project)
    moment = datetime(2026, 11, 21, 6, 15, tzinfo=ZoneInfo("UTC"))
    with (
        kept(shop) as instance,
        dg.build_schedule_context(instance=instance, scheduled_execution_time=moment, resources=resources) as context,
    ):
        data = schedule.evaluate_tick(context)
    return list(data.run_requests or ()), data.skip_message


def test_a_tick_asks_for_the_whole_pipeline_and_says_when_it_waits_for_approval(shop: Shop) -> None:
    shop.run()
    [waits], _ = tick(shop)
    assert waits.asset_selection == shop.keys
    assert waits.tags["octopipe/waits_for_approval"] == shop.fingerprint()[:8]
    shop.decide("approve", fingerprint=shop.fingerprint())
    [ready], _ = tick(shop)
    assert "octopipe/waits_for_approval" not in ready.tags


def test_a_tick_of_a_paused_pipeline_skips_and_says_so(shop: Shop) -> None:
    shop.space.registry.controls.switch("shops", "paused", by="ana")
    requests, skipped = tick(shop)
    assert requests == []
    assert "paused" in str(skipped)


def test_a_tick_asks_for_no_second_run_while_the_one_before_waits_in_the_queue(shop: Shop) -> None:
    tags = {"octopipe/pipeline": "shops", SCHEDULE_NAME_TAG: "shops__schedule"}
    job = shop.defs.resolve_job_def("load")
    with kept(shop) as instance:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED, tags=tags)
        requests, skipped = tick(shop)
        assert requests == []
        assert "waits in the queue" in str(skipped)
        instance.delete_run(run.run_id)
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        assert len(tick(shop)[0]) == 1


def after_pause(shop: Shop, cursor: str | None = None) -> tuple[list[dg.RunRequest], str | None]:
    """What the sensor asks for that looks for pauses that are over, and its cursor."""
    with dg.build_sensor_context(
        instance=shop.instance, cursor=cursor, resources=project_resources(shop.project)
    ) as context:
        found = load_after_pause.evaluate_tick(context)
    return list(found.run_requests or ()), found.cursor


@pytest.mark.parametrize("by", [AUTOMATION_CONDITION_TAG, SCHEDULE_NAME_TAG])
def test_a_pause_holds_back_what_runs_by_itself_and_the_load_follows_the_pause(shop: Shop, by: str) -> None:
    shop.approved()
    controls = shop.space.registry.controls
    assert after_pause(shop)[0] == []
    controls.switch("shops", "paused", by="ana")
    held = shop.run(TABLE, tags={by: "true"})
    assert held.success
    assert shop.rows() == []
    assert held.asset_materializations_for_node("shops__tables") == []
    assert after_pause(shop)[0] == []
    controls.switch("shops", "started", by="ana")
    [request], cursor = after_pause(shop)
    assert request.asset_selection == [TABLE]
    assert after_pause(shop, cursor)[0] == []
    shop.run(TABLE, tags={SENSOR_NAME_TAG: "load_after_pause"})
    assert len(shop.rows()) == 200


def test_what_a_person_starts_runs_in_a_pause_too(shop: Shop) -> None:
    shop.approved()
    shop.space.registry.controls.switch("shops", "paused", by="ana")
    shop.run(TABLE)
    assert len(shop.rows()) == 200


def test_start_and_stop_turn_the_schedules_switch_in_the_instance(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (shop.root / "dagster.yaml").write_text(DAGSTER_YAML.read_text())
    (shop.root / "workspace.yaml").write_text((DAGSTER_YAML.parent / "workspace.yaml").read_text())
    spec = shop.project.pipeline("shops").spec

    def switches() -> list[str]:
        with instance_of(shop.root) as instance:
            return [state.status.value for state in instance.all_instigator_state()]

    switch_schedule(shop.root, spec, on=True)
    assert switches() == ["RUNNING"]
    switch_schedule(shop.root, spec, on=False)
    assert switches() == ["STOPPED"]


def test_an_abort_cancels_what_waits_in_the_queue_and_nobody_elses(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (shop.root / "dagster.yaml").write_text(DAGSTER_YAML.read_text())
    (shop.root / "workspace.yaml").write_text((DAGSTER_YAML.parent / "workspace.yaml").read_text())
    assert cancel_queued(shop.root, "shops") == []
    job, queued = shop.defs.resolve_job_def("load"), dg.DagsterRunStatus.QUEUED
    [location] = location_origins_from_yaml_paths([str(shop.root / "workspace.yaml")])
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "load")
    code = JobPythonOrigin(
        "load", RepositoryPythonOrigin("python", ModuleCodePointer("octo_assets.definitions", "defs"))
    )
    with instance_of(shop.root) as instance:
        runs = [
            instance.create_run_for_job(
                job, status=queued, tags=tags, asset_selection=keys, remote_job_origin=origin, job_code_origin=code
            )
            for tags, keys in [
                ({"octopipe/pipeline": "shops"}, None),
                ({}, frozenset({TABLE})),
                ({"octopipe/pipeline": "others"}, None),
            ]
        ]
    assert set(cancel_queued(shop.root, "shops")) == {run.run_id for run in runs[:2]}
    with instance_of(shop.root) as instance:
        states = [getattr(instance.get_run_by_id(run.run_id), "status", None) for run in runs]
    assert states == [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELED, queued]


def test_run_due_takes_a_tick_once_whatever_came_of_it_and_a_broken_file_stops_nobody_else(shop: Shop) -> None:
    started = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("UTC"))
    missed = datetime(2026, 11, 22, 7, tzinfo=ZoneInfo("UTC"))
    following = datetime(2026, 11, 23, 6, 15, tzinfo=ZoneInfo("UTC"))
    (shop.root / "pipelines" / "broken").mkdir()
    (shop.root / "pipelines" / "broken" / "pipeline.yaml").write_text("sources: [")
    space = shop.space
    for name in ("broken", "shops"):
        space.registry.controls.switch(name, "started", at=started)
    assert due_pipelines(space, missed) == ["broken", "shops"]
    assert take_tick(space, "shops", missed)
    assert not space.registry.controls.tick("shops", missed, seen=None)  # another process, which looked before
    assert due_pipelines(space, following.replace(minute=14)) == ["broken"]
    assert due_pipelines(space, following) == ["broken", "shops"]


@pytest.mark.parametrize(
    ("cron", "runs"),
    [
        ("30 2 * * *", ["2026-10-25 01:30", "2026-10-26 01:30"]),  # 02:30 comes at 00:30 and at 01:30 UTC
        ("30 * * * *", ["2026-10-25 00:30", "2026-10-25 01:30"]),
        ("15 */2 * * *", ["2026-10-25 01:15", "2026-10-25 03:15"]),
    ],
)
def test_run_due_and_dagster_take_the_night_of_two_hours_alike(shop: Shop, cron: str, runs: list[str]) -> None:
    file = shop.root / "pipelines" / "shops" / "pipeline.yaml"
    asked = f'schedule: {{cron: "{cron}", timezone: Europe/Madrid}}'
    file.write_text(file.read_text().replace('schedule: "15 6 * * *"', asked))
    pipeline = shop.project.pipeline("shops")
    before = datetime(2026, 10, 24, 23, 59, tzinfo=ZoneInfo("UTC"))
    first = next_run(pipeline, before)
    assert first is not None
    assert [f"{one:%F %R}" for one in (first, next_run(pipeline, first))] == runs
    ticks = schedule_execution_time_iterator(before.timestamp(), cron, "Europe/Madrid")
    assert [f"{next(ticks).astimezone(ZoneInfo('UTC')):%F %R}" for _ in runs] == runs
