"""From what was pushed to rows in a table: the same steps as of any source, and what is told of each request."""

import dagster as dg
import yaml

from octo_assets.component import project_definitions
from octo_assets.push_sensor import push_sensor
from octo_core.ledger import LoadResult
from octo_resources.dagster import project_resources
from octo_resources.flow import approve, due_pipelines, land, load, plan_to_read
from tests.push.conftest import Feed, order


def approved(feed: Feed) -> str:
    """Approve the plan as it is now; its fingerprint."""
    with feed.space() as space:
        plan, _ = plan_to_read(space, space.pipeline("orders"))
        approve(space, space.pipeline("orders"), plan.fingerprint, reviewer="ana@shop.example", via="cli")
        return plan.fingerprint


def run(feed: Feed) -> LoadResult:
    with feed.space() as space:
        pipeline = space.pipeline("orders")
        land(space, pipeline)
        return load(space, pipeline).result


def test_what_is_pushed_is_planned_approved_loaded_and_told_of_request_by_request(loading: Feed) -> None:
    with loading.served() as client:
        first = client.post("/push/orders", json=[order(number) for number in range(1, 101)]).headers["location"]
        approved(loading)
        assert client.get(first).json()["state"] == "landed"  # the plan's look at it landed it
        result = run(loading)
        assert (result.status, result.tables["public.orders"].inserted) == ("loaded", 100)
        again = client.post("/push/orders", json=order(7, amount=0)).headers["location"]
        mixed = [order(101), order(102, customer=None), order(103), order(104, customer=None)]
        bad = client.post("/push/orders", json=mixed).headers["location"]
        result = run(loading)
        table = result.tables["public.orders"]
        assert (table.read, table.inserted, table.updated, table.quarantined) == (5, 2, 1, 2)
        done, told = client.get(again).json(), client.get(bad).json()
        assert (done["state"], done["quarantined"], done["set_aside"]) == ("loaded", 0, [])
        assert done["loads"][0]["load_id"] == told["loads"][0]["load_id"] == result.load_id
        assert done["loads"][0]["tables"]["public.orders"]["updated"] == 1
        assert told["quarantined"] == 2
        assert [(one["item"], one["column"]) for one in told["set_aside"]] == [(2, "customer"), (4, "customer")]
        assert run(loading).status == "nothing_new"
        assert client.get(first).json()["state"] == "loaded"
    assert len(loading.rows()) == 102


def test_samples_give_the_schema_before_the_first_item_and_are_never_loaded(loading: Feed) -> None:
    loading.samples(*(order(number) for number in range(1, 50)))
    approved(loading)
    assert run(loading).status == "nothing_new"
    with loading.served() as client:
        assert client.post("/push/orders", json=order(1, id="one")).status_code == 422
        assert client.post("/push/orders", json=order(1)).status_code == 202
    assert run(loading).tables["public.orders"].inserted == 1
    assert len(loading.rows()) == 1


def test_a_sensor_runs_the_pipeline_where_enough_waits_or_something_waits_long_enough(feed: Feed) -> None:
    def tick() -> "dg.SensorExecutionData":
        definitions = project_definitions(feed.project)
        sensor = next(one for one in definitions.sensors or () if one.name == "orders__pushed")
        assert isinstance(sensor, dg.SensorDefinition)
        with dg.build_sensor_context(instance=instance, resources=definitions.resources) as context:
            return sensor.evaluate_tick(context)

    feed.write(batch={"rows": 3, "age": "1 h"})
    with feed.served() as client, dg.DagsterInstance.ephemeral() as instance:
        client.post("/push/orders", json=[order(1), order(2)])
        assert tick().run_requests == []
        with feed.space() as space:
            space.registry.controls.switch("orders", "started")
            assert due_pipelines(space) == []
        client.post("/push/orders", json=order(3))
        request = tick().run_requests[0]
        assert dg.AssetKey(["orders", "raw", "orders"]) in (request.asset_selection or [])
        with feed.space() as space:
            assert due_pipelines(space) == ["orders"]
            land(space, space.pipeline("orders"))
        assert tick().run_requests == []
        client.post("/push/orders", json=order(4))
        feed.write(batch={"rows": 3, "age": "0 s"})
        assert len(tick().run_requests) == 1
        with feed.space() as space:
            space.registry.controls.switch("orders", "paused")
        assert tick().run_requests == []


def test_what_landed_and_did_not_load_is_tried_again_though_nothing_new_comes(loading: Feed) -> None:
    sensor = push_sensor(loading.project, loading.project.pipeline("orders").spec)
    assert sensor is not None
    tags = {"octopipe/pipeline": "orders"}
    with loading.served() as client, dg.DagsterInstance.ephemeral() as instance:

        def tick() -> "dg.SensorExecutionData":
            with dg.build_sensor_context(instance=instance, resources=project_resources(loading.project)) as context:
                return sensor.evaluate_tick(context)

        client.post("/push/orders", json=order(1))
        approved(loading)  # the plan's look at it landed it
        assert tick().run_requests == []
        failed = dg.DagsterRun("load", tags=tags, status=dg.DagsterRunStatus.FAILURE)
        instance.add_run(failed)
        (again,) = tick().run_requests or ()
        assert again.tags["octopipe/pipeline"] == "orders"
        assert dg.AssetKey(["orders", "public", "orders"]) in (again.asset_selection or [])
        instance.add_run(dg.DagsterRun("load", tags=tags, status=dg.DagsterRunStatus.SUCCESS))
        assert tick().run_requests == []


def test_with_a_transport_the_sensor_starts_the_landing_only(feed: Feed) -> None:
    feed.write(batch={"rows": 1})
    file = feed.root / "pipelines" / "orders" / "pipeline.yaml"
    document = yaml.safe_load(file.read_text()) | {"transport": {"kafka": "batches", "brokers": "127.0.0.1:1"}}
    file.write_text(yaml.safe_dump(document))
    with feed.served() as client, dg.DagsterInstance.ephemeral() as instance:
        client.post("/push/orders", json=order(1))
        definitions = project_definitions(feed.project)
        sensor = next(one for one in definitions.sensors or () if one.name == "orders__pushed")
        assert isinstance(sensor, dg.SensorDefinition)
        with dg.build_sensor_context(instance=instance, resources=definitions.resources) as context:
            (request,) = sensor.evaluate_tick(context).run_requests or ()
    assert request.asset_selection == [dg.AssetKey(["orders", "raw", "orders"])]


def test_the_manifest_says_which_part_of_the_queue_landed(feed: Feed) -> None:
    with feed.served() as client:
        client.post("/push/orders", json=[order(1), order(2)])
        client.post("/push/orders", json=order(3))
    with feed.space() as space:
        batch = land(space, space.pipeline("orders"))["orders"].batch
    assert batch is not None
    assert (batch.rows, batch.full) == (3, False)
    assert (batch.files[0].position["from"], batch.files[0].position["to"]) == (1, 2)
    assert str(batch.cursor_to).endswith(":000000000002")
