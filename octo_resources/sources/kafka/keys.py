"""Keys of messages: as text in every record, and as fields of what is gone, of which a message says nothing else."""

from typing import TYPE_CHECKING

from octo_core.refusals import refusal_line
from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.message import ENCODE, head_of, joined, key_json, place_of
from octo_resources.sources.kafka.values import BROKEN, Unreadable, key_object, why_broken

if TYPE_CHECKING:
    from confluent_kafka import Message


class Keys:
    """`decode`: what makes JSON of a key; None where keys are plain text."""

    def __init__(self, spec: KafkaSource, decode: Decode | None) -> None:
        self._names, self._decode = spec.key, decode
        self.plain = decode is None
        """Whether keys are taken as the text that they are."""

    def text(self, message: "Message") -> bytes:
        """The key as a JSON string, for `_key`; a key that cannot be read as it came."""
        raw = message.key()
        if raw is None or self._decode is None:
            return key_json(raw)
        try:
            return key_json(self._decode(message.topic() or "", raw))
        except (Unreadable, *BROKEN):
            return key_json(raw)

    def fields(self, message: "Message") -> bytes:
        """The key as an object of fields. Raises Unreadable."""
        raw = message.key()
        if raw is None:
            raise Unreadable("without a key")
        if self._decode is not None:
            return key_object(self._decode(message.topic() or "", raw), self._names)
        if len(self._names) > 1:
            raise Unreadable("its key is one text, and the source's key has several fields")
        return b"{%s:%s}" % (ENCODE(self._names[0]), key_json(raw)) if self._names else b"{}"

    def tombstone(self, prefix: bytes, message: "Message") -> bytes:
        """The record of what is gone; a refusal where the key does not say which row it was."""
        try:
            fields = self.fields(message)
        except Unreadable as error:
            return refusal_line(f"a tombstone: {error}", None, place_of(message))
        except BROKEN as error:
            return refusal_line(f"a tombstone: {why_broken(error)}", None, place_of(message))
        return joined(head_of(prefix, message, self.text(message), deleted=True), fields)
