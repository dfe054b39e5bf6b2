"""Where the records are in a JSON document: the list found, or named by a path such as `data.items`."""

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from octo_core.errors import SourceError

LIST_NAMES: Final = (
    "data", "results", "items", "records", "rows", "value", "values", "entries", "elements", "hits", "content",
    "objects", "list",
)  # fmt: skip
NEVER_RECORDS: Final = frozenset({"errors", "error", "warnings", "links", "_links", "included"})
IDENTITY_NAMES: Final = frozenset({"id", "_id", "uuid", "guid", "key"})
_DEPTH = 4
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_EDGES = b" \t\r\n"

Members = dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one document, each exactly as it came (newlines between tokens made blanks), and where they stood.

    `path` is None where the document itself is the list or the one record. `members` are the outermost object's.
    """

    rows: list[bytes]
    path: str | None
    members: Members


def find_records(document: bytes, path: str | None = None) -> Records:
    """The records of a whole document, at `path` or found. Raises SourceError with where and what was seen."""
    try:
        return _find(document, path)
    except msgspec.DecodeError as error:
        raise SourceError(
            f"broken JSON: {_plain(error)}", hint="The answer or file was cut short, or is no JSON."
        ) from error


def members_of(raw: bytes) -> Members:
    """The members of an object, undecoded; empty for anything that is no object."""
    return _OBJECT.decode(raw) if raw.lstrip(_EDGES)[:1] == b"{" else {}


def at_path(members: Members, path: str) -> msgspec.Raw | None:
    """The raw value at a dotted path, or None where a part of the path is missing. A key may hold dots itself."""
    if path in members:
        return members[path]
    head, _, rest = path.partition(".")
    if not rest or head not in members:
        return members.get(path)
    return at_path(members_of(bytes(members[head])), rest)


def one_line(record: bytes) -> bytes:
    """A record's text on one line. Inside strings JSON allows no raw newline, so only blanks between tokens change."""
    if b"\n" in record or b"\r" in record:
        record = record.replace(b"\r\n", b" ").replace(b"\n", b" ").replace(b"\r", b" ")
    return record


def split_lines(body: bytes) -> list[bytes]:
    """The non-blank lines of JSON-lines text."""
    return [line.strip(_EDGES) for line in body.split(b"\n") if line.strip(_EDGES)]


def parse_path(path: str) -> tuple[str, ...]:
    """`$.data.items`, `data.items`, `/data/items` → ("data", "items"); `$` and `` → ()."""
    text = path.removeprefix("$").replace("/", ".").removesuffix("[*]").removesuffix("[]")
    return tuple(part for part in text.split(".") if part)


def _find(document: bytes, path: str | None) -> Records:
    first = document.lstrip(_EDGES)[:1]
    if first == b"[":
        if path and parse_path(path):
            raise SourceError(
                f"records: {path!r} is not there; the answer itself is a list",
                hint="Leave `records` out.",
                retryable=False,
            )
        return Records(_rows(_LIST.decode(document), "the list"), None, {})
    if first != b"{":
        _VALUE.decode(document)
        raise SourceError(
            "neither a JSON object nor a list", hint=f"It begins with {document[:40]!r}.", retryable=False
        )
    members = _OBJECT.decode(document)
    if path is None:
        path = _best_path(members)
    parts = parse_path(path) if path is not None else ()
    if not parts:
        _refuse_error(members)
        return Records([one_line(document.strip(_EDGES))], None, members)
    return Records(_rows_at(members, ".".join(parts)), ".".join(parts), members)


def _rows_at(members: Members, path: str) -> list[bytes]:
    raw = at_path(members, path)
    if raw is None:
        seen = ", ".join(list(members)[:12])
        raise SourceError(
            f"no records at {path!r}",
            hint=f"The document has: {seen}. Set `records` to the list's path.",
            retryable=False,
        )
    text = bytes(raw).strip(_EDGES)
    if text == b"null":
        return []
    return _rows(_LIST.decode(text), path) if text[:1] == b"[" else [one_line(text)]


def _rows(raws: list[msgspec.Raw], where: str) -> list[bytes]:
    rows = [one_line(bytes(raw)) for raw in raws]
    if rows and rows[0][:1] != b"{":
        raise SourceError(
            f"{where} holds no records: its first element is {rows[0][:40].decode('utf-8', 'replace')}",
            hint="Records are JSON objects; set `records` to the path of a list of objects.",
            retryable=False,
        )
    return rows


def _best_path(members: Members) -> str | None:
    """The list of records: one by a usual name, else the biggest list of objects, else an empty list; None: no list."""
    if IDENTITY_NAMES & members.keys():
        return None
    lists = _lists(members, "", 1)
    usual = {name: place for place, name in enumerate(LIST_NAMES)}
    named = [path for path, _, _ in lists if path.rpartition(".")[2] in usual]
    if named:
        return min(named, key=lambda path: (path.count("."), usual[path.rpartition(".")[2]]))
    filled = [(count, -depth, path) for path, count, depth in lists if count]
    if filled:
        return max(filled, key=lambda one: one[:2])[2]
    return lists[0][0] if lists else None


def _lists(members: Members, prefix: str, depth: int) -> list[tuple[str, int, int]]:
    """(path, objects, depth) of each list that is empty or holds objects, in the document's order."""
    found: list[tuple[str, int, int]] = []
    for name, raw in members.items():
        text = bytes(raw).strip(_EDGES)
        if name in NEVER_RECORDS:
            continue
        if text[:1] == b"[":
            elements = _LIST.decode(text)
            if not elements or bytes(elements[0])[:1] == b"{":
                found.append((prefix + name, len(elements), depth))
        elif text[:1] == b"{" and depth < _DEPTH:
            found += _lists(_OBJECT.decode(text), f"{prefix}{name}.", depth + 1)
    return found


def _refuse_error(members: Members) -> None:
    for name in ("errors", "error"):
        text = bytes(members.get(name, msgspec.Raw(b"null"))).strip(_EDGES)
        if text not in (b"null", b"[]", b"{}", b"false", b'""'):
            raise SourceError(f"the answer is an error: {text[:200].decode('utf-8', 'replace')}", retryable=False)


def _plain(error: Exception) -> str:
    return re.sub(r"^JSON is malformed: ", "", str(error))
