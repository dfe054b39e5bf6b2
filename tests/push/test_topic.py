"""`to`: what is pushed is in a Kafka topic before it is acknowledged, each item once, and is loaded from there."""

import json
import time
from typing import Any

import pytest
from confluent_kafka import Consumer

from demo.broker import Broker, free_port
from octo_core.errors import SourceError
from octo_core.spec.sources import PushSource
from octo_resources.flow import land
from octo_resources.landing.ulid import new_ulid
from octo_resources.sources.push.forward import Forwarder
from octo_resources.sources.push.queue import Entry, Pushed, Queue, QueueReader, queue_path
from tests.push.conftest import Feed, order
from tests.push.test_queue import entry


def messages(broker: Broker, topic: str) -> list[Any]:
    """Every committed message of a topic of one partition."""
    settings = {"bootstrap.servers": broker.address, "group.id": new_ulid(), "auto.offset.reset": "earliest",
                "enable.partition.eof": True, "isolation.level": "read_committed"}  # fmt: skip
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    found: list[Any] = []
    try:
        while True:
            message = consumer.poll(30)
            assert message is not None
            if message.error() is not None:
                return found
            found.append(message)
    finally:
        consumer.close()


@pytest.fixture
def topic(feed: Feed, broker: Broker) -> str:
    name = f"pushed-{new_ulid().lower()}"
    feed.write(to={"topic": name, "brokers": broker.address}, batch={"rows": 2})
    return name


def test_items_are_in_the_topic_when_they_are_answered_and_land_from_there(
    feed: Feed, broker: Broker, topic: str
) -> None:
    with feed.served() as client:
        key = {"Idempotency-Key": "k"}
        first = client.post("/push/orders", json=[order(1), order(2)], headers=key)
        again = client.post("/push/orders", json=[order(1), order(2)], headers=key)
        assert (first.status_code, again.json()) == (202, first.json())
        assert client.post("/push/orders", json=order(3)).status_code == 202
        found = messages(broker, topic)
        assert [json.loads(one.value())["id"] for one in found] == [1, 2, 3]
        assert [json.loads(one.key()) for one in found] == [["1"], ["2"], ["3"]]
        assert QueueReader(queue_path(feed.root)).waiting("orders", "orders").requests == 0
        assert client.get(first.headers["location"]).json()["state"] == "accepted"
        with feed.space() as space:
            batch = land(space, space.pipeline("orders"))["orders"].batch
            assert batch is not None
            assert batch.rows == 3
            assert land(space, space.pipeline("orders"))["orders"].batch is None
        status = client.get(first.headers["location"]).json()
        assert (status["state"], status["landed"]) == ("landed", batch.id)
        big = client.post("/push/orders", json=order(4, customer="x" * 950_000))
        assert big.status_code == 422


def test_a_server_that_died_between_the_topics_commit_and_its_own_note_sends_nothing_twice(
    feed: Feed, broker: Broker, topic: str
) -> None:
    spec = feed.project.pipeline("orders").spec.sources["orders"]
    assert isinstance(spec, PushSource)
    queue = Queue(queue_path(feed.root))
    queue.append([entry(1), entry(2)])
    noted, queue.mark = queue.mark, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]  # the death
    died = Forwarder(spec, "orders", "orders", feed.project)
    with pytest.raises(KeyboardInterrupt):
        died.forward(queue)
    queue.mark = noted  # type: ignore[method-assign]  # the next server
    queue.append([entry(3)])
    after = Forwarder(spec, "orders", "orders", feed.project)
    after.forward(queue)
    assert [json.loads(one.value())["id"] for one in messages(broker, topic)] == [1, 2, 3]
    assert QueueReader(queue.path).waiting("orders", "orders").requests == 0
    died.close()
    after.close()
    queue.close()


def test_what_an_earlier_server_could_not_bring_on_goes_on_by_itself(feed: Feed, broker: Broker) -> None:
    name = f"pushed-{new_ulid().lower()}"
    queue = Queue(queue_path(feed.root))
    (row,) = queue.append([Entry(new_ulid(), "orders", "orders", "k", b"d", 1, b'{"id":1}')])
    queue.close()
    assert isinstance(row, Pushed)
    feed.write(to={"topic": name, "brokers": broker.address})
    with feed.served():
        _until_forwarded(feed)
    assert [json.loads(one.value())["id"] for one in messages(broker, name)] == [1]


def test_brokers_that_are_gone_hold_up_nobody_else(feed: Feed, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("kafka.cluster", "sources.push.forward"):
        monkeypatch.setattr(f"octo_resources.{module}.PATIENCE", 3.0)
    name = f"pushed-{new_ulid().lower()}"
    gone = f"127.0.0.1:{free_port()}"
    feed.write(to={"topic": name, "brokers": gone})
    feed.write("plain")
    with feed.served() as client:
        assert client.post("/push/orders", json=order(1), headers={"Idempotency-Key": "k"}).status_code == 503
        began = time.monotonic()
        for number in range(2, 22):
            assert client.post("/push/orders", json=order(number)).status_code == 503
            assert client.post("/push/plain", json=order(number)).status_code == 202
            time.sleep(0.25)
        assert time.monotonic() - began < 8, "the first request found out for all"
        feed.write(to={"topic": name, "brokers": broker.address})
        for _ in range(100):  # a running server follows its files within seconds
            again = client.post("/push/orders", json=order(1), headers={"Idempotency-Key": "k"})
            if again.status_code == 202:
                break
            time.sleep(0.1)
        assert again.status_code == 202
        _until_forwarded(feed)
    assert [json.loads(one.value())["id"] for one in messages(broker, name)] == [1], "what was refused is not queued"


def test_a_topic_that_took_nothing_is_tried_once_its_brokers_answer(
    feed: Feed, broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise SourceError("no leader", where=broker.address, retryable=True)

    with feed.served() as client, monkeypatch.context() as patched:
        patched.setattr(Forwarder, "_begin", refused)
        assert client.post("/push/orders", json=order(1)).status_code == 503
        patched.undo()
        _until_forwarded(feed)
        assert client.post("/push/orders", json=order(2)).status_code == 202
    assert [json.loads(one.value())["id"] for one in messages(broker, topic)] == [1, 2]


def _until_forwarded(feed: Feed) -> None:
    reader, end = QueueReader(queue_path(feed.root)), time.monotonic() + 60
    while reader.waiting("orders", "orders").requests:
        assert time.monotonic() < end
        time.sleep(0.05)
