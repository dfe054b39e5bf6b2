"""`stream`: micro-batches of a pipeline's streaming sources, until it is stopped."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import console
from octo_cli.commands.understand import Name, opened
from octo_core.wording import rows_text

if TYPE_CHECKING:
    from octo_core.streaming import MicroBatch, StreamState

WAITS = 3


def stream(
    name: Name, once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False
) -> int:
    """Load what comes from a stream as it comes, until Ctrl-C, SIGTERM or `octopipe stop`.

    With --json a line for each micro-batch, and one for the end.

    Example:  octopipe stream flights
    """
    from octo_resources.flow.streaming import Streaming

    space, pipeline = opened(name)
    stopping = threading.Event()
    streaming = Streaming(space, pipeline, told=_tell, stopping=stopping, said=console.note, once=once)
    console.note(f"{name} streams {', '.join(streaming.sources)}; end it with Ctrl-C")
    with _signals(stopping):
        state = streaming.run()
    console.answer_line(state, _ending(state))
    return WAITS if state.status == "waiting_for_approval" else 0


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM let the micro-batch that runs end; a second one interrupts it."""

    def stop(_number: int, _frame: Any) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(made: "MicroBatch") -> None:
    from octo_core.plan.load_page import ledger_terms

    tables = "; ".join(f"{table}: {ledger_terms(ledger)}" for table, ledger in made.tables.items())
    late = f" · {made.delay.p50:.2f} s after the message, p99 {made.delay.p99:.2f} s" if made.delay else ""
    behind = f" · {made.behind:,} wait" if made.behind else ""
    letters = f" · {made.dead_letters:,} dead letters" if made.dead_letters else ""
    text = f"{made.load_id}  {tables}{late}{behind}{letters}"
    for warning in made.warnings:
        console.note(warning)
    console.answer_line(made, text)


def _ending(state: "StreamState") -> str:
    done = f"{state.micro_batches:,} micro-batches, {rows_text(state.rows)}"
    said = f"{state.pipeline}: {state.status.replace('_', ' ')}, {done}"
    return f"{said}\n{state.message}" if state.message else said
