"""The same shop as in tests/flow, in one folder for all tests, so that a saved state of it can be laid there again."""

import shutil
from pathlib import Path

import pytest

from tests.flow.conftest import shop

__all__ = ["shop"]


@pytest.fixture(scope="session")
def gate_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture
def shop_root(gate_folder: Path) -> Path:
    shutil.rmtree(gate_folder / "project", ignore_errors=True)
    return gate_folder / "project"
