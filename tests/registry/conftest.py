"""A fresh registry on each of the two databases, and a recipe with its plan to decide about."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe, Sample, TablePlan, TableRecipe, UsedField
from octo_resources.registry import Registry

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTOPIPE_APPROVAL_KEY", raising=False)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
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
    return Plan(
        pipeline=made.pipeline, fingerprint=fingerprint(made), tables={"public.flight": table}, made_at=NOON
    )


def save(registry: Registry, made: Recipe) -> str:
    """Save the recipe's plan; its fingerprint."""
    registry.plans.save(plan(made), made)
    return fingerprint(made)
