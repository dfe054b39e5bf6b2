"""`raw/<source>`: what a source said, landed as batches."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from octo_assets.names import op_name, raw_key
from octo_assets.steps.common import (
    Materialized,
    Metadata,
    failures_in_plain_words,
    patient,
    pipeline_of,
    progress_to,
    retry_policy,
    spec_fields,
    workspace,
)
from octo_core.spec.pipeline import PipelineSpec

if TYPE_CHECKING:
    from octo_core.batch import Batch
    from octo_core.offsets import OffsetRange
    from octo_resources.flow import Landed


class RawConfig(dg.Config):
    """How to read the sources in this run."""

    full: bool = False
    """Read everything again, not only what is new."""
    since: str | None = None
    """Read from this cursor value on; of Kafka from earliest, latest, a time, or offsets (`flights 0:1000 1:990`)."""
    ranges: str | None = None
    """Of Kafka sources exactly these offsets, as a sensor found them: JSON, source → ranges."""


CONFIG = RawConfig.to_fields_dict()
"""Made once: a schema for each of a thousand pipelines costs the code location two seconds."""


def raw_assets(spec: PipelineSpec) -> dg.AssetsDefinition:
    """One multi-asset whose outputs are the pipeline's sources; a subset of them can be landed."""

    @dg.multi_asset(
        name=op_name(spec.name, "raw"),
        specs=[_spec(spec, source) for source in spec.sources],
        can_subset=True,
        config_schema=CONFIG,
        retry_policy=retry_policy(spec),
        required_resource_keys={"registry", "landing"},
    )
    def raw(context: dg.AssetExecutionContext) -> Iterator[Materialized]:
        from octo_resources.flow import landing

        config = RawConfig(**context.op_execution_context.op_config)
        wanted = [source for source in spec.sources if raw_key(spec.name, source) in context.selected_asset_keys]
        with failures_in_plain_words(patient(context, spec)):
            space = workspace(context)
            found = landing(
                space,
                pipeline_of(space, spec),
                sources=wanted,
                full=config.full,
                since=config.since,
                ranges=ranges_of(config.ranges),
                progress=progress_to(context),
            )
            for source, landed in found:
                yield _result(spec, source, landed)

    return raw


def ranges_of(text: str | None) -> "dict[str, list[OffsetRange]] | None":
    """What a sensor wrote into a run's configuration."""
    if text is None:
        return None
    from octo_core.offsets import OffsetRange

    return {name: [OffsetRange.model_validate(one) for one in found] for name, found in json.loads(text).items()}


def _spec(spec: PipelineSpec, source: str) -> dg.AssetSpec:
    kind = spec.sources[source].kind
    about = spec.sources[source].description or f"What the source `{source}` said."
    return dg.AssetSpec(
        raw_key(spec.name, source),
        description=f"{about}\n\nNext: materialize it to read what is new; it lands as a batch, exactly as it came. "
        "`full` of its configuration reads everything again.",
        kinds={kind},
        **spec_fields(spec),
    )


def _told(batch: "Batch") -> str:
    """What is there where nothing is new: `01JD… of 2026-11-22 06:15 UTC, 336,776 rows, up to 2013-12-31`."""
    rows = f"{batch.rows:,} rows" if batch.rows is not None else f"{batch.bytes:,} bytes"
    position = f", up to {batch.cursor_to}" if batch.cursor_to else ""
    return f"{batch.id} of {batch.made_at:%Y-%m-%d %H:%M} UTC, {rows}{position}"


def _result(spec: PipelineSpec, source: str, landed: "Landed") -> Materialized:
    metadata: Metadata = {"new": landed.batch is not None, "batches_landed": landed.batches}
    if landed.batch is not None:
        metadata |= {
            "batch": landed.batch.id,
            "bytes": landed.batch.bytes,
            "files": len(landed.batch.files),
            "seconds": round(landed.seconds, 3),
            "from": landed.batch.cursor_from or "",
            "to": landed.batch.cursor_to or "",
        }
        if landed.batch.notes:
            metadata["notes"] = dg.MarkdownMetadataValue("\n".join(f"- {note}" for note in landed.batch.notes))
        if landed.batch.rows is not None:
            metadata["dagster/row_count"] = landed.batch.rows
    elif landed.newest is not None:
        metadata["newest batch"] = _told(landed.newest)
    version = dg.DataVersion(landed.newest.id) if landed.newest else None
    return dg.MaterializeResult(asset_key=raw_key(spec.name, source), metadata=metadata, data_version=version)
