"""One project folder with its registry, landing zone and destinations: what every step of the flow works on."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.errors import UsageError
from octo_resources.landing import Landing
from octo_resources.project import Pipeline, Project
from octo_resources.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import Callable

    from octo_resources.destinations.postgres.destination import PostgresDestination
    from octo_resources.engines.choice import Choice
    from octo_resources.engines.duckdb import DuckEngine, Input
    from octo_resources.engines.protocol import Engine
    from octo_resources.flow.held import Held
    from octo_resources.llm.silence import Silences
    from octo_resources.registry import Registry


def open_registry(project: Project, url: str = "") -> "Registry":
    """The project's registry (or the one at `url`), with the key of its environment and .env, as Dagster has it."""
    from octo_resources.redaction import remember
    from octo_resources.registry import Registry  # 0.3 s: SQLAlchemy
    from octo_resources.registry.registry import APPROVAL_KEY

    key = project.environment.get(APPROVAL_KEY)
    for part in (key or "").split(","):
        remember(part.strip())
    return Registry.open(url or project.registry_url, project.state, approval_key=key)


def open_landing(project: Project) -> Landing:
    """The landing zone: a folder, or a place in an object store with its mirror in the project's state."""
    settings = project.spec.landing
    if "://" not in settings.path:
        return Landing(project.landing_path)
    from octo_resources.landing.remote import RemoteLanding
    from octo_resources.objects import open_store

    address = project.secrets.reveal(settings.path)
    return RemoteLanding(open_store(address, settings.endpoint), _mirror(project, address))


def open_quarantine(project: Project) -> Quarantine:
    """Where rows set aside are: beside the landing zone where that is in an object store, else in the state."""
    settings = project.spec.landing
    if "://" not in settings.path:
        return Quarantine(project.state / "quarantine")
    from octo_resources.landing.remote import ASIDE
    from octo_resources.objects import open_store
    from octo_resources.quarantine_remote import RemoteQuarantine

    address = project.secrets.reveal(settings.path)
    store = open_store(address, settings.endpoint)
    return RemoteQuarantine(_mirror(project, address) / ASIDE, store, f"{store.prefix}{ASIDE}/")


def _mirror(project: Project, address: str) -> Path:
    return project.state / "mirror" / hashlib.sha256(address.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Workspace:
    """A project at work. Nothing is opened before a step needs it; what was opened is kept."""

    project: Project
    opened: "Registry | None" = None
    held: "Held | None" = None
    """What loads that follow one another keep open."""
    silences: "Silences" = field(default_factory=dict)
    """Which models do not answer: no later step of the same command or run asks them."""

    @classmethod
    def open(
        cls, root: Path | str | None = None, *, registry: "Registry | None" = None, silences: "Silences | None" = None
    ) -> "Workspace":
        """The workspace of a project folder, or of the one found from the current folder."""
        return cls(
            Project.at(root) if root is not None else Project.find(),
            registry,
            silences={} if silences is None else silences,
        )

    @cached_property
    def registry(self) -> "Registry":
        return self.opened or open_registry(self.project)

    @cached_property
    def landing(self) -> Landing:
        return open_landing(self.project)

    @cached_property
    def quarantine(self) -> Quarantine:
        return open_quarantine(self.project)

    @property
    def samples(self) -> Landing:
        """Beginnings of sources of which nothing landed yet, for a first schema and plan; never loaded."""
        return Landing(self.project.state / "samples")

    def seen(self, pipeline: str, source: str) -> list[Batch]:
        """What schema and plan stand on: what landed, oldest first, or else a sample of the source."""
        there = self.landing.batches(pipeline, source)
        landed = [one for one in there if one.files and not one.unread]  # an empty one shows nothing
        return landed or self.samples.batches(pipeline, source)

    def is_sample(self, batch: Batch) -> bool:
        return Path(batch.folder).is_relative_to(self.samples.root)

    @contextmanager
    def holding(self) -> "Iterator[Workspace]":
        """The same, for loads of one pipeline that follow one another: its connections stay open meanwhile."""
        from octo_resources.flow.held import Held

        with self.registry.database.open(), Held() as held:
            yield Workspace(self.project, self.registry, held)

    def pipeline(self, name: str) -> Pipeline:
        return self.project.pipeline(name)

    def destination(self, pipeline: Pipeline) -> "PostgresDestination":
        """The pipeline's destination; nothing is connected yet."""
        from octo_resources.destinations import connect

        if pipeline.spec.destination is None:
            raise UsageError("the pipeline has no destination", where=pipeline.name, hint="add `destination:`")
        if self.held is not None:
            return self.held.destination(pipeline.spec.destination, self.project.secrets)
        return connect(pipeline.spec.destination, self.project.secrets)

    def engine(self, pipeline: Pipeline) -> "DuckEngine":
        """The embedded engine with the pipeline's memory and threads."""
        from octo_resources.engines.duckdb import DuckEngine

        wanted, remembered = pipeline.spec.engine, self.held.engine if self.held is not None else None
        temp = self.project.state / "tmp"
        return DuckEngine(memory=wanted.memory, threads=wanted.threads, temp=temp, remembered=remembered)

    def load_engine(self, pipeline: Pipeline, choice: "Choice", tag: str, say: "Callable[[str], None]") -> "Engine":
        """The engine that a load was given; `tag` names its jobs, `say` is told how far they are."""
        if choice.engine == "duckdb":
            return self.engine(pipeline)
        from octo_resources.engines.spark import Settings, SparkEngine

        wanted = Settings.of(pipeline.engine, self.project.secrets.reveal)
        return SparkEngine(wanted, temp=self.project.state / "tmp", tag=tag, say=say)

    def inputs(self, batch: Batch) -> "list[Input]":
        """The files of a batch as the engine reads them."""
        from octo_resources.engines.duckdb import Input

        return [Input(batch=batch, file=file, path=self.landing.open_file(batch, file)) for file in batch.files]
