"""How often Python looks for garbage that refers to itself, while very many objects come and go that do not.

Ten thousand messages at a time, each with a tuple or two, make it look through all that the process holds again and
again: half of the time of reading a topic.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SELDOM: Final = (100_000, 50, 50)
"""gc's thresholds: what a read makes at a time is gone before so many more have been made."""
_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []
"""What it was before the first of those that are under way, once for each."""


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Inside, garbage is looked for as seldom as SELDOM says, by the whole process; more seldom where it was so before.

    Others may be inside at the same time, in any thread: the last to leave puts back what was.
    """
    with _lock:
        usual = _usual[0] if _usual else gc.get_threshold()
        _usual.append(usual)
        if 0 < usual[0] < SELDOM[0]:  # 0: never by itself
            gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        with _lock:
            _usual.pop()
            if not _usual:
                gc.set_threshold(*usual)
