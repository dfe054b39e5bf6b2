"""Debezium's envelopes: the row after a change (or, of what is gone, before it), with what the envelope says of it.

`_op` is c (insert), u (update), d (delete) or r (a snapshot's row); `_source_time` the change's time at its database
in ms since 1970. Where messages carry their schema, decimals, dates and times are written out in full.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from octo_resources.sources.kafka.connect import ROW, converted, converters
from octo_resources.sources.kafka.decoding import Decode
from octo_resources.sources.kafka.keys import Keys
from octo_resources.sources.kafka.lines import Row
from octo_resources.sources.kafka.members import MEMBERS, object_of
from octo_resources.sources.kafka.values import Unreadable, members_of

if TYPE_CHECKING:
    from confluent_kafka import Message

Members = dict[str, msgspec.Raw]
_ROWS: Final = frozenset({"c", "u", "r", "d"})
_ENVELOPE: Final = frozenset({"before", "after", "source", "message"})
"""One of these stands beside an envelope's `op`; without any, `op` is a column of a row that was flattened."""
_TIMES: Final = frozenset({"ts_ms", "ts_us", "ts_ns"})
_CHANGE: Final = _TIMES | {"source", "position", "databaseName", "schemaName", "ddl", "tableChanges"}
"""What a schema change has at most; a row that was flattened may have such columns beside others."""
_MARK: Final = frozenset({"status", "id", "event_count", "data_collections"})
"""What a transaction's mark has, also where it is null; a table may well have a status and an id."""
_UNAVAILABLE: Final = (b"__debezium_unavailable_value", b"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ")
"""What Debezium writes for a value that is not in the log, as text and in base64."""
_NULL: Final = msgspec.Raw(b"null")


class Envelopes:
    """Rows of a source's envelopes. `notes` counts what is none: schema changes, marks of transactions, heartbeats."""

    def __init__(self, decode: Decode, keys: Keys, notes: Counter[str]) -> None:
        self._decode, self._keys, self._notes = decode, keys, notes

    def row(self, message: "Message", value: bytes) -> Row | None:
        """The row of a message; None for what is not about a row. Raises Unreadable."""
        members = members_of(self._decode(message.topic() or "", value))
        schema: bytes | None = None
        if members.keys() >= {"payload"} and members.keys() <= {"schema", "payload"}:
            schema = bytes(members.get("schema", _NULL))
            if bytes(members["payload"]) == b"null":
                return Row(self._keys.fields(message), deleted=True)
            members = members_of(bytes(members["payload"]))
        op = _text(members.get("op")) if members.keys() & _ENVELOPE else None
        if op is None:
            return self._other(members, schema)
        if op == "t":
            raise Unreadable("the table was emptied at its source (truncate): rows of the destination stay")
        if op == "m":
            self._notes["messages of the database's log that are about no row"] += 1
            return None
        if op not in _ROWS:
            raise Unreadable(f"an envelope whose `op` is {op!r}: none that Debezium has")
        side = "before" if op == "d" else "after"
        found = self._side(members.get(side, _NULL), schema, side)
        if op == "d":
            key = MEMBERS.decode(self._keys.fields(message)) if message.key() is not None else {}
            found = {**found, **key}
            if not found:
                raise Unreadable("a delete that does not say of what: it has neither key nor `before`")
        elif not found:
            raise Unreadable("an envelope without `after`")
        elif any(mark in value for mark in _UNAVAILABLE):
            found = _filled(found, self._side(members.get("before", _NULL), schema, "before"))
        told = {"_op": msgspec.Raw(b'"%s"' % op.encode()), "_source_time": _source_time(members)}
        return Row(object_of({**told, **found}), deleted=op == "d")

    @staticmethod
    def _side(raw: msgspec.Raw, schema: bytes | None, side: str) -> Members:
        if bytes(raw) == b"null":
            return {}
        return _written_out(members_of(bytes(raw)), schema, side)

    def _other(self, members: Members, schema: bytes | None) -> Row | None:
        """What is no envelope: a schema change, a transaction's mark, a heartbeat; or a row that was flattened."""
        if members.keys() <= _CHANGE and members.keys() & {"ddl", "tableChanges"}:
            ddl = (_text(members.get("ddl")) or "without DDL").strip()
            self._notes[f"schema change: {ddl[:200]}"] += 1
            return None
        if _MARK <= members.keys() <= _MARK | _TIMES:
            self._notes["marks of transactions"] += 1
            return None
        if members.keys() == {"ts_ms"}:
            self._notes["heartbeats"] += 1
            return None
        if "before" in members or "after" in members:
            raise Unreadable("an envelope without `op`")
        row = _written_out(members, schema, ROW)
        return Row(object_of(_filled(row, {})), deleted=_text(members.get("__deleted")) == "true")


def _written_out(members: Members, schema: bytes | None, side: str) -> Members:
    made = converters(schema, side) if schema is not None and schema != b"null" else {}
    return {name: converted(made[name], one) if name in made else one for name, one in members.items()}


def _filled(after: Members, before: Members) -> Members:
    """The row with what it held before where the log has no value, because that did not change and is stored apart.
    Raises Unreadable where the log has not that either: a placeholder is never taken for a value."""
    missing = [name for name, raw in after.items() if any(mark in bytes(raw) for mark in _UNAVAILABLE)]
    filled = {**after, **{name: before[name] for name in missing if name in before and bytes(before[name]) != b"null"}}
    lost = [name for name in missing if any(mark in bytes(filled[name]) for mark in _UNAVAILABLE)]
    if lost:
        raise Unreadable(
            f"the database's log has no value of {', '.join(lost)}, which did not change: "
            "set REPLICA IDENTITY FULL on the table"
        )
    return filled


def _source_time(members: Members) -> msgspec.Raw:
    source = bytes(members.get("source", _NULL))
    return MEMBERS.decode(source).get("ts_ms", _NULL) if source[:1] == b"{" else _NULL


def _text(raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    text = bytes(raw)
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else None
