"""Messages as records: envelopes, schemas from files and from a registry, and what none of them can read."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message
from fastavro import schemaless_writer
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from octo_core.errors import SourceError, UsageError
from octo_core.refusals import Refusal, read_refusal
from octo_core.spec.sources import KafkaSource
from octo_resources.sources.kafka.formats import Format, format_of
from tests.servers.api import Api, Reply

FLIGHT = {
    "type": "record",
    "name": "Flight",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "fare", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 12}},
        {"name": "left", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": None},
        {"name": "delay", "type": "double"},
        {"name": "tail", "type": "bytes"},
    ],
}


class _Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets = self

    def reveal(self, text: str) -> str:
        return text


@pytest.fixture(autouse=True)
def opened() -> Iterator[ExitStack]:
    """What a test opened is closed after it."""
    with ExitStack() as stack:
        _OPENED.append(stack)
        yield stack
        _OPENED.clear()


_OPENED: list[ExitStack] = []


def _format(root: Path, **said: Any) -> Format:
    spec = KafkaSource.model_validate({"kind": "kafka", "brokers": "b", "topic": "t", "key": ["id"], **said})
    return _OPENED[0].enter_context(format_of(spec, _Place(root)))


def _made(found: Format, value: Any, key: Any = None) -> list[dict[str, Any] | Refusal]:
    raw = json.dumps(value).encode() if isinstance(value, dict) else value
    message = Message(topic="t", partition=0, offset=5, key=key, value=raw, timestamp=(1, 1))
    lines = [line.decode() for line in found.lines(("t", 0), [message])]
    return [read_refusal(line) or json.loads(line) for line in lines]


def _record(found: Format, value: Any, key: Any = None) -> dict[str, Any]:
    (one,) = _made(found, value, key)
    assert isinstance(one, dict), one
    return one


def _reason(found: Format, value: Any, key: Any = None) -> str:
    (one,) = _made(found, value, key)
    assert isinstance(one, Refusal), one
    return one.reason


@pytest.mark.parametrize("every", [1, 3, 40])
def test_many_at_once_are_the_lines_of_each(tmp_path: Path, every: int) -> None:
    found = _format(tmp_path)
    odd: list[dict[str, Any]] = [
        {"value": b"no json"}, {"value": None}, {"value": b"{}"}, {"value": b'{"a":1}', "headers": [("h", b"x")]},
        {"value": b'{\n"a":1}'}, {"value": b'{"a":\r1}'}, {"value": b'{"a":1', "timestamp": (0, 0)}, {"value": b""},
        {"value": b'{"a":1}', "key": None}, {"value": b'{"a":1}', "key": b'quo"te'}, {"value": b'{"a":1}', "key": b""},
    ]  # fmt: skip
    usual = {"value": b'{"a": "\xc3\xa9"}', "key": b"k1", "timestamp": (1, 1_790_000_000_000)}
    said = [{**usual, **odd[place // every % len(odd)]} if place % every == 0 else usual for place in range(100)]
    messages = [Message(topic="t", partition=0, offset=place * 2, **one) for place, one in enumerate(said)]
    text = found.text(("t", 0), messages)
    assert bytes(text.data) == b"".join(line + b"\n" for line in found.lines(("t", 0), messages))
    assert text.rows == 100
    usual_ones = [Message(topic="t", partition=0, offset=place, **usual) for place in range(5)]
    assert bytes(found.text(("t", 0), usual_ones).data).splitlines() == found.lines(("t", 0), usual_ones)


@pytest.mark.parametrize(
    ("op", "before", "after", "deleted", "name"),
    [
        ("c", None, {"id": 1, "name": "a"}, False, "a"),
        ("r", None, {"id": 1, "name": "s"}, False, "s"),
        ("u", {"id": 1, "name": "a"}, {"id": 1, "name": "b"}, False, "b"),
        ("d", {"id": 1, "name": "b"}, None, True, "b"),
    ],
)
def test_an_envelope_is_the_row_that_it_is_about(
    tmp_path: Path, op: str, before: Any, after: Any, deleted: bool, name: str
) -> None:
    value = {"before": before, "after": after, "source": {"ts_ms": 99}, "op": op, "ts_ms": 100}
    for message in (value, {"payload": value}, {"schema": None, "payload": value}):
        record = _record(_format(tmp_path, format="debezium"), message)
        assert record.items() >= {"_op": op, "_source_time": 99, "_deleted": deleted, "id": 1, "name": name}.items()


def test_an_envelope_of_an_unknown_kind_is_refused_and_never_passed_over(tmp_path: Path) -> None:
    envelope = {"before": None, "after": {"id": 1}, "op": "x"}
    assert "`op` is 'x'" in _reason(_format(tmp_path, format="debezium"), envelope)


def test_only_line_breaks_end_a_row_of_csv_and_fields_have_no_length(tmp_path: Path) -> None:
    found = _format(tmp_path, format="csv", options={"columns": ["id", "name"]})
    for name in ("a\u2028b", "a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "y" * 200_000):
        assert _record(found, f"1,{name}\r\n".encode())["name"] == name
    assert _record(found, b'1,"a\r\nb"')["name"] == "a\r\nb"
    assert _reason(found, b"1,a\n2,b") == "malformed CSV: 2 rows in a message"


def test_a_delete_without_before_is_known_by_its_key(tmp_path: Path) -> None:
    found = _format(tmp_path, format="debezium")
    gone = {"before": None, "after": None, "op": "d"}
    for key in (b'{"id": 7}', b'{"schema": {}, "payload": {"id": 7}}', b"7"):
        record = _record(found, gone, key)
        assert (record["id"], record["_deleted"]) == (7, True)
        assert _record(found, None, key)["id"] == 7  # the tombstone that follows it
    assert _reason(found, gone) == "a delete that does not say of what: it has neither key nor `before`"


def test_connects_types_are_written_out(tmp_path: Path) -> None:
    unscaled = (12345678901234567890123).to_bytes(10, "big", signed=True)
    fields = [
        {"field": "fare", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "9"}},
        {"field": "day", "name": "io.debezium.time.Date"},
        {"field": "left", "name": "io.debezium.time.MicroTimestamp"},
        {"field": "at", "name": "io.debezium.time.MicroTime"},
        {"field": "far", "name": "io.debezium.time.Date"},
        {"field": "plain"},
    ]
    schema = {"fields": [{"field": "before", "fields": fields}, {"field": "after", "fields": fields}]}
    after = {
        "fare": base64.b64encode(unscaled).decode(), "day": 19000, "left": 1_700_000_000_000_001, "at": 3_661_500_000,
        "far": 10**9, "plain": 19000,
    }  # fmt: skip
    found = _format(tmp_path, format="debezium")
    raw = json.dumps({"schema": schema, "payload": {"after": after, "op": "c"}}).encode()
    (line,) = found.lines(("t", 0), [Message(topic="t", partition=0, offset=5, value=raw)])
    assert b'"fare":12345678901234.567890123' in line
    record = json.loads(line)
    assert (record["day"], record["left"], record["at"]) == ("2022-01-08", "2023-11-14T22:13:20.000001", "01:01:01.5")
    assert (record["far"], record["plain"]) == (10**9, 19000)


@pytest.mark.parametrize("inside", [b"\xff", b"\\ud800", b'": ' + b"[" * 5000 + b"]" * 5000 + b', "'])
def test_what_is_broken_inside_of_an_envelope_is_refused_and_stops_nothing(tmp_path: Path, inside: bytes) -> None:
    found = _format(tmp_path, format="debezium")
    row = b'{"op": "c", "source": {}, "after": {"id": 1}}'
    for value in (
        b'{"a%b": 1, "op": "c"}' % inside,
        b'{"op": "c", "source": {}, "after": {"a%b": 1}}' % inside,
        b'{"schema": {"fields": [{"fi%b": 1}]}, "payload": %b}' % (inside, row),
        b'{"databaseName": "a", "ddl": "%b"}' % inside,
    ):
        made = _made(found, value, b'{"id": 1}')
        assert len(made) <= 1
    key = b'{"i%bd": 1}' % inside
    assert _record(found, row, key)["id"] == 1
    assert _reason(found, None, key).startswith("a tombstone: ")


def test_types_in_keys_lists_and_structs_are_written_out_too(tmp_path: Path) -> None:
    """A delete finds the row that an insert made, whatever its key is made of."""
    price = {"field": "price", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
    day = {"field": "day", "type": "int32", "name": "io.debezium.time.Date"}
    days = {"field": "days", "type": "array", "items": {**day, "field": None}}
    inner = {"field": "inner", "type": "struct", "fields": [day, {"field": "n", "type": "double"}]}
    span = {"field": "span", "type": "int64", "name": "io.debezium.time.MicroDuration"}
    fields = [price, day, days, inner, span]
    schema = {"fields": [{"field": "before", "fields": fields}, {"field": "after", "fields": fields}]}
    cents = base64.b64encode((1230).to_bytes(2, "big")).decode()
    row = {"price": cents, "day": 19000, "days": [19000, None], "inner": {"day": 19000, "n": 1e-7}, "span": -1_500_000}
    key = json.dumps(
        {"schema": {"type": "struct", "fields": [price, day]}, "payload": {"price": cents, "day": 19000}}
    ).encode()
    found = _format(tmp_path, format="debezium")
    made = _record(found, {"schema": schema, "payload": {"after": row, "op": "c"}}, key)
    assert (made["price"], made["day"], made["days"]) == (12.3, "2022-01-08", ["2022-01-08", None])
    assert (made["inner"], made["span"]) == ({"day": "2022-01-08", "n": 1e-7}, "-PT1.5S")
    gone = _record(found, {"schema": schema, "payload": {"before": row, "after": None, "op": "d"}}, key)
    for record in (gone, _record(found, None, key)):
        assert (record["price"], record["day"], record["_deleted"]) == (12.3, "2022-01-08", True)


def test_a_value_that_the_log_has_not_is_no_value(tmp_path: Path) -> None:
    found = _format(tmp_path, format="debezium")
    mark = "__debezium_unavailable_value"
    for lost in (mark, base64.b64encode(mark.encode()).decode(), [mark]):
        after = {"id": 1, "note": lost}
        for before in (None, {"id": 1, "note": None}, {"id": 1, "note": lost}):
            assert _reason(found, {"before": before, "after": after, "op": "u"}).startswith(
                "the database's log has no value of note, which did not change"
            )
        assert _record(found, {"before": {"id": 1, "note": "long"}, "after": after, "op": "u"})["note"] == "long"
        assert "no value of note" in _reason(found, {**after, "__deleted": "false"})


ENVELOPE = {
    "type": "record", "name": "Envelope", "namespace": "shop",
    "fields": [
        {"name": "before", "type": ["null", {"type": "record", "name": "Value", "fields": [
            {"name": "id", "type": "long"},
            {"name": "at", "type": ["null", {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}]},
            {"name": "day", "type": {"type": "int", "connect.name": "io.debezium.time.Date"}},
            {"name": "sum", "type": {"type": "record", "name": "VariableScaleDecimal", "fields": [
                {"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"},
            ], "connect.name": "io.debezium.data.VariableScaleDecimal"}},
        ]}]},
        {"name": "after", "type": ["null", "Value"]},
        {"name": "op", "type": "string"},
    ],
}  # fmt: skip


def test_debeziums_times_in_avro_are_written_out(tmp_path: Path) -> None:
    row = {"id": 1, "at": 1_700_000_000_000_001, "day": 19000, "sum": {"scale": 3, "value": b"\x04\xd2"}}
    with Api({"/schemas/ids/1": lambda _: Reply({"schema": json.dumps(ENVELOPE)})}) as api:
        found = _format(tmp_path, format="debezium", key_format="text", schema_registry=api.url)
        for op, before, after in (("u", {**row, "at": None}, row), ("c", None, row), ("d", row, None)):
            out = io.BytesIO()
            schemaless_writer(out, ENVELOPE, {"before": before, "after": after, "op": op})
            made = _record(found, _numbered(1, out.getvalue()))
            assert (made["at"], made["day"], made["sum"]) == ("2023-11-14T22:13:20.000001", "2022-01-08", 1.234)


def test_times_are_written_out_in_the_branch_of_a_union_that_a_value_is_of(tmp_path: Path) -> None:
    day = {"type": "int", "connect.name": "io.debezium.time.Date"}
    born = {"type": "record", "name": "Born", "fields": [{"name": "day", "type": day}]}
    named = {"type": "record", "name": "Named", "fields": [{"name": "name", "type": "string"}]}
    schema = {"type": "record", "name": "Event", "fields": [
        {"name": "of", "type": ["null", born, named]},
        {"name": "days", "type": {"type": "array", "items": ["null", "string", day]}},
        {"name": "by", "type": {"type": "map", "values": day}},
    ]}  # fmt: skip
    (tmp_path / "event.avsc").write_text(json.dumps(schema))
    found = _format(tmp_path, format="avro", key_format="text", schema_registry="file://event.avsc")
    for of, told in ((None, None), ({"day": 1}, {"day": "1970-01-02"}), ({"name": "a"}, {"name": "a"})):
        out = io.BytesIO()
        schemaless_writer(out, schema, {"of": of, "days": [None, "some day", 1], "by": {"a": 1}})
        made = _record(found, out.getvalue())
        assert (made["of"], made["days"]) == (told, [None, "some day", "1970-01-02"])
        assert made["by"] == {"a": "1970-01-02"}


def test_what_is_about_no_row_is_told_and_a_truncate_refused(tmp_path: Path) -> None:
    found = _format(tmp_path, format="debezium")
    mark = {"status": "BEGIN", "id": "1", "ts_ms": 5, "event_count": None, "data_collections": None}
    for value in ({"databaseName": "a", "ddl": "ALTER TABLE t ADD x int"}, mark):
        assert _made(found, value) == []
    assert _made(found, {"op": "m", "message": {}}) == []
    assert found.said()[0] == "schema change: ALTER TABLE t ADD x int"
    assert _reason(found, {"op": "t", "before": None, "after": None}).startswith("the table was emptied at its source")
    assert _reason(found, {"after": {"id": 1}}) == "an envelope without `op`"
    assert _record(found, {"id": 1, "__deleted": "true"})["_deleted"] is True  # flattened by Debezium itself
    described = {"type": "struct", "fields": [{"field": "day", "type": "int32", "name": "io.debezium.time.Date"}]}
    assert _record(found, {"schema": described, "payload": {"day": 1, "__deleted": "false"}})["day"] == "1970-01-02"


@pytest.mark.parametrize(
    "row",
    [
        {"id": 7, "status": "BEGIN"},
        {"id": 7, "ddl": "x", "tableChanges": 1},
        {"id": 7, "op": "m"},
        {"id": 7, "op": "d"},
    ],
)
def test_a_flattened_row_whose_columns_are_called_as_other_messages_fields_is_a_row(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    found = _format(tmp_path, format="debezium")
    assert _record(found, row).items() >= {**row, "_deleted": False}.items()
    assert found.said() == ()


@pytest.mark.parametrize("after", [5, [5], [{"field": "after", "fields": 5}], [{"field": "after", "fields": [
    {"field": "a", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "many"}}]}]])  # fmt: skip
def test_a_schema_that_is_none_stops_nothing(tmp_path: Path, after: Any) -> None:
    found = _format(tmp_path, format="debezium")
    assert _record(found, {"schema": {"fields": after}, "payload": {"op": "c", "after": {"a": 1}}})["a"] == 1


def _avro(row: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    schemaless_writer(out, FLIGHT, row)
    return out.getvalue()


ROW = {"id": 2**60, "fare": Decimal("123456789012345678.123456789012"), "left": None, "delay": 1.5, "tail": b"\xff"}


def test_avro_by_a_file_keeps_every_digit(tmp_path: Path) -> None:
    (tmp_path / "flight.avsc").write_text(json.dumps(FLIGHT))
    found = _format(tmp_path, format="avro", key_format="text", schema_registry="file://flight.avsc")
    message = Message(topic="t", partition=0, offset=5, value=_avro(ROW))
    (line,) = found.lines(("t", 0), [message])
    assert b'"fare":123456789012345678.123456789012,' in line
    assert json.loads(line)["id"] == 2**60
    assert _record(found, _avro({**ROW, "delay": float("nan")}))["delay"] == "NaN"
    assert _reason(found, b"\x01").startswith("malformed Avro")
    with pytest.raises(UsageError, match="no such file"):
        _format(tmp_path, format="avro", schema_registry="file://missing.avsc")


def test_an_avro_decimal_with_more_digits_than_its_precision_keeps_them(tmp_path: Path) -> None:
    fare = ["null", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}]
    schema = {"type": "record", "name": "Fare", "fields": [{"name": "fare", "type": fare}]}
    (tmp_path / "fare.avsc").write_text(json.dumps(schema))
    found = _format(tmp_path, format="avro", key_format="text", schema_registry="file://fare.avsc")
    digits = (123_456_789).to_bytes(4, "big")
    (line,) = found.lines(("t", 0), [Message(topic="t", partition=0, offset=5, value=b"\x02\x08" + digits)])
    assert b'"fare":1234567.89' in line


@pytest.mark.parametrize(
    "items", ["null", {"type": "fixed", "name": "None", "size": 0}, {"type": "record", "name": "Empty", "fields": []}]
)
def test_an_avro_array_of_nothing_is_refused(tmp_path: Path, items: Any) -> None:
    """A message of eight bytes could say that it holds a trillion of them."""
    many = {"type": "array", "items": items}
    schema = {"type": "record", "name": "Trap", "fields": [{"name": "id", "type": "int"}, {"name": "l", "type": many}]}
    (tmp_path / "trap.avsc").write_text(json.dumps(schema))
    with pytest.raises(UsageError, match="an array whose items take no bytes"):
        _format(tmp_path, format="avro", schema_registry="file://trap.avsc")
    node = {"type": "array", "items": "Node"}
    tree = {"type": "record", "name": "Node", "fields": [{"name": "l", "type": node}, {"name": "n", "type": "null"}]}
    (tmp_path / "tree.avsc").write_text(json.dumps(tree))
    assert _record(_format(tmp_path, format="avro", schema_registry="file://tree.avsc"), b"\0")["l"] == []


def _descriptor() -> FileDescriptorProto:
    file = FileDescriptorProto(name="flight.proto", package="air", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    file.message_type.add(name="Other")
    flight = file.message_type.add(name="Flight")
    kinds = FieldDescriptorProto
    flight.field.add(name="flight_id", number=1, type=kinds.TYPE_INT64, label=kinds.LABEL_OPTIONAL)
    flight.field.add(name="carrier", number=2, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    stamp = ".google.protobuf.Timestamp"
    flight.field.add(name="left", number=3, type=kinds.TYPE_MESSAGE, type_name=stamp, label=kinds.LABEL_OPTIONAL)
    return file


def _protobuf() -> bytes:
    from google.protobuf import timestamp_pb2

    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(_descriptor())
    message = GetMessageClass(pool.FindMessageTypeByName("air.Flight"))(flight_id=2**60)
    message.left.FromJsonString("2013-01-01T05:15:00Z")
    return bytes(message.SerializeToString())


def test_protobuf_by_a_descriptor_set(tmp_path: Path) -> None:
    (tmp_path / "flight.desc").write_bytes(FileDescriptorSet(file=[_descriptor()]).SerializeToString())
    said = {"format": "protobuf", "schema_registry": "file://flight.desc"}
    record = _record(_format(tmp_path, **said, message="air.Flight"), _protobuf())
    assert record.items() >= {"flight_id": str(2**60), "carrier": "", "left": "2013-01-01T05:15:00Z"}.items()
    assert _reason(_format(tmp_path, **said, message="air.Flight"), b"\xff").startswith("malformed Protobuf")
    with pytest.raises(UsageError, match=r"air\.Fleet is not in the descriptor set"):
        _format(tmp_path, **said, message="air.Fleet")


KINDS = FieldDescriptorProto


def _price(name: str, **fields: tuple[int, int]) -> FileDescriptorProto:
    """A schema of shop.Price: name → (number, type) of its fields, beside maps and whatever may be in it."""
    file = FileDescriptorProto(name=name, package="shop", syntax="proto2")
    file.dependency.extend(["google/protobuf/any.proto", "google/protobuf/timestamp.proto"])
    state = file.enum_type.add(name="State")
    for number, word in enumerate(["NEW", "SOLD", "GONE"][: 2 + (name == "new.proto")]):
        state.value.add(name=word, number=number)
    file.message_type.add(name="Tag").field.add(name="word", number=1, type=KINDS.TYPE_STRING, label=1)
    price = file.message_type.add(name="Price")
    entry = price.nested_type.add(name="NamesEntry")
    entry.options.map_entry = True
    for number, part in enumerate(["key", "value"], 1):
        entry.field.add(name=part, number=number, type=KINDS.TYPE_STRING, label=1)
    for part, (number, kind) in fields.items():
        price.field.add(name=part, number=number, type=kind, label=1)
    made = {"state": (20, ".shop.State"), "any": (21, ".google.protobuf.Any"), "at": (22, ".google.protobuf.Timestamp")}
    for part, (number, named) in made.items():
        kind = KINDS.TYPE_ENUM if part == "state" else KINDS.TYPE_MESSAGE
        price.field.add(name=part, number=number, type=kind, label=1, type_name=named)
    price.field.add(name="names", number=23, type=KINDS.TYPE_MESSAGE, label=3, type_name=".shop.Price.NamesEntry")
    price.field.add(name="within", number=24, type=KINDS.TYPE_MESSAGE, label=1, type_name=".shop.Price")
    return file


@pytest.fixture
def prices(tmp_path: Path) -> tuple[Format, Any, Any]:
    """A reader of shop.Price by an old schema; and what writes its messages, and its tags, by a newer one."""
    from google.protobuf import any_pb2, timestamp_pb2

    old = _price("old.proto", id=(1, KINDS.TYPE_INT64), amount=(2, KINDS.TYPE_INT32))
    new = _price("new.proto", id=(1, KINDS.TYPE_INT64), amount=(2, KINDS.TYPE_STRING), note=(3, KINDS.TYPE_STRING))
    (tmp_path / "price.desc").write_bytes(FileDescriptorSet(file=[old]).SerializeToString())
    pool = DescriptorPool()
    for known in (any_pb2, timestamp_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.Add(new)
    kinds = [GetMessageClass(pool.FindMessageTypeByName(f"shop.{name}")) for name in ("Price", "Tag")]
    said = {"format": "protobuf", "schema_registry": "file://price.desc", "message": "shop.Price"}
    return _format(tmp_path, **said), *kinds


def test_what_protobuf_would_take_for_a_default_is_refused(prices: tuple[Format, Any, Any]) -> None:
    found, price, _ = prices
    for changed, name in ((price(id=1, amount="12.50"), "amount"), (price(id=1, state=2), "state")):
        for message in (changed, price(id=2, within=changed)):
            said = f"malformed Protobuf: Price.{name} is not as the schema describes it"
            assert _reason(found, message.SerializeToString()) == said


def test_a_field_that_the_protobuf_schema_has_not_is_told_of(prices: tuple[Format, Any, Any]) -> None:
    found, price, _ = prices
    assert _record(found, price(id=1, note="new").SerializeToString())["id"] == "1"
    assert _record(found, price(id=1, within=price(note="new")).SerializeToString())["id"] == "1"
    assert found.said() == ("the Protobuf schema has no field 3 of shop.Price: what it holds is not read (2)",)


def test_a_time_that_protobuf_itself_cannot_write_sets_its_message_aside(prices: tuple[Format, Any, Any]) -> None:
    found, price, _ = prices
    message = price(id=1)
    message.at.seconds = 10**12
    assert "malformed Protobuf: " in _reason(found, message.SerializeToString())


def test_protobufs_maps_stand_in_one_order_and_any_is_opened(prices: tuple[Format, Any, Any]) -> None:
    found, price, tag = prices
    names = {f"k{number % 17}": str(number) for number in range(17)}
    message = price(id=1, names=names)
    message.any.Pack(tag(word="sale"))
    record = _record(found, message.SerializeToString())
    assert list(record["names"]) == sorted(names)
    assert record["any"]["word"] == "sale"


def _registry() -> Api:
    """A schema registry's answers: 1 is Avro, 2 Protobuf, 3 JSON."""
    proto = base64.b64encode(_descriptor().SerializeToString()).decode()

    def schema(one: dict[str, Any]) -> Any:
        return lambda _: Reply(one, headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})

    return Api(
        {
            "/schemas/ids/1": schema({"schema": json.dumps(FLIGHT)}),
            "/schemas/ids/2": schema({"schema": proto, "schemaType": "PROTOBUF"}),
            "/schemas/ids/3": schema({"schema": "{}", "schemaType": "JSON"}),
            "/schemas/ids/4": lambda _: Reply({"error_code": 40403, "message": "Schema 4 not found"}, 404),
            "/schemas/ids/8": lambda _: Reply({"error_code": 401, "message": "who are you"}, 401),
            "/schemas/ids/9": lambda _: Reply({"error_code": 50001, "message": "out of order"}, 500),
        }
    )


def _numbered(number: int, rest: bytes) -> bytes:
    return b"\0" + number.to_bytes(4, "big") + rest


def test_a_registry_says_how_each_message_is_written(tmp_path: Path) -> None:
    with _registry() as api:
        avro = _format(tmp_path, format="avro", key_format="text", schema_registry=api.url)
        assert [_record(avro, _numbered(1, _avro(ROW)))["id"] for _ in range(3)] == [2**60] * 3
        assert sum(path.startswith("/schemas/ids/1") for path in api.urls) == 1
        second = bytes([2, 2])  # one index: 1, in zigzag
        protobuf = _format(tmp_path, format="protobuf", key_format="text", schema_registry=api.url)
        assert _record(protobuf, _numbered(2, second + _protobuf()))["flight_id"] == str(2**60)
        plain = _format(tmp_path, schema_registry=api.url)
        assert _record(plain, _numbered(3, b'{"id": 3}'))["id"] == 3
        assert _reason(plain, _numbered(4, b"{}")) == "the registry has no schema 4"
        assert _reason(plain, b'{"id": 3}').startswith("no schema number")


def test_schemas_that_need_others_which_need_others(tmp_path: Path) -> None:
    def schema(name: str, of: Any, needs: str | None = None) -> dict[str, Any]:
        told = {"type": "record", "name": name, "fields": [{"name": "of", "type": of}]}
        refers = [{"name": needs, "subject": needs, "version": 1}] if needs else []
        return {"schema": json.dumps(told), "references": refers}

    inner, middle, outer = (
        schema("Inner", "long"),
        schema("Middle", "Inner", "Inner"),
        schema("Outer", "Middle", "Middle"),
    )
    with Api({
        "/schemas/ids/1": lambda _: Reply(outer),
        "/subjects/Middle/versions/1": lambda _: Reply({"subject": "Middle", "version": 1, "id": 2, **middle}),
        "/subjects/Inner/versions/1": lambda _: Reply({"subject": "Inner", "version": 1, "id": 3, **inner}),
    }) as api:  # fmt: skip
        found = _format(tmp_path, format="avro", key_format="text", schema_registry=api.url)
        assert _record(found, _numbered(1, b"\x0a"))["of"] == {"of": {"of": 5}}


def test_a_schema_that_came_late_is_found_without_another_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from octo_resources.sources.kafka import registered

    monkeypatch.setattr(registered, "AGAIN", 0.0)
    answers = [Reply({"error_code": 40403, "message": "Schema 5 not found"}, 404)]
    late = Reply({"schema": json.dumps(FLIGHT)}, headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with Api({"/schemas/ids/5": lambda _: answers.pop() if answers else late}) as api:
        found = _format(tmp_path, format="avro", key_format="text", schema_registry=api.url)
        assert _reason(found, _numbered(5, _avro(ROW))) == "the registry has no schema 5"
        assert _record(found, _numbered(5, _avro(ROW)))["id"] == 2**60


def test_a_schema_that_is_none_is_about_its_own_messages_alone(tmp_path: Path) -> None:
    unnamed = base64.b64encode(FileDescriptorProto(dependency=["air/gone.proto"]).SerializeToString()).decode()
    needy = {"schema": '"Gone"', "references": [{"name": "Gone", "subject": "Gone", "version": 1}]}
    with Api({
        "/schemas/ids/1": lambda _: Reply({"schema": json.dumps(FLIGHT)}),
        "/schemas/ids/2": lambda _: Reply({"schema": '{"type": "fixed", "name": "tail"}'}),
        "/schemas/ids/3": lambda _: Reply({"schema": unnamed, "schemaType": "PROTOBUF"}),
        "/schemas/ids/4": lambda _: Reply(needy),
        "/subjects/Gone/versions/1": lambda _: Reply({"error_code": 40401, "message": "not found"}, 404),
    }) as api:  # fmt: skip
        found = _format(tmp_path, format="avro", key_format="text", schema_registry=api.url)
        assert _reason(found, _numbered(2, b"\0")) == "the Avro schema cannot be read: KeyError 'size'"
        assert "imports air/gone.proto" in _reason(found, _numbered(3, b"\0"))
        assert _reason(found, _numbered(4, b"\0")) == "the registry has no Gone 1, which the schema needs"
        assert _record(found, _numbered(1, _avro(ROW)))["id"] == 2**60
        assert sum(path.startswith("/schemas/ids/2") for path in api.urls) == 1


def test_protobuf_with_confluents_own_imports_and_without_what_it_imports(tmp_path: Path) -> None:
    file = FileDescriptorProto(name="price.proto", package="shop", syntax="proto3")
    file.dependency.extend(["confluent/meta.proto", "confluent/type/decimal.proto"])
    price = file.message_type.add(name="Price").field.add(name="amount", number=1, label=1)
    price.type, price.type_name = FieldDescriptorProto.TYPE_MESSAGE, ".confluent.type.Decimal"
    reply = Reply({"schema": base64.b64encode(file.SerializeToString()).decode(), "schemaType": "PROTOBUF"})
    with Api({"/schemas/ids/1": lambda _: reply}) as api:
        found = _format(tmp_path, format="protobuf", key_format="text", schema_registry=api.url)
        amount = _record(found, _numbered(1, b"\0\x0a\x06\x0a\x02\x04\xd2\x18\x02"))["amount"]
        assert (amount["value"], amount["scale"]) == ("BNI=", 2)
        backwards = bytes([2, 1])  # one index: -1, which is no place in a list
        assert _reason(found, _numbered(1, backwards)) == "malformed Protobuf: the schema has no such message"
        fewer_than_none = b"\x01"  # as many indexes as -1, in zigzag
        assert _reason(found, _numbered(1, fewer_than_none)) == "malformed Protobuf: the schema has no such message"
    file.dependency[0] = "shop/money.proto"
    (tmp_path / "price.desc").write_bytes(FileDescriptorSet(file=[file]).SerializeToString())
    with pytest.raises(UsageError, match=r"imports shop/money\.proto") as caught:
        _format(tmp_path, format="protobuf", schema_registry="file://price.desc", message="shop.Price")
    assert "--include_imports" in str(caught.value)


def test_a_registry_that_is_gone_sets_nothing_aside(tmp_path: Path) -> None:
    with _registry() as api:
        found = _format(tmp_path, format="avro", key_format="text", schema_registry=api.url)
        with pytest.raises(SourceError, match="registry does not answer: it says 500") as caught:
            _made(found, _numbered(9, b""))
        with pytest.raises(SourceError, match="it says 401: who are you") as refused:
            _made(found, _numbered(8, b""))
        with pytest.raises(SourceError, match="it says 404"):  # what answers is no registry, or another one's address
            _made(found, _numbered(7, b""))
    assert caught.value.retryable
    assert not refused.value.retryable
    with pytest.raises(SourceError, match="registry does not answer"):
        _made(_format(tmp_path, format="avro", key_format="text", schema_registry=api.url), _numbered(1, b""))
