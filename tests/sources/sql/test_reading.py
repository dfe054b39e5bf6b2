"""How a database is read: only by SELECT, in one snapshot, in ranges; and what is said where it cannot be."""

import sqlite3
import threading
from pathlib import Path

import duckdb
import psycopg
import pymysql
import pytest
from pyarrow import parquet

from octo_core.batch import Batch
from octo_core.errors import OctopipeError, SourceError, UsageError
from octo_core.spec.select import no_select
from octo_core.spec.sources import SqlSource
from octo_core.types import DATE, INT64, TEXT, TIMESTAMP
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract, probe, sample
from octo_resources.sources.sql.address import SqlAddress
from octo_resources.sources.sql.ranges import ranges
from octo_resources.sources.sql.shape import Relation, SqlColumn
from tests.servers.mariadb import PASSWORD, USER
from tests.sources.sql.conftest import Reading


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT 1 AS a;", None),
        ("WITH a AS (SELECT 1) SELECT * FROM a UNION ALL SELECT 2", None),
        ("SELECT * FROM t WHERE a LIKE '%;%' -- ; done", None),
        ("SELECT 1; DROP TABLE t", "it has 2 statements"),
        ("DELETE FROM t", "it is no SELECT but DELETE"),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "it has DELETE in it"),
        ("SELECT * INTO b FROM t", "it has INTO in it"),
        ("SELECT * FROM t FOR UPDATE", "it has LOCK in it"),
        ("", "it is empty"),
        ("SELECT FROM WHERE (", "it is no SQL that can be read"),
    ],
)
def test_a_query_is_one_select(query: str, why: str | None) -> None:
    found = no_select(query, "postgres")
    assert (found is None) if why is None else (found is not None and found.startswith(why))


@pytest.mark.parametrize(
    ("column", "least", "most", "cuts"),
    [
        (SqlColumn("id", INT64, "bigint"), "1", "100", [25, 50, 75]),
        (SqlColumn("id", INT64, "bigint"), "-3", "-1", [-2]),
        (SqlColumn("day", DATE, "date"), "2020-01-01", "2020-01-05", ["2020-01-02", "2020-01-03", "2020-01-04"]),
        (SqlColumn("at", TIMESTAMP, "timestamp"), "2020-01-01 00:00:00", "2020-01-01 00:00:00", []),
        (SqlColumn("id", INT64, "bigint"), None, None, []),
    ],
)
def test_ranges_meet_and_leave_nothing_out(
    column: SqlColumn, least: str | None, most: str | None, cuts: list[object]
) -> None:
    found = ranges(column, least, most, 4)
    assert [bounds[0].value for bounds in found[1:]] == cuts
    assert [bounds[-1].value for bounds in found[:-1]] == cuts
    if cuts:
        assert found[0][0].or_null


def test_ranges_go_by_numbers_and_times_only() -> None:
    with pytest.raises(UsageError, match="ranges go by numbers and times"):
        ranges(SqlColumn("name", TEXT, "text"), "a", "z", 4)


def test_parallel_ranges_see_one_moment(postgres_url: str, read: Reading) -> None:
    """While rows move from one end of the key to the other, each is read once."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, who int)")
        connection.execute("INSERT INTO t SELECT g, g FROM generate_series(1, 20000) g")
    over = threading.Event()

    def shuffle() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            while not over.is_set():
                connection.execute("UPDATE t SET id = id + 100000 WHERE id < 50000 AND id % 7 = 0")
                connection.execute("UPDATE t SET id = id - 100000 WHERE id > 100000")

    writer = threading.Thread(target=shuffle)
    writer.start()
    try:
        found = read(url=postgres_url, table="t", split=4)
    finally:
        over.set()
        writer.join()
    assert sorted(row["who"] for row in found.rows) == list(range(1, 20001))


RIGHTS = {"flusher": "RELOAD ON *.*", "locker": "LOCK TABLES ON *.*", "reader": None}
"""Users of MariaDB, and what they may beside SELECT: lock all tables, lock one, or neither."""


@pytest.mark.parametrize(("user", "right"), RIGHTS.items())
def test_ranges_of_mariadb_see_one_moment(mariadb_url: str, read: Reading, user: str, right: str | None) -> None:
    port = int(mariadb_url.rstrip("/").rpartition(":")[2])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as root:
        ask = root.cursor()
        if right is not None:
            ask.execute(f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            ask.execute(f"GRANT SELECT ON *.* TO {user}@'127.0.0.1'")
            ask.execute(f"GRANT {right} TO {user}@'127.0.0.1'")
        ask.execute(f"CREATE DATABASE moved_{user}")
        ask.execute(f"CREATE TABLE moved_{user}.t (id int PRIMARY KEY, who int)")
        ask.execute(f"INSERT INTO moved_{user}.t SELECT seq, seq FROM mysql.seq_1_to_8000")
        over = threading.Event()

        def shuffle() -> None:
            while not over.is_set():
                ask.execute(f"UPDATE moved_{user}.t SET id = id + 100000 WHERE id < 50000 AND id % 7 = 0")
                ask.execute(f"UPDATE moved_{user}.t SET id = id - 100000 WHERE id > 100000")

        writer = threading.Thread(target=shuffle)
        writer.start()
        url = f"mysql://{user}:{PASSWORD}@127.0.0.1:{port}/moved_{user}"
        try:
            with_ranges = SqlAddress.from_url(url, Path()).open(3, Relation(table="t"))
            shared = with_ranges.shares_snapshot
            with_ranges.close()
            found = read(url=url, table="t", split=3)
        finally:
            over.set()
            writer.join()
    assert shared is (right is not None)
    assert sorted(row["who"] for row in found.rows) == list(range(1, 8001))


def test_a_postgresql_source_cannot_be_written_to(postgres_url: str, read: Reading) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int); CREATE SEQUENCE s")
        connection.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING id'")
        for query in ("SELECT f() AS id", "SELECT nextval('s') AS id"):
            with pytest.raises(SourceError, match="read-only transaction"):
                read(url=postgres_url, query=query)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_cursor_has_an_order(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id uuid, ok boolean, doc json)")
        connection.execute("INSERT INTO t VALUES ('019b0000-0000-7000-8000-000000000001', true, '1')")
    (tmp_path / "pipelines").mkdir()

    def reading(field: str) -> Batch | None:
        said = {"url": postgres_url, "table": "t", "landing": "copy", "cursor": {"field": field}}
        spec = SqlSource.model_validate({"kind": "sql", **said})
        landing = Landing(tmp_path / "landing")
        return extract(spec, pipeline="p", source_name="s", project=Project.at(tmp_path), landing=landing)

    first = reading("id")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("INSERT INTO t VALUES ('019b0000-0000-7000-8000-000000000002'), (NULL)")
    second = reading("id")
    assert first is not None
    assert second is not None
    assert (first.rows, second.rows) == (1, 2)
    assert second.cursor_to == "019b0000-0000-7000-8000-000000000002"
    for field in ("ok", "doc"):
        with pytest.raises(UsageError, match="have no order to go by"):
            reading(field)


def test_a_cursor_of_money_is_the_number_that_it_is(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (paid money, at timestamptz)")
        connection.execute("INSERT INTO t VALUES ('900.25', '-infinity'), ('-1234.50', NULL)")
    (tmp_path / "pipelines").mkdir()

    def reading(field: str) -> Batch | None:
        said = {"url": postgres_url, "table": "t", "landing": "copy", "cursor": {"field": field}}
        spec = SqlSource.model_validate({"kind": "sql", **said})
        landing = Landing(tmp_path / field)
        return extract(spec, pipeline="p", source_name="s", project=Project.at(tmp_path), landing=landing, once=True)

    first = reading("paid")
    assert first is not None
    assert (first.rows, first.cursor_to) == (2, "900.25")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("INSERT INTO t VALUES ('12000.5'), ('5')")
    second = reading("paid")
    assert second is not None
    assert (second.rows, second.cursor_to) == (1, "12000.50")
    with pytest.raises(SourceError, match="'-infinity', and no other: nothing says how far reading came"):
        reading("at")


def test_an_empty_table_has_its_types(postgres_url: str, read: Reading) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, doc jsonb)")
    found = read(url=postgres_url, table="t")
    assert found.types == {"id": "int32", "at": "timestamptz", "doc": "json"}
    assert found.batch.rows == 0


def test_a_sample_ends_where_it_should(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 1000) g")
    (tmp_path / "pipelines").mkdir()
    spec = SqlSource.model_validate({"kind": "sql", "url": postgres_url, "table": "t", "sample": {"rows": 10}})
    assert spec.sample is not None
    batch = sample(
        spec, pipeline="p", source_name="s", project=Project.at(tmp_path), landing=Landing(tmp_path / "l"),
        limits=spec.sample,
    )  # fmt: skip
    assert batch is not None
    assert (batch.rows, batch.full) == (10, False)


def test_a_mariadb_cursor_is_a_parameter(mariadb_url: str, tmp_path: Path) -> None:
    port = int(mariadb_url.rstrip("/").rpartition(":")[2])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE IF NOT EXISTS increments")
        cursor.execute("CREATE TABLE increments.t (id INT PRIMARY KEY, `odd ``name` TIMESTAMP(6), word VARCHAR(20))")
        cursor.execute("INSERT INTO increments.t VALUES (1, '2020-01-01 10:00:00.5', 'it''s'), (2, '2020-01-02', 'b')")
    (tmp_path / "pipelines").mkdir()
    landing, project = Landing(tmp_path / "landing"), Project.at(tmp_path)
    spec = SqlSource.model_validate(
        {
            "kind": "sql", "url": f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/increments", "table": "t",
            "landing": "copy", "cursor": {"field": "odd `name", "lag": "1 h"},
        }
    )  # fmt: skip
    first = extract(spec, pipeline="p", source_name="s", project=project, landing=landing)
    second = extract(spec, pipeline="p", source_name="s", project=project, landing=landing)
    since = extract(
        spec, pipeline="p", source_name="s", project=project, landing=landing, since="2020-01-01 10:00:00.6"
    )
    assert [batch.rows if batch else None for batch in (first, second, since)] == [2, 1, 1]
    assert first is not None
    assert first.cursor_to == "2020-01-02 00:00:00.000000"


@pytest.mark.parametrize(
    ("kind", "before", "since"),
    [
        ("FLOAT", "12345678", ["12345678", "12345679"]),  # as text the server has 12345700
        ("BIT(12)", "9", ["9", "300"]),  # as text the server has bytes
        ("DOUBLE", "1e300", ["1e300", "1.0000000000000002e300"]),
        (
            "DECIMAL(38,10)",
            "9007199254740993.0000000001",
            ["9007199254740993.0000000001", "9007199254740993.0000000002"],
        ),
    ],
)
def test_a_mariadb_cursor_is_exact_whatever_its_text(
    mariadb_url: str, tmp_path: Path, kind: str, before: str, since: list[str]
) -> None:
    port = int(mariadb_url.rstrip("/").rpartition(":")[2])
    (tmp_path / "pipelines").mkdir()
    landing, project = Landing(tmp_path / "landing"), Project.at(tmp_path)
    spec = SqlSource.model_validate(
        {"kind": "sql", "url": f"{mariadb_url}exact", "table": "t", "landing": "copy", "cursor": {"field": "c%s%%"}}
    )
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE IF NOT EXISTS exact")
        cursor.execute(f"CREATE OR REPLACE TABLE exact.t (id INT PRIMARY KEY AUTO_INCREMENT, `c%s%%` {kind})")
        cursor.execute(f"INSERT INTO exact.t (`c%s%%`) VALUES (1), ({before})")
        first = extract(spec, pipeline="p", source_name="s", project=project, landing=landing, once=True)
        for value in since:
            cursor.execute(f"INSERT INTO exact.t (`c%s%%`) VALUES ({value})")
    second = extract(spec, pipeline="p", source_name="s", project=project, landing=landing, once=True)
    third = extract(spec, pipeline="p", source_name="s", project=project, landing=landing, once=True)
    found = [
        [row["id"] for file in batch.files for row in parquet.read_table(landing.open_file(batch, file)).to_pylist()]
        if batch else None
        for batch in (first, second, third)
    ]  # fmt: skip
    assert found == [[1, 2], [3, 4], None]


def told(url: str, tmp_path: Path, **said: object) -> str:
    """What a person is told of a source that cannot be read."""
    (tmp_path / "pipelines").mkdir(exist_ok=True)
    spec = SqlSource.model_validate({"kind": "sql", "url": url, "table": "t", **said})
    with pytest.raises(OctopipeError) as refused:
        extract(spec, pipeline="p", source_name="s", project=Project.at(tmp_path), landing=Landing(tmp_path / "l"))
    assert not probe(spec, Project.at(tmp_path)).ok
    return str(refused.value)


def test_what_cannot_be_read_is_said_in_one_message(postgres_url: str, mariadb_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int, changed timestamp); CREATE ROLE no_reader LOGIN")
    host = mariadb_url.removeprefix("mysql://root@").rstrip("/")
    assert "Did you mean orders?" in told(postgres_url, tmp_path, table="order")
    assert "Did you mean changed?" in told(postgres_url, tmp_path, table="orders", cursor={"field": "change"})
    assert "Give the role SELECT" in told(postgres_url.replace("postgres@", "no_reader@"), tmp_path, table="orders")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE no_reader")  # the server is the other tests', too
    assert "there is no such database" in told(postgres_url + "x", tmp_path)
    assert "nothing listens there" in told("postgresql://u@127.0.0.1:1/x", tmp_path)
    assert "nothing listens there" in told("mysql://u@127.0.0.1:1/x", tmp_path)
    said = told(f"mysql://{USER}:not-the-password@{host}/mysql", tmp_path)
    assert "the user or the password is wrong" in said
    assert "not-the-password" not in said
    assert "its host name is unknown" in told("mysql://u@no-such-host.invalid/x", tmp_path)
    assert "no such file" in told("sqlite:///nowhere.db", tmp_path)
    (tmp_path / "text.db").write_text("this is no database, and it is long enough to be read as one " * 20)
    assert "no database of this kind" in told("sqlite:///text.db", tmp_path)
    assert "no database of this kind" in told("duckdb:///text.db", tmp_path)
    assert "several columns 'id'" in told(postgres_url, tmp_path, table=None, query="SELECT id, id FROM orders")


def test_a_long_read_that_the_server_ends_is_said_so(postgres_url: str, read: Reading) -> None:
    slow = "SELECT g AS id, pg_sleep(0.02) IS NULL AS slept FROM generate_series(1, 1000) g"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        database = connection.info.dbname
        connection.execute(f"ALTER DATABASE {database} SET statement_timeout = '300ms'")
        with pytest.raises(SourceError, match="took longer than the server allows"):
            read(url=postgres_url, query=slow)
        connection.execute(f"ALTER DATABASE {database} RESET statement_timeout")
        ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%{database}%'"
        ending = threading.Thread(target=lambda: any(connection.execute(ends).rowcount for _ in range(100_000)))
        ending.start()
        with pytest.raises(SourceError, match="says: terminating connection"):
            read(url=postgres_url, query=f"{slow} /* {database} */")
        ending.join()


def test_a_driver_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = told("oracle+oracledb://u:p@h/x", tmp_path)
    assert "the driver 'oracledb' is not installed" in said
    assert "pip install oracledb" in said


def test_a_sqlite_file_is_not_written(tmp_path: Path, read: Reading) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'x')")
    connection.close()
    before = (tmp_path / "shop.db").read_bytes()
    assert read(url="sqlite:///shop.db", table="T").rows == [{"id": 1, "at": "x"}]
    assert (tmp_path / "shop.db").read_bytes() == before


ROWS = """
INSERT INTO t VALUES (1, '2020-01-01 10:00:00', '2020-01-01T10:00:00Z', 1.5, '2020-01-01'),
    (2, '2020-01-02 10:00:00', '2020-01-02T10:00:00Z', 2.5, '2020-01-02')
"""


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "duckdb:///shop.duckdb"])
def test_a_cursor_of_any_type_goes_on_from_its_newest_value(url: str, tmp_path: Path) -> None:
    columns = '(id INTEGER, "at" TIMESTAMP, zoned {}, price DECIMAL(10, 2), day DATE)'
    with sqlite3.connect(tmp_path / "shop.db") as lite:
        lite.execute(f"CREATE TABLE t {columns.format('TEXT')}")
        lite.execute(ROWS)
    lite.close()
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as duck:
        duck.execute(f"CREATE TABLE t {columns.format('TIMESTAMPTZ')}")
        duck.execute(ROWS)
    (tmp_path / "pipelines").mkdir()
    project = Project.at(tmp_path)
    for field in ("id", "at", "zoned", "price", "day"):
        for once, again in ((False, 1), (True, None)):
            spec = SqlSource.model_validate(
                {"kind": "sql", "url": url, "table": "t", "landing": "copy", "cursor": {"field": field},
                 "split": {"by": "id", "parts": 2}}
            )  # fmt: skip
            landing = Landing(tmp_path / f"{field}-{once}")
            batches = [
                extract(spec, pipeline="p", source_name="s", project=project, landing=landing, once=once)
                for _ in range(2)
            ]
            assert [batch and batch.rows for batch in batches] == [2, again], (field, once)
