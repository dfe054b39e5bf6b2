"""A bound on the time of clients that are not ours: some wait ten minutes by themselves, and then try again."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Found = TypeVar("Found")


def hold_back(client: Any, seconds: float) -> None:
    """Tell a provider's own client how long to wait, and that it is we who try again, where it can be told so."""
    for name, value in (("timeout", seconds), ("max_retries", 0)):
        if hasattr(client, name):
            with suppress(AttributeError):
                setattr(client, name, value)


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
