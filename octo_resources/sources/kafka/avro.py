"""Avro as JSON, exactly: decimals with all digits, times in ISO 8601 (Debezium's too), bytes in base64."""

import base64
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
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
_MOST_DIGITS: Final = 10_000
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode


def avro_decoder(schema: str, others: Sequence[str] = ()) -> Decode:
    """For messages of one schema (without a registry's number before them). `others`: schemas that it names.

    Raises UsageError where the schema is none.
    """
    from fastavro import parse_schema

    named: dict[str, Any] = {}
    try:
        for text in others:
            parse_schema(json.loads(text), named_schemas=named)
        parsed = parse_schema(json.loads(schema), named_schemas=named)
        _keep_digits([parsed, *named.values()])
        _has_no_empty_items([parsed, *named.values()], named)
        written_out = _of_schema(parsed, {**named}, frozenset())
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - fastavro lets out whatever it trips over: a missing `size` is a KeyError
        raise UsageError(f"the Avro schema cannot be read: {type(error).__name__} {error}") from None
    return lambda _, raw: _json(raw, parsed, written_out)


def _keep_digits(schemas: Sequence[Any]) -> None:
    """fastavro rounds a decimal that has more digits than its precision: which of them count, the load judges."""
    for one in _within(schemas):
        if one.get("logicalType") == "decimal" and "precision" in one:
            one["precision"] = _MOST_DIGITS


def _has_no_empty_items(schemas: Sequence[Any], named: dict[str, Any]) -> None:
    """UsageError for an array whose items are written in no bytes: ten bytes could say that there are a trillion."""
    for one in _within(schemas):
        if one.get("type") == "array" and _is_empty(one["items"], named, frozenset()):
            raise UsageError("the Avro schema has an array whose items take no bytes (null, an empty record)")


def _within(schemas: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Everything described in these schemas, each once."""
    left, seen = list(schemas), set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _is_empty(schema: Any, named: dict[str, Any], within: frozenset[str]) -> bool:
    """Whether a value of it is written in no bytes."""
    if isinstance(schema, str):
        known = named.get(schema)
        return schema == "null" or (
            known is not None and schema not in within and _is_empty(known, named, within | {schema})
        )
    if not isinstance(schema, dict):
        return False
    if schema.get("type") in ("record", "error"):
        within |= {str(schema.get("name"))}
        return all(_is_empty(one["type"], named, within) for one in schema["fields"])
    return schema.get("size") == 0 if schema.get("type") == "fixed" else _is_empty(schema.get("type"), named, within)


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
        told = _plain(found if written_out is None else written_out(found))
    except Exception as error:  # noqa: BLE001 - fastavro lets out whatever the bytes make it trip over
        raise Unreadable(f"malformed Avro: {type(error).__name__} {error}".strip()) from None
    if left:
        raise Unreadable(f"malformed Avro: {left} bytes are left over")
    return _ENCODE(told)


def _of_schema(schema: Any, named: dict[str, Any], within: frozenset[str]) -> Write | None:
    """What writes out the counts that Debezium has for times, wherever they are in a value; None where there are none.
    Connect notes them as `connect.name`; Avro's own logical types are fastavro's to read."""
    if isinstance(schema, str):
        known = named.get(schema)
        return _of_schema(known, named, within | {schema}) if known is not None and schema not in within else None
    if isinstance(schema, list):
        return _of_union(schema, named, within)
    own = written(str(schema.get("connect.name") or "")) if "logicalType" not in schema else None
    if own is not None:
        return _token(own)
    kind = schema.get("type")
    if kind in ("array", "map"):
        item = _of_schema(schema["items" if kind == "array" else "values"], named, within)
        if item is None:
            return None
        one = item
        if kind == "array":
            return lambda value: [one(each) for each in value]
        return lambda value: {name: one(each) for name, each in value.items()}
    if kind not in ("record", "error"):
        return _of_schema(kind, named, within) if isinstance(kind, dict | list) else None
    within |= {str(schema.get("name"))}
    members = {one["name"]: _of_schema(one["type"], named, within) for one in schema["fields"]}
    fields = {name: write for name, write in members.items() if write is not None}
    return (lambda value: {**value, **{name: write(value[name]) for name, write in fields.items()}}) if fields else None


def _of_union(branches: Sequence[Any], named: dict[str, Any], within: frozenset[str]) -> Write | None:
    """The branch that a value is of writes it out; null and what is of none stay."""
    made = [(_fits(branch, named), write) for branch in branches if (write := _of_schema(branch, named, within))]
    if not made:
        return None
    return lambda value: next((write(value) for fits, write in made if fits(value)), value)


def _fits(branch: Any, named: dict[str, Any]) -> Callable[[Any], bool]:
    """Whether a value that was read is of this branch of its union."""
    described = named.get(branch, branch) if isinstance(branch, str) else branch
    kind = described.get("type") if isinstance(described, dict) else described
    if kind in ("record", "error"):
        names = {one["name"] for one in described["fields"]}
        return lambda value: isinstance(value, dict) and value.keys() == names
    taken = {"array": list, "map": dict, "int": int, "long": int, "string": str, "bytes": bytes}.get(str(kind), object)
    return lambda value: value is not None and isinstance(value, taken)


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
