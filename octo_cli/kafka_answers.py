"""What `octopipe kafka …` answers with --json; docs/schemas holds a JSON Schema of each."""

from typing import Any

from octo_cli.answer import Answer


class TopicRow(Answer):
    name: str
    id: str
    partitions: int
    messages: int
    """Between the low and the high ends; compaction leaves fewer."""
    retention_hours: float | None
    """None: for ever, or not for this user to see."""
    compacted: bool
    read: bool
    """Whether the source reads it."""


class TopicsAnswer(Answer):
    pipeline: str
    source: str
    topics: tuple[TopicRow, ...]


class LagRow(Answer):
    """One partition. `position`: the first offset that was not loaded; None where nothing was."""

    source: str
    topic: str
    partition: int
    position: int | None
    low: int
    high: int
    lag: int
    lost: int
    """Messages that retention removed before they were read."""


class LagAnswer(Answer):
    pipeline: str
    lag: int
    lost: int
    partitions: tuple[LagRow, ...]
    warnings: tuple[str, ...] = ()


class PeekAnswer(Answer):
    """Records as they would land; `refused` those that would be set aside, with their reason."""

    pipeline: str
    source: str
    topics: tuple[str, ...]
    messages: int
    records: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...] = ()
