"""The queue, and how it is drained: nothing lost, nothing landed twice."""

import json
from pathlib import Path

import pytest
import zstandard

from octo_core.batch import Batch
from octo_core.errors import LandingError
from octo_core.spec.sources import PushBatch, PushSource
from octo_resources.landing import Landing
from octo_resources.landing.ulid import new_ulid
from octo_resources.sources.push.drain import extract_push
from octo_resources.sources.push.queue import Entry, KeyTaken, Pushed, Queue, QueueReader, queue_path
from octo_resources.sources.push.upkeep import Upkeep
from tests.push.conftest import Feed


def entry(*numbers: int, key: str | None = None, digest: bytes = b"d", source: str = "orders") -> Entry:
    body = b"\n".join(b'{"id":%d}' % number for number in numbers)
    return Entry(new_ulid(), "orders", source, key, digest, len(numbers), body)


def drain(feed: Feed, rows: int = 100) -> Batch | None:
    landing = Landing(feed.root / ".octopipe" / "landing")
    spec = PushSource(kind="push", batch=PushBatch(rows=rows))
    with landing.lock("orders", "orders"):
        return extract_push(spec, "orders", "orders", feed.project, landing, lambda *_: None)


def landed(feed: Feed) -> list[list[int]]:
    """The ids in each landed batch."""
    landing = Landing(feed.root / ".octopipe" / "landing")
    return [
        [json.loads(line)["id"] for file in batch.files for line in _lines(landing.open_file(batch, file))]
        for batch in landing.batches("orders", "orders")
    ]


def _lines(path: Path) -> list[bytes]:
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as plain:
        return plain.readall().splitlines()


@pytest.fixture
def path(feed: Feed) -> Path:
    return queue_path(feed.root)


def test_what_was_appended_is_there_when_the_queue_is_opened_again(path: Path) -> None:
    queue = Queue(path)
    first, second = queue.append([entry(1, 2), entry(3)])
    queue.close()
    assert isinstance(first, Pushed)
    assert isinstance(second, Pushed)
    assert [(one.id, body) for one, body in QueueReader(path).after("orders", "orders", 0)] == [
        (first.id, b'{"id":1}\n{"id":2}'),
        (second.id, b'{"id":3}'),
    ]
    waiting = QueueReader(path).waiting("orders", "orders")
    assert (waiting.requests, waiting.items) == (2, 3)


def test_a_key_is_taken_once_also_within_one_group(path: Path) -> None:
    queue = Queue(path)
    first, again, other, elsewhere = queue.append(
        [entry(1, key="k"), entry(1, key="k"), entry(2, key="k", digest=b"e"), entry(1, key="k", source="returns")]
    )
    assert isinstance(first, Pushed)
    assert again == first
    assert isinstance(other, KeyTaken)
    assert isinstance(elsewhere, Pushed)
    assert QueueReader(path).waiting("orders", "orders").requests == 1
    queue.close()


def test_a_queue_has_one_writer(path: Path) -> None:
    queue = Queue(path)
    with pytest.raises(LandingError, match="another server"):
        Queue(path)
    queue.close()
    Queue(path).close()


def test_a_damaged_file_is_refused_and_never_read_past(path: Path) -> None:
    queue = Queue(path)
    queue.append([entry(number, key=f"k{number}") for number in range(500)])
    queue.close()
    whole, page = path.read_bytes(), 4096
    for damaged in (
        whole[: 20 * page] + b"\xa5" * page + whole[21 * page :],  # an inner page: SQLite opens it, and misses rows
        whole[: len(whole) // 2],
        b"no database" * 1000,
    ):
        path.write_bytes(damaged)
        with pytest.raises(LandingError) as refused:
            Queue(path)
        assert "backup" in str(refused.value)
    path.write_bytes(whole)
    Queue(path).close()


def test_a_queue_that_nobody_made_is_empty(path: Path, feed: Feed) -> None:
    assert QueueReader(path).id is None
    assert QueueReader(path).waiting("orders", "orders").items == 0
    assert drain(feed) is None


def test_all_that_waits_lands_in_batches_that_keep_requests_whole(path: Path, feed: Feed) -> None:
    queue = Queue(path)
    queue.append([entry(1, 2), entry(3, 4), entry(5), entry(6, source="returns")])
    drain(feed, rows=3)
    assert landed(feed) == [[1, 2, 3, 4], [5]]
    assert drain(feed) is None
    queue.append([entry(7)])
    drain(feed)
    assert landed(feed) == [[1, 2, 3, 4], [5], [7]]
    queue.close()


def test_a_drain_that_died_before_the_queue_was_told_lands_nothing_twice(path: Path, feed: Feed) -> None:
    queue = Queue(path)
    queue.append([entry(1), entry(2)])
    drain(feed)  # nobody tells the queue: that is the server's upkeep, which did not run
    assert drain(feed) is None
    queue.append([entry(3)])
    drain(feed)
    assert landed(feed) == [[1, 2], [3]]
    queue.close()


def test_a_drain_that_died_half_way_leaves_all_of_it_waiting(path: Path, feed: Feed) -> None:
    queue = Queue(path)
    queue.append([entry(1), entry(2)])
    queue.close()

    def dies(rows: int, *_: object) -> None:
        raise KeyboardInterrupt

    landing = Landing(feed.root / ".octopipe" / "landing")
    with pytest.raises(KeyboardInterrupt):
        extract_push(PushSource(kind="push"), "orders", "orders", feed.project, landing, dies)
    assert landed(feed) == []
    drain(feed)
    assert landed(feed) == [[1, 2]]


def test_upkeep_lets_the_items_of_landed_requests_go_and_keeps_their_keys(path: Path, feed: Feed) -> None:
    queue = Queue(path)
    (first,) = queue.append([entry(1, key="k")])
    batch = drain(feed)
    assert batch is not None
    queue.append([entry(2)])
    freed: list[int] = []
    upkeep = Upkeep(Landing(feed.root / ".octopipe" / "landing"), lambda *told: freed.append(told[2]))
    upkeep(queue)
    upkeep(queue)
    assert sum(freed) == len(b'{"id":1}')
    assert isinstance(first, Pushed)
    found = QueueReader(path).get("orders", first.id)
    assert found is not None
    assert found.landed == batch.id
    (again,) = queue.append([entry(1, key="k")])
    assert isinstance(again, Pushed)
    assert again.id == first.id
    drain(feed)
    assert landed(feed) == [[1], [2]]
    queue.forget(before=2**40)
    assert QueueReader(path).get("orders", first.id) is None
    queue.close()


def test_a_queue_made_anew_begins_at_its_own_beginning(path: Path, feed: Feed) -> None:
    queue = Queue(path)
    queue.append([entry(1), entry(2)])
    drain(feed)
    queue.close()
    for file in path.parent.iterdir():
        file.unlink()
    queue = Queue(path)
    queue.append([entry(3)])
    drain(feed)
    assert landed(feed) == [[1, 2], [3]]
    queue.close()
