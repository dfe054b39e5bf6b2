"""Which reader a source's `format` asks for."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.bulk import Bulk, Lines, json_text, text_of_lines
from octo_resources.sources.kafka.decoding import key_decoder, value_decoder
from octo_resources.sources.kafka.keys import Keys
from octo_resources.sources.kafka.lines import json_lines, read_csv, read_decoded, read_lines, read_text
from octo_resources.sources.place import Place


@dataclass
class Format:
    """What makes lines of a source's messages, and what it has to say of those that are about no row."""

    lines: Lines
    text: Bulk
    """The same as a file holds it: many at once cost less."""
    notes: Counter[str] = field(default_factory=Counter)
    until: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Format":
        return self

    def __exit__(self, *error: object) -> None:
        self.until.close()

    def said(self) -> tuple[str, ...]:
        return tuple(f"{what} ({count:,})" if count > 1 else what for what, count in self.notes.most_common(50))


def format_of(spec: KafkaSource, place: Place) -> Format:
    """The reader of a source's messages, for a `with`. Raises UsageError for what the file lacks."""
    until, notes = ExitStack(), Counter[str]()
    keys = Keys(spec, key_decoder(spec, place, until, notes))
    lines = _lines(spec, place, keys, until, notes)
    text = json_text(keys, lines) if _is_plain_json(spec) else text_of_lines(lines)
    return Format(lines, text, notes, until)


def _is_plain_json(spec: KafkaSource) -> bool:
    return spec.format == "json" and spec.schema_registry is None


def _lines(spec: KafkaSource, place: Place, keys: Keys, until: ExitStack, notes: Counter[str]) -> Lines:
    if spec.format == "text":
        return read_lines(keys, read_text(spec))
    if spec.format == "csv":
        return read_lines(keys, read_csv(spec))
    if _is_plain_json(spec):
        return json_lines(keys)
    decode = value_decoder(spec, place, until, notes)
    if spec.format == "debezium":
        from octo_resources.sources.kafka.debezium import Envelopes

        return read_lines(keys, Envelopes(decode, keys, notes).row)
    return read_lines(keys, read_decoded(decode))
