"""What lands of topics: whole ranges, once, each message as a record or with the reason why it is none."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from octo_core.batch import Batch
from octo_core.errors import SourceError, UsageError
from octo_core.offsets import OffsetRange
from octo_core.refusals import read_refusal
from octo_core.spec.sources import KafkaSource
from octo_resources.landing import Landing
from octo_resources.sources import extract
from octo_resources.sources.resume import Resume
from tests.kafka.topics import Topics


class _Place:
    """A project folder without secrets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets = self

    def reveal(self, text: str) -> str:
        return text


def _extract(landing: Landing, spec: KafkaSource, **how: Any) -> Batch | None:
    return extract(spec, pipeline="p", source_name="s", project=_Place(landing.root), landing=landing, **how)


def _lines(batch: Batch | None) -> list[str]:
    assert batch is not None
    return [line for file in batch.files for line in (Path(batch.folder) / file.path).read_text().splitlines()]


def _records(batch: Batch | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(batch)]


def _next(landing: Landing, spec: KafkaSource, batch: Batch | None, **how: Any) -> Batch | None:
    """The batch after the destination has loaded this one."""
    assert batch is not None
    return _extract(landing, spec, resume=Resume({"t": batch.position}, {"t": 1}), **how)


def test_a_message_is_a_record_with_what_kafka_knows_of_it(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    topics.fill(topic, [("7", '{"id": 7, "n": 1.10}', [("trace", b"a"), ("trace", b"b")]), (None, "{ }")])
    first, empty = _records(_extract(landing, topics.source(topic)))
    assert first.pop("_timestamp") > 1_600_000_000_000
    assert first == {
        "_topic": topic, "_partition": 0, "_offset": 0, "_key": "7", "_headers": {"trace": ["a", "b"]},
        "_deleted": False, "id": 7, "n": 1.1,
    }  # fmt: skip
    assert (empty["_offset"], empty["_key"], empty["_headers"]) == (1, None, None)
    assert '"n": 1.10}' in _lines(_extract(landing, topics.source(topic), full=True))[0]  # not a digit is changed


def test_what_is_no_record_keeps_its_payload_reason_and_place(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    bad: list[Any] = ["no json", b"\xff\xfe", "[1]", '{"a":\n1']
    topics.fill(topic, [*bad, '{"a":\n1}'])
    *refused, good = _lines(_extract(landing, topics.source(topic)))
    found = [read_refusal(line) for line in refused]
    assert [one.raw() for one in found if one] == [one if isinstance(one, bytes) else one.encode() for one in bad]
    assert all(one is not None and one.reason.startswith("malformed JSON: ") for one in found)
    assert found[2] is not None
    assert found[2].at["offset"] == 2
    assert json.loads(good)["a"] == 1


def test_the_manifest_names_topic_id_partition_and_range(topics: Topics, landing: Landing) -> None:
    topic = topics.make(partitions=2)
    for partition in range(2):
        topics.fill(topic, ['{"a":1}'] * (partition + 1), partition)
    batch = _extract(landing, topics.source(topic, landing="copy"))
    assert batch is not None
    assert batch.landing == "copy"
    ranges = [OffsetRange.model_validate(file.position) for file in landing.batches("p", "s")[0].files]
    assert [(one.topic, one.partition, one.start, one.end) for one in ranges] == [(topic, 0, 0, 1), (topic, 1, 0, 2)]
    assert (batch.cursor_from, batch.cursor_to) == (f"{topic} 0:0 1:0", f"{topic} 0:1 1:2")
    assert _extract(landing, topics.source(topic, landing="copy")) is None
    topics.fill(topic, ['{"a":2}'])
    assert [one["_offset"] for one in _records(_extract(landing, topics.source(topic, landing="copy")))] == [1]


def test_reading_goes_on_from_the_destinations_position(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    spec = topics.source(topic)
    topics.fill(topic, ['{"a":1}'] * 3)
    first = _extract(landing, spec)
    topics.fill(topic, ['{"a":2}'] * 2)
    assert [one["_offset"] for one in _records(_next(landing, spec, first))] == [3, 4]
    assert len(_records(_extract(landing, spec, resume=Resume({}, {"t": 0})))) == 5  # nothing was loaded of it


def test_what_retention_took_is_a_failure_with_its_number(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    spec = topics.source(topic)
    topics.fill(topic, ['{"a":1}'] * 3)
    first = _extract(landing, spec)
    topics.fill(topic, ['{"a":2}'] * 5)
    topics.forget(topic, 0, 7)
    with pytest.raises(SourceError, match="4 messages are lost") as caught:
        _next(landing, spec, first)
    assert "octopipe run p --since earliest" in str(caught.value.hint)
    assert [one["_offset"] for one in _records(_next(landing, spec, first, since="earliest"))] == [7]


def test_a_topic_made_anew_is_another_topic(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    spec = topics.source(topic)
    topics.fill(topic, ['{"a":1}'] * 3)
    first = _extract(landing, spec)
    topics.drop(topic)
    topics.make(name=topic)
    topics.fill(topic, ['{"a":2}'] * 4)
    with pytest.raises(SourceError, match="made anew"):
        _next(landing, spec, first)
    again = _next(landing, spec, first, full=True)
    assert len(_records(again)) == 4
    assert _next(landing, spec, again) is None


def test_new_partitions_are_read_from_their_beginning(topics: Topics, landing: Landing) -> None:
    topic = topics.make(partitions=2)
    spec = topics.source(topic)
    topics.fill(topic, ['{"a":1}'])
    first = _extract(landing, spec)
    topics.grow(topic, 3)
    for partition in (1, 2):
        topics.fill(topic, ['{"a":2}'], partition=partition)
    batch = _next(landing, spec, first)
    assert [one["_partition"] for one in _records(batch)] == [1, 2]
    assert batch is not None
    assert batch.notes == (f"{topic} has a new partition, 2: it is read from its beginning",)  # 1 was there, and empty


def test_latest_is_what_comes_after_the_first_look(topics: Topics, landing: Landing) -> None:
    topic = topics.make(partitions=2)
    spec = topics.source(topic, start="latest")
    topics.fill(topic, ['{"a":1}'])
    first = _extract(landing, spec)
    assert _records(first) == []  # a batch without rows: where reading begins is written down by it
    topics.fill(topic, ['{"a":2}'])
    topics.fill(topic, ['{"a":3}'], partition=1)
    assert [(one["_partition"], one["a"]) for one in _records(_next(landing, spec, first))] == [(0, 2), (1, 3)]


def test_the_gaps_that_compaction_leaves_are_not_called_lost(topics: Topics, landing: Landing) -> None:
    topic = topics.make(
        cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01", max_compaction_lag_ms="100"
    )
    spec = topics.source(topic)
    topics.fill(topic, [("a", '{"n":0}')])
    first = _extract(landing, spec)
    for number in range(1, 6):
        topics.fill(topic, [("a", f'{{"n":{number}}}'), ("b", f'{{"n":{number}}}')])
    until = time.monotonic() + 60
    while True:  # until the cleaner has been there; what is left says so itself
        topics.fill(topic, [("c", '{"n":9}')])  # a segment closes when a message comes after its time
        batch = _next(landing, spec, first)
        found = _records(batch)
        if found[0]["_offset"] > 1:
            break
        assert time.monotonic() < until, "nothing was compacted"
        time.sleep(0.2)
    assert batch is not None
    assert found[0]["_offset"] > 1  # the position says 1, and the topic begins after it
    newest = {one["_key"]: one["n"] for one in found}
    assert newest == {"a": 5, "b": 5, "c": 9}
    assert not batch.notes


def test_a_pattern_takes_topics_as_they_come(topics: Topics, landing: Landing) -> None:
    stem = topics.make(name="pattern.a")
    topics.fill(stem, ['{"a":1}'])
    spec = topics.source(r"^pattern\.", start="latest")
    first = _extract(landing, spec)
    topics.fill(topics.make(name="pattern.b"), ['{"a":2}'])
    second = _next(landing, spec, first)
    assert [one["_topic"] for one in _records(second)] == ["pattern.b"]
    assert second is not None
    assert second.notes == ("pattern.b is a new topic: it is read from its beginning",)


def test_a_missing_topic_is_named_with_the_nearest(topics: Topics, landing: Landing) -> None:
    topics.make(name="departures")
    with pytest.raises(SourceError, match="no topic 'departure'") as caught:
        _extract(landing, topics.source("departure"))
    assert "departures" in str(caught.value.hint)


def test_a_place_to_begin_that_is_none_is_refused(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    with pytest.raises(UsageError, match="no place to begin"):
        _extract(landing, topics.source(topic), since="yesterday")
    with pytest.raises(UsageError, match=f"no partition 3 of '{topic}'"):
        _extract(landing, topics.source(topic), since=f"{topic} 3:0")
    with pytest.raises(UsageError, match="offset 7 is beyond the end"):
        _extract(landing, topics.source(topic), since=f"{topic} 0:7")


def test_tombstones_say_what_is_gone(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    topics.fill(topic, [("7", None), (None, None)])
    gone, nameless = _lines(_extract(landing, topics.source(topic)))
    assert json.loads(gone).items() >= {"_deleted": True, "id": "7", "_key": "7"}.items()
    refusal = read_refusal(nameless)
    assert refusal is not None
    assert refusal.reason == "a tombstone: without a key"


def test_csv_and_text(topics: Topics, landing: Landing) -> None:
    topic = topics.make()
    topics.fill(topic, ['7;"a;b"', "8;", "9"])
    lines = _lines(
        _extract(landing, topics.source(topic, format="csv", options={"columns": ["id", "name"], "delimiter": ";"}))
    )
    assert [json.loads(line)["name"] for line in lines[:2]] == ["a;b", None]
    assert "1 fields instead of 2" in lines[2]
    texts = _records(_extract(landing, topics.source(topic, format="text"), full=True))
    assert [one["value"] for one in texts] == ['7;"a;b"', "8;", "9"]


def test_a_login_is_asked_for_and_refused_in_words(topics: Topics, landing: Landing) -> None:
    from demo.broker import PASSWORD, USER

    topic = topics.make()
    topics.fill(topic, ['{"a":1}'])
    there = {"brokers": topics.broker.sasl_address}
    with pytest.raises(SourceError, match="uthentication") as caught:
        _extract(landing, topics.source(topic, **there, security={"username": USER, "password": "wrong"}))
    assert "security" in str(caught.value.hint)
    assert "wrong" not in str(caught.value)
    login = {"username": USER, "password": PASSWORD}
    assert len(_records(_extract(landing, topics.source(topic, **there, security=login)))) == 1
