"""Reads exact offset ranges: every committed message of `[start, end)` of each partition, and no other, once.

A `Reader` keeps its connections between reads, so that small batches follow one another quickly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import methodcaller
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from octo_core.collecting import collected_seldom
from octo_core.errors import SourceError
from octo_core.offsets import OffsetRange, Place
from octo_resources.kafka.client import LATE, Late, Said, broker_errors, configured, consumer_settings, quiet, unheard

if TYPE_CHECKING:
    from confluent_kafka import Message

AT_ONCE: Final = 10_000
"""Messages asked for at a time: fewer cost calls, more cost memory."""
_PARTS: Final = 16
"""Into so many parts, or more, come messages that fill a limit of bytes, which is looked at after each."""
WAIT: Final = 0.1
"""Seconds after which what came is taken, though more was asked for: a range may end in what holds no message."""

Take = Callable[[Place, "list[Message]"], int]
"""Told of messages of one partition, in their order; gives the bytes that it made of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a read ends before its ranges do: after so many messages, bytes (as `Take` counts them; by a sixteenth of
    them more, and at least one message) or seconds."""

    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    silence: float = 60.0
    """Seconds without any message after which the brokers are given up."""


_TOPIC, _PARTITION = methodcaller("topic"), methodcaller("partition")
UNLIMITED: Final = Limits()


@dataclass(slots=True)
class _Open:
    """A partition that is being read."""

    asked: OffsetRange
    next: int


class Reader:
    """A consumer for the length of a `with`. It joins no group and commits nothing; see `client.consumer_settings`."""

    def __init__(self, settings: Mapping[str, Any], late: Late = unheard) -> None:
        from confluent_kafka import Consumer

        self._said, self._late = Said(), late
        self._brokers = str(settings["bootstrap.servers"])
        with configured():
            self._consumer = Consumer({**consumer_settings(dict(settings)), "error_cb": self._said}, logger=quiet)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def read(
        self,
        ranges: Sequence[OffsetRange],
        take: Take,
        limits: Limits = UNLIMITED,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[OffsetRange]:
        """What was read: the ranges as given, or shorter ones where a limit ended it (those of which nothing was read
        are left out). Compaction, aborted transactions and control records leave holes in a range; it is whole all the
        same once its end is reached.

        Raises SourceError where the brokers fail, or retention takes a range away meanwhile.
        """
        from confluent_kafka import TopicPartition

        places = {one.place: _Open(one, one.start) for one in ranges if one.end > one.start}
        if not places:
            return []
        with broker_errors(self._brokers, self._said), collected_seldom():
            self._consumer.assign([TopicPartition(*place, one.next) for place, one in places.items()])
            try:
                self._drain(dict(places), take, limits, progress)
            finally:
                self._consumer.unassign()
        return [one.asked.model_copy(update={"end": one.next}) for one in places.values() if one.next > one.asked.start]

    def _drain(
        self,
        left: dict[Place, _Open],
        take: Take,
        limits: Limits,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        rows = size = 0
        began = heard = time.monotonic()
        told = False
        wait = WAIT if limits.seconds is None else min(WAIT, max(0.01, limits.seconds))
        while left:
            # Not more than can come: the call returns when it has so many, or waits in vain.
            wanted = min(AT_ONCE, sum(one.asked.end - one.next for one in left.values()))
            messages = self._consumer.consume(wanted if limits.rows is None else min(wanted, limits.rows - rows), wait)
            now = time.monotonic()
            if messages:
                heard, told = now, False
                for part in _parts(messages, limits.bytes):
                    for place, found in self._parted(part, left):
                        rows += len(found)
                        size += take(place, found)
                    if limits.bytes is not None and size >= limits.bytes:
                        break  # what is left of them is read again: nothing says that it was
                if progress is not None:
                    progress(rows, size)
            elif now - heard > limits.silence:
                raise SourceError(
                    f"the brokers sent nothing for {limits.silence:.0f} s ({str(self._said) or 'without a word'})",
                    where=self._brokers,
                    hint="Are all partitions' leaders up? octopipe kafka topics PIPELINE",
                    retryable=True,
                )
            elif now - heard > LATE and not told:
                told = True
                self._late(f"{self._brokers}: {self._said.late()}")
            if (
                (limits.rows is not None and rows >= limits.rows)
                or (limits.bytes is not None and size >= limits.bytes)
                or (limits.seconds is not None and now - began >= limits.seconds)
            ):
                return

    def _parted(self, messages: "list[Message]", left: dict[Place, _Open]) -> "list[tuple[Place, list[Message]]]":
        """The messages within their ranges by partition; those of ranges that have ended are dropped."""
        parted: dict[Place, list[Message]] = {}
        events = [message for message in messages if message.error() is not None]  # they follow their partitions' own
        if events:
            messages = [message for message in messages if message.error() is None]
        for partition, run in groupby(messages, _PARTITION):  # they come in runs: a third of the time of one by one
            for topic, same in groupby(run, _TOPIC):
                parted.setdefault((topic, partition), []).extend(same)
        result: list[tuple[Place, list[Message]]] = []
        for place, found in parted.items():
            one = left.get(place)
            if one is None:
                continue
            last = found[-1].offset()
            if last >= one.asked.end - 1:
                while found and found[-1].offset() >= one.asked.end:
                    found.pop()
                one.next = one.asked.end
                self._ended(place, left)
            else:
                one.next = last + 1
            if found:
                result.append((place, found))
        for event in events:
            self._event(event, left)
        return result

    def _event(self, message: "Message", left: dict[Place, _Open]) -> None:
        """The end of a partition, beyond which a range may reach by what holds no message; else a failure."""
        from confluent_kafka import KafkaError, KafkaException

        error, place = message.error(), (message.topic(), message.partition())
        if error.code() == KafkaError._PARTITION_EOF:
            one = left.get(place)
            if one is not None and message.offset() >= one.asked.end:
                one.next = one.asked.end
                self._ended(place, left)
            return
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            one = left.get(place)
            asked = f"{one.next:,}" if one is not None else "?"
            raise SourceError(
                f"{place[0]} {place[1]}: offset {asked} is not there any more: retention removed it meanwhile",
                where=self._brokers,
                hint="Run it again: what is lost is counted before anything is read.",
                retryable=True,
            )
        if error.fatal() or not error.retriable():
            raise KafkaException(error)

    def _ended(self, place: Place, left: dict[Place, _Open]) -> None:
        from confluent_kafka import TopicPartition

        left.pop(place, None)
        if left:
            self._consumer.incremental_unassign([TopicPartition(*place)])


def _parts(messages: "list[Message]", limit: int | None) -> "Iterator[list[Message]]":
    """The messages, all at once where they are little beside the limit of bytes."""
    if limit is None or sum(map(len, messages)) <= limit // _PARTS:
        yield messages
        return
    begin = size = 0
    for place, message in enumerate(messages, 1):
        size += len(message)
        if size > limit // _PARTS:
            yield messages[begin:place]
            begin, size = place, 0
    if begin < len(messages):
        yield messages[begin:]
