"""Says how far a session's jobs are while they run: tasks done of all, at most every few seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERY: Final = 5.0
"""Seconds between two looks."""


@contextmanager
def saying(spark: "SparkSession", say: Callable[[str], None]) -> Iterator[None]:
    """Tell `say` of the session's stages while the block runs. Nothing by Connect, whose server tells nobody."""
    tracker = _tracker(spark)
    if tracker is None:
        yield
        return
    done = threading.Event()

    def look() -> None:
        last = ""
        while not done.wait(EVERY):
            with suppress(Exception):  # a session that ends while it is looked at is no reason to fail
                text = _told(tracker)
                if text and text != last:
                    say(text)
                    last = text

    thread = threading.Thread(target=look, name="octopipe-spark", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _tracker(spark: "SparkSession") -> Any | None:
    try:
        return spark.sparkContext.statusTracker()
    except Exception:  # noqa: BLE001 - PySpark raises its own kinds for what a session does not have
        return None


def _told(tracker: Any) -> str:
    """`Spark: stage 3, 12 of 40 tasks done, 2 running` of the jobs that run now."""
    stages = []
    for number in sorted(tracker.getActiveStageIds()):
        stage = tracker.getStageInfo(number)
        if stage is not None:
            failed = f", {stage.numFailedTasks} failed" if stage.numFailedTasks else ""
            stages.append(
                f"stage {number}: {stage.numCompletedTasks} of {stage.numTasks} tasks done, "
                f"{stage.numActiveTasks} running{failed}"
            )
    return f"Spark: {'; '.join(stages)}" if stages else ""
