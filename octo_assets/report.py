"""Tell Dagster of a decision that was made elsewhere: the load follows by automation condition."""

from pathlib import Path

import dagster as dg

from octo_assets.launch import instance_of
from octo_assets.names import approved_key


def report_decision(root: Path, pipeline: str, fingerprint: str, verdict: str, reviewer: str) -> None:
    """An approval as a materialization of `approved_mapping`; and either verdict as its `approval` check."""
    key = approved_key(pipeline)
    approved = verdict == "approve"
    with instance_of(root) as instance:
        if approved:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset_key=key,
                    metadata={"fingerprint": fingerprint, "reviewer": reviewer, "state": "approved"},
                    tags={"dagster/data_version": fingerprint[:16]},
                )
            )
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name="approval",
                passed=approved,
                metadata={"fingerprint": fingerprint, "reviewer": reviewer},
            )
        )
