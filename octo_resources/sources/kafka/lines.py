"""Messages as lines: a record with what Kafka knows of it before its own fields, or why it is none.

A JSON value is not parsed: its members follow the message's own as they came. What is broken inside of it the load's
reader finds, as in any file.
"""

import csv
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from octo_core.errors import UsageError
from octo_core.offsets import Place
from octo_core.refusals import refusal_line
from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.message import ENCODE, head_of, joined, key_json, place_of, prefix_of
from octo_resources.sources.kafka.values import Tombstones, Unreadable, json_object

if TYPE_CHECKING:
    from confluent_kafka import Message

Lines = Callable[[Place, "Sequence[Message]"], list[bytes]]
"""The lines of messages of one partition, one each, without their ends."""
Record = Callable[["Message", bytes], bytes]
"""The object that a message's value stands for, on one line, its first key behind its brace. Raises Unreadable."""


def json_lines(spec: KafkaSource) -> Lines:
    """For values that are JSON objects."""
    gone = Tombstones(spec)

    def lines(place: Place, messages: "Sequence[Message]") -> list[bytes]:
        prefix, made = prefix_of(place), []
        for message in messages:
            value = message.value()
            if value is None:
                made.append(gone.line(prefix, message))
                continue
            # The usual message costs no more than this: an object on one line whose first key follows its brace.
            if value[:2] != b'{"' or value[-1:] != b"}" or b"\n" in value or b"\r" in value:
                try:
                    value = json_object(value)
                except Unreadable as error:
                    made.append(refusal_line(str(error), value, place_of(message)))
                    continue
            head = head_of(prefix, message, key_json(message.key()), deleted=False)
            made.append(joined(head, value))
        return made

    return lines


def record_lines(spec: KafkaSource, record: Record) -> Lines:
    """For values that have to be read to know what they say."""
    gone = Tombstones(spec)

    def line(prefix: bytes, message: "Message") -> bytes:
        value = message.value()
        if value is None:
            return gone.line(prefix, message)
        try:
            found = record(message, value)
        except Unreadable as error:
            return refusal_line(str(error), value, place_of(message))
        return joined(head_of(prefix, message, key_json(message.key()), deleted=False), found)

    def lines(place: Place, messages: "Sequence[Message]") -> list[bytes]:
        prefix = prefix_of(place)
        return [line(prefix, message) for message in messages]

    return lines


def text_lines(spec: KafkaSource) -> Lines:
    """For values that are plain text: the record's field `value`."""

    def record(_: "Message", value: bytes) -> bytes:
        try:
            return b'{"value":%s}' % ENCODE(value.decode(spec.options.encoding or "utf-8"))
        except UnicodeDecodeError:
            raise Unreadable(f"not {spec.options.encoding or 'UTF-8'}") from None

    return record_lines(spec, record)


def csv_lines(spec: KafkaSource) -> Lines:
    """For values that are a row of delimited text each; `options.columns` names its fields."""
    options = spec.options
    if not options.columns:
        raise UsageError(
            "options.columns is missing: a row of CSV in a message does not say what its fields are called",
            hint="options: {columns: [id, name, …], delimiter: ','}",
        )
    names, nulls = options.columns, frozenset(options.null or ("",))

    def record(_: "Message", value: bytes) -> bytes:
        try:
            text = value.decode(options.encoding or "utf-8").rstrip("\r\n")
            rows = list(
                csv.reader(
                    text.splitlines(keepends=True), delimiter=options.delimiter or ",", quotechar=options.quote or '"',
                    escapechar=options.escape, strict=True,
                )
            )  # fmt: skip
        except UnicodeDecodeError:
            raise Unreadable(f"not {options.encoding or 'UTF-8'}") from None
        except csv.Error as error:
            raise Unreadable(f"malformed CSV: {error}") from None
        cells = rows[0] if len(rows) == 1 else []
        if len(cells) != len(names):
            said = (
                f"{len(cells)} fields instead of {len(names)}" if len(rows) == 1 else f"{len(rows)} rows in a message"
            )
            raise Unreadable(f"malformed CSV: {said}")
        return ENCODE({name: None if cell in nulls else cell for name, cell in zip(names, cells, strict=True)})

    return record_lines(spec, record)
