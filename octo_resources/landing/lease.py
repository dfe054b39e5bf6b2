"""The lock of a landing zone in an object store: an object that only one can make, renewed while it is held."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from octo_core.errors import LandingError
from octo_resources.objects import ObjectStore, StoreError

LASTS: Final = timedelta(seconds=60)
"""Without a sign of life for so long, by the store's own clock, a holder is taken for dead."""


@dataclass
class Lease:
    """One holding of a key. `held` turns false where another one took it, because this process slept too long."""

    store: ObjectStore
    key: str
    lasts: timedelta = LASTS
    held: bool = False
    _owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}")
    _etag: str | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _renewed: float = 0.0

    def require(self) -> None:
        """LandingError where it is not held any more: what is about to be made could be made by another one too."""
        if not self.held or time.monotonic() - self._renewed > self.lasts.total_seconds():
            raise LandingError(
                "the lock on the landing zone was lost while data was read: this process stood still for too long",
                where=f"{self.store.address}: {self.key}",
                hint="Nothing landed; run it again.",
            )

    @contextmanager
    def holding(self, wait: timedelta, busy: LandingError) -> Iterator["Lease"]:
        """Hold it; raises `busy` where another one does for longer than `wait`."""
        until = time.monotonic() + wait.total_seconds()
        pause = 0.05
        while not self._take():
            if time.monotonic() >= until:
                raise busy
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        keeper = threading.Thread(target=self._keep, name="octopipe-lease", daemon=True)
        keeper.start()
        try:
            yield self
        finally:
            self._over.set()
            keeper.join()
            self._release()

    def _take(self) -> bool:
        self._renewed = time.monotonic()
        self._etag = self.store.write(self.key, self._body(), only_new=True)
        if self._etag is None and (found := self.store.read(self.key)) is not None:
            body, etag = found
            if self._is_dead(body):
                self._etag = self.store.write(self.key, self._body(), only_over=etag)
        if self._etag is not None and not self._is_mine():  # a store that knows no conditions lets two in: one goes
            self._etag = None
        self.held = self._etag is not None
        return self.held

    def _is_dead(self, body: bytes) -> bool:
        try:
            said = json.loads(body)
            return self.store.now() > datetime.fromisoformat(said["until"])
        except (ValueError, KeyError, TypeError):
            return True

    def _is_mine(self) -> bool:
        found = self.store.read(self.key)
        return found is not None and json.loads(found[0]).get("owner") == self._owner

    def _body(self) -> bytes:
        return json.dumps({"owner": self._owner, "until": (self.store.now() + self.lasts).isoformat()}).encode()

    def _keep(self) -> None:
        while not self._over.wait(self.lasts.total_seconds() / 4):
            began = time.monotonic()
            with suppress(StoreError):  # tried again until it has run out
                etag = self.store.write(self.key, self._body(), only_over=self._etag)
                if etag is None:
                    self.held = False
                    return
                self._etag, self._renewed = etag, began

    def _release(self) -> None:
        with suppress(StoreError):  # it runs out by itself
            if self.held and self._is_mine():
                self.store.delete([self.key])
        self.held = False
