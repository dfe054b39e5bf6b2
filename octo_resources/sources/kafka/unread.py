"""Offset ranges that the tasks of a load consume themselves: nothing of them passes through the driver.

A range gives the same lines each time, as long as the topic keeps it: a task that is tried again reads them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from octo_core.batch import Batch, LandedFile
from octo_core.offsets import OffsetRange, said
from octo_core.offsets import Place as Partition
from octo_core.spec.sources import KafkaSource
from octo_resources.engines.elsewhere import Arrived, Told
from octo_resources.kafka.client import client_settings
from octo_resources.kafka.reader import Reader
from octo_resources.sources.kafka.formats import format_of
from octo_resources.sources.kafka.parts import Parts, file_name
from octo_resources.sources.place import Place, Revealer

if TYPE_CHECKING:
    from confluent_kafka import Message

    from octo_resources.landing import BatchWriter
    from octo_resources.sources.kafka.begin import Found
    from octo_resources.sources.resume import Resume

A_TASK: Final = 500_000
"""Messages that one task consumes at most: some 100 MB on its machine's disk."""
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_STAMPS: Final = 200
"""Times that are told of a range."""


def unread_files(ranges: Sequence[OffsetRange]) -> tuple[LandedFile, ...]:
    """What a batch says of ranges that its load's tasks read: each cut into such that are one task's work."""
    files = []
    for one in ranges:
        for start in range(one.start, one.end, A_TASK):
            part = one.model_copy(update={"start": start, "end": min(one.end, start + A_TASK)})
            name = f"{file_name(part.place)}-{part.start}-{part.end}.jsonl"
            files.append(
                LandedFile(path=name, format="jsonl", bytes=0, sha256="", position=part.model_dump(), unread=True)
            )
    return tuple(files)


def unread_batch(
    writer: "BatchWriter", found: "Found", wanted: Sequence[OffsetRange], resume: "Resume | None", *, full: bool = False
) -> Batch:
    """Commits what says which ranges the tasks of a load will consume; nothing of them is here."""
    return writer.commit(
        unread_files(wanted),
        landing="off",
        cursor_from=said(wanted, end=False),
        cursor_to=said(wanted, end=True),
        full=full,
        epochs=resume.epochs if resume is not None else None,
        position={"offsets": found.reached(wanted).document()},
        notes=found.findings,
        rows=None if wanted else 0,
    )


def offset_ranges(spec: KafkaSource, batch: Batch, place: Place) -> Iterator["OffsetRangeFile"]:
    """What brings each file of an unread batch, secrets revealed: it goes to the tasks and nowhere else."""
    settings = client_settings(spec, place)
    shown = spec.model_validate(_revealed(spec.model_dump(by_alias=True, exclude_defaults=True), place.secrets))
    for file in batch.files:
        yield OffsetRangeFile(settings, shown, str(place.root), OffsetRange.model_validate(file.position))


@dataclass(frozen=True)
class OffsetRangeFile:
    """One range `[start, end)` of a partition, as lines of JSON."""

    settings: Mapping[str, Any] = field(repr=False)
    spec: KafkaSource = field(repr=False)
    root: str
    range: OffsetRange

    def bring(self, folder: Path) -> Arrived:
        """Consume it. SourceError where it cannot be had whole."""
        stamps: list[int] = []
        parts = Parts(folder, durable=False)
        with format_of(self.spec, _Told(Path(self.root), _Plain())) as form, Reader(self.settings) as reader:

            def take(at: Partition, messages: "list[Message]") -> int:
                stamps.extend(time for kind, time in (one.timestamp() for one in messages) if kind)
                return parts.add(at, form.text(at, messages))

            try:
                files = parts.finish(reader.read([self.range], take))
            finally:
                parts.abandon()
        spread = tuple(stamps[:: max(1, len(stamps) // _STAMPS)])
        if not files:
            return Arrived((), Told(_EMPTY, notes=form.said()))
        (made,) = files
        return Arrived(((folder / made.path, made.rows or 0),), Told(made.sha256, spread, form.said()))


class _Plain:
    """Of a source whose secrets were revealed already."""

    def reveal(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class _Told:
    root: Path
    secrets: Revealer


def _revealed(value: Any, secrets: Revealer) -> Any:
    """A document with every reference to a secret replaced by what it stands for."""
    if isinstance(value, str):
        return secrets.reveal(value)
    if isinstance(value, dict):
        return {name: _revealed(one, secrets) for name, one in value.items()}
    return [_revealed(one, secrets) for one in value] if isinstance(value, list | tuple) else value
