"""From a message's bytes to JSON: as it stands, or by a schema from a registry or a file."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from octo_core.errors import UsageError
from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.values import Unreadable, json_value
from octo_resources.sources.place import Place

Decode = Callable[[str, bytes], bytes]
"""(topic, bytes) → the text of one JSON value. Raises Unreadable; SourceError where the registry does not answer."""


def value_decoder(spec: KafkaSource, place: Place, until: ExitStack, notes: Counter[str]) -> Decode:
    """For a source's values; what it opens is open `until` then, and `notes` counts what is worth knowing of them.
    Raises UsageError for what the file lacks."""
    if spec.format in ("avro", "protobuf"):
        return _by_schema(spec, place, spec.format, "value", until, notes)
    return _registered(spec, place, until, notes) if spec.schema_registry is not None else plain_json


def key_decoder(spec: KafkaSource, place: Place, until: ExitStack, notes: Counter[str]) -> Decode | None:
    """For its keys, likewise; None where they are text."""
    kind = spec.key_format or {"debezium": "json", "avro": "avro"}.get(spec.format, "text")
    if kind == "text":
        return None
    if kind in ("avro", "protobuf"):
        return _by_schema(spec, place, kind, "key", until, notes)
    return _registered(spec, place, until, notes) if spec.schema_registry is not None else plain_json


def plain_json(_: str, raw: bytes) -> bytes:
    return json_value(raw)


def _by_schema(spec: KafkaSource, place: Place, kind: str, part: str, until: ExitStack, notes: Counter[str]) -> Decode:
    registry = spec.schema_registry
    if registry is None:
        raise UsageError(
            f"schema_registry is missing: messages in {kind} are read by their schemas",
            hint="Write the registry's URL, or file://PATH of a schema.",
        )
    if not registry.url.startswith("file://"):
        return _registered(spec, place, until, notes)
    path = place.root / registry.url.removeprefix("file://")
    if kind == "avro":
        from octo_resources.sources.kafka.avro import avro_files

        return avro_files(path, part)
    from octo_resources.sources.kafka.protobuf import protobuf_file

    return protobuf_file(path, spec.message, notes)


def _registered(spec: KafkaSource, place: Place, until: ExitStack, notes: Counter[str]) -> Decode:
    """By whatever schema the registry has under the number that a message begins with."""
    from octo_resources.sources.kafka.registered import Registered

    assert spec.schema_registry is not None
    if spec.schema_registry.url.startswith("file://"):
        return plain_json
    return until.enter_context(Registered(spec.schema_registry, place, notes)).json


def framed(raw: bytes) -> tuple[int, bytes]:
    """(number of the schema, what it describes) of a registry's wire format. Raises Unreadable."""
    if len(raw) < 5 or raw[0] != 0:
        raise Unreadable("no schema number: it was not written through a schema registry")
    return int.from_bytes(raw[1:5], "big"), raw[5:]
