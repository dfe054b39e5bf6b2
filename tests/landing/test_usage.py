"""How much the landing zone holds: right after every change, and without a look at what did not change."""

from datetime import timedelta
from pathlib import Path

import pytest

from octo_resources.landing import Landing
from tests.landing.test_landing import land


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def truly(landing: Landing) -> int:
    return sum(path.stat().st_size for path in landing.root.rglob("*") if path.is_file() and path.name != ".used")


def test_it_is_right_after_landing_and_cleaning(landing: Landing) -> None:
    assert landing.used() == 0
    for size in (10, 2_000, 30_000):
        land(landing, b"x" * size)
        assert landing.used() == truly(landing)
        assert landing.used() == truly(landing)
    assert len(landing.clean(timedelta(0)).batches) == 2
    assert landing.used() == truly(landing) > 30_000
    landing.forget("flights", "api")
    assert landing.used() == 0


def test_what_a_killed_cleaning_left_is_taken_away_and_off_the_sum(landing: Landing) -> None:
    first = land(landing, b"x" * 10_000)
    land(landing)
    folder = Path(first.folder)
    (folder / "manifest.json").rename(folder / "cleaned.json")
    assert landing.used() > 10_000
    landing.clean(timedelta(days=1))
    assert landing.used() == truly(landing) < 10_000


def test_a_source_that_did_not_change_is_not_walked_again(landing: Landing) -> None:
    made = land(landing)
    before = landing.used()
    file = Path(made.folder) / made.files[0].path
    file.write_bytes(b"x" * 5_000)  # which nobody does to a landed batch
    assert landing.used() == before
    land(landing)
    assert landing.used() == truly(landing)


@pytest.mark.parametrize("damage", ["", "[1]", "not json", "[0, 5]"])
def test_a_sum_that_cannot_be_is_taken_again(landing: Landing, damage: str) -> None:
    land(landing)
    landing.used()
    (landing.folder("flights", "api") / ".used").write_text(damage)
    assert landing.used() == truly(landing)


def test_only_one_pipelines_sources_are_listed_where_only_it_is_cleaned(landing: Landing) -> None:
    land(landing)
    for name in ("api", "other"):
        landing.folder("airlines", name).mkdir(parents=True)
    assert landing.sources("airlines") == [("airlines", "api"), ("airlines", "other")]
    assert len(landing.sources()) == 3
