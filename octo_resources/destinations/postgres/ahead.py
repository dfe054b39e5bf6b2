"""Makes rows ahead of who takes them, in a thread of its own: engine and PostgreSQL then work at the same time."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

AHEAD: Final = 8 << 20
"""Bytes made ahead; by turns, a million rows took 9.4 s instead of 5.0, and 64 MB are no faster than 8."""
NICE: Final = 10
"""Niceness of making rows: PostgreSQL and who feeds it are what a load waits for. 0.3 to 0.6 s of a million rows."""


class Ahead:
    """The batches of `rows`, which are made in another thread while at most `most` bytes wait. Iterable once.

    They come in lists of about half as much, in their order. What making them raises is raised where they are taken.
    `close` ends the thread, wherever it is.
    """

    def __init__(self, rows: Iterable[pa.RecordBatch], most: int = AHEAD) -> None:
        self._rows, self._most = rows, most
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._make, name="octopipe-rows", daemon=True)

    def __iter__(self) -> Iterator[list[pa.RecordBatch]]:
        self._thread.start()
        try:
            while batches := self._take():
                yield batches
        finally:
            self.close()

    def close(self) -> None:
        """Wait for the thread, which stops after the batch that it is making."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _take(self) -> list[pa.RecordBatch]:
        with self._changed:
            self._changed.wait_for(lambda: self._bytes * 2 >= self._most or self._ended)
            taken, self._waiting, self._bytes = self._waiting, [], 0
            self._changed.notify_all()
            if not taken and self._error is not None:
                raise self._error
            return taken

    def _make(self) -> None:
        if sys.platform == "linux":  # there a thread has a niceness of its own, and DuckDB's threads inherit it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            for batch in self._rows:
                if not self._put(batch):
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised again where the rows are taken
            self._error = error
        finally:
            del self._rows  # ends a generator in the thread that ran it
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, batch: pa.RecordBatch) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._waiting or self._bytes < self._most)
            if not self._closed:
                self._waiting.append(batch)
                self._bytes += batch.nbytes
                self._changed.notify_all()
            return not self._closed
