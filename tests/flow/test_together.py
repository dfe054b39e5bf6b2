"""Loads that meet one another, that somebody wants to end, or whose position was moved by another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from octo_core.errors import DestinationError, LoadAborted, OutOfTime
from octo_resources.destinations.postgres.connection import Address, refused, statement_error
from octo_resources.flow.watching import reading
from tests.flow.shop import Shop, sale, sales


def ready(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.start()
    shop.drop("sales", "b", sales(range(31, 61)))
    shop.land()


def test_of_two_loads_at_once_one_loads_and_the_other_finds_it_done(shop: Shop) -> None:
    ready(shop)
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shop.sale'::regclass"
    started = threading.Event()

    def hold(point: str) -> None:
        if point == "copied":
            started.set()
            while shop.sql(waits) == [(0,)]:  # until the other one stands before the lock
                pass

    def second() -> str:
        started.wait(20)
        return shop.load().result.status

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(second)
        first = shop.load(stage=hold).result
    assert first.status == "loaded"
    assert first.tables["shop.sale"].inserted == 30
    assert other.result() == "already_loaded"
    assert shop.count() == 60
    statuses = sorted(one.status for one in shop.registry.executions.recent("sales"))
    assert statuses == ["already_loaded", "loaded", "loaded"]


def test_many_loads_in_processes_of_their_own_load_once(shop: Shop) -> None:
    ready(shop)
    program = "tests.flow.killed:load_once"
    running = [
        shop.commands.begin(program, ["sales"], environment=shop.environment, folder=shop.root) for _ in range(3)
    ]
    said = [process.done().stdout for process in running]
    assert said.count("loaded") == 1
    assert set(said) <= {"loaded", "already_loaded", "nothing_new"}
    assert shop.count() == 60
    assert shop.sql("SELECT count(*) FROM _octopipe.batches") == [(2,)]


def test_an_abort_asked_before_the_commit_leaves_nothing(shop: Shop) -> None:
    ready(shop)
    before = shop.state()

    def ask(point: str) -> None:
        if point == "copied":
            shop.registry.controls.ask_to_abort("sales")

    with pytest.raises(LoadAborted):
        shop.load(stage=ask)
    assert shop.state() == before
    ended = shop.registry.executions.newest("sales")
    assert ended is not None
    assert ended.status == "aborted"
    assert shop.load().result.tables["shop.sale"].inserted == 30  # the request was for the load that ran


def test_a_load_whose_run_is_being_cancelled_commits_nothing_and_is_not_tried_again(shop: Shop) -> None:
    """Also where the signal made a failed statement of itself, as in ADBC, which else could be tried again."""
    ready(shop)
    before = shop.state()
    cancelled = threading.Event()

    def cancel(point: str) -> None:
        if point == "copied":
            cancelled.set()
            raise DestinationError("canceling statement due to user request", retryable=True)

    with pytest.raises(LoadAborted):
        shop.load(stage=cancel, stopping=cancelled.is_set)
    assert shop.state() == before
    said = "ERROR:  canceling statement due to user request"
    assert not statement_error(Address.from_url("postgresql://h/d"), "copy", "57014", said).retryable


def test_what_a_restart_says_to_those_who_connect_may_be_tried_again() -> None:
    address = Address.from_url("postgresql://h/d")
    for said in (
        'connection to server on socket "/s/.s.PGSQL.5432" failed: No such file or directory',
        "SSL SYSCALL error: Connection reset by peer",
        "FATAL:  the database system is shutting down",
    ):
        assert refused(address, said).retryable
    assert not refused(address, "server does not support SSL, but SSL was required").retryable


SLOW = """
CREATE FUNCTION shop.slow() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF NEW.sale_id > 30 THEN PERFORM pg_sleep(3600); END IF; RETURN NEW; END$$;
CREATE TRIGGER slow BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION shop.slow();
"""


def test_an_abort_ends_what_runs_in_the_destination(shop: Shop) -> None:
    """The statement would take hours: without a cancel this test does not end."""
    shop.sql(SLOW)
    ready(shop)
    before = shop.state()

    def ask(load_id: str) -> None:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while shop.sql(waits) == [(0,)]:
            pass
        shop.registry.controls.ask_to_abort("sales", load_id)

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(shop.load)
        while (running := shop.registry.executions.newest("sales")) is None or running.status != "running":
            pass
        ask(running.load_id)
        with pytest.raises(LoadAborted):
            loading.result()
    assert shop.state() == before
    assert shop.registry.executions.get(running.load_id).status == "aborted"


@pytest.mark.parametrize("by", ["abort", "its run's end"])
def test_a_load_that_waits_for_a_lock_is_ended_at_once(shop: Shop, by: str) -> None:
    ready(shop)
    before = shop.state()
    cancelled = threading.Event()
    with psycopg.connect(shop.url) as writer, ThreadPoolExecutor(1) as pool:
        writer.execute("LOCK TABLE shop.sale IN ROW EXCLUSIVE MODE")
        loading = pool.submit(shop.load, stopping=cancelled.is_set)
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shop.sale'::regclass"
        while shop.sql(waits) == [(0,)]:
            pass
        if by == "abort":
            shop.registry.controls.ask_to_abort("sales")
        else:
            cancelled.set()
        with pytest.raises(LoadAborted):
            loading.result(timeout=20)
    assert shop.state() == before
    ended = shop.registry.executions.newest("sales")
    assert ended is not None
    assert ended.status == "aborted"


def test_a_load_past_its_time_ends_with_nothing_done(shop: Shop) -> None:
    shop.sql(SLOW)
    ready(shop)
    before = shop.state()
    shop.sales_pipeline(limits={"time": "3 s"})
    with pytest.raises(OutOfTime, match="longer than limits"):
        shop.load()
    assert shop.state() == before
    ended = shop.registry.executions.newest("sales")
    assert ended is not None
    assert ended.status == "failed"


def test_reading_past_its_time_lands_nothing(shop: Shop) -> None:
    shop.sales_pipeline(limits={"time": "0.000001 s"})
    shop.drop("sales", "a", sales(range(1, 31)))
    with pytest.raises(OutOfTime, match="reading sales takes longer than limits"):
        shop.land()
    assert shop.space.landing.batches("sales", "sales") == []


def test_an_abort_ends_the_reading_of_a_source(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_resources.flow.watching.EVERY", 0.0)
    shop.sales_pipeline()
    for name in ("a", "b"):
        shop.drop("sales", name, sales(range(1, 31)))
    seen: list[list[str]] = []

    def ask(_rows: int, _size: int, _note: str) -> None:
        seen.append(reading(shop.space, shop.pipeline()))
        shop.registry.controls.ask_to_abort("sales")

    with pytest.raises(LoadAborted, match="reading sales was ended"):
        shop.land(progress=ask)
    assert seen == [["sales"]]
    assert reading(shop.space, shop.pipeline()) == []
    assert shop.space.landing.batches("sales", "sales") == []
    assert shop.start().tables["shop.sale"].inserted == 30  # the request was for the reading that ran


def test_an_abort_asked_after_the_commit_changes_nothing(shop: Shop) -> None:
    ready(shop)

    def ask(point: str) -> None:
        if point == "after_commit":
            shop.registry.controls.ask_to_abort("sales")

    assert shop.load(stage=ask).result.status == "loaded"
    assert shop.count() == 60


def test_a_position_moved_by_another_is_noticed(shop: Shop) -> None:
    """Somebody else writes the state tables while the load holds the tables' locks: compare-and-set hits no row."""
    ready(shop)
    before = shop.count()
    moved = "UPDATE _octopipe.positions SET epoch = epoch + 1"
    from octo_resources.destinations.postgres.load import Load

    real = Load.positions

    def stale(self: Load) -> object:
        found = real(self)
        shop.sql(moved)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Load, "positions", stale)
        with pytest.raises(DestinationError, match="moved by another load"):
            shop.load()
    assert shop.count() == before
    assert shop.load().result.tables["shop.sale"].inserted == 30


def test_the_epoch_counts_the_moves(shop: Shop) -> None:
    ready(shop)
    shop.load()
    shop.drop("sales", "c", [sale(100)])
    shop.run()
    assert shop.sql("SELECT epoch FROM _octopipe.positions") == [(3,)]
    shop.run()
    assert shop.sql("SELECT epoch FROM _octopipe.positions") == [(3,)]


def test_what_fails_before_the_commit_leaves_no_file_behind(shop: Shop) -> None:
    ready(shop)
    shop.drop("sales", "c", [sale(100, customer=77)])
    shop.land()

    def fail(point: str) -> None:
        if point == "before_commit":
            raise RuntimeError("the disk is on fire")

    before = shop.state()
    with pytest.raises(RuntimeError):
        shop.load(stage=fail)
    assert shop.state() == before
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))
    assert not list((shop.root / ".octopipe" / "running").iterdir())


def test_what_fails_after_the_commit_is_loaded_all_the_same(shop: Shop) -> None:
    """The answer of the commit was lost: the destination knows better than the connection."""
    ready(shop)

    def fail(point: str) -> None:
        if point == "after_commit":
            raise ConnectionError("gone")

    result = shop.load(stage=fail).result
    assert result.status == "loaded"
    assert result.tables["shop.sale"].inserted == 30
    execution = shop.registry.executions.newest("sales")
    assert execution is not None
    assert (execution.status, execution.inserts) == ("loaded", 30)
