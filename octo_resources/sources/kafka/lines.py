"""Messages as lines: a record with what Kafka knows of it before its own fields, or why it is none.

A JSON value is not parsed: its members follow the message's own as they came. What is broken inside of it the load's
reader finds, as in any file.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from octo_core.errors import UsageError
from octo_core.offsets import Place
from octo_core.refusals import refusal_line
from octo_core.spec.sources import KafkaSource
from octo_resources.cells import read_cells
from octo_resources.sources.kafka.bulk import Lines
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.keys import Keys
from octo_resources.sources.kafka.message import ENCODE, head_of, joined, place_of, prefix_of
from octo_resources.sources.kafka.values import BROKEN, Unreadable, json_object, why_broken

if TYPE_CHECKING:
    from confluent_kafka import Message


class Row(NamedTuple):
    """The record that a message's value stands for: an object on one line, and whether it is gone."""

    fields: bytes
    deleted: bool = False


Read = Callable[["Message", bytes], Row | None]
"""The row of a message with this value; None where it is about none. Raises Unreadable."""


def json_lines(keys: Keys) -> Lines:
    """For values that are JSON objects, one by one; many at once: `bulk.json_text`."""

    def line(prefix: bytes, message: "Message") -> bytes:
        value = message.value()
        if value is None:
            return keys.tombstone(prefix, message)
        try:
            return joined(head_of(prefix, message, keys.text(message), deleted=False), json_object(value))
        except Unreadable as error:
            return refusal_line(str(error), value, place_of(message))

    def lines(place: Place, messages: "Sequence[Message]") -> list[bytes]:
        prefix = prefix_of(place)
        return [line(prefix, message) for message in messages]

    return lines


def read_lines(keys: Keys, read: Read) -> Lines:
    """For values that have to be read to know what they say."""

    def line(prefix: bytes, message: "Message") -> bytes | None:
        value = message.value()
        if value is None:
            return keys.tombstone(prefix, message)
        try:
            row = read(message, value)
        except Unreadable as error:
            return refusal_line(str(error), value, place_of(message))
        except BROKEN as error:
            return refusal_line(why_broken(error), value, place_of(message))
        if row is None:
            return None
        return joined(head_of(prefix, message, keys.text(message), deleted=row.deleted), row.fields)

    def lines(place: Place, messages: "Sequence[Message]") -> list[bytes]:
        prefix = prefix_of(place)
        return [made for message in messages if (made := line(prefix, message)) is not None]

    return lines


def read_decoded(decode: Decode) -> Read:
    """For values that are objects once they are decoded."""
    return lambda message, value: Row(json_object(decode(message.topic() or "", value)))


def read_text(spec: KafkaSource) -> Read:
    """For values that are plain text: the record's field `value`."""
    encoding = spec.options.encoding or "utf-8"

    def read(_: "Message", value: bytes) -> Row:
        try:
            return Row(b'{"value":%s}' % ENCODE(value.decode(encoding)))
        except UnicodeDecodeError:
            raise Unreadable(f"not {encoding.upper()}") from None

    return read


def read_csv(spec: KafkaSource) -> Read:
    """For values that are a row of delimited text each; `options.columns` names its fields."""
    options, encoding = spec.options, spec.options.encoding or "utf-8"
    if not options.columns:
        raise UsageError(
            "options.columns is missing: a row of CSV in a message does not say what its fields are called",
            hint="options: {columns: [id, name, …], delimiter: ','}",
        )
    names, nulls = options.columns, frozenset(options.null or ("",))

    def read(_: "Message", value: bytes) -> Row:
        try:
            text = value.decode(encoding).rstrip("\r\n")
            rows = list(
                read_cells(
                    io.StringIO(text, newline=""), delimiter=options.delimiter or ",", quotechar=options.quote or '"',
                    escapechar=options.escape, strict=True,
                )
            )  # fmt: skip
        except UnicodeDecodeError:
            raise Unreadable(f"not {encoding.upper()}") from None
        except csv.Error as error:
            raise Unreadable(f"malformed CSV: {error}") from None
        cells = rows[0] if len(rows) == 1 else []
        if len(cells) != len(names):
            said = (
                f"{len(cells)} fields instead of {len(names)}" if len(rows) == 1 else f"{len(rows)} rows in a message"
            )
            raise Unreadable(f"malformed CSV: {said}")
        return Row(ENCODE({name: None if cell in nulls else cell for name, cell in zip(names, cells, strict=True)}))

    return read
