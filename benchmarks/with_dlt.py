"""One run of dlt: `python -m benchmarks.with_dlt URL FILE arrow|json FOLDER` prints its rows a second."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def _arrow(path: Path) -> Any:
    """The rows in the types of the table, read before the clock starts."""
    import duckdb

    columns = (
        "{id: 'BIGINT', sold_at: 'TIMESTAMPTZ', customer: 'VARCHAR', amount: 'DECIMAL(12,2)', quantity: 'INTEGER', "
        "note: 'VARCHAR'}"
    )
    read = f"SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {columns})"
    return duckdb.sql(read).to_arrow_table()


def _dicts(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        yield from map(json.loads, lines)


def main(url: str, path: Path, kind: str, folder: Path) -> None:
    import dlt

    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(url),
        dataset_name="bench_dlt",
        pipelines_dir=str(folder / "pipelines"),
        progress=None,
    )
    rows = _arrow(path) if kind == "arrow" else _dicts(path)
    started = time.monotonic()
    pipeline.run(rows, table_name="sale", write_disposition="append").raise_on_failed_jobs()
    seconds = time.monotonic() - started
    with pipeline.sql_client() as client:
        count = client.execute_sql("SELECT count(*) FROM sale")[0][0]
    print(count / seconds)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
