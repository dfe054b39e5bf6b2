"""The shop of these tests, fresh for each; `tests/gate` uses it too."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from octo_resources.registry import Registry
from tests.flow.shop import WAREHOUSE, Shop
from tests.servers.commands import Commands


@pytest.fixture
def shop(
    shop_root: Path,
    postgres_url: str,
    registry_file: Path,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """A project folder with nothing in it but octopipe.yaml, and a warehouse with empty tables and three customers."""
    for name in ("OCTOPIPE_HOME", "OCTOPIPE_PROFILE", "OCTOPIPE_APPROVAL_KEY", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHOP_WAREHOUSE", postgres_url)
    (shop_root / ".octopipe").mkdir(parents=True)
    (shop_root / "octopipe.yaml").write_text("registry: sqlite\n")
    shutil.copy(registry_file, shop_root / ".octopipe")
    registry = Registry.open("sqlite", shop_root / ".octopipe")
    made = Shop(shop_root, postgres_url, registry, commands)
    made.sql(WAREHOUSE)
    made.sql("INSERT INTO shop.customer VALUES (1, 'Ana'), (2, 'Bo'), (3, 'Cy')")
    made.changed = False
    yield made
    made.registry.close()
