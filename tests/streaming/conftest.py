"""A stream of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.broker import Broker
from octo_resources.registry import Registry
from tests.kafka.topics import Topics
from tests.streaming.project import TABLE, Stream


@pytest.fixture
def stream(tmp_path: Path, postgres_url: str, broker: Broker) -> Iterator[Stream]:
    root = tmp_path / "project"
    (root / ".octopipe").mkdir(parents=True)
    (root / "octopipe.yaml").write_text("registry: sqlite\n")
    registry = Registry.open("sqlite", root / ".octopipe")
    topics = Topics(broker)
    made = Stream(root, postgres_url, topics, topics.make(), registry)
    made.sql(TABLE)
    made.write()
    yield made
    registry.close()
