"""Round the gate by Dagster: the tables materialized by themselves, without the steps before them."""

from collections.abc import Iterator

import dagster as dg
import pytest

from octo_assets.component import project_definitions
from octo_assets.names import approved_key, table_keys
from octo_resources.flow import reject
from tests.flow.shop import REVIEWER, Shop, sales
from tests.gate.attacks import approved


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def materialize(shop: Shop, instance: dg.DagsterInstance, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """What the button `Materialize` of these assets does."""
    job = project_definitions(shop.space.project, ["sales"]).resolve_job_def("load")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=instance, asset_selection=list(keys), run_config=quiet, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> str:
    failed = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert len(failed) == 1  # no retry: trying again approves nothing
    data = failed[0].step_failure_data.user_failure_data
    assert data is not None
    return str(data.description)


def test_a_table_materialized_alone_fails_with_the_way_to_approve(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    fingerprint = shop.plan().plan.fingerprint
    tables = table_keys(shop.pipeline().spec).values()
    result = materialize(shop, instance, *tables)
    assert not result.success
    assert f"octopipe approve sales --fingerprint {fingerprint[:8]}" in told(result)
    assert shop.count() == 0
    assert result.asset_materializations_for_node("sales__tables") == []


def test_a_revoked_approval_stops_a_table_materialized_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    fingerprint = approved(shop)
    reject(shop.space, shop.pipeline(), fingerprint, reviewer=REVIEWER, reason="no more", via="cli")
    before = shop.state()
    result = materialize(shop, instance, *table_keys(shop.pipeline().spec).values())
    assert not result.success
    assert "no more" in told(result)
    assert shop.state() == before


def test_an_approval_that_dagster_only_believes_in_loads_nothing(shop: Shop, instance: dg.DagsterInstance) -> None:
    """Somebody reports the gate's asset as materialized, as the command line does after an approval."""
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land()
    event = dg.AssetMaterialization(asset_key=approved_key("sales"), metadata={"state": "approved"})
    instance.report_runless_asset_event(event)
    result = materialize(shop, instance, *table_keys(shop.pipeline().spec).values())
    assert not result.success
    assert "not approved" in told(result)
    assert shop.count() == 0
