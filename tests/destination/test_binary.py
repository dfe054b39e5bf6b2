"""Arrow goes to PostgreSQL in its binary format, and each value comes back as it was, numerics without idle zeros."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from octo_resources.destinations.postgres.binary import LOOSE
from octo_resources.destinations.postgres.connection import Address
from octo_resources.destinations.postgres.session import Refused, Session
from tests.conftest import PostgresServer

Execute = Callable[..., list[tuple[Any, ...]]]

LOOSE_NUMBERS = st.integers(0, 18).flatmap(
    lambda places: st.decimals(
        min_value=Decimal(-(10**20)) + 1, max_value=Decimal(10**20) - 1, places=places, allow_nan=False
    )
)
EDGES = [
    Decimal(text) for text in ("0", "1E-18", "-1E-18", "99999999999999999999.999999999999999999", "10000", "-0.0001")
]
INTERVALS = st.tuples(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**53), 2**53).map(lambda us: us * 1000),
)
MOMENT = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
FIRST, LAST = datetime.min, datetime.max  # noqa: DTZ901 - of no zone
VALUES = [
    (pa.bool_(), "boolean", [True, False, None]),
    (pa.int16(), "smallint", [-(2**15), None]),
    (pa.int32(), "integer", [2**31 - 1, None]),
    (pa.int64(), "bigint", [-(2**63), None]),
    (pa.float32(), "real", [1.5, float("-inf")]),
    (pa.float64(), "double precision", [0.1, float("inf"), None]),
    (pa.string(), "text", ["ä\U0001f600", "", None]),
    (pa.large_string(), "text", ["ä", None]),
    (pa.binary(), "bytea", [b"\x00\xff", b"", None]),
    (pa.large_binary(), "bytea", [b"\x00", None]),
    (pa.date32(), "date", [date(1, 1, 1), date(9999, 12, 31), None]),
    (pa.time64("us"), "time", [time(23, 59, 59, 999_999), None]),
    (pa.timestamp("us"), "timestamp", [FIRST, LAST, None]),
    (pa.timestamp("us", tz="UTC"), "timestamptz", [MOMENT, datetime(1900, 1, 1, tzinfo=UTC), None]),
    (pa.decimal128(12, 2), "numeric(12,2)", [Decimal("-1234567890.10"), Decimal("0.00"), None]),
    (LOOSE, "numeric", [Decimal("12.5"), Decimal("-10000.01"), None]),
]


def _through(url: str, kind: pa.DataType, native: str, values: list[Any], shown: str = "v") -> list[Any]:
    """What PostgreSQL shows of the values, in their order; they are sent in batches of three, the first cut off."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS sent; CREATE TABLE sent (n bigint, v {native})".encode())
        rows = pa.table({"n": pa.array(range(-1, len(values))), "v": pa.array([None, *values], kind)}).slice(1)
        with closing(Session(Address.from_url(url))) as session:
            assert session.copy("sent", rows.to_reader(3), schema="public") == len(values)
        return [found for (found,) in connection.execute(f"SELECT {shown} FROM sent ORDER BY n".encode())]


@pytest.mark.parametrize(("kind", "native", "values"), VALUES, ids=[str(kind) for kind, _, _ in VALUES])
def test_values_of_each_type_and_lists_of_them_come_back(
    url: str, kind: pa.DataType, native: str, values: list[Any]
) -> None:
    assert _through(url, kind, native, values) == values
    as_texts = native in ("timestamptz", "numeric")
    lists = [values, [], None, values[:1]]
    shown = f"v::{native}[]"
    assert _through(url, pa.list_(kind), "text[]" if as_texts else f"{native}[]", lists, shown) == lists
    assert _through(url, pa.large_list(kind), "text[]" if as_texts else f"{native}[]", lists, shown) == lists


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(numbers=EDGES)
@given(numbers=st.lists(st.none() | LOOSE_NUMBERS, min_size=1, max_size=40))
def test_numerics_come_back_as_they_were_with_no_zero_at_their_end(url: str, numbers: list[Decimal | None]) -> None:
    found = _through(url, LOOSE, "numeric", numbers, "v::text")
    assert [None if text is None else Decimal(text) for text in found] == numbers
    assert not [text for text in found if text and "." in text and text.endswith(("0", "."))]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=st.lists(st.none() | INTERVALS, min_size=1, max_size=20))
def test_intervals_come_back_as_they_were(url: str, execute: Execute, spans: list[tuple[int, int, int] | None]) -> None:
    kind = pa.month_day_nano_interval()
    written = [span and f"{span[0]} months {span[1]} days {span[2] // 1000} microseconds" for span in spans]
    wanted = [text for (text,) in execute("SELECT one::interval::text FROM unnest(%s::text[]) one", written)]
    assert _through(url, kind, "interval", spans, "v::text") == wanted
    listed = "array_to_string(v::interval[], ';', '-')"
    found = _through(url, pa.list_(kind), "text[]", [spans, None], listed)
    assert found == [";".join("-" if text is None else text for text in wanted), None]


def test_batches_without_rows_or_values_are_sent(url: str) -> None:
    kinds = (LOOSE, pa.month_day_nano_interval(), pa.timestamp("us", tz="UTC"))
    with closing(Session(Address.from_url(url))) as session:
        session.run("CREATE TABLE bare (v0 numeric, v1 interval, v2 timestamptz, v3 text[], v4 text[], v5 text[])")
        schema = pa.schema([(f"v{n}", kind) for n, kind in enumerate([*kinds, *map(pa.list_, kinds)])])
        nothing = pa.RecordBatch.from_arrays([pa.nulls(2, kind) for kind in schema.types], schema=schema)
        batches = [schema.empty_table().to_batches() or [nothing.slice(0, 0)], [nothing, nothing.slice(1, 0)]]
        rows = pa.RecordBatchReader.from_batches(schema, [batch for some in batches for batch in some])
        assert session.copy("bare", rows, schema="public") == 2
        assert session.rows("SELECT DISTINCT bare IS NULL FROM bare") == [(True,)]


def test_text_is_sent_in_utf8_to_a_database_of_another_encoding(server: PostgresServer, execute: Execute) -> None:
    execute("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        url = server.url("latin")
        assert _through(url, pa.string(), "text", ["é"], "octet_length(v)") == [1]
        with pytest.raises(Refused, match="no equivalent in encoding") as refused:
            _through(url, pa.string(), "text", ["€"])
        assert refused.value.rows_fault
    finally:
        execute("DROP DATABASE latin WITH (FORCE)")


def test_a_connection_that_is_lost_in_mid_copy_is_one_error_and_no_warning(
    url: str, execute: Execute, caplog: pytest.LogCaptureFixture
) -> None:
    batch = pa.record_batch({"v": pa.array(range(100_000))})
    with closing(Session(Address.from_url(url))) as session:
        session.run("CREATE TEMP TABLE sent (v bigint)")
        process = session.value("SELECT pg_backend_pid()")

        def rows() -> Iterator[pa.RecordBatch]:
            yield batch
            execute("SELECT pg_terminate_backend(%s, 5000)", process)
            yield from [batch] * 100

        with pytest.raises(Refused) as refused:
            session.copy("sent", pa.RecordBatchReader.from_batches(batch.schema, rows()), schema=None)
        assert not refused.value.rows_fault
    assert caplog.messages == []
