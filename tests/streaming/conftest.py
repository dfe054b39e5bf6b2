"""A stream of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.broker import Broker
from tests.streaming.project import Stream, streaming


@pytest.fixture
def stream(tmp_path: Path, postgres_url: str, broker: Broker) -> Iterator[Stream]:
    with streaming(tmp_path / "project", postgres_url, broker) as made:
        yield made
