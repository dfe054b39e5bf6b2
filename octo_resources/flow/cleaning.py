"""Forget what is old: executions, rows shown in plans, landed files, Dagster's runs. Never what a later load needs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

Purge = Callable[[str | None, datetime, bool], int]
"""(pipeline or None for all, before, dry run) → how many runs."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much of each kind was (or would be) forgotten."""

    loads: int
    plans: int
    batches: int
    runs: int

    @property
    def anything(self) -> bool:
        return bool(self.loads or self.plans or self.batches or self.runs)

    def document(self, *, deleted: bool) -> dict[str, Any]:
        return {"deleted": deleted, **asdict(self)}


def clean_history(
    space: Workspace, pipeline: str | None, age: timedelta, *, dry_run: bool, purge: Purge | None = None
) -> Forgotten:
    """Forget what is older than `age`, of one pipeline or of all.

    Kept whatever their age: batch ids, approvals and their recipes, positions, what runs, each source's newest batch,
    and every batch that a table has not got yet. `purge` forgets the runs of whoever runs pipelines.
    """
    before = datetime.now(UTC) - age
    loads = space.registry.executions.clean(before, pipeline=pipeline, dry_run=dry_run)
    plans = space.registry.plans.clean(before, pipeline=pipeline, dry_run=dry_run)
    for versions in (space.registry.schemas, space.registry.catalogs, space.registry.mappings):
        versions.clean(before, pipeline=pipeline, dry_run=dry_run)
    space.registry.logs.clean(before, pipeline=pipeline, dry_run=dry_run)
    batches = 0
    if pipeline is None:
        cleaned = space.landing.clean(age, _unloaded(space), dry_run=dry_run)
        batches = len(cleaned.batches)
    return Forgotten(len(loads), plans, batches, purge(pipeline, before, dry_run) if purge else 0)


def _unloaded(space: Workspace) -> set[str]:
    """Ids of the batches that some table still waits for: as the destinations say, or all where one cannot be asked."""
    from octo_core.errors import OctopipeError

    kept: set[str] = set()
    for name in space.project.pipeline_names():
        try:
            pipeline = space.pipeline(name)
            known = space.destination(pipeline).known_batches(name)
        except OctopipeError:
            pipeline, known = None, {}
        for source in space.landing.sources():
            if source[0] != name:
                continue
            batches = {batch.id for batch in space.landing.batches(name, source[1])}
            loaded = [known.get((source[1], table), frozenset()) for table in _tables_from(pipeline, source[1])]
            kept |= batches - frozenset.intersection(*loaded) if loaded else batches
    return kept


def _tables_from(pipeline: Pipeline | None, source: str) -> list[str]:
    return [table for table in pipeline.tables if pipeline.spec.source_of(table) == source] if pipeline else []
