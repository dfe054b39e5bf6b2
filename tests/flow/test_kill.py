"""SIGKILL at every point of a load: nothing is lost, nothing doubled, and what happened is told afterwards."""

import signal

import pytest

from octo_core.errors import DestinationError
from tests.flow.shop import Shop, sale, sales


def kill(shop: Shop, point: str) -> None:
    entry = "tests.flow.killed:killed"
    done = shop.commands.run(entry, "sales", point, folder=shop.root, environment=shop.environment)
    assert done.returncode == -signal.SIGKILL, done.stderr


def ready(shop: Shop) -> None:
    """30 rows are loaded; 31 that are good and one that is not have landed."""
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.start()
    shop.drop("sales", "b", [*sales(range(31, 61)), sale(70, customer=77), sale(71)])
    shop.land()


def whole(shop: Shop) -> None:
    """What has to be true in the end, wherever the process died."""
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(61, 61)]
    assert shop.sql("SELECT sum(inserted), sum(quarantined) FROM _octopipe.ledger") == [(61, 1)]
    assert shop.sql("SELECT count(*) FROM _octopipe.batches") == [(2,)]
    assert shop.sql("SELECT epoch FROM _octopipe.positions") == [(2,)]
    file, checksum, load_id = shop.sql(
        "SELECT quarantine_file, quarantine_sha256, load_id FROM _octopipe.ledger WHERE quarantined > 0"
    )[0]
    files = list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))
    assert [one.name for one in files] == [file]
    assert [row.column for row in shop.quarantined(load_id, sha256=checksum)] == ["customer_id"]
    kept = {one.load_id: one.status for one in shop.registry.executions.recent("sales")}
    assert kept[load_id] == "loaded"
    assert "running" not in kept.values()


def test_status_of_all_pipelines_tells_only_the_steps_that_are_not_done(shop: Shop) -> None:
    ready(shop)
    shop.load()
    assert "load      done" in shop.octopipe("status", "sales").stdout
    assert "done" not in shop.octopipe("status").stdout
    shop.drop("sales", "c", [sale(72)])
    shop.land()
    kill(shop, "copied")
    assert "sales: load      running" in shop.octopipe("status").stdout


@pytest.mark.parametrize("point", ["copied", "before_commit"])
def test_killed_before_the_commit_it_loads_the_next_time(shop: Shop, point: str) -> None:
    ready(shop)
    before = shop.state()
    kill(shop, point)
    assert shop.state() == before
    gone = shop.registry.executions.newest("sales")
    assert gone is not None
    assert gone.status == "running"
    assert "no row of sales is set aside" in shop.octopipe("quarantine", "list", "sales").stdout

    result = shop.run()
    assert result.status == "loaded"
    assert result.tables["shop.sale"].inserted == 31
    told = shop.registry.executions.get(gone.load_id)
    assert told is not None
    assert told.status == "vanished"
    assert "nothing of it was committed" in (told.error or "")
    whole(shop)


def test_killed_after_the_commit_it_is_loaded_and_loads_nothing_again(shop: Shop) -> None:
    ready(shop)
    kill(shop, "after_commit")
    gone = shop.registry.executions.newest("sales")
    assert gone is not None
    assert gone.status == "running"
    assert shop.count() == 61

    assert shop.run().status == "nothing_new"
    told = shop.registry.executions.get(gone.load_id)
    assert told is not None
    assert told.status == "loaded"
    assert told.inserts == 31
    assert told.result is not None
    assert told.result.tables["shop.sale"].quarantined == 1
    whole(shop)


def test_killed_again_and_again_it_loads_once(shop: Shop) -> None:
    ready(shop)
    for point in ("before_commit", "copied", "after_commit", "copied"):
        if shop.count() == 30:
            kill(shop, point)
    assert shop.run().status == "nothing_new"
    whole(shop)


def test_killed_while_it_lands_the_source_is_read_again(shop: Shop) -> None:
    ready(shop)
    shop.load()
    shop.drop("sales", "c", sales(range(80, 90)))
    kill(shop, "landing")
    assert len(shop.space.landing.batches("sales", "sales")) == 2
    result = shop.run()
    assert result.tables["shop.sale"].inserted == 10
    assert len(shop.space.landing.batches("sales", "sales")) == 3
    folder = shop.space.landing.folder("sales", "sales")
    assert not list(folder.glob(".tmp-*"))


def test_status_says_that_a_killed_load_is_gone(shop: Shop) -> None:
    ready(shop)
    kill(shop, "copied")
    said = shop.octopipe("status", "sales")
    assert "vanished" in said.stdout, said
    assert "octopipe run sales" in said.stdout
    refused = shop.octopipe("abort", "sales")
    assert refused.returncode == 2
    assert "no load of sales is running" in refused.stderr


@pytest.mark.parametrize("point", ["copied", "before_commit"])
def test_a_connection_that_the_server_ends_is_told_in_words_and_may_be_tried_again(shop: Shop, point: str) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.start()
    shop.drop("sales", "b", sales(range(31, 61)))
    shop.land()
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def end(now: str) -> None:
        if now == point:
            shop.sql(f"SELECT pg_terminate_backend(pid) {others}")

    with pytest.raises(DestinationError, match=r"terminating connection .*\n.*the connection broke") as caught:
        shop.load(stage=end)
    assert caught.value.retryable
    assert "Failed to prepare" not in str(caught.value)
    ended = shop.registry.executions.newest("sales")
    assert ended is not None
    assert ended.status == "failed"
    assert shop.load().result.tables["shop.sale"].inserted == 30
