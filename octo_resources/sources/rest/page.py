"""One page: its records as they came, and what its envelope and headers say of other pages."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from octo_core.errors import SourceError
from octo_core.spec.sources import FileOptions
from octo_resources.sources.json_records import EACH, Members, find_records, members_of, split_lines
from octo_resources.sources.rest.address import clean, shown
from octo_resources.sources.rest.client import MAX_PAGE_BYTES, Answer
from octo_resources.sources.rest.vocabulary import ENVELOPE, NULL_LISTS

_LINES: Final = frozenset(
    f"application/{name}"
    for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "stream+json")
)
_CSV: Final = frozenset({"text/csv", "application/csv", "text/tab-separated-values", "text/x-csv"})
_UNTOLD: Final = frozenset(
    {"", "text/plain", "application/octet-stream", "binary/octet-stream", "application/vnd.ms-excel"}
)
_UTF8: Final = ("utf-8", "utf8", "utf8mb4", "us-ascii", "ascii")
_HEAD = 64_000
_GZIP = b"\x1f\x8b"
_LINKS: Final = ("link", "links", "pagelinks")
_TURNING: Final = {"first", "last", "prev", "previous"}


class _Link(msgspec.Struct):
    rel: str | None = None
    relation: str | None = None
    href: str | None = None
    url: str | None = None
    uri: str | None = None


_LINK_LIST = msgspec.json.Decoder(list[_Link])
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_DEPTH = 4

Scalar = str | int | float | bool | None


class CutShortError(SourceError):
    """The answer's end is missing, though the connection said nothing: worth asking again."""


@dataclass(frozen=True)
class Page:
    """`rows`: raw JSON of each record, or for CSV the file's text as one `csv` body. `path`: where the list stood."""

    answer: Answer
    kind: Literal["json", "csv"]
    rows: list[bytes]
    path: str | None = None
    members: Members | None = None
    csv: str | None = None

    @property
    def count(self) -> int:
        """Records on the page; for CSV its lines without the first, which mostly is the header."""
        return len(self.rows) if self.kind == "json" else max(0, len(self.rows) - 1)

    @cached_property
    def hints(self) -> dict[str, Scalar]:
        """Scalars of the envelope by dotted path (`meta.next`), nulls included, records and lists left out."""
        found = _header_hints(self.answer)
        if self.members is not None and self.path not in (None, EACH):
            _flatten(self.members, "", str(self.path).removesuffix(f".{EACH}"), found, 1)
        return found


def read_page(answer: Answer, records: str | None) -> Page:
    """Takes an answer apart. `records`: the path of the list, found where None. Raises SourceError with the address."""
    try:
        return _read(answer, records)
    except SourceError as error:
        error.where = error.where or shown(answer.url)
        error.hint = clean(error.hint) if error.hint else None
        error.message = clean(error.message)
        raise


def _read(answer: Answer, records: str | None) -> Page:
    if answer.status == 204:
        return Page(answer, "json", [])
    if answer.body.startswith(_GZIP):
        answer = replace(answer, body=_unzipped(answer.body))
    media = answer.media_type
    if media in _CSV or _is_csv(answer):
        text = _text(answer)
        return Page(answer, "csv", [line.encode() for line in text.splitlines() if line], csv=text)
    body = _utf8(answer)
    if media in _LINES:
        return Page(answer, "json", _lines(body))
    if body.lstrip()[:1] == b"<" or (body.lstrip()[:1] not in (b"{", b"[") and "json" not in media):
        first = clean(" ".join(body[:400].decode("utf-8", "replace").split()))[:80]
        raise SourceError(
            f"the answer is no JSON but {'a page' if 'json' in media else media or 'of no stated type'}: {first!r}",
            hint="It may be a login page. Look at the url, the auth and the headers.",
            retryable=False,
        )
    if not body.strip():
        raise SourceError("the answer is empty", hint="Look at the url.", retryable=False)
    try:
        found = find_records(body, records)
    except SourceError as error:
        if "trailing characters" in error.message and records is None:
            return Page(answer, "json", _lines(body))
        if "truncated" in error.message:
            raise CutShortError(error.message, hint=error.hint) from error
        raise
    if found.path is None and found.members is not None and body.lstrip()[:1] == b"{":
        empty = _empty_list(found.members)
        if empty is not None:
            return Page(answer, "json", [], empty or None, found.members)
    return Page(answer, "json", found.rows, found.path, found.members)


def _unzipped(body: bytes) -> bytes:
    """The inside of a .gz file that is served as it is. Raises SourceError where it is cut short, or too large."""
    reader = zlib.decompressobj(wbits=31)
    try:
        inside = reader.decompress(body, MAX_PAGE_BYTES + 1)
    except zlib.error as error:
        raise SourceError(f"the answer is a broken gzip file: {error}", retryable=False) from error
    if len(inside) > MAX_PAGE_BYTES:
        raise SourceError(f"one answer is larger than {MAX_PAGE_BYTES // 1_000_000} MB", retryable=False)
    if not reader.eof:
        raise CutShortError("the answer is a gzip file that was cut short")
    return inside


def _empty_list(members: Members) -> str | None:
    """The name of the list that an envelope holds no records in, for servers that write null for it.

    "" for an object without members; None where the object is a record.
    """
    if not members:
        return ""
    names = [name for name in NULL_LISTS if bytes(members.get(name, msgspec.Raw(b""))) == b"null"]
    return names[0] if names and all(normal(name) in ENVELOPE for name in members if name != names[0]) else None


def _is_csv(answer: Answer) -> bool:
    """Whether text of no told type is CSV: by its file's name, else by its rows."""
    if answer.media_type not in _UNTOLD or answer.body.lstrip()[:1] in (b"{", b"[", b"<", b""):
        return False
    named = answer.headers.get("content-disposition", "") or answer.url.partition("?")[0]
    if re.search(r"\.(csv|tsv)\b", named, re.IGNORECASE):
        return True
    from octo_resources.sources.file.csv_rows import csv_rows
    from octo_resources.sources.file.dialect import find_dialect
    from octo_resources.sources.file.encoding import encoding_of

    head = answer.body[:_HEAD].decode(answer.charset or encoding_of(answer.body[:_HEAD]), "replace")
    dialect = find_dialect(head, FileOptions(), "utf-8", len(answer.body) <= _HEAD)
    widths = {len(row) for row in list(csv_rows(head, dialect))[:-1]} if len(dialect.columns) > 1 else set()
    return widths == {len(dialect.columns)}


def _lines(body: bytes) -> list[bytes]:
    lines = split_lines(body)
    for number, line in enumerate(lines, start=1):
        try:
            _VALUE.decode(line)
        except msgspec.DecodeError as error:
            raise SourceError(f"broken JSON in line {number:,}: {error}", retryable=False) from error
    return lines


def _text(answer: Answer) -> str:
    from octo_resources.sources.file.encoding import encoding_of

    encoding = "utf-8" if answer.charset in _UTF8 else answer.charset or encoding_of(answer.body)
    try:
        return answer.body.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"the answer's text is not {encoding}, as its headers say", retryable=False) from error


def _utf8(answer: Answer) -> bytes:
    """JSON is UTF-8 whatever is said of it (RFC 8259), but for servers that really send something else."""
    body = answer.body
    if b"\x00" in body[:4] or b"\x1b" in body or body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _text(answer).encode()
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        if answer.charset not in (None, *_UTF8):
            return _text(answer).encode()
        from octo_resources.sources.file.encoding import encoding_of

        encoding = encoding_of(body)
        return body if encoding == "utf-8" else body.decode(encoding, "replace").encode()
    return body.removeprefix(b"\xef\xbb\xbf")


def _header_hints(answer: Answer) -> dict[str, Scalar]:
    """What an X-Pagination header of JSON says, by `header:x-pagination.TotalCount`, as ASP.NET's APIs write it."""
    found: dict[str, Scalar] = {}
    text = answer.headers.get("x-pagination", "")
    if text.startswith("{"):
        try:
            _flatten(members_of(text.encode()), "header:x-pagination.", "", found, 1)
        except msgspec.DecodeError:
            return {}
    return found


def _flatten(members: Members, prefix: str, skip: str, found: dict[str, Scalar], depth: int) -> None:
    for name, raw in members.items():
        path = prefix + name
        first = bytes(raw[:1]) if isinstance(raw, bytes) else bytes(raw)[:1]
        if path == skip:
            continue
        if first == b"[":
            if normal(name) in _LINKS:
                found.update({f"{path}.{relation}": address for relation, address in _links(bytes(raw))})
        elif first == b"{":
            if depth < _DEPTH:
                _flatten(members_of(bytes(raw)), path + ".", skip, found, depth + 1)
        else:
            found[path] = _scalar(bytes(raw))


def _links(raw: bytes) -> Iterator[tuple[str, str | None]]:
    """`[{"rel": "next", "href": "…"}]`, as FHIR (`relation`, `url`), PayPal and Spring write it, by relation.

    Where there are links to other pages and none to the next, that is None.
    """
    try:
        links = {one.relation or one.rel: one.href or one.url or one.uri for one in _LINK_LIST.decode(raw)}
    except msgspec.DecodeError:  # some other list of this name
        return
    if links.keys() & _TURNING:
        yield "next", None
    yield from ((name, address) for name, address in links.items() if name and address)


def _scalar(raw: bytes) -> Scalar:
    value: Any = msgspec.json.decode(raw)
    return value if isinstance(value, str | int | float | bool) else None


def normal(name: str) -> str:
    """`next_page_token`, `nextPageToken`, `@odata.nextLink` → letters and digits in lower case, for comparison."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
