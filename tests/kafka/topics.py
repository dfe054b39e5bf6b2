"""Topics of a test: made with names of their own, and filled."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType
from confluent_kafka.admin import AlterConfigOpType as Op

from demo.broker import Broker
from octo_core.spec.sources import KafkaSource
from octo_resources.kafka.client import quiet

Message = tuple[Any, ...]
"""(value,) or (key, value) or (key, value, headers): texts, bytes or None."""


@dataclass
class Topics:
    """What a test does to the broker."""

    broker: Broker

    def __post_init__(self) -> None:
        self.admin = AdminClient({"bootstrap.servers": self.broker.address}, logger=quiet)
        self.producer = Producer({"bootstrap.servers": self.broker.address}, logger=quiet)

    def make(self, *, partitions: int = 1, name: str | None = None, **config: str) -> str:
        """A new topic; `config` with _ for dots."""
        topic = name or f"t{uuid4().hex[:10]}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        made = self.admin.create_topics([NewTopic(topic, num_partitions=partitions, config=settings)])
        made[topic].result(30)
        return topic

    def drop(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result(30)

    def grow(self, topic: str, partitions: int) -> None:
        from confluent_kafka.admin import NewPartitions

        self.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(30)
        self.producer = Producer({"bootstrap.servers": self.broker.address}, logger=quiet)  # one that knows of them

    def configure(self, topic: str, **config: str) -> None:
        entries = [
            ConfigEntry(key.replace("_", "."), value, incremental_operation=Op.SET) for key, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        self.admin.incremental_alter_configs([resource])[resource].result(30)

    def forget(self, topic: str, partition: int, before: int) -> None:
        """What retention does: the messages before an offset are gone."""
        from confluent_kafka import TopicPartition

        place = TopicPartition(topic, partition, before)
        self.admin.delete_records([place])[place].result(30)

    def fill(self, topic: str, messages: Iterable[Message | str | bytes | None], partition: int = 0) -> None:
        for one in messages:
            key, value, headers = _parts(one)
            self.producer.produce(topic, value=value, key=key, headers=headers, partition=partition)
        self.producer.flush(30)

    def fill_at(self, topic: str, messages: Iterable[tuple[int, str]]) -> None:
        """Messages with a time of their own, in ms since 1970."""
        for moment, value in messages:
            self.producer.produce(topic, value=value, partition=0, timestamp=moment)
        self.producer.flush(30)

    @staticmethod
    def now() -> int:
        return int(time.time() * 1000)

    def source(self, topic: str | Sequence[str], **said: Any) -> KafkaSource:
        return KafkaSource.model_validate(
            {"kind": "kafka", "brokers": self.broker.address, "topic": topic, "key": ["id"], **said}
        )


def _parts(one: Message | str | bytes | None) -> tuple[Any, Any, Any]:
    if one is None or isinstance(one, str | bytes):
        return None, one, None
    padded = (*one, None) if len(one) == 2 else one if len(one) == 3 else (None, one[0], None)
    return padded[0], padded[1], padded[2]
