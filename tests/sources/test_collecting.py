"""Garbage is looked for seldom while somebody reads, and as before once nobody does."""

import gc
import threading
from collections.abc import Iterator

import pytest

from octo_core.collecting import SELDOM, collected_seldom


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_the_last_to_leave_puts_back_what_was() -> None:
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        with collected_seldom():
            inside.set()
            leave.wait(30)

    other = threading.Thread(target=read)
    with collected_seldom():
        other.start()
        assert inside.wait(30)
    assert gc.get_threshold() == SELDOM
    leave.set()
    other.join()
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("before", [(0, 10, 10), (200_000, 5, 5)], ids=["never", "more-seldom"])
def test_who_looks_more_seldom_goes_on_so(before: tuple[int, int, int]) -> None:
    gc.set_threshold(*before)
    with collected_seldom():
        assert gc.get_threshold() == before
    assert gc.get_threshold() == before
