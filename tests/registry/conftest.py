"""A fresh registry on each of the two databases, and a recipe with its plan to decide about."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe, Sample, TablePlan, TableRecipe, UsedField
from octo_resources.registry import Registry
from tests.conftest import PostgresServer, fresh_database

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTOPIPE_APPROVAL_KEY", raising=False)


@pytest.fixture(scope="session")
def made_database(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that holds a registry, made once."""
    url = fresh_database(postgres_server)
    Registry.open(url, tmp_path_factory.mktemp("made")).close()
    return url.rsplit("/", 1)[1]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new registry, its tables made."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("registry_file"), tmp_path / "registry.db")
        return "sqlite"
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("made_database")
    name = f"r{uuid4().hex[:12]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}" strategy file_copy')
    return str(server.url(name))


@pytest.fixture(params=["sqlite", "postgres"])
def fresh_url(request: pytest.FixtureRequest) -> str:
    """Where there is nothing yet."""
    return "sqlite" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def open_registry(url: str, tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Opens the test's registry, as often as a test wants, with or without a key."""
    opened: list[Registry] = []

    def make(key: str | None = None) -> Registry:
        opened.append(Registry.open(url, tmp_path, approval_key=key))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def registry(open_registry: Callable[..., Registry]) -> Registry:
    return open_registry()


def recipe(pipeline: str = "flights", expr: str = "upper(origin)", family: str = "text") -> Recipe:
    table = TableRecipe(
        table="public.flight",
        source="flights",
        from_="flights",
        key=("id",),
        version=None,
        write="merge",
        deletes="ignore",
        columns={"id": "id", "origin": expr},
        targets=(),
        primary_key=("id",),
        uniques=(),
        foreign_keys=(),
        checks=("distance > 0",),
        triggers=(),
    )
    used = (UsedField(name="id", family="integer"), UsedField(name="origin", family=family))
    return Recipe(pipeline=pipeline, language=1, drift={}, sources={"flights": used}, tables={"public.flight": table})


def plan(made: Recipe) -> Plan:
    rows = (Sample(before={"origin": "jfk"}, after={"origin": "JFK"}),)
    table = TablePlan(columns=(), sample=rows, key=("id",), write="merge")
    return Plan(pipeline=made.pipeline, fingerprint=fingerprint(made), tables={"public.flight": table}, made_at=NOON)


def save(registry: Registry, made: Recipe) -> str:
    """Save the recipe's plan; its fingerprint."""
    registry.plans.save(plan(made), made)
    return fingerprint(made)
