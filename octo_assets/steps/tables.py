"""The destination's tables: one multi-asset that loads what landed by the approved plan, with its checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.automation import LOAD_WHEN_APPROVED_OR_NEW
from octo_assets.names import approved_key, mapping_key, op_name, raw_key, table_keys
from octo_assets.pauses import held_back
from octo_assets.steps.common import (
    Materialized,
    Metadata,
    being_cancelled,
    cancelled_with_its_run,
    failures_in_plain_words,
    patient,
    pipeline_of,
    retry_policy,
    spec_fields,
    workspace,
)
from octo_assets.steps.mapping import show_new_plan
from octo_core.errors import OctopipeError, UsageError
from octo_core.ledger import LoadResult
from octo_core.spec.pipeline import PipelineSpec
from octo_resources.project import Pipeline, Project

if TYPE_CHECKING:
    from octo_resources.flow import LoadOutcome, Prepared, Workspace

Event = Materialized | dg.AssetCheckResult
CHECKS = {
    "contract": "The rows kept the source's contract; those that did not were set aside.",
    "drift": "The source still has the shape that was approved.",
    "ledger": "Every row read is accounted for, and the destination counts the same.",
}
DONE = ("loaded", "already_loaded", "nothing_new")
BLOCKING = {"contract", "drift"}


def table_assets(project: Project, spec: PipelineSpec) -> dg.AssetsDefinition:
    """One multi-asset whose outputs are the pipeline's tables; a subset of them can be loaded."""
    keys = table_keys(spec)

    @dg.multi_asset(
        name=op_name(spec.name, "tables"),
        specs=[_spec(project, spec, table, key) for table, key in keys.items()],
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, blocking=name in BLOCKING, description=about)
            for key in keys.values()
            for name, about in CHECKS.items()
        ],
        can_subset=True,
        retry_policy=retry_policy(spec),
        required_resource_keys={"registry", "landing"},
    )
    def tables(context: dg.AssetExecutionContext) -> Iterator[Event]:
        from octo_resources.flow import load

        wanted = [table for table, key in keys.items() if key in context.selected_asset_keys]
        with failures_in_plain_words(patient(context, spec)), cancelled_with_its_run(context):
            space = workspace(context)
            if held_back(context, space, spec.name):
                return
            outcome = load(
                space,
                pipeline_of(space, spec),
                tables=wanted if len(wanted) < len(keys) else None,
                dagster_run=context.run.run_id,
                say=context.log.info,
                stopping=lambda: being_cancelled(context),
            )
        for warning in outcome.result.warnings:
            context.log.warning(warning)
        if outcome.result.status == "waiting_for_approval" and outcome.prepared is not None:
            _tell_of_drift(context, outcome.prepared)
        there = Contents.of(space, pipeline_of(space, spec), outcome, wanted)
        for table in wanted:
            yield from _events(spec, keys[table], table, outcome, there)

    return tables


def _spec(project: Project, spec: PipelineSpec, table: str, key: dg.AssetKey) -> dg.AssetSpec:
    needed = [other for name in spec.needs for other in _tables_of(project, name)]
    raw = [raw_key(spec.name, source) for source in spec.sources]
    # What other pipelines bring starts nothing here; nor does what lands where its announcement does.
    quiet = [*needed, *(raw if spec.transport is not None else ())]
    return dg.AssetSpec(
        key,
        deps=[approved_key(spec.name), *raw, *needed],
        skippable=True,
        description=(
            f"The table `{table}`, loaded by the approved plan of `{spec.name}`: after an approval and after new data "
            "by itself, and by the pipeline's schedule.\n\n"
            f"Next: look at `ledger` of the latest load. Rows that cannot be loaded are set aside: "
            f"`octopipe quarantine list {spec.name}`."
        ),
        metadata={"dagster/table_name": table},
        kinds={
            "spark" if spec.engine.kind == "spark" else "duckdb",
            *({spec.destination.kind} if spec.destination else ()),
        },
        automation_condition=LOAD_WHEN_APPROVED_OR_NEW.ignore(dg.AssetSelection.assets(*quiet))
        if quiet
        else LOAD_WHEN_APPROVED_OR_NEW,
        freshness_policy=_freshness(spec),
        **spec_fields(spec, "load"),
    )


def _tables_of(project: Project, name: str) -> Sequence[dg.AssetKey]:
    try:
        return list(table_keys(project.pipeline(name).spec).values())
    except UsageError:
        return []  # its own mistakes are told on its own page


def _freshness(spec: PipelineSpec) -> dg.FreshnessPolicy | None:
    if spec.monitors.freshness is None or not spec.monitors.active:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=spec.monitors.freshness)


def _tell_of_drift(context: dg.AssetExecutionContext, prepared: "Prepared") -> None:
    """The new plan on the mapping's page, and the approval check failed: nothing loads by itself meanwhile."""
    from octo_assets.steps.approval import standing

    show_new_plan(context, prepared, "The source changed, which made this plan")
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=approved_key(prepared.plan.pipeline),
            check_name="approval",
            passed=False,
            description=standing(prepared),
            metadata={"fingerprint": prepared.plan.fingerprint, "state": prepared.plan.state},
        )
    )


@dataclass(frozen=True)
class Contents:
    """What the tables hold after the run."""

    rows: dict[str, int]
    load: str | None
    """The newest load of the pipeline: this run's, or one before it where nothing was new."""

    @classmethod
    def of(cls, space: "Workspace", pipeline: Pipeline, outcome: "LoadOutcome", tables: Sequence[str]) -> "Contents":
        if outcome.result.status not in DONE:
            return cls({}, None)
        newest = space.registry.executions.newest(pipeline.name, "loaded")
        try:
            rows = space.destination(pipeline).row_counts(tables)
        except OctopipeError:  # the load is done; a page without a row count is no reason to fail it
            rows = {}
        return cls(rows, newest.load_id if newest is not None else None)


def _events(
    spec: PipelineSpec, key: dg.AssetKey, table: str, outcome: "LoadOutcome", there: Contents
) -> Iterator[Event]:
    result = outcome.result
    if result.status in DONE:
        yield _materialization(spec, key, table, outcome, there)
    ledger = result.tables.get(table)
    drifted = outcome.drift.get(table, ())
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="drift",
        passed=not drifted,
        # A warning does not fail the run: the data landed, and the load waits for a person.
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(drifted) or None,
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="contract",
        passed=ledger is None or ledger.quarantined == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{ledger.quarantined:,} rows set aside" if ledger and ledger.quarantined else None,
        metadata={"quarantined": ledger.quarantined if ledger else 0, "reasons": outcome.reasons.get(table, {})},
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="ledger",
        passed=ledger is None or ledger.balanced,
        metadata={
            **_counts(result, table),
            "result": _document(result),
        },
    )


def _materialization(
    spec: PipelineSpec, key: dg.AssetKey, table: str, outcome: "LoadOutcome", there: Contents
) -> Materialized:
    from octo_assets.lineage import column_lineage, column_schema
    from octo_core.plan.show import load_markdown

    result = outcome.result
    decision = outcome.prepared.decision if outcome.prepared is not None else None
    metadata: Metadata = {
        **_counts(result, table),
        "ledger": dg.MarkdownMetadataValue(load_markdown(result, decision=decision)),
        "plan": dg.MetadataValue.asset(mapping_key(spec.name)),
        "fingerprint": result.fingerprint,
        "load": result.load_id,
        "engine": f"{result.engine}: {result.engine_why}",
        "seconds": result.seconds,
        "result": _document(result),
    }
    metadata |= {name: dg.MetadataValue.url(address) for name, address in outcome.links.items()}
    if table in there.rows:
        metadata["dagster/row_count"] = there.rows[table]
    if outcome.prepared is not None:
        metadata["dagster/column_schema"] = column_schema(outcome.prepared, table)
        metadata["dagster/column_lineage"] = column_lineage(spec.name, outcome.prepared, table)
    version = dg.DataVersion(there.load) if there.load is not None else None
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=version)


def _document(result: LoadResult) -> dg.JsonMetadataValue:
    """The load as `octopipe run --json` tells it."""
    return dg.JsonMetadataValue(result.model_dump(mode="json", by_alias=True))


def _counts(result: LoadResult, table: str) -> dict[str, int]:
    ledger = result.tables.get(table)
    names = ("read", "inserted", "updated", "unchanged", "deduplicated", "filtered", "quarantined", "removed")
    return {name: getattr(ledger, name) if ledger else 0 for name in names}
