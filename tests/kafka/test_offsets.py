"""Where reading goes on, and what the ends of topics say to it: by numbers alone."""

import pytest

from octo_core.errors import SourceError
from octo_core.offsets import Ends, OffsetRange, Offsets, backlog, beginnings, cut, going_on, lost_messages, said
from octo_resources.sources.kafka.begin import least


def ends(low: int, high: int, partition: int = 0, topic_id: str = "one") -> Ends:
    return Ends("t", topic_id, partition, low, high)


def at(*offsets: int, topic_id: str = "one") -> Offsets:
    """A position: the offsets of partitions 0, 1, …"""
    ranges = [
        OffsetRange(topic="t", topic_id=topic_id, partition=partition, start=0, end=offset)
        for partition, offset in enumerate(offsets)
    ]
    return Offsets().moved(ranges)


def starts(position: Offsets, *now: Ends) -> list[tuple[int, int, int]]:
    return [(one.partition, one.start, one.end) for one in going_on(position, now, {})[0]]


def test_reading_goes_on_from_the_position_to_the_ends() -> None:
    assert starts(at(3, 5), ends(0, 9), ends(0, 5, 1)) == [(0, 3, 9)]
    assert starts(Offsets(), ends(2, 9)) == [(0, 2, 9)]  # nothing was read: what is left is all there is
    assert starts(at(9), ends(9, 9)) == []


def test_a_position_goes_through_its_document() -> None:
    position = at(3, 5)
    assert Offsets.of_position({"offsets": position.document()}) == position
    assert not Offsets.of_position({"cursor": "x"})


def test_every_gap_is_counted() -> None:
    with pytest.raises(SourceError, match=r"9 messages are lost.*t 0 from 3 to 10, t 1 from 5 to 7"):
        going_on(at(3, 5), [ends(10, 12), ends(7, 7, 1)], {})
    assert lost_messages(at(3, 5), [ends(10, 12), ends(7, 7, 1)]) == 9
    with pytest.raises(SourceError, match="4 messages are lost"):  # of a partition that came meanwhile
        going_on(at(3), [ends(0, 3), ends(4, 9, 1)], {})


def test_another_topic_and_a_rewound_one_are_noticed() -> None:
    with pytest.raises(SourceError, match="made anew"):
        going_on(at(3), [ends(0, 9, topic_id="two")], {})
    with pytest.raises(SourceError, match="rewound: partition 0 ends at 2, and 3 was loaded already"):
        going_on(at(3), [ends(0, 2)], {})
    assert backlog(at(3), [ends(0, 9, topic_id="two")]) == 9
    assert backlog(at(3), [ends(0, 9)]) == 6


def test_a_position_forgets_a_topic_that_was_made_anew() -> None:
    new = OffsetRange(topic="t", topic_id="two", partition=1, start=0, end=4)
    assert at(3, 5).moved([new]).topics["t"].next == {1: 4}


def test_a_partition_that_was_empty_is_not_called_new() -> None:
    position = at(3).moved(beginnings(at(3), [ends(0, 3), ends(0, 0, 1)], {}))
    assert going_on(position, [ends(0, 3), ends(0, 4, 1)], {})[1] == []
    assert starts(position, ends(0, 3), ends(0, 4, 1)) == [(1, 0, 4)]
    assert going_on(at(3), [ends(0, 3), ends(0, 4, 1)], {})[1] == [
        "t has a new partition, 1: it is read from its beginning"
    ]
    latest = beginnings(Offsets(), [ends(0, 9), ends(2, 5, 1)], {("t", 0): 9, ("t", 1): 5})
    assert starts(Offsets().moved(latest), ends(0, 11), ends(2, 6, 1)) == [(0, 9, 11), (1, 5, 6)]
    assert beginnings(at(3, 5), [ends(0, 4), ends(0, 9, 1)], {}) == []


def test_ranges_are_cut_in_proportion() -> None:
    ranges = going_on(Offsets(), [ends(0, 90), ends(0, 10, 1), ends(0, 0, 2)], {})[0]
    assert [one.end for one in cut(ranges, 10)] == [9, 1]
    assert cut(ranges, 1000) == ranges
    assert said(ranges, end=True) == "t 0:90 1:10"


def test_tables_that_are_not_equally_far_are_read_from_the_earlier() -> None:
    assert least([at(3, 5), at(4, 2)]).topics["t"].next == {0: 3, 1: 2}
    assert least([at(3, 5), at(4)]).topics["t"].next == {0: 3}
    assert backlog(at(3), [ends(0, 9), ends(2, 4, 1)]) == 8
