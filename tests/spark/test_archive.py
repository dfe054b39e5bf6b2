"""The archive of Spark's classes is taken where it is there and Java can be told of it."""

from pathlib import Path

import pytest

from octo_resources.engines.spark import archive


def test_java_is_told_of_an_archive_that_is_there(tmp_path: Path) -> None:
    made = tmp_path / "spark.jsa"
    assert archive.options(made) == ""
    made.write_bytes(b"classes")
    assert archive.options(made).startswith(f"-XX:SharedArchiveFile={made} ")


def test_a_path_that_java_would_split_is_not_told(tmp_path: Path) -> None:
    made = tmp_path / "my folder" / "spark.jsa"
    made.parent.mkdir()
    made.write_bytes(b"classes")
    assert archive.options(made) == ""


@pytest.mark.parametrize("own", ["-XX:SharedArchiveFile=mine.jsa", "-Xss4m -XX:ArchiveClassesAtExit=mine.jsa"])
def test_an_archive_of_the_users_own_stands(own: str) -> None:
    assert archive.used_by(own) == own
