"""One page: its records as they came, and what its envelope and headers say of other pages."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from octo_core.errors import SourceError
from octo_resources.sources.json_records import Members, find_records, members_of, split_lines
from octo_resources.sources.rest.address import clean, shown
from octo_resources.sources.rest.client import Answer

_LINES: Final = frozenset(
    f"application/{name}"
    for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "stream+json")
)
_CSV: Final = frozenset({"text/csv", "application/csv", "text/tab-separated-values", "text/x-csv"})
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_DEPTH = 4

Scalar = str | int | float | bool | None


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
        found: dict[str, Scalar] = {}
        if self.members is not None and self.path is not None:
            _flatten(self.members, "", self.path, found, 1)
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
    media = answer.media_type
    if media in _CSV:
        text = _text(answer)
        return Page(answer, "csv", [line.encode() for line in text.splitlines() if line], csv=text)
    body = _utf8(answer)
    if media in _LINES:
        return Page(answer, "json", _lines(body))
    if body.lstrip()[:1] not in (b"{", b"[") and "json" not in media:
        first = clean(" ".join(body[:400].decode("utf-8", "replace").split()))[:80]
        raise SourceError(
            f"the answer is no JSON but {media or 'of no stated type'}: {first!r}",
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
        raise
    return Page(answer, "json", found.rows, found.path, found.members)


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

    encoding = answer.charset or encoding_of(answer.body)
    try:
        return answer.body.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"the answer's text is not {encoding}, as its headers say", retryable=False) from error


def _utf8(answer: Answer) -> bytes:
    """JSON is UTF-8, but for servers that say otherwise."""
    if answer.charset in (None, "utf-8", "utf8", "us-ascii") and not answer.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return answer.body.removeprefix(b"\xef\xbb\xbf")
    return _text(answer).encode()


def _flatten(members: Members, prefix: str, skip: str, found: dict[str, Scalar], depth: int) -> None:
    for name, raw in members.items():
        path = prefix + name
        first = bytes(raw[:1]) if isinstance(raw, bytes) else bytes(raw)[:1]
        if path == skip or first == b"[":
            continue
        if first == b"{":
            if depth < _DEPTH:
                _flatten(members_of(bytes(raw)), path + ".", skip, found, depth + 1)
        else:
            found[path] = _scalar(bytes(raw))


def _scalar(raw: bytes) -> Scalar:
    value: Any = msgspec.json.decode(raw)
    return value if isinstance(value, str | int | float | bool) else None


def normal(name: str) -> str:
    """`next_page_token`, `nextPageToken`, `@odata.nextLink` → letters and digits in lower case, for comparison."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
