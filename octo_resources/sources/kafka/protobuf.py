"""Protobuf as JSON by its canonical mapping: 64-bit numbers as text, so that no digit is lost; names as written.

Protobuf's own parser passes over what a schema does not describe, and gives the field's default: a writer that moved on
would load zeros. So a field that is there in another form is refused, and one that the schema has not is told of.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from octo_core.errors import UsageError
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.values import Unreadable

_COMPILE: Final = "Make one: protoc --include_imports --descriptor_set_out=flights.desc flights.proto"


def protobuf_decoder(schema: str, others: Sequence[tuple[str, str]], notes: Counter[str]) -> Decode:
    """By a registry's serialized descriptors (base64); which of its messages it is, each message says first.
    `notes` counts fields that it has not.

    Raises UsageError where the schema is none, or names what is not among the `others`.
    """
    ordered = _messages(schema, others)

    def decode(_: str, raw: bytes) -> bytes:
        path, start = _indexes(raw)
        if min(path, default=-1) < 0:
            raise Unreadable("malformed Protobuf: the schema has no such message")
        try:
            found = ordered[path[0]]
            for place in path[1:]:
                found = found.nested_types[place]
        except IndexError:
            raise Unreadable("malformed Protobuf: the schema has no such message") from None
        return _json(found, raw[start:], notes)

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


def protobuf_file(path: Path, message: str | None, notes: Counter[str]) -> Decode:
    """By a descriptor set that `protoc --include_imports --descriptor_set_out` made. `notes` counts fields that it has
    not. Raises UsageError."""
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
    return lambda _, raw: _json(found, raw, notes)


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


def _json(kind: Any, raw: bytes, notes: Counter[str]) -> bytes:
    from google.protobuf.json_format import Error, MessageToJson
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    message = GetMessageClass(kind)()
    try:
        message.ParseFromString(raw)
        size = message.ByteSize()
        message.DiscardUnknownFields()
        if message.ByteSize() != size:
            notes.update(_unknown(GetMessageClass(kind).FromString(raw)))
        text: str = MessageToJson(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            indent=None,
            sort_keys=_has_maps(kind),
            ensure_ascii=False,
            descriptor_pool=kind.file.pool,
        )
    except (DecodeError, Error, ValueError, TypeError) as error:
        raise Unreadable(f"malformed Protobuf: {error}") from None
    return str(text).encode()


def _unknown(message: Any) -> Iterator[str]:
    """What the schema has not, of a message and those in it. Raises Unreadable for what it has in another form: its
    value would be taken for the default."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    kind = message.DESCRIPTOR
    for one in UnknownFieldSet(message):
        known = kind.fields_by_number.get(one.field_number)
        if known is not None:
            raise Unreadable(f"malformed Protobuf: {kind.name}.{known.name} is not as the schema describes it")
        yield f"the Protobuf schema has no field {one.field_number} of {kind.full_name}: what it holds is not read"
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = value.values() if field.message_type.fields_by_name["value"].message_type else ()
        else:
            inner = value if field.is_repeated else (value,)
        for one in inner:
            yield from _unknown(one)


@cache
def _has_maps(kind: Any) -> bool:
    """Whether a map is in a message: its keys come in another order in every process, and a range of offsets has to
    give the same lines again."""
    left, seen = [kind], set()
    while left:
        one = left.pop()
        if one.GetOptions().map_entry or one.full_name == "google.protobuf.Any":
            return True
        if one.full_name not in seen:
            seen.add(one.full_name)
            left += [field.message_type for field in one.fields if field.message_type is not None]
    return False
