"""A project folder that is pushed to, and its API served by a real server in this process."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
import yaml

from octo_api.app import config, create_app
from octo_resources.flow import Workspace
from octo_resources.project import Project
from octo_resources.registry import Registry

SECRET = "the-orders-secret"
TABLE = """
CREATE TABLE public.orders (id bigint PRIMARY KEY, customer text NOT NULL, amount numeric(10, 2), placed timestamptz)
"""


def order(number: int, **changed: Any) -> dict[str, Any]:
    """An item of the source `orders`."""
    placed = f"2026-03-{1 + number % 28:02d}T10:00:{number % 60:02d}Z"
    return {"id": number, "customer": f"C{number}", "amount": number + 0.5, "placed": placed} | changed


@dataclass
class Feed:
    """The project folder. `source` are the keys of its pushed source, as the file has them."""

    root: Path
    url: str

    def write(self, name: str = "orders", **source: Any) -> None:
        """pipelines/NAME with a source `orders` that is pushed to, and one table."""
        kind: dict[str, Any] = {"kind": "push", "key": ["id"]}
        if "auth" not in source:
            kind["token"] = "${secret:env/ORDERS_TOKEN}"
        document = {
            "sources": {"orders": kind | source},
            "destination": {"kind": "postgres", "url": self.url},
            "tables": {"public.orders": {"write": "merge"}},
        }
        folder = self.root / "pipelines" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def samples(self, *items: Mapping[str, Any]) -> None:
        folder = self.root / "pipelines" / "orders" / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "orders.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))

    @property
    def project(self) -> Project:
        return Project.at(self.root)

    @contextmanager
    def space(self) -> Iterator[Workspace]:
        registry = Registry.open("sqlite", self.root / ".octopipe")
        try:
            yield Workspace.open(self.root, registry=registry)
        finally:
            registry.close()

    @contextmanager
    def served(self) -> Iterator[httpx.Client]:
        """The API on a free port; the client sends the source's token."""
        server = uvicorn.Server(config(create_app(self.project), "127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                thread.join(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            headers = {"Authorization": f"Bearer {SECRET}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(20)

    def rows(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT * FROM public.orders ORDER BY id").fetchall()


Made = Callable[..., Feed]


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """A project that takes orders. Its destination is not reachable."""
    for name in ("OCTOPIPE_HOME", "OCTOPIPE_PROFILE", "OCTOPIPE_APPROVAL_KEY", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ORDERS_TOKEN", SECRET)
    (tmp_path / ".octopipe").mkdir()
    (tmp_path / "octopipe.yaml").write_text("registry: sqlite\n")
    made = Feed(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    made.write()
    return made


@pytest.fixture
def loading(feed: Feed, postgres_url: str) -> Feed:
    """The same with a real table."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(TABLE)
    feed.url = postgres_url
    feed.write()
    return feed
