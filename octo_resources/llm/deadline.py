"""Bounds on clients that are not ours: some wait ten minutes, try again by themselves, and go where they are sent."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

Found = TypeVar("Found")
_DEEP: Final = 5
"""Clients within clients, till the one that sends."""


def hold_back(client: Any, seconds: float) -> None:
    """Tell a provider's own client how long to wait, that it is we who try again, where it can be told so, and that
    redirects are not followed: they would carry the prompt elsewhere.
    """
    for name, value in (("timeout", seconds), ("max_retries", 0)):
        if hasattr(client, name):
            with suppress(AttributeError):
                setattr(client, name, value)
    for one in _within(client):
        if isinstance(getattr(one, "follow_redirects", None), bool):
            one.follow_redirects = False


def _within(client: Any) -> Iterator[Any]:
    """The client and what it holds: each provider keeps its HTTP client under another name."""
    seen: set[int] = set()
    layer = [client]
    for _ in range(_DEEP):
        fresh = [one for one in layer if id(one) not in seen and hasattr(one, "__dict__") and not isinstance(one, type)]
        seen.update(map(id, fresh))
        yield from fresh
        layer = [inner for one in fresh for inner in vars(one).values()]


def within(seconds: float, call: Callable[[], Found]) -> Found:
    """What the call gives. Raises TimeoutError after so many seconds; its thread then ends by itself or the process."""
    future: Future[Found] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was made
            future.set_exception(error)

    threading.Thread(target=run, name="octopipe-llm", daemon=True).start()
    return future.result(seconds)
