"""What a full disk says, in the words of whoever ran into it: real SQLite and DuckDB that have little room."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from octo_core.errors import LandingError
from octo_resources.full_disk import full_disk


def sqlite_without_room(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 2")
            connection.exec_driver_sql("CREATE TABLE t (x)")
            connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")
    finally:
        engine.dispose()


def spill_without_room(path: Path) -> None:
    settings = {"memory_limit": "30MiB", "threads": 1, "temp_directory": str(path), "max_temp_directory_size": "1MiB"}
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS x FROM range(1000000) r(i)"
        )


@pytest.mark.parametrize("fills", [sqlite_without_room, spill_without_room])
def test_a_full_disk_is_said(tmp_path: Path, fills: Callable[[Path], None]) -> None:
    with pytest.raises(Exception, match=r"full|offload") as raised:
        fills(tmp_path / "there")
    found = full_disk(raised.value)
    assert found is not None
    assert (found.message, found.exit_code) == ("the disk is full", 1)
    assert "Make room" in (found.hint or "")


def test_what_it_came_of_is_looked_at_and_other_errors_are_left_alone() -> None:
    error = RuntimeError("a run failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/x/y")
    found = full_disk(error)
    assert found is not None
    assert found.where == "/x/y"
    assert "fails" in str(full_disk(sqlite3.OperationalError("disk I/O error")))
    assert full_disk(ValueError("no")) is None
    assert full_disk(LandingError("the disk is full")) is None
