"""The fixture of the embedded engine's tests."""

from pathlib import Path

import pytest

from tests.engine.landed import Land


@pytest.fixture
def land(tmp_path: Path) -> Land:
    return Land(tmp_path)
