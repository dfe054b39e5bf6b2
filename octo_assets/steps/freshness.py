"""The `freshness` check: the newest row written is not older than the pipeline's `monitors.freshness`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from octo_assets.names import op_name, table_keys
from octo_assets.steps.common import failures_in_plain_words
from octo_core.spec.pipeline import PipelineSpec
from octo_core.spec.units import duration_text


def freshness_checks(spec: PipelineSpec) -> Sequence[dg.AssetChecksDefinition]:
    """One check for each table, where the file asks for it."""
    limit = spec.monitors.freshness
    if limit is None or not spec.monitors.active:
        return []
    keys = table_keys(spec)

    @dg.multi_asset_check(
        name=op_name(spec.name, "freshness"),
        specs=[
            dg.AssetCheckSpec("freshness", asset=key, description=f"Written to in the last {duration_text(limit)}.")
            for key in keys.values()
        ],
        can_subset=True,
        required_resource_keys={"registry", "landing"},
    )
    def freshness(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from octo_resources.flow import Workspace, newest_write

        with failures_in_plain_words():
            resources = context.resources
            space = Workspace.open(resources.landing.project, registry=resources.registry.open())
            pipeline = space.project.pipeline(spec.name)
            for table, key in keys.items():
                if dg.AssetCheckKey(key, "freshness") in context.selected_asset_check_keys:
                    yield _check(key, newest_write(space, pipeline, table), limit.total_seconds())

    return [freshness]


def _check(key: dg.AssetKey, newest: datetime | None, limit: float) -> dg.AssetCheckResult:
    age = (datetime.now(UTC) - newest).total_seconds() if newest else None
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="freshness",
        passed=age is not None and age <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        description="Nothing was ever loaded."
        if newest is None
        else f"The newest write was at {newest:%Y-%m-%d %H:%M} UTC.",
        metadata={"age_seconds": round(age, 1) if age is not None else -1.0, "limit_seconds": limit},
    )
