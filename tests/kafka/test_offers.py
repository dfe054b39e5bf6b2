"""How far a Spark stream is offered to read, and when its checkpoint is not believed: by numbers alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from octo_core.offsets import Ends, OffsetRange, Offsets
from octo_resources.engines.spark.offers import forget_if_ahead
from octo_resources.sources.kafka.ends import moved, within
from octo_resources.sources.kafka.unread import A_TASK, unread_files


def position(*offsets: int, topic_id: str = "one") -> Offsets:
    parts = enumerate(offsets)
    return Offsets().moved(OffsetRange(topic="t", topic_id=topic_id, partition=n, start=0, end=end) for n, end in parts)


def part(start: int, end: int, number: int = 0) -> OffsetRange:
    return OffsetRange(topic="t", topic_id="one", partition=number, start=start, end=end)


def test_ends_move_so_far_at_a_time() -> None:
    ends = [Ends("t", "one", 0, 0, 100), Ends("t", "one", 1, 0, 300)]
    assert moved(Offsets(), ends, 40) == {"t": {"id": "one", "next": {"0": 10, "1": 30}}}
    assert moved(position(100, 290), ends, 40) == {"t": {"id": "one", "next": {"0": 100, "1": 300}}}
    assert moved(position(100, 300), ends, 40) == {"t": {"id": "one", "next": {"0": 100, "1": 300}}}, "nothing is new"
    anew = moved(position(100, 300, topic_id="old"), ends, 400)
    assert anew == {"t": {"id": "one", "next": {"0": 100, "1": 300}}}


def test_a_micro_batch_goes_no_further_than_its_offer() -> None:
    ranges = (part(5, 50), part(0, 9, 1))
    assert within(ranges, None) == ranges
    assert within(ranges, position(20, 9)) == (part(5, 20), part(0, 9, 1))
    assert within(ranges, position(5, 4)) == (part(0, 4, 1),), "what is loaded already is not offered again"
    assert within(ranges, position(20, 9, topic_id="old")) == ()


def test_a_range_is_cut_into_what_tasks_read() -> None:
    files = unread_files([part(10, A_TASK + 20)])
    assert [(file.position["start"], file.position["end"]) for file in files] == [
        (10, A_TASK + 10), (A_TASK + 10, A_TASK + 20),
    ]  # fmt: skip
    assert len({file.path for file in files}) == 2


@pytest.mark.parametrize(
    ("at", "believed"), [({"0": 7}, True), ({"0": 8}, True), ({"0": 6}, False), ({}, False), (None, False)]
)
def test_a_checkpoint_that_is_ahead_of_the_destination_is_made_anew(
    tmp_path: Path, at: dict[str, int] | None, believed: bool
) -> None:
    for name in ("commits", "offsets"):
        (tmp_path / "c" / name).mkdir(parents=True)
    (tmp_path / "c" / "commits" / "0").write_text("v1\n{}")
    written = {"s": {"t": {"id": "one", "next": {"0": 7}}}}
    (tmp_path / "c" / "offsets" / "0").write_text(f"v1\n{{}}\n{json.dumps(written)}")
    (tmp_path / "c" / "offsets" / "1").write_text("v1\n{}\n" + json.dumps(written).replace("7", "9"))  # not taken
    first: dict[str, Any] = {"s": {} if at is None else {"t": {"id": "one", "next": at}}}
    forget_if_ahead(tmp_path / "c", first)
    assert (tmp_path / "c").exists() == believed
