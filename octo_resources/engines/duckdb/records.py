"""Reads JSON records in Python, exactly and fast enough: raw tokens by msgspec, the slow judge where that balks.

Some 75,000 records of six fields a second on one core; a line that matches the grammar costs a fifth of that. Nested
values keep their own text, which the judge would write anew.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from octo_core.deletes import TOMBSTONE
from octo_core.expressions.tree import path_parts
from octo_resources.engines.duckdb import exact
from octo_resources.engines.duckdb.exact import PathParts, UnfitError
from octo_resources.engines.duckdb.scan import Refused, malformed
from octo_resources.engines.duckdb.select import ROW

Members = dict[str, msgspec.Raw]

_OBJECT: Final = msgspec.json.Decoder(Members)
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_QUOTE: Final = ord('"')
_BRACKETS: Final = b"{["
_BLANKS: Final = " \t\r\n"
_UNUSUAL: Final = ('\\"', " :", "\t:", "\r:")
"""An escaped quote, or blanks before a colon."""


def token_schema(paths: Sequence[str]) -> pa.Schema:
    """`!row` and one text column a path: the relation that expressions are evaluated over."""
    types: dict[str, pa.DataType] = {ROW: pa.int64(), **dict.fromkeys(paths, pa.string())}
    return pa.schema(types)


class RecordReader:
    """Turns lines into tokens, and counts what is missing, new or refused on the way."""

    def __init__(self, paths: Sequence[str], fields: Sequence[str]) -> None:
        self.schema = token_schema(paths)
        self._paths: list[PathParts] = [path_parts(path) for path in paths]
        self._flat = (
            tuple(str(parts[0]) for parts in self._paths) if all(len(parts) == 1 for parts in self._paths) else None
        )
        self._fields = tuple(fields)
        self._known = frozenset(fields)
        self.rows = 0
        self.missing: Counter[str] = Counter()
        self.new_fields: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._gaps: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}

    def read(self, rows: Sequence[int], texts: Sequence[str]) -> tuple[pa.RecordBatch, list[Refused]]:
        """Tokens of the good records, and the refused ones. Blank lines are no rows."""
        numbers: list[int] = []
        columns: list[list[str | None]] = [[] for _ in self._paths]
        refused: list[Refused] = []
        for row, text in zip(rows, texts, strict=True):
            if not text.strip(_BLANKS):
                continue
            try:
                found = self._record(text)
            except UnfitError as error:
                refused.append(malformed(row, error.reason, error.detail))
                if error.field is not None and error.field in self._known:
                    self.failures[error.field] += 1
                continue
            numbers.append(row)
            for column, value in zip(columns, found, strict=True):
                column.append(value)
        self.rows += len(numbers)
        arrays = [pa.array(numbers, pa.int64()), *(pa.array(column, pa.string()) for column in columns)]
        return pa.record_batch(arrays, schema=self.schema), refused

    def _record(self, text: str) -> list[str | None]:
        try:
            members = distinct_members(text)
        except msgspec.DecodeError:
            members = None
        except RecursionError as error:
            raise UnfitError("malformed JSON: nested too deeply") from error
        if members is None:  # broken, a key twice or half a surrogate pair: the judge says which
            record = exact.decode(text)
            found = exact.tokens(record, self._paths)
            self._count(tuple(record), gone=TOMBSTONE in self._known and record.get(TOMBSTONE) is True)
            return found
        if self._flat is not None:
            raws = map(members.get, self._flat)
            found = [
                _text(bytes(raw), field) if raw is not None else None
                for raw, field in zip(raws, self._flat, strict=True)
            ]
        else:
            found = [_token(members, parts) for parts in self._paths]
        gone = TOMBSTONE in self._known and TOMBSTONE in members and bytes(members[TOMBSTONE]) == b"true"
        self._count(tuple(members), gone=gone)  # of rows that are read: one that is refused misses nothing
        return found

    def _count(self, keys: tuple[str, ...], *, gone: bool) -> None:
        gaps = self._gaps.get(keys)
        if gaps is None:
            there = frozenset(keys)
            gaps = (
                [name for name in self._fields if name not in there],
                [exact.writable(key) for key in keys if key not in self._known],
            )
            if len(self._gaps) < 1000:
                self._gaps[keys] = gaps
        for name in () if gone else gaps[0]:  # a tombstone has no more than its key
            self.missing[name] += 1
        for key in gaps[1]:
            self.new_fields[key] += 1


def distinct_members(text: str) -> Members | None:
    """An object's members as written; None where a key might stand twice. Raises msgspec.DecodeError."""
    members: Members = _OBJECT.decode(text)
    # Inside a string a quote has a backslash before it, so that `":` ends a key. Where no key is written otherwise
    # there are as many of them as keys, those of nested objects too.
    if text.count('":') == len(members) and not any(odd in text for odd in _UNUSUAL):
        return members
    pairs = json.loads(text, object_pairs_hook=list)
    return members if len({key for key, _ in pairs}) == len(pairs) else None


def token_in_text(text: str | None, parts: PathParts) -> str | None:
    """The token below a field that carries JSON as text; None where there is none, or no JSON."""
    if text is None:
        return None
    try:
        return _token({str(parts[0]): msgspec.Raw(text.strip(_BLANKS).encode())}, parts)
    except (UnfitError, msgspec.DecodeError, ValueError):
        return None


def _token(members: Members, parts: PathParts) -> str | None:
    field = str(parts[0])
    raw = members.get(field)
    for part in parts[1:]:
        if part == 0:
            break
        if raw is None:
            return None
        text = bytes(raw)
        if text == b"null":
            return None
        raw = _inside(text, part, field)
    if raw is None:
        return None
    found = _text(bytes(raw), field)
    return bytes(raw).decode() if parts[-1] == 0 and found is not None else found


def _inside(text: bytes, part: str | int, field: str) -> msgspec.Raw | None:
    if isinstance(part, int):
        if not text.startswith(b"["):
            raise UnfitError("not a list", text.decode(), field)
        elements = _LIST.decode(text)
        return elements[part - 1] if 0 < part <= len(elements) else None
    if not text.startswith(b"{"):
        raise UnfitError("not an object", text.decode(), field)
    inner = distinct_members(text.decode())
    if inner is None:
        raise UnfitError("a key stands twice", None, field)
    return inner.get(part)


def _text(raw: bytes, field: str) -> str | None:
    first = raw[0]
    if first == _QUOTE:  # msgspec has refused control characters, NUL among them
        return raw[1:-1].decode() if b"\\" not in raw else exact.checked(json.loads(raw), field, nested=False)
    if first in _BRACKETS:
        return _nested(raw.decode(), field)
    return None if raw == b"null" else raw.decode()


def _nested(text: str, field: str) -> str:
    """A nested value as it is written, once it is known to have no key twice and nothing a database cannot hold."""
    if "{" in text[1:] or text[0] == "{":
        json.loads(text, object_pairs_hook=_no_key_twice)
    if "\\u" in text:
        exact.checked(json.dumps(json.loads(text), ensure_ascii=False), field, nested=True)
    return text


def _no_key_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise UnfitError("a key stands twice")
