"""A project with one pipeline that streams a topic."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from demo.broker import Broker
from octo_core.streaming import MicroBatch, StreamState
from octo_resources.flow import Workspace, approve, prepare
from octo_resources.flow.streaming import Streaming
from octo_resources.registry import Registry
from tests.kafka.topics import Topics

TABLE = """
CREATE TABLE sale (id bigint PRIMARY KEY, amount numeric(10, 2) NOT NULL, at timestamptz NOT NULL, gone timestamptz);
"""


def sale(number: int, **changed: Any) -> tuple[str, str]:
    made = {"id": number, "amount": f"{number}.50", "at": "2026-03-01T10:00:00Z"} | changed
    return str(number), json.dumps(made)


@dataclass
class Stream:
    """A project with one pipeline that streams a topic into public.sale."""

    root: Path
    url: str
    topics: Topics
    topic: str
    registry: Registry
    told: list[MicroBatch] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def space(self) -> Workspace:
        return Workspace.open(self.root, registry=self.registry)

    def write(self, **more: Any) -> None:
        folder = self.root / "pipelines" / "sales"
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "sources": {"sales": {"kind": "kafka", "brokers": self.topics.broker.address, "topic": self.topic}},
            "destination": {"kind": "postgres", "url": self.url},
            "tables": {"public.sale": {"key": ["id"], "version": "at", "deletes": {"mark": "gone"}}},
            "stream": {"trigger": "continuous", "dead_letters": f"{self.topic}.dead"},
        } | more
        said["sources"]["sales"]["key"] = ["id"]
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
        mapping = {"public.sale": {"id": "id", "amount": "amount", "at": "at"}}
        (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))

    def send(self, *messages: tuple[str, str | bytes | None]) -> None:
        self.topics.fill(self.topic, messages)

    def approve(self) -> str:
        space = self.space
        fingerprint = prepare(space, space.pipeline("sales")).plan.fingerprint
        approve(space, space.pipeline("sales"), fingerprint, reviewer="ana@shop.example", via="cli")
        return fingerprint

    def follow(self, between: Callable[[int], None] = lambda _: None) -> StreamState:
        """Load all that waits. `between` is called after each micro-batch with its number, from 1."""
        space, self.told = self.space, []

        def told(made: MicroBatch) -> None:
            self.told.append(made)
            between(len(self.told))

        self.said = []
        pipeline, stopping = space.pipeline("sales"), threading.Event()
        return Streaming(space, pipeline, told=told, stopping=stopping, said=self.said.append, once=True).run()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def streaming(root: Path, url: str, broker: Broker, *, partitions: int = 1) -> Iterator[Stream]:
    """A new project under `root` whose pipeline streams a new topic into a new table."""
    (root / ".octopipe").mkdir(parents=True)
    (root / "octopipe.yaml").write_text("registry: sqlite\n")
    registry = Registry.open("sqlite", root / ".octopipe")
    topics = Topics(broker)
    made = Stream(root, url, topics, topics.make(partitions=partitions), registry)
    made.sql(TABLE)
    made.write()
    try:
        yield made
    finally:
        registry.close()
