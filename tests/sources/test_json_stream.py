"""The scanner of big JSON documents finds the same records as the parser, whatever the windows cut through."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo_core.errors import SourceError
from octo_resources.sources import json_stream
from octo_resources.sources.json_records import find_records
from octo_resources.sources.json_stream import stream_records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[],: \n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab}]", max_size=3), inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, max_size=4), min_size=1, max_size=12)


class Drops:
    """A file that gives a few bytes at a time, so that every token is cut somewhere."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file, self._size = io.BytesIO(data), size

    def read(self, _: int, /) -> bytes:
        return self._file.read(self._size)


@given(RECORDS, st.sampled_from([None, 1]), st.integers(1, 60), st.booleans())
def test_scanner_and_parser_agree(records: list[object], indent: int | None, size: int, wrapped: bool) -> None:
    document: object = {"meta": {"n": [1, {"x": "]"}]}, "a.b": {"rows": records}, "z": [1]} if wrapped else records
    data = json.dumps(document, indent=indent).encode()
    path = "a.b.rows" if wrapped else None
    if wrapped:
        data = data.replace(b'"a.b"', b'"a"')
        path = "a.rows"
    assert list(stream_records(Drops(data, size), path)) == find_records(data, path).rows


@given(RECORDS, st.integers(1, 60))
def test_documents_one_after_another(records: list[object], size: int) -> None:
    data = b"\n".join(json.dumps(record).encode() for record in records)
    assert [json.loads(row) for row in stream_records(Drops(data, size), find=False)] == records


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a": 1}, {"a": ',
        b'[{"a": 1} {"a": 2}]',
        b'[{"a": 1},]',
        b'[{"a": tru}]',
        b'[{"a": 1}',
        b'{"rows": [{"a": 1}], "b"}',
        b"[{]}",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_broken_documents_are_an_error_with_their_place(data: bytes, size: int) -> None:
    with pytest.raises(SourceError, match=r"broken JSON at byte \d"):
        list(stream_records(Drops(data, size)))


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="no records at 'x'"):
        list(stream_records(io.BytesIO(b'{"rows": [{"a": 1}]}'), "x"))


def test_a_record_beyond_all_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_RECORD", 1_500_000)
    data = b'[{"a": "' + b"x" * 5_000_000 + b'"}]'
    with pytest.raises(SourceError, match="longer than 1 MB"):
        list(stream_records(io.BytesIO(data)))
