"""Key ranges that are read elsewhere: each row once, all of one moment, and the same when they are read again."""

import pickle
from pathlib import Path

import psycopg
import pytest
from pyarrow import parquet

from octo_core.errors import SourceError
from octo_core.spec.sources import SqlSource
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources import extract
from octo_resources.sources.sql.unread import key_ranges

ROWS = """
CREATE TABLE thing (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz);
INSERT INTO thing SELECT g, 'n' || g, g / 8.0, '2026-01-01' FROM generate_series(1, 1000) g;
UPDATE thing SET at = 'infinity' WHERE id = 500;
INSERT INTO thing VALUES (600000, 'far', NULL, NULL);
"""


def test_ranges_are_of_one_moment_and_the_same_again(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "pipelines").mkdir()
    project, landing = Project.at(tmp_path), Landing(tmp_path / "landing")
    spec = SqlSource.model_validate({"kind": "sql", "url": postgres_url, "table": "thing"})
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(ROWS)
        batch = extract(spec, pipeline="p", source_name="s", project=project, landing=landing, unread=True)
        assert batch is not None
        assert batch.unread
        assert [file.bytes for file in batch.files] == [0, 0, 0], "250,000 values each, and no row of them was read"
        with key_ranges(spec, batch, project) as ranges:
            files = pickle.loads(pickle.dumps(ranges))
            read: list[dict[str, object]] = []
            for number, file in enumerate(files):
                connection.execute("DELETE FROM thing WHERE id % 3 = 0; UPDATE thing SET name = 'late'")
                told = []
                for again in range(2):
                    folder = tmp_path / f"{number} {again}"
                    folder.mkdir()
                    arrived = file.bring(folder)
                    told.append(arrived.told)
                read += [row for path, _ in arrived.files for row in parquet.read_table(path).to_pylist()]
                assert told[0] == told[1]
            assert "password" not in repr(ranges)
        assert sorted(int(str(row["id"])) for row in read) == [*range(1, 1001), 600000]
        assert not [row for row in read if row["name"] == "late"]
        assert next(row["at"] for row in read if row["id"] == 500) == "infinity"
    folder = tmp_path / "after"
    folder.mkdir()
    with pytest.raises(SourceError, match="snapshot"):  # the load has ended, and what it held with it
        files[0].bring(folder)
