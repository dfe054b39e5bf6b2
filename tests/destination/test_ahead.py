"""Rows made ahead arrive whole and in order, errors where they are taken, and no thread outlives who takes them."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from octo_resources.destinations.postgres.ahead import Ahead


def _batches(count: int, made: list[int]) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        made.append(number)
        yield pa.record_batch([pa.array([number] * 1000, pa.int64())], names=["n"])


def _threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "octopipe-rows"]


def test_all_rows_come_in_their_order() -> None:
    made: list[int] = []
    taken = [batch.column(0)[0].as_py() for some in Ahead(_batches(200, made), most=20_000) for batch in some]
    assert taken == made == list(range(200))
    assert not _threads()


def test_what_making_them_raises_comes_out_after_the_rows_before_it() -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from _batches(3, [])
        raise LookupError("broken")

    taken = []
    with pytest.raises(LookupError, match="broken"):
        taken.extend(batch.num_rows for some in Ahead(failing()) for batch in some)
    assert taken == [1000] * 3
    assert not _threads()


def test_no_more_is_made_than_may_wait() -> None:
    made: list[int] = []
    rows = Ahead(_batches(1000, made), most=20_000)  # a batch has 8,000 bytes
    taken = iter(rows)
    next(taken)
    rows.close()
    assert len(made) <= 6
    assert not _threads()


def test_who_leaves_early_leaves_no_thread() -> None:
    taken = iter(Ahead(_batches(1000, []), most=20_000))
    next(taken)
    taken.close()  # type: ignore[attr-defined]  # a generator
    assert not _threads()
