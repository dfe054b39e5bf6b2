"""A registry for the calls, and doors to models on loopback."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from octo_core.spec.llm import LlmSettings
from octo_resources.llm import Access, Door
from octo_resources.registry import Registry
from tests.flow.conftest import shop
from tests.flow.shop import Shop
from tests.servers.model import ModelServer

__all__ = ["shop"]

OpenDoor = Callable[..., Door]


@pytest.fixture
def registry(tmp_path: Path, registry_file: Path) -> Iterator[Registry]:
    (tmp_path / ".octopipe").mkdir()
    shutil.copy(registry_file, tmp_path / ".octopipe")
    opened = Registry.open("sqlite", tmp_path / ".octopipe")
    yield opened
    opened.close()


@pytest.fixture
def open_door(registry: Registry) -> OpenDoor:
    """`open_door(base_url, key=…, **settings)`: a door of the pipeline `shop`."""

    def opened(base_url: str | None, key: str | None = "sk-planted-key-123", **settings: Any) -> Door:
        said = {"model": "openai/test-1", "base_url": base_url, "timeout": "5 s", **settings}
        return Door("shop", Access(LlmSettings.model_validate(said), key=key), registry.llm_calls)

    return opened


@pytest.fixture
def asking_shop(shop: Shop) -> Callable[..., Shop]:
    """`asking_shop(server, **llm)`: the shop with a pipeline `sales` without mapping.yaml, whose model is `server`."""

    def made(server: ModelServer, **llm: Any) -> Shop:
        settings = {"model": "openai/test-1", "base_url": server.base_url, "key": "sk-planted-key-123"}
        (shop.root / "octopipe.yaml").write_text(yaml.safe_dump({"llm": {**settings, "timeout": "5 s", **llm}}))
        shop.sales_pipeline()
        (shop.root / "pipelines" / "sales" / "mapping.yaml").unlink()
        return shop

    return made
