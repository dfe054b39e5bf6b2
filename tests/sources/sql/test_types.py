"""Types come from the catalog, values come exactly, and what has no place in a type stays readable text."""

import sqlite3
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pymysql
import pytest

from tests.conftest import PostgresServer, drop_database
from tests.servers.mariadb import PASSWORD, USER
from tests.sources.sql.conftest import Reading

MARIADB = """
CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE shop.kinds (
    id BIGINT UNSIGNED PRIMARY KEY COMMENT 'who it is', tiny TINYINT NOT NULL, small SMALLINT UNSIGNED, whole INT,
    price DECIMAL(10,3),
    huge DECIMAL(65,30), ratio FLOAT, exact DOUBLE, born DATE, seen DATETIME(6), moved TIMESTAMP NULL,
    opens TIME(3), vintage YEAR, flag BIT(1), mask BIT(12), tier ENUM('basic','gold'), marks SET('a','b'),
    doc JSON, body BLOB, note TEXT CHARACTER SET latin1
);
SET time_zone = '+02:00';
INSERT INTO shop.kinds VALUES
    (18446744073709551615, -1, 65535, -5, 1.230, 1.5, 0.1, 0.1, '2020-02-29', '2020-01-01 10:11:12.123456',
     '2020-01-01 12:00:00', '10:11:12.5', 1999, b'1', b'101', 'gold', 'a,b', '{"a": 1}', x'00ff', 'Ñandú'),
    (2, 1, 0, 0, 0, 12345678901234567890123456789012345.5, 1e10, 1e300, '0000-00-00', '2020-00-00 00:00:00', NULL,
     '-30:00:00', 0, b'0', b'0', 'basic', '', NULL, NULL, NULL);
"""


@pytest.fixture(scope="module")
def kinds(mariadb_url: str) -> str:
    port = int(mariadb_url.rstrip("/").rpartition(":")[2])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
        for statement in MARIADB.split(";\n"):
            if statement.strip():
                connection.cursor().execute(statement)
    return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/shop"


def test_mariadb_types_and_values(kinds: str, read: Reading) -> None:
    found = read(url=kinds, table="kinds")
    assert found.types == {
        "id": "decimal(20,0)", "tiny": "int8", "small": "int32", "whole": "int32", "price": "decimal(10,3)",
        "huge": "decimal(38,9)", "ratio": "float32", "exact": "float64", "born": "date", "seen": "timestamp",
        "moved": "timestamptz", "opens": "time", "vintage": "int16", "flag": "boolean", "mask": "int64",
        "tier": "text", "marks": "text", "doc": "text", "body": "bytes", "note": "text",
    }  # fmt: skip
    assert found.schema.key == ("id",)
    own = found.schema.field("id")
    assert own is not None
    assert (own.nullable, own.description) == (False, "who it is")
    first, second = sorted(found.rows, key=lambda row: -row["id"])
    assert first == {
        "id": Decimal(18446744073709551615), "tiny": -1, "small": 65535, "whole": -5, "price": Decimal("1.230"),
        "huge": "1.5", "ratio": pytest.approx(0.1, abs=1e-8), "exact": 0.1,
        "born": "2020-02-29", "seen": "2020-01-01 10:11:12.123456",
        "moved": datetime(2020, 1, 1, 10, tzinfo=UTC), "opens": "10:11:12.500", "vintage": 1999, "flag": True,
        "mask": 5, "tier": "gold", "marks": "a,b", "doc": '{"a": 1}', "body": b"\x00\xff", "note": "Ñandú",
    }  # fmt: skip
    assert (second["born"], second["opens"]) == ("0000-00-00", "-30:00:00.000")
    assert second["seen"] == "2020-00-00 00:00:00.000000"
    assert second["huge"] == "12345678901234567890123456789012345.5"


def test_a_mariadb_query_has_the_types_of_its_result(kinds: str, read: Reading) -> None:
    query = "SELECT id, small, price * 2 AS twice, born, body, note, '50%' AS part FROM kinds WHERE tiny < 0"
    found = read(url=kinds, query=query)
    assert found.types == {
        "id": "decimal(20,0)", "small": "int32", "twice": "decimal(11,3)", "born": "date", "body": "bytes",
        "note": "text", "part": "text",
    }  # fmt: skip
    assert found.rows[0]["born"] == date(2020, 2, 29)
    assert found.rows[0]["twice"] == Decimal("2.460")
    assert found.rows[0]["part"] == "50%"


POSTGRES = """
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE DOMAIN price AS numeric(8, 2);
CREATE TABLE "Odd Names" (
    "Id" uuid PRIMARY KEY, "a.b" int, tags text[], sums numeric(6,2)[], days date[], feels mood, cost price,
    free numeric,
    wide numeric(40, 2), span interval,
    doc jsonb, at timestamptz, day date, clock time, raw bytea, net inet, paid money
);
INSERT INTO "Odd Names" VALUES
    ('6f1f6c0e-0000-4000-8000-000000000001', 1, '{a,NULL,"b c"}', '{1.50}', '{2020-01-01}', 'calm', 1.25,
     0.333333333333, 12345678901234567890123456789012345678.50, '1 day 2 hours', '{"a": 1}',
     '2020-01-01 12:00+02', '2020-01-01', '10:11:12.5', '\\x00ff', '10.0.0.1', '-1234.5');
"""


def test_postgresql_types_and_values(postgres_url: str, read: Reading) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(POSTGRES)
    found = read(url=postgres_url, table='public."Odd Names"')
    assert found.types == {
        "Id": "uuid", "a.b": "int32", "tags": "list<text>", "sums": "list<decimal(6,2)>", "days": "list<date>",
        "feels": "text", "cost": "decimal(8,2)", "free": "decimal(38,12)", "wide": "decimal(38,2)", "span": "interval",
        "doc": "json", "at": "timestamptz", "day": "date", "clock": "time", "raw": "bytes", "net": "text",
        "paid": "decimal(38,9)",
    }  # fmt: skip
    assert found.schema.key == ("Id",)
    row = found.rows[0]
    assert row["tags"] == ["a", None, "b c"]
    assert row["sums"] == [Decimal("1.50")]
    assert row["days"] == [date(2020, 1, 1)]
    assert (row["free"], row["wide"]) == ("0.333333333333", "12345678901234567890123456789012345678.5")
    assert row["at"] == datetime(2020, 1, 1, 10, tzinfo=UTC)
    assert row["paid"] == "-1234.5"
    assert (row["span"], row["clock"]) == ("P1DT2H", time(10, 11, 12, 500000))


def test_a_postgresql_value_that_arrow_cannot_say_is_kept_as_its_text(postgres_url: str, read: Reading) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int, day date, at timestamp, clock time, grid int[])")
        connection.execute(
            "INSERT INTO t VALUES (1, 'infinity', '-infinity', '24:00', '{{1},{2}}'),"
            " (2, '0044-03-15 BC', NULL, NULL, '{1}')"
        )
    found = read(url=postgres_url, table="t")
    assert found.types == {"id": "int32", "day": "date", "at": "timestamp", "clock": "time", "grid": "list<int32>"}
    assert found.rows[0] == {"id": 1, "day": "infinity", "at": "-infinity", "clock": "24:00:00", "grid": "[[1],[2]]"}
    assert found.rows[1]["day"] == "0044-03-15 BC"


def test_lists_hold_what_their_elements_are_as_text(postgres_url: str, read: Reading) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE pair AS (a int, b int)")
        connection.execute("CREATE FUNCTION shown(int4range) RETURNS json LANGUAGE sql AS 'SELECT to_json(1)'")
        connection.execute("CREATE CAST (int4range AS json) WITH FUNCTION shown(int4range)")  # as hstore has one
        connection.execute("CREATE TABLE t (spans int4range[], paid money[], pairs pair[])")
        connection.execute(
            "INSERT INTO t VALUES ('{\"[1,3)\",NULL}', '{\"$1,234.50\"}', '{\"(1,2)\"}'), ('{}', '{}', NULL)"
        )
    found = read(url=postgres_url, table="t")
    assert found.types == {"spans": "list<text>", "paid": "list<decimal(38,9)>", "pairs": "json"}
    assert found.rows == [
        {"spans": ["[1,3)", None], "paid": [Decimal("1234.5")], "pairs": '[{"a":1,"b":2}]'},
        {"spans": [], "paid": [], "pairs": None},
    ]


def test_a_postgresql_database_of_another_encoding_is_read_in_utf8(
    postgres_server: PostgresServer, read: Reading
) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = postgres_server.url("old")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute('CREATE TABLE t ("größe" text, tags text[])')
            connection.execute("INSERT INTO t VALUES ('é', ARRAY['ü'])")
        assert read(url=url, table="t").rows == [{"größe": "é", "tags": ["ü"]}]
    finally:
        drop_database(postgres_server, url)


def test_sqlite_declared_types_hold_against_what_is_stored(tmp_path: Path, read: Reading) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, price DECIMAL(10,2), at TIMESTAMP, zoned TIMESTAMP, ok BOOLEAN, any,"
        " born DATE, n INT NOT NULL);"
        "INSERT INTO t VALUES (1, 1.1, '2020-01-01 10:00:00', '2020-01-01T10:00:00+02:00', 1, 5, '2020-01-01', 1),"
        " (2, 'dear', NULL, NULL, 0, 'x', 'someday', 'many');"
    )
    connection.close()
    found = read(url="sqlite:///shop.db", table="t")
    assert found.types == {
        "id": "int64", "price": "decimal(10,2)", "at": "timestamp", "zoned": "timestamptz", "ok": "boolean",
        "any": "text", "born": "date", "n": "int64",
    }  # fmt: skip
    assert found.rows[0] == {
        "id": 1, "price": "1.1", "at": datetime(2020, 1, 1, 10), "zoned": datetime(2020, 1, 1, 8, tzinfo=UTC),  # noqa: DTZ001
        "ok": True, "any": "5", "born": "2020-01-01", "n": "1",
    }  # fmt: skip
    assert (found.rows[1]["price"], found.rows[1]["born"], found.rows[1]["n"]) == ("dear", "someday", "many")
    assert read(url="sqlite:///shop.db", query="SELECT id, 1.5 AS half FROM t").types == {
        "id": "int64",
        "half": "float64",
    }


def test_sqlite_types_that_are_no_whole_numbers_but_for_their_spelling(tmp_path: Path, read: Reading) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE t (a FLOATING POINT, b POINT NOT NULL, c INTERVAL, d MULTIPOINT, e MEDIUMINT);"
        "INSERT INTO t VALUES (1.5, x'0001', 'P1D', NULL, 5), (2, x'02', '1 day', NULL, NULL);"
    )
    connection.close()
    found = read(url="sqlite:///shop.db", table="t")
    assert found.types == {"a": "float64", "b": "bytes", "c": "text", "d": "text", "e": "int64"}
    assert found.rows[0] == {"a": 1.5, "b": b"\x00\x01", "c": "P1D", "d": None, "e": 5}
    own = found.schema.field("b")
    assert own is not None
    assert not own.nullable


def test_sqlite_bytes_beside_other_values_stay_the_bytes_they_are(tmp_path: Path, read: Reading) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, photo BLOB, note TEXT);"
        "INSERT INTO t VALUES (1, x'00ff', 'a'), (2, 'none', x'62'), (3, NULL, NULL);"
        "CREATE TABLE u (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO u VALUES (1, 'a'), (2, x'ff');"
    )
    connection.close()
    found = read(url="sqlite:///shop.db", table="t").rows
    assert [(row["photo"], row["note"]) for row in found] == [(b"\x00\xff", "a"), (b"none", "b"), (None, None)]
    kept = [row["note"] for row in read(url="sqlite:///shop.db", table="u").rows]
    assert kept == ["a", b"\xff"], "bytes, which are no text, for the reader of landed files to set aside"


def test_duckdb_types_and_values(tmp_path: Path, read: Reading) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('calm', 'wild')")
        connection.execute(
            "CREATE TABLE t (id BIGINT PRIMARY KEY, price DECIMAL(18,4), u UUID, big HUGEINT, small UINTEGER, m mood,"
            ' "at" TIMESTAMPTZ, ns TIMESTAMP_NS, tags VARCHAR[],'
            " doc STRUCT(a INT), day DATE, clock TIME, raw BLOB,"
            " span INTERVAL, bits BIT, zoned TIMETZ, huge BIGNUM)"
        )
        connection.execute("COMMENT ON COLUMN t.price IS 'in EUR'")
        connection.execute(
            "INSERT INTO t VALUES (1, 1.5, '6f1f6c0e-0000-4000-8000-000000000001',"
            " 170141183460469231731687303715884105727, 4294967295, 'calm', '2020-01-01 12:00:00+02',"
            " '2020-01-01 00:00:00.123456789', ['a', NULL], {'a': 1}, 'infinity', '10:11:12', '\\x00'::BLOB,"
            " INTERVAL '-3 months 1 second', '0101', '10:00:00+02', 13)"
        )
    found = read(url="duckdb:///shop.duckdb", table="t")
    assert found.types == {
        "id": "int64", "price": "decimal(18,4)", "u": "uuid", "big": "decimal(38,0)", "small": "int64", "m": "text",
        "at": "timestamptz", "ns": "timestamp", "tags": "list<text>", "doc": "json", "day": "date", "clock": "time",
        "raw": "bytes", "span": "interval", "bits": "text", "zoned": "text", "huge": "decimal(38,9)",
    }  # fmt: skip
    price = found.schema.field("price")
    assert price is not None
    assert price.description == "in EUR"
    expected: dict[str, Any] = {
        "price": Decimal("1.5000"), "big": "170141183460469231731687303715884105727", "small": 4294967295,
        "at": datetime(2020, 1, 1, 10, tzinfo=UTC), "ns": "2020-01-01 00:00:00.123456789", "tags": ["a", None],
        "doc": '{"a":1}', "day": "infinity", "clock": time(10, 11, 12), "span": "P-3M0DT0H0M1.000000S", "bits": "0101",
        "zoned": "10:00:00+02", "huge": "13",
    }  # fmt: skip
    assert {name: found.rows[0][name] for name in expected} == expected
