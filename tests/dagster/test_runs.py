"""Runs of a pipeline as Dagster starts them: the gate, approving, correcting, drift and what the pages show."""

import re

import dagster as dg

from octo_assets.component import project_definitions
from octo_assets.names import raw_key
from tests.dagster.conftest import Shop, checks, failure

TABLE = dg.AssetKey(["shops", "public", "shop"])
MAPPING = dg.AssetKey(["shops", "mapping"])
APPROVED = dg.AssetKey(["shops", "approved_mapping"])


def made(run: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in run.get_asset_materialization_events() if event.asset_key}


def page(shop: Shop, key: dg.AssetKey) -> dict[str, dg.MetadataValue]:
    event = shop.instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_a_nightly_run_of_an_unapproved_pipeline_lands_its_data_skips_its_tables_and_is_green(shop: Shop) -> None:
    night = shop.run()
    assert night.success
    assert made(night) == {"shops/raw/shops", "shops/schema/shops", "shops/destination", "shops/mapping"}
    assert checks(night)["approval"] is False
    assert shop.rows() == []


def test_a_table_materialized_alone_without_approval_fails_and_says_how_to_approve(shop: Shop) -> None:
    shop.run()
    alone = shop.run(TABLE)
    assert not alone.success
    assert "octopipe plan shops" in failure(alone) or "approve" in failure(alone)
    assert shop.fingerprint()[:8] in failure(alone)
    assert shop.rows() == []


def test_an_approval_in_the_launchpad_lets_the_next_run_load(shop: Shop) -> None:
    shop.approved()
    run = shop.run()
    assert run.success
    assert "shops/public/shop" in made(run)
    assert checks(run) == {"approval": True, "drift": True, "contract": True, "ledger": True, "freshness": True}
    assert len(shop.rows()) == 200
    assert page(shop, APPROVED)["reviewer"].value == "ana@example.com"


def test_a_wrong_fingerprint_is_refused(shop: Shop) -> None:
    shop.run()
    refused = shop.decide("approve", fingerprint="00000000")
    assert not refused.success
    assert "00000000" in failure(refused)
    assert shop.fingerprint()[:8] in failure(refused)
    assert checks(shop.run())["approval"] is False


def test_who_decides_must_be_said(shop: Shop) -> None:
    shop.run()
    refused = shop.decide("approve", fingerprint=shop.fingerprint(), reviewer="")
    assert "reviewer" in failure(refused)


def test_a_rejection_revokes(shop: Shop) -> None:
    shop.approved()
    assert shop.decide("reject", fingerprint=shop.fingerprint(), reason="wrong table").success
    assert checks(shop.run())["approval"] is False
    assert not shop.run(TABLE).success
    assert shop.rows() == []


def test_a_correction_makes_a_new_plan_on_the_mappings_page_that_waits_for_approval(shop: Shop) -> None:
    shop.approved()
    before = shop.fingerprint()
    corrected = shop.decide("correct", corrections={"public.shop.town": "upper(town)"})
    assert corrected.success
    assert checks(corrected)["approval"] is False
    assert shop.fingerprint() != before
    assert "upper(town)" in str(page(shop, MAPPING)["plan"].value)
    assert not shop.run(TABLE).success
    stale = shop.decide("approve", fingerprint=before[:8])
    assert not stale.success
    assert shop.decide("approve", fingerprint=shop.fingerprint()[:8]).success
    assert shop.run().success
    assert shop.rows()[0][1] == "TOWN 1"


def test_a_correction_that_names_no_column_changes_nothing(shop: Shop) -> None:
    shop.run()
    before = shop.fingerprint()
    assert "twon" in failure(shop.decide("correct", corrections={"public.shop.twon": "town"}))
    assert "`corrections` is empty" in failure(shop.decide("correct"))
    assert shop.run().success
    assert shop.fingerprint() == before


def test_drift_lands_the_data_loads_nothing_and_shows_the_new_plan_without_a_red_run(shop: Shop) -> None:
    assert shop.approved().run().success
    before = shop.fingerprint()
    shop.drop("shops2.jsonl", [{"id": number, "town": "X", "staff": "many"} for number in range(300, 500)])
    run = shop.run()
    assert run.success
    assert checks(run)["drift"] is False
    severities = {one.check_name: one.severity for one in run.get_asset_check_evaluations()}
    assert severities["drift"] == dg.AssetCheckSeverity.WARN
    assert len(shop.rows()) == 200
    assert shop.fingerprint() != before
    ledger = next(one for one in run.get_asset_check_evaluations() if one.check_name == "ledger")
    result = ledger.metadata["result"].value
    assert isinstance(result, dict)
    assert result["status"] == "waiting_for_approval"
    assert shop.run().success  # the night after: the plan waits, and that is no failure


def test_the_pages_show_plan_lineage_schema_and_the_whole_result(shop: Shop) -> None:
    shop.approved().run()
    plan, table = page(shop, MAPPING), page(shop, TABLE)
    assert str(plan["plan"].value).startswith("**shops**")
    assert "<details>" not in str(plan["plan"].value)
    assert "SELECT" in str(plan["sql duckdb"].value).upper()
    lineage = table["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    assert lineage.column_lineage.deps_by_column["town"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["shops", "raw", "shops"]), column_name="town")
    ]
    schema = table["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert [column.name for column in schema.schema.columns] == ["id", "town", "staff"]
    result = table["result"].value
    assert isinstance(result, dict)
    assert result["tables"]["public.shop"]["inserted"] == 200
    assert result["status"] == "loaded"


def test_a_run_with_nothing_new_keeps_the_tables_row_count_and_data_version(shop: Shop) -> None:
    def version() -> str | None:
        event = shop.instance.get_latest_materialization_event(TABLE)
        assert event is not None
        assert event.asset_materialization is not None
        return (event.asset_materialization.tags or {}).get("dagster/data_version")

    shop.approved().run()
    first = version()
    assert page(shop, TABLE)["dagster/row_count"].value == 200
    shop.run()
    result = page(shop, TABLE)["result"].value
    assert isinstance(result, dict)
    assert result["status"] == "nothing_new"
    assert page(shop, TABLE)["dagster/row_count"].value == 200
    assert version() == first
    assert first
    landed = page(shop, raw_key("shops", "shops"))
    assert landed["new"].value is False
    assert re.fullmatch(
        r"01\w{24} of 20[-0-9]{8} [0-9:]{5} UTC, [0-9,]+ (rows|bytes)", str(landed["newest batch"].value)
    )


def test_a_source_that_fails_does_not_hide_what_landed_from_the_others(shop: Shop) -> None:
    file = shop.root / "pipelines" / "shops" / "pipeline.yaml"
    text = file.read_text().replace("sources:\n", "sources:\n  gone: {kind: file, path: drop/none.csv}\n")
    file.write_text(text.replace("    key: [id]\n    write", "    from: shops\n    key: [id]\n    write"))
    shop.defs = project_definitions(shop.project)
    run = shop.run()
    assert not run.success
    assert "none.csv" in failure(run)
    assert made(run) >= {"shops/raw/shops"}
    assert "shops/raw/gone" not in made(run)
