"""Records of a JSON document too big for memory: a scanner finds where each begins and ends."""

import re
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from octo_core.errors import SourceError
from octo_resources.sources.json_records import NEVER_RECORDS, one_line, parse_path

MAX_RECORD: Final = 256_000_000
_CHUNK = 1 << 20
_BLANK = re.compile(rb"[ \t\r\n]*")
# A lone quote is a string that goes on past what was read: more must be read before going on.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)
_SCALAR = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,:{}\[\]"]+', re.DOTALL)
_LIST_START = re.compile(rb"\[[ \t\r\n]*([^ \t\r\n])")
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_GUESSES = 4


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def stream_records(file: Readable, path: str | None = None, find: bool = True) -> Iterator[bytes]:
    """Each record of the list at `path`, as it came, on one line. Memory: the biggest record and a chunk of 1 MB.

    Without a path: the elements of the outermost list, or, with `find`, of the first list of objects in the outermost
    object; else each document of those that follow one another. Raises SourceError with the place in the file.
    """
    scanner = _Scanner(file)
    parts = parse_path(path) if path is not None else ()
    found, searched = 0, scanner.peek() == b"{" and (bool(parts) or find)
    for record in _outermost(scanner, parts, find and path is None):
        found += 1
        yield one_line(record)
    if not found and searched:
        raise SourceError(
            f"no records at {path!r}" if parts else "no list of records was found",
            hint="Set `records` to the list's path.",
            retryable=False,
        )


def _outermost(scanner: "_Scanner", parts: tuple[str, ...], find: bool) -> Iterator[bytes]:
    first = scanner.peek()
    if first == b"[":
        yield from _elements(scanner)
    elif first == b"{" and (parts or find):
        yield from _inside(scanner, parts, find, 1)
    while scanner.peek():
        yield scanner.record()


def _inside(scanner: "_Scanner", parts: tuple[str, ...], find: bool, depth: int) -> Iterator[bytes]:
    """Goes through an object's members to the list; what comes after it is skipped."""
    scanner.expect(b"{")
    while scanner.peek() != b"}":
        name = scanner.key()
        kind = scanner.peek()
        here = bool(parts) and name == parts[0]
        if here and len(parts) == 1:
            yield from _elements(scanner) if kind == b"[" else iter((scanner.record(),))
            find = False
        elif kind == b"{" and (here or (find and depth < 4 and name not in NEVER_RECORDS)):
            yield from _inside(scanner, parts[1:] if here else (), find, depth + 1)
        elif find and kind == b"[" and name not in NEVER_RECORDS and scanner.list_of_objects():
            yield from _elements(scanner)
            find = False
        else:
            scanner.skip()
        scanner.comma(b"}")
    scanner.expect(b"}")


def _elements(scanner: "_Scanner") -> Iterator[bytes]:
    scanner.expect(b"[")
    while scanner.peek() != b"]":
        yield from scanner.several()
        yield scanner.record()
        scanner.comma(b"]")
    scanner.expect(b"]")


class _Scanner:
    """A window over the text: `at` is where reading stands, everything before it may be forgotten."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._data = b""
        self._at = 0
        self._before = 0
        self._done = False
        self._tried = False

    def peek(self) -> bytes:
        """The next byte that is no blank, or b"" at the end."""
        while True:
            blank = _BLANK.match(self._data, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._data) or not self._more():
                return self._data[self._at : self._at + 1]

    def expect(self, letter: bytes) -> None:
        seen = self.peek()
        if seen != letter:
            raise self._broken(f"expected {letter.decode()}, found {seen.decode('latin-1') or 'the end'}")
        self._at += 1

    def comma(self, closing: bytes) -> None:
        if self.peek() != closing:
            self.expect(b",")
            if self.peek() == closing:
                raise self._broken("a comma before the end")

    def key(self) -> str:
        try:
            name = msgspec.json.decode(self.take(), type=str)
        except msgspec.DecodeError as error:
            raise self._broken("expected a member's name") from error
        self.expect(b":")
        return name

    def list_of_objects(self) -> bool:
        self.peek()
        while True:
            match = _LIST_START.match(self._data, self._at)
            if match:
                return match.group(1) == b"{"
            if not self._more():
                return False

    def take(self) -> bytes:
        """The next value's text, which the window then leaves behind."""
        length = self._end(keep=True)
        return self._data[self._at - length : self._at]

    def record(self) -> bytes:
        """The next value's text, which is JSON for certain."""
        value = self.take()
        try:
            _VALUE.decode(value)
        except msgspec.DecodeError as error:
            raise self._broken(f"the record that ends there is none: {error}") from error
        return value

    def several(self) -> list[bytes]:
        """Whole elements of a list that the window holds, but for its last ones: the parser finds them much faster.

        A piece that parses as a list's inside is a run of whole elements, because JSON is read from left to right.
        """
        end = self._data.rfind(b"}", self._at) if not self._tried else -1
        self._tried = True
        for _ in range(_GUESSES):
            end = self._data.rfind(b"}", self._at, end) if end > 0 else -1
            if end < 0:
                break
            try:
                found = _LIST.decode(b"[" + self._data[self._at : end + 1] + b"]")
            except msgspec.DecodeError:
                continue
            rest = _BLANK.match(self._data, end + 1)
            if rest is not None and self._data[rest.end() : rest.end() + 1] == b",":
                self._at = rest.end() + 1
                return [bytes(raw) for raw in found]
        return []

    def skip(self) -> None:
        self._end(keep=False)

    def _end(self, keep: bool) -> int:
        """Moves past the next value and gives its length (of what was kept)."""
        if self.peek() not in (b"{", b"["):
            return self._scalar()
        depth, place, length = 0, self._at, 0
        while True:
            for match in _TOKEN.finditer(self._data, place):
                token = match.group()
                if token in (b"{", b"["):
                    depth += 1
                elif token in (b"}", b"]"):
                    depth -= 1
                    if not depth:
                        length += match.end() - self._at
                        self._at = match.end()
                        return length
                elif token == b'"':
                    place = match.start()
                    break
                place = match.end()
            if not keep:
                self._at = place
            if len(self._data) - self._at > MAX_RECORD:
                raise self._broken(f"a record is longer than {MAX_RECORD // 1_000_000} MB")
            behind = self._at
            if not self._more():
                raise self._broken("it ends in the middle of a record")
            place -= behind - self._at

    def _scalar(self) -> int:
        while True:
            match = _SCALAR.match(self._data, self._at)
            if match and (match.end() < len(self._data) or self._done):
                length = match.end() - self._at
                self._at = match.end()
                return length
            if not self._more() and not match:
                raise self._broken("expected a value")

    def _more(self) -> bool:
        chunk = self._file.read(_CHUNK)
        if not chunk:
            self._done = True
            return False
        self._before += self._at
        self._data = self._data[self._at :] + chunk
        self._at = 0
        self._tried = False
        return True

    def _broken(self, what: str) -> SourceError:
        return SourceError(f"broken JSON at byte {self._before + self._at:,}: {what}", retryable=False)
