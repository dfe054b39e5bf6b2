"""Avro as JSON, exactly: decimals with all digits, times in ISO 8601 (Debezium's too), bytes in base64."""

import base64
import io
import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import Any, Final

import msgspec

from octo_core.errors import UsageError
from octo_resources.sources.kafka.connect import written
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.values import Unreadable

Write = Callable[[Any], Any]
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
    written_out = _of_schema(parsed, {**named}, frozenset())
    return lambda _, raw: _json(raw, parsed, written_out)


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


def _json(raw: bytes, schema: Any, written_out: Write | None) -> bytes:
    from fastavro import schemaless_reader

    stream = io.BytesIO(raw)
    try:
        found = schemaless_reader(stream, schema, None)
        left = len(raw) - stream.tell()
    except Exception as error:  # noqa: BLE001 - fastavro lets out whatever the bytes make it trip over
        raise Unreadable(f"malformed Avro: {type(error).__name__} {error}".strip()) from None
    if left:
        raise Unreadable(f"malformed Avro: {left} bytes are left over")
    return _ENCODE(_plain(found if written_out is None else written_out(found)))


def _of_schema(schema: Any, named: dict[str, Any], within: frozenset[str]) -> Write | None:
    """What writes out the counts that Debezium has for times, wherever they are in a value; None where there are none.
    Connect notes them as `connect.name`; Avro's own logical types are fastavro's to read."""
    if isinstance(schema, str):
        known = named.get(schema)
        return _of_schema(known, named, within | {schema}) if known is not None and schema not in within else None
    if isinstance(schema, list):  # of a union the branch that has a value: Debezium's are null and one other
        made = [one for one in (_of_schema(branch, named, within) for branch in schema) if one is not None]
        return made[0] if len(made) == 1 else None
    own = written(str(schema.get("connect.name") or "")) if "logicalType" not in schema else None
    if own is not None:
        return _token(own)
    if schema.get("type") == "array":
        item = _of_schema(schema["items"], named, within)
        return (lambda value: [item(one) for one in value]) if item is not None else None
    if schema.get("type") not in ("record", "error"):
        inner = schema.get("type")
        return _of_schema(inner, named, within) if isinstance(inner, dict | list) else None
    within |= {str(schema.get("name"))}
    members = {one["name"]: _of_schema(one["type"], named, within) for one in schema["fields"]}
    fields = {name: write for name, write in members.items() if write is not None}
    return (lambda value: {**value, **{name: write(value[name]) for name, write in fields.items()}}) if fields else None


def _token(write: Callable[[Any], str]) -> Write:
    def out(value: Any) -> Any:
        plain = {**value, "value": base64.b64encode(value["value"]).decode()} if isinstance(value, dict) else value
        with suppress(ValueError, TypeError, OverflowError, KeyError):
            return msgspec.Raw(write(plain).encode())
        return value

    return lambda value: None if value is None else out(value)


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
