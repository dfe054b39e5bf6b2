"""Fixtures of Spark's tests: the shop of tests/flow, and one local session for the tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from octo_resources.engines.spark import Settings, SparkEngine, close
from tests.flow.conftest import shop

__all__ = ["shop"]
LOCAL = Settings(master="local[2]")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """The engine on a local session, closed at the end."""
    yield SparkEngine(LOCAL, temp=Path(tmp_path_factory.mktemp("spark")))
    close()
