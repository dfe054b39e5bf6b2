"""An object of JSON as its members, each as it is written."""

from typing import Final

import msgspec

from octo_resources.sources.kafka.message import ENCODE

MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def object_of(members: dict[str, msgspec.Raw]) -> bytes:
    """Members as an object again."""
    return b"{" + b",".join(ENCODE(name) + b":" + bytes(raw) for name, raw in members.items()) + b"}"
