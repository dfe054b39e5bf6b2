"""A broker with topics, and a landing zone."""

from pathlib import Path

import pytest

from demo.broker import Broker
from octo_resources.landing import Landing
from tests.kafka.topics import Topics


@pytest.fixture(scope="session")
def topics(broker: Broker) -> Topics:
    return Topics(broker)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")
