"""Exact offset ranges from a real broker."""

import pytest
from confluent_kafka import Message, Producer

from demo.broker import free_port
from octo_core.errors import SourceError, UsageError
from octo_core.offsets import OffsetRange, Offsets, Place, going_on
from octo_resources.kafka.cluster import Cluster
from octo_resources.kafka.reader import UNLIMITED, Limits, Reader
from tests.kafka.topics import Topics


def _read(
    topics: Topics, ranges: list[OffsetRange], limits: Limits = UNLIMITED
) -> tuple[list[OffsetRange], dict[Place, list[int]]]:
    seen: dict[Place, list[int]] = {}

    def take(place: Place, messages: list[Message]) -> int:
        seen.setdefault(place, []).extend(message.offset() or 0 for message in messages)
        return sum(len(message.value() or b"") for message in messages)

    with Reader({"bootstrap.servers": topics.broker.address}) as reader:
        return reader.read(ranges, take, limits), seen


def _all(topics: Topics, *names: str) -> list[OffsetRange]:
    with Cluster({"bootstrap.servers": topics.broker.address}) as cluster:
        return going_on(Offsets(), cluster.ends(cluster.topics(names)), {})[0]


def test_a_range_is_read_exactly_from_each_partition(topics: Topics) -> None:
    topic = topics.make(partitions=3)
    for partition in range(3):
        topics.fill(topic, [f'{{"n":{n}}}' for n in range(100)], partition)
    asked = [one.model_copy(update={"start": 10, "end": 10 + 30 * one.partition}) for one in _all(topics, topic)]
    read, seen = _read(topics, asked)
    assert read == asked[1:]  # of an empty range nothing is read
    assert seen == {(topic, 1): list(range(10, 40)), (topic, 2): list(range(10, 70))}


def test_a_limit_ends_a_read_and_says_how_far_it_came(topics: Topics) -> None:
    topic = topics.make()
    topics.fill(topic, ["x" * 10] * 50)
    read, seen = _read(topics, _all(topics, topic), Limits(rows=20))
    assert [one.end for one in read] == [20]
    assert seen == {(topic, 0): list(range(20))}


def test_a_limit_of_bytes_holds_whatever_the_client_has_fetched(topics: Topics) -> None:
    topic = topics.make(partitions=2)
    for partition in range(2):
        topics.fill(topic, ["x" * 1000] * 1000, partition)
    left, every = _all(topics, topic), {(topic, partition): list[int]() for partition in range(2)}
    for _ in range(12):
        read, seen = _read(topics, left, Limits(bytes=200_000))
        if not seen:
            break
        assert sum(map(len, seen.values())) <= 200 + 200 // 16 + 1
        for place, offsets in seen.items():
            every[place] += offsets
        ends = {one.place: one.end for one in read}
        left = [one.model_copy(update={"start": ends.get(one.place, one.start)}) for one in left]
    assert every == {(topic, partition): list(range(1000)) for partition in range(2)}
    topics.fill(topic, ["y" * 300_000])
    one, _ = _read(topics, [left[0].model_copy(update={"end": 1001})], Limits(bytes=200_000))
    assert [found.end for found in one] == [1001]  # a message is never taken apart


def test_aborted_transactions_and_control_records_are_passed_over(topics: Topics) -> None:
    topic = topics.make()
    producer = Producer({"bootstrap.servers": topics.broker.address, "transactional.id": topic})
    producer.init_transactions(30)
    for number, commit in enumerate((True, False, True)):
        producer.begin_transaction()
        producer.produce(topic, f'{{"n":{number}}}')
        if commit:
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    read, seen = _read(topics, _all(topics, topic))
    assert seen == {(topic, 0): [0, 4]}
    assert [(one.start, one.end) for one in read] == [(0, 6)]  # whole, though its last offsets hold no message
    producer.begin_transaction()
    producer.produce(topic, '{"n":3}')
    producer.flush(30)
    assert [one.end for one in _all(topics, topic)] == [6]  # what is not committed yet is not there yet
    producer.abort_transaction(30)


def test_brokers_that_do_not_answer_are_told_of_before_they_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_resources.kafka.cluster.PATIENCE", 1.5)
    monkeypatch.setattr("octo_resources.kafka.cluster.LATE", 0.5)
    told: list[str] = []
    with Cluster({"bootstrap.servers": f"127.0.0.1:{free_port()}"}, told.append) as cluster:
        cluster._said.last = ["SASL authentication error: Authentication failed"]  # hours ago, while a broker came up
        with pytest.raises(SourceError, match="Connection refused") as caught:
            cluster.names()
    assert caught.value.retryable, "a login that was refused once ends no stream at the next outage"
    assert len(told) == 1
    assert "have not answered" in told[0]


@pytest.mark.parametrize("client", [Cluster, Reader])
@pytest.mark.parametrize("setting", [{"nonsense.key": 1}, {"session.timeout.ms": "soon"}])
def test_a_setting_that_the_client_has_not_is_a_users_mistake(client: type, setting: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="configuration property"):
        client({"bootstrap.servers": "127.0.0.1:1", **setting})
