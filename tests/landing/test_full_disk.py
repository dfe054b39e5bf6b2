"""What a full disk says, in the words of whoever ran into it: a real SQLite has little room."""

import errno
import sqlite3
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


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(sa.exc.OperationalError) as raised:
        sqlite_without_room(tmp_path / "there")
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
    spilt = "failed to offload data block of size 128.0 KiB … set by the 'max_temp_directory_size' setting"
    assert full_disk(duckdb.OutOfMemoryException(spilt)) is not None
    assert full_disk(ValueError("no")) is None
    assert full_disk(LandingError("the disk is full")) is None
