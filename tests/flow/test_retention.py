"""How long landed files stay (`landing.keep`), and how much room they may take (`landing.max_bytes`)."""

from datetime import UTC, datetime, timedelta

import pytest

from octo_core.errors import LandingError
from octo_resources.flow import newest_write
from tests.flow.shop import Shop, sales


def settings(shop: Shop, text: str) -> None:
    (shop.root / "octopipe.yaml").write_text(f"registry: sqlite\nlanding: {{{text}}}\n")


def landed(shop: Shop) -> int:
    return len(shop.space.landing.batches("sales", "sales"))


def next_day(shop: Shop, number: int) -> None:
    shop.drop("sales", f"day{number}", sales(range(number * 10, number * 10 + 10)))


@pytest.fixture
def copies(shop: Shop) -> Shop:
    """A source whose files are copied into the landing zone, loaded once."""
    shop.sales_pipeline(sources={"sales": {"kind": "file", "path": "in/sales/*.jsonl", "landing": "copy"}})
    next_day(shop, 1)
    shop.start()
    return shop


def test_loaded_batches_go_when_they_are_old_and_what_waits_stays(copies: Shop) -> None:
    settings(copies, "keep: 0 s")
    for number in (2, 3):
        next_day(copies, number)
        copies.land()
    assert landed(copies) == 3  # nothing goes before a load
    copies.load()
    assert landed(copies) == 1  # the newest stays
    assert copies.count() == 30


def test_the_zone_stays_within_its_room_by_what_was_loaded(copies: Shop) -> None:
    settings(copies, "max_bytes: 1")
    next_day(copies, 2)
    with pytest.raises(LandingError, match="more than landing"):
        copies.land()  # the only batch is the newest of its source
    settings(copies, "max_bytes: 1 GB")
    copies.run()
    settings(copies, f"max_bytes: {copies.space.landing.used() - 1}")
    next_day(copies, 3)
    copies.run()
    assert landed(copies) == 2
    assert copies.count() == 30


def test_what_no_table_has_got_is_never_removed_for_room(copies: Shop) -> None:
    next_day(copies, 2)
    copies.land()
    next_day(copies, 3)
    settings(copies, "max_bytes: 1")
    with pytest.raises(LandingError, match="not loaded yet"):
        copies.land()
    assert landed(copies) == 1 + 1 - 1  # the loaded one went, the one that waits did not
    settings(copies, "max_bytes: 1 GB")
    copies.run()
    assert copies.count() == 30


def test_when_a_table_was_written_is_known_when_its_loads_are_forgotten(copies: Shop) -> None:
    written = newest_write(copies.space, copies.pipeline(), "shop.sale")
    assert written is not None
    assert copies.registry.executions.clean(datetime.now(UTC) + timedelta(days=1))
    assert newest_write(copies.space, copies.pipeline(), "shop.sale") == written
