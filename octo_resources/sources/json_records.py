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
NEVER_RECORDS: Final = frozenset({"errors", "error", "warnings", "link", "links", "_links", "included"})
KEY_NAME: Final = "_key"
"""What the key of a record is called where records are an object's members and do not hold their keys."""
EACH: Final = "*"
"""In a path: each member of the object, as `articles.*`."""
IDENTITY_NAMES: Final = frozenset({"id", "_id", "uuid", "guid", "key"})
_ENTRIES = "entry"
_DEPTH = 4
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_PLACE = re.compile(r"byte (\d+)")
_WORD = re.compile(rb"NaN|-?Infinity|undefined|None|True|False")
_EDGES = b" \t\r\n"
_FAILED = frozenset({b'"error"', b'"fail"', b'"failed"', b'"failure"'})
_KEYED = 3
_MANY_KEYED = 20

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
    except RecursionError as error:
        hint = "No record has to be nested so deeply: look at where it comes from."
        raise SourceError("broken JSON: it is nested too deeply", hint=hint, retryable=False) from error
    except msgspec.DecodeError as error:
        said = _plain(error)
        place = _PLACE.search(said)
        word = _WORD.match(document, int(place[1])) if place else None
        if word:  # Python writes them, and no JSON has them
            said, hint = f"{word[0].decode()} is no JSON value (byte {word.start():,})", "Have the server write null."
            raise SourceError(f"broken JSON: {said}", hint=hint, retryable=False) from error
        raise SourceError(f"broken JSON: {said}", hint="The answer or file was cut short, or is no JSON.") from error


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
    rows = _each(members, parts[:-1]) if parts[-1] == EACH else _rows_at(members, ".".join(parts))
    if not rows:
        _refuse_error(members)
    return Records(rows, ".".join(parts), members)


def _rows_at(members: Members, path: str) -> list[bytes]:
    raw = at_path(members, path)
    if raw is None and path == _ENTRIES and _is_bundle(members):
        return []
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


def _each(members: Members, parts: tuple[str, ...]) -> list[bytes]:
    """The members of the object at a path as records, each with its key where it does not hold it itself."""
    raw = at_path(members, ".".join(parts)) if parts else None
    if parts and raw is None:
        return _rows_at(members, ".".join(parts))
    inner = members_of(bytes(raw)) if raw is not None else members
    rows = _rows(list(inner.values()), ".".join((*parts, EACH)))
    if _own_key(inner) is not None:
        return rows
    return [_with_key(row, name) for name, row in zip(inner, rows, strict=True)]


def _with_key(row: bytes, name: str) -> bytes:
    inside = row[1:].lstrip(_EDGES)
    key = msgspec.json.encode({KEY_NAME: name})[:-1]
    return row if f'"{KEY_NAME}"'.encode() in row else key + (b"," if inside[:1] != b"}" else b"") + inside


def _is_keyed(members: Members) -> bool:
    """Whether an object is a list written as one: members of one kind, under keys that are no names of fields."""
    records = [members_of(bytes(raw)) for raw in members.values()]
    if len(records) < _KEYED or not all(records):
        return False
    names = [record.keys() for record in records]
    common = set.intersection(*map(set, names))
    if len(common) * 2 < len(set().union(*names)):
        return False
    numbered = all(any(letter.isdigit() for letter in name) for name in members)
    return numbered or len(records) >= _MANY_KEYED or _own_key(members) is not None


def _own_key(members: Members) -> str | None:
    """The field that holds in each record the key it stands under, or None."""
    records = [(name, members_of(bytes(raw))) for name, raw in members.items()]
    first = records[0][1] if records else {}
    for field in first:
        if all(_is_scalar(record.get(field), name) for name, record in records):
            return field
    return None


def _is_scalar(raw: msgspec.Raw | None, text: str) -> bool:
    return raw is not None and bytes(raw) in (msgspec.json.encode(text), text.encode())


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
    """The list of records: one by a usual name, else the biggest list of objects, else an object of records by their
    keys (`articles.*`), else an empty list; None: no list.
    """
    if _is_bundle(members):
        return _ENTRIES
    if IDENTITY_NAMES & members.keys():
        return None
    if _is_keyed(members):
        return EACH
    lists = _lists(members, "", 1)
    usual = {name: place for place, name in enumerate(LIST_NAMES)}
    named = [path for path, _, _ in lists if path.rpartition(".")[2] in usual]
    if named:
        return min(named, key=lambda path: (path.count("."), usual[path.rpartition(".")[2]]))
    filled = [(count, -depth, path) for path, count, depth in lists if count]
    if filled:
        return max(filled, key=lambda one: one[:2])[2]
    return _keyed_path(members, "", 1) or (lists[0][0] if lists else None)


def _is_bundle(members: Members) -> bool:
    """Whether it is a Bundle of FHIR, which has an id of its own, and leaves its list out where nothing is in it."""
    return bytes(members.get("resourceType", msgspec.Raw(b""))) == b'"Bundle"'


def _keyed_path(members: Members, prefix: str, depth: int) -> str | None:
    for name, raw in members.items():
        if name in NEVER_RECORDS or bytes(raw).strip(_EDGES)[:1] != b"{":
            continue
        inner = members_of(bytes(raw))
        if _is_keyed(inner):
            return f"{prefix}{name}.{EACH}"
        if depth < _DEPTH and (found := _keyed_path(inner, f"{prefix}{name}.", depth + 1)):
            return found
    return None


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
            inner = _OBJECT.decode(text)
            # What stands inside records that have keys of their own is a part of theirs.
            found += [] if _is_keyed(inner) else _lists(inner, f"{prefix}{name}.", depth + 1)
    return found


def _refuse_error(members: Members) -> None:
    for name in ("errors", "error"):
        text = bytes(members.get(name, msgspec.Raw(b"null"))).strip(_EDGES)
        if text not in (b"null", b"[]", b"{}", b"false", b'""', b"0"):
            raise SourceError(f"the answer is an error: {text[:200].decode('utf-8', 'replace')}", retryable=False)
    refused = any(bytes(members.get(name, msgspec.Raw(b"true"))) == b"false" for name in ("success", "ok"))
    if refused or (bytes(members.get("status", msgspec.Raw(b""))).lower() in _FAILED and "message" in members):
        said = bytes(members.get("message", msgspec.Raw(b'"it says no more"'))).decode("utf-8", "replace")
        raise SourceError(f"the answer is an error: {said[:200]}", retryable=False)


def _plain(error: Exception) -> str:
    return re.sub(r"^JSON is malformed: ", "", str(error))
