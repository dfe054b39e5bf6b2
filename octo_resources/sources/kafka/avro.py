"""Avro as JSON, exactly: decimals with all digits, times in ISO 8601, bytes in base64."""

import io
import json
import math
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Any, Final

import msgspec

from octo_core.errors import UsageError
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.values import Unreadable

_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode


def avro_decoder(schema: str, others: Sequence[str] = ()) -> Decode:
    """For messages of one schema (without a registry's number before them). `others`: schemas that it names.

    Raises UsageError where the schema is none.
    """
    from fastavro import parse_schema
    from fastavro.schema import SchemaParseException

    named: dict[str, Any] = {}
    try:
        for text in others:
            parse_schema(json.loads(text), named_schemas=named)
        parsed = parse_schema(json.loads(schema), named_schemas=named)
    except (ValueError, SchemaParseException) as error:
        raise UsageError(f"the Avro schema cannot be read: {error}") from None
    return lambda _, raw: _json(raw, parsed)


def avro_files(path: Path, part: str) -> Decode:
    """By a schema file, or a folder of them called `<topic>-value.avsc` and `<topic>-key.avsc`."""
    if not path.exists():
        raise UsageError("schema_registry: there is no such file", where=str(path))
    if path.is_file():
        return avro_decoder(path.read_text())
    known: dict[str, Decode] = {}

    def decode(topic: str, raw: bytes) -> bytes:
        if topic not in known:
            file = path / f"{topic}-{part}.avsc"
            if not file.is_file():
                raise UsageError(f"schema_registry: there is no {file.name}", where=str(path))
            known[topic] = avro_decoder(file.read_text())
        return known[topic](topic, raw)

    return decode


def _json(raw: bytes, schema: Any) -> bytes:
    from fastavro import schemaless_reader

    stream = io.BytesIO(raw)
    try:
        found = schemaless_reader(stream, schema, None)
        left = len(raw) - stream.tell()
    except Exception as error:  # noqa: BLE001 - fastavro lets out whatever the bytes make it trip over
        raise Unreadable(f"malformed Avro: {type(error).__name__} {error}".strip()) from None
    if left:
        raise Unreadable(f"malformed Avro: {left} bytes are left over")
    return _ENCODE(_plain(found))


def _plain(value: Any) -> Any:
    """What JSON has: a float that is no number becomes its name, which the load judges."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, time):
        return value.isoformat()
    return value
