"""What a run that a command started leaves: its error as it was raised, and no run that seems to go on for ever."""

import weakref
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData

from octo_assets.launch import _error, _interrupted, launch
from octo_assets.lost import ALIVE, end_lost_runs
from octo_assets.steps.common import ERROR, failures_in_plain_words
from octo_core.errors import NotApproved, TablesChanged, UsageError
from octo_resources.flow.living import alive
from tests.dagster.conftest import Shop


@pytest.mark.parametrize("kind", [NotApproved, TablesChanged])
def test_a_plan_that_nobody_approved_keeps_its_fingerprint(kind: type[NotApproved]) -> None:
    told = {
        "kind": kind.__name__,
        "message": "altered",
        "where": "shop",
        "hint": "plan",
        "fingerprint": "7c1e",
        "mistakes": [],
    }
    failed = UserFailureData(label="", description=None, metadata={ERROR: dg.MetadataValue.json(told)})
    found = _error(StepFailureData(error=None, user_failure_data=failed))
    assert type(found) is kind
    assert isinstance(found, NotApproved)
    assert (found.message, found.where, found.hint, found.fingerprint) == ("altered", "shop", "plan", "7c1e")


def test_a_run_whose_process_was_killed_does_not_stand_as_running(tmp_path: Path) -> None:
    @dg.job
    def load() -> None:
        pass

    with dg.DagsterInstance.ephemeral() as instance, alive(tmp_path, "lives"):
        (tmp_path / "running" / "killed.lock").touch()  # a lock that nobody holds any more
        lives, killed, elsewhere = (
            instance.create_run_for_job(load, status=dg.DagsterRunStatus.STARTED, tags={ALIVE: name}).run_id
            for name in ("lives", "killed", "on another machine")
        )
        assert end_lost_runs(instance, tmp_path) == [killed]
        assert end_lost_runs(instance, tmp_path) == []
        left = {run.run_id: run.status for run in instance.get_runs()}
    assert left[killed] == dg.DagsterRunStatus.FAILURE
    assert left[lives] == left[elsewhere] == dg.DagsterRunStatus.STARTED


def test_ctrl_c_ends_a_run_of_the_command_though_its_file_has_retries(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shop.project.root / "pipelines" / "shops" / "pipeline.yaml"
    file.write_text(file.read_text().replace("retries: {max: 0}", "retries: {max: 2, delay: 1 s}"))
    asked: list[str] = []

    def interrupted(*_: object, **__: object) -> None:
        asked.append("landing")
        raise dg.DagsterExecutionInterruptedError

    monkeypatch.setattr("octo_resources.flow.landing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        launch(shop.project, "shops")
    assert asked == ["landing"]


class Connection:
    """Stands for one of DuckDB, which tells of a leak where it is open at the end of the process."""


def test_a_failure_keeps_nothing_of_what_failed_open() -> None:
    made: list[weakref.ref[Connection]] = []

    def read() -> None:
        connection = Connection()
        made.append(weakref.ref(connection))
        raise UsageError("the key names 'idd', which the source does not have")

    with pytest.raises(dg.Failure) as failed, failures_in_plain_words():
        read()
    assert failed.value.description == "the key names 'idd', which the source does not have"
    assert made[0]() is None


def test_a_step_that_a_signal_ends_is_interrupted_and_keeps_nothing_open() -> None:
    made: list[weakref.ref[Connection]] = []

    def read() -> None:
        connection = Connection()
        made.append(weakref.ref(connection))
        raise dg.DagsterExecutionInterruptedError

    @dg.op
    def reads() -> None:
        with failures_in_plain_words():
            read()

    @dg.job
    def load() -> None:
        reads()

    done = load.execute_in_process(raise_on_error=False)
    (failed,) = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    assert _interrupted(failed)
    assert made[0]() is None


def test_a_step_that_ran_out_of_tries_says_what_it_tripped_over() -> None:
    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1, delay=0.0))
    def trip() -> None:
        raise RuntimeError("the third wire")

    @dg.job
    def tripping() -> None:
        trip()

    done = tripping.execute_in_process(raise_on_error=False)
    (failed,) = [one.step_failure_data for one in done.all_events if one.is_step_failure]
    assert str(_error(failed)) == "RuntimeError: the third wire"
