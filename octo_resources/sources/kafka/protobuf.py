"""Protobuf as JSON by its canonical mapping: 64-bit numbers as text, so that no digit is lost; names as written."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from octo_core.errors import UsageError
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.values import Unreadable

_COMPILE: Final = "Make one: protoc --include_imports --descriptor_set_out=flights.desc flights.proto"


def protobuf_decoder(schema: str, others: Sequence[tuple[str, str]] = ()) -> Decode:
    """By a registry's serialized descriptors (base64); which of its messages it is, each message says first.

    Raises UsageError where the schema is none, or names what is not among the `others`.
    """
    ordered = _messages(schema, others)

    def decode(_: str, raw: bytes) -> bytes:
        path, start = _indexes(raw)
        if min(path) < 0:
            raise Unreadable("malformed Protobuf: the schema has no such message")
        try:
            found = ordered[path[0]]
            for place in path[1:]:
                found = found.nested_types[place]
        except IndexError:
            raise Unreadable("malformed Protobuf: the schema has no such message") from None
        return _json(found, raw[start:])

    return decode


def _messages(schema: str, others: Sequence[tuple[str, str]]) -> list[Any]:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import DecodeError

    try:
        own = FileDescriptorProto.FromString(base64.b64decode(schema))
        files = [FileDescriptorProto.FromString(base64.b64decode(text)) for _, text in others]
        for file, (name, _) in zip(files, others, strict=True):
            file.name = name
        own.name = own.name or "octopipe.proto"
        messages = _pool([*files, own]).FindFileByName(own.name).message_types_by_name
    except (DecodeError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"the Protobuf schema cannot be read: {error}") from None
    return [messages[one.name] for one in own.message_type]


def protobuf_file(path: Path, message: str | None) -> Decode:
    """By a descriptor set that `protoc --include_imports --descriptor_set_out` made. Raises UsageError."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.message import DecodeError

    if message is None:
        raise UsageError("message is missing: the full name of the Protobuf message, such as airline.Flight")
    if not path.is_file():
        raise UsageError("schema_registry: there is no such file", where=str(path), hint=_COMPILE)
    try:
        pool = _pool(list(FileDescriptorSet.FromString(path.read_bytes()).file))
        found = pool.FindMessageTypeByName(message)
    except (DecodeError, TypeError):
        raise UsageError("schema_registry: the file is no descriptor set", where=str(path), hint=_COMPILE) from None
    except KeyError:
        raise UsageError(f"message: {message} is not in the descriptor set", where=str(path)) from None
    return lambda _, raw: _json(found, raw)


def _pool(files: Sequence[Any]) -> Any:
    """The descriptors, with Google's own well-known types under them."""
    from google.protobuf import descriptor_pool

    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(file: Any) -> None:
        if file.name in added:
            return
        added.add(file.name)
        for needed in file.dependency:
            add(next((one for one in files if one.name == needed), None) or _well_known(needed))
        pool.Add(file)

    for file in files:
        add(file)
    return pool


def _well_known(name: str) -> Any:
    """A file that a registry and protoc know without being told: Google's own, and Confluent's. Raises UsageError."""
    from importlib import import_module

    from google.protobuf import descriptor_pool
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    module = name.removesuffix(".proto").replace("/", ".") + "_pb2"
    homes = {"google": module, "confluent": f"confluent_kafka.schema_registry.{module}"}
    copied = FileDescriptorProto()
    try:
        import_module(homes[module.partition(".")[0]])  # and no other: a schema comes from outside
        descriptor_pool.Default().FindFileByName(name).CopyToProto(copied)
    except (ImportError, KeyError):
        raise UsageError(f"the Protobuf schema imports {name}, which does not come with it", hint=_COMPILE) from None
    return copied


def _indexes(raw: bytes) -> tuple[list[int], int]:
    """Which message of its file: zigzag numbers after their count, a lone 0 for the first; and where they end."""
    count, at = _varint(raw, 0)
    if count == 0:
        return [0], at
    path = []
    for _ in range(count):
        number, at = _varint(raw, at)
        path.append(number)
    return path, at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 35:
            raise Unreadable("malformed Protobuf: it ends in the number of its message")
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at


def _json(kind: Any, raw: bytes) -> bytes:
    from google.protobuf.json_format import MessageToJson
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    message = GetMessageClass(kind)()
    try:
        message.ParseFromString(raw)
        text: str = MessageToJson(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            indent=None,
            ensure_ascii=False,
        )
    except (DecodeError, ValueError, TypeError) as error:
        raise Unreadable(f"malformed Protobuf: {error}") from None
    return str(text).encode()
