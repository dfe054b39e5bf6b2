"""What a cluster has: topics by name or pattern with their ids, and their partitions' ends. Nothing is consumed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Any

from octo_core.errors import SourceError, UsageError
from octo_core.offsets import Ends, Place
from octo_resources.kafka.client import LATE, PATIENCE, Late, Said, broker_errors, configured, quiet, unheard


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name, Kafka's id of it, its partitions' numbers, and the settings that matter here."""

    name: str
    id: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a topic keeps messages: by time (ms; None: for ever), by size (bytes a partition; None: any), and
    whether it is compacted."""

    retention_ms: int | None
    compacted: bool
    retention_bytes: int | None = None


class Cluster:
    """An administrative client for the length of a `with`."""

    def __init__(self, settings: Mapping[str, Any], late: Late = unheard) -> None:
        from confluent_kafka.admin import AdminClient  # 40 ms

        self._said, self._late = Said(), late
        self._brokers = str(settings["bootstrap.servers"])
        with configured():
            self._admin = AdminClient({**settings, "error_cb": self._said}, logger=quiet)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._admin

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Questions whose failures are told in the brokers' words since then: older ones are served and forgotten."""
        self._admin.poll(0)
        with broker_errors(self._brokers, self._said):
            yield

    def names(self) -> list[str]:
        """All topics but Kafka's own."""
        with self._asking():
            found = self._answered(lambda wait: self._admin.list_topics(timeout=wait)).topics
        return sorted(name for name in found if not name.startswith("__"))

    def topics(self, wanted: Sequence[str]) -> list[Topic]:
        """The topics of these names; one that begins with `^` is a pattern. SourceError where one is missing."""
        names: list[str] = []
        every: list[str] | None = None
        for one in wanted:
            if not one.startswith("^"):
                names.append(one)
                continue
            every = every if every is not None else self.names()
            try:
                pattern = re.compile(one)
            except re.error as error:
                raise UsageError(f"topic: {one!r} is no pattern: {error}") from None
            names += [name for name in every if pattern.search(name)]
        names = list(dict.fromkeys(names))
        return self._described(names) if names else []

    def _described(self, names: Sequence[str]) -> list[Topic]:
        from confluent_kafka import KafkaError, KafkaException, TopicCollection

        with self._asking():
            asked = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=PATIENCE)
            found = []
            for name, future in asked.items():
                try:
                    one = self._result(future)
                except KafkaException as error:
                    if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                        raise self._missing(name) from None
                    raise
                found.append(Topic(name, str(one.topic_id), tuple(sorted(part.id for part in one.partitions))))
        return found

    def _missing(self, name: str) -> SourceError:
        from octo_core.spec.nearest import did_you_mean

        there = self.names()
        hint = did_you_mean(name, there).strip() or f"There are: {', '.join(there[:12]) or 'none'}."
        return SourceError(f"there is no topic '{name}'", where=self._brokers, hint=hint, retryable=False)

    def ends(self, topics: Iterable[Topic]) -> list[Ends]:
        """Both ends of every partition; the high one is that of what is committed."""
        from confluent_kafka.admin import OffsetSpec

        found = list(topics)
        low, high = self._offsets(found, OffsetSpec.earliest()), self._offsets(found, OffsetSpec.latest())
        return [
            Ends(one.name, one.id, part, max(0, low[one.name, part]), max(0, high[one.name, part]))
            for one in found
            for part in one.partitions
        ]

    def at(self, topics: Iterable[Topic], moment: datetime) -> dict[Place, int]:
        """The first offset of each partition whose message is as new as `moment`; left out where there is none."""
        from confluent_kafka.admin import OffsetSpec

        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = self._offsets(list(topics), OffsetSpec.for_timestamp(int(aware.timestamp() * 1000)))
        return {place: offset for place, offset in found.items() if offset >= 0}

    def _offsets(self, topics: Sequence[Topic], wanted: Any) -> dict[Place, int]:
        from confluent_kafka import IsolationLevel, TopicPartition

        asked = {TopicPartition(one.name, part): wanted for one in topics for part in one.partitions}
        if not asked:
            return {}
        with self._asking():
            answers = self._admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=PATIENCE
            )
            return {(one.topic, one.partition): self._result(future).offset for one, future in answers.items()}

    def _result(self, future: "Future[Any]") -> Any:
        return self._answered(lambda wait: future.result(wait))

    def _answered(self, ask: Callable[[float], Any]) -> Any:
        """What `ask` (told how long to wait, in seconds) gives; given up early where the brokers let nobody in."""
        from confluent_kafka import KafkaError, KafkaException

        began, told = monotonic(), False
        until = began + PATIENCE
        while True:
            try:
                return ask(0.5)
            except TimeoutError:
                pass
            except KafkaException as error:
                if error.args[0].code() not in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT) or monotonic() > until:
                    raise
            self._admin.poll(0)
            if not told and monotonic() - began > LATE:
                told = True
                self._late(f"{self._brokers}: {self._said.late()}")
            if self._said.refused or monotonic() > until:
                raise KafkaException(
                    KafkaError(KafkaError._AUTHENTICATION if self._said.refused else KafkaError._TIMED_OUT)
                )

    def keeping(self, topics: Sequence[Topic]) -> dict[str, Keeping]:
        """How long the topics keep what they have; those left out of which the user may not see it."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import ConfigResource, ResourceType

        found: dict[str, Keeping] = {}
        if not topics:
            return found
        resources = [ConfigResource(ResourceType.TOPIC, one.name) for one in topics]
        with self._asking():
            answers = self._admin.describe_configs(resources, request_timeout=PATIENCE)
        for resource, future in answers.items():
            try:
                entries = self._result(future)
            except KafkaException:
                continue
            kept = int(entries["retention.ms"].value)
            policy = str(entries["cleanup.policy"].value)
            size, deletes = int(entries["retention.bytes"].value), "delete" in policy
            found[resource.name] = Keeping(
                kept if kept >= 0 and deletes else None, "compact" in policy, size if size >= 0 and deletes else None
            )
        return found
