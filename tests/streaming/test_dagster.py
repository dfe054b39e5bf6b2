"""A stream in Dagster: the sensor starts one long run, and that run ends cleanly when the pipeline is stopped."""

import threading

import dagster as dg

from octo_assets.component import project_definitions
from octo_assets.stream_sensor import STREAMS
from octo_resources.dagster import project_resources
from octo_resources.project import Project
from tests.streaming.project import Stream, sale


def _tick(definitions: dg.Definitions, instance: dg.DagsterInstance, project: Project) -> dg.RunRequest | dg.SkipReason:
    sensor = definitions.resolve_sensor_def("sales__stream")
    with dg.build_sensor_context(instance=instance, resources=project_resources(project)) as context:
        found = sensor.evaluate_tick(context)
    if found.run_requests:
        return found.run_requests[0]
    return dg.SkipReason(found.skip_message)


def test_a_sensor_keeps_one_long_run_going(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 21)))
    project = Project.at(stream.root)
    definitions = project_definitions(project)
    with dg.DagsterInstance.ephemeral() as instance:
        stream.follow()  # makes the plan, which waits
        waiting = _tick(definitions, instance, project)
        assert isinstance(waiting, dg.SkipReason)
        assert "waits for approval" in (waiting.skip_message or "")
        stream.approve()
        asked = _tick(definitions, instance, project)
        assert isinstance(asked, dg.RunRequest)
        assert asked.tags[STREAMS] == "sales"

        stopper = threading.Thread(target=_stop_when_loaded, args=(stream,))
        stopper.start()
        done = definitions.resolve_job_def("stream").execute_in_process(
            instance=instance, run_config=asked.run_config, tags=asked.tags
        )
        stopper.join()
        assert done.success
        shown = [event for event in done.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
        assert [event.asset_key for event in shown] == [dg.AssetKey(["sales", "public", "sale"])]
        metadata = shown[0].step_materialization_data.materialization.metadata
        assert metadata["dagster/row_count"].value == 20
        assert "delay_p99" in metadata
        assert stream.sql("SELECT count(*) FROM sale") == [(20,)]


def _stop_when_loaded(stream: Stream) -> None:
    """What `octopipe stop` does, once the rows are there."""
    waited = threading.Event()
    for _ in range(600):
        if stream.sql("SELECT count(*) FROM sale") == [(20,)]:
            break
        waited.wait(0.2)
    stream.registry.controls.switch("sales", "stopped", by="ana")
