"""Forget what is old: executions, rows shown in plans, landed files, Dagster's runs. Never what a later load needs."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from octo_core.errors import LandingError, OctopipeError
from octo_core.spec.project import LandingSettings
from octo_resources.flow.states import state_of
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
    space.registry.llm_calls.clean(before, pipeline=pipeline, dry_run=dry_run)
    space.registry.logs.clean(before, pipeline=pipeline, dry_run=dry_run)
    batches = 0
    if pipeline is None:
        cleaned = space.landing.clean(age, _unloaded(space), dry_run=dry_run)
        batches = len(cleaned.batches)
    return Forgotten(len(loads), plans, batches, purge(pipeline, before, dry_run) if purge else 0)


def keep_landing(space: Workspace, pipeline: Pipeline) -> None:
    """What `landing.keep` says of one pipeline: files of its loaded batches go when they are older than that."""
    keep, landing = _settings(space).keep, space.landing
    with suppress(LandingError):  # the load is done; what could not be removed goes after the next
        landing.trim(pipeline.name)
        older = [batch for source in pipeline.spec.sources for batch in landing.batches(pipeline.name, source)[:-1]]
        if any(batch.made_at < datetime.now(UTC) - keep for batch in older):
            landing.clean(keep, _unloaded(space, [pipeline.name]), pipeline=pipeline.name)


def make_room(space: Workspace) -> None:
    """Keep the landing zone within `landing.max_bytes`: the oldest loaded batches go.

    LandingError where what no table has got yet takes more than that all the same: nothing of it is ever removed.
    """
    limit = _settings(space).max_bytes
    if space.landing.used() <= limit:
        return
    forever = timedelta(days=36_500)
    space.landing.clean(forever, _unloaded(space), max_bytes=limit)
    used = space.landing.used()
    if used > limit:
        raise LandingError(
            f"the landing zone holds {used:,} bytes, more than landing.max_bytes: {limit:,}, of which "
            "nothing may go: it is not loaded yet, or the newest of its source",
            where=space.landing.shown,
            hint="Approve and load what waits (octopipe status), or raise landing.max_bytes in octopipe.yaml.",
        )


def _settings(space: Workspace) -> LandingSettings:
    return space.project.spec.landing


def _unloaded(space: Workspace, pipelines: Iterable[str] | None = None) -> set[str]:
    """Ids of the batches that some table still waits for: as the destinations say, or all where one cannot be asked."""
    kept: set[str] = set()
    for name in space.project.pipeline_names() if pipelines is None else pipelines:
        try:
            pipeline = space.pipeline(name)
            known = space.destination(pipeline).known_batches(name)
        except OctopipeError:
            pipeline, known = None, {}
        for source in space.landing.sources(name):
            landed = space.landing.batches(name, source[1])
            batches = {batch.id for batch in landed}
            loaded = [known.get((source[1], table), frozenset()) for table in _tables_from(pipeline, source[1])]
            looked_up = pipeline is not None and any(source[1] in pipeline.spec.beside(one) for one in pipeline.tables)
            if looked_up:  # rows that are still to come are joined with what the source holds now
                kept |= {batch.id for batch in state_of(landed)}
            if loaded or not looked_up:
                kept |= batches - frozenset.intersection(*loaded) if loaded else batches
    return kept


def _tables_from(pipeline: Pipeline | None, source: str) -> list[str]:
    return [table for table in pipeline.tables if source in pipeline.spec.sources_of(table)] if pipeline else []
